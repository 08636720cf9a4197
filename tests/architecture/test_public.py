"""The public names, the cost of importing them, and the readable forms of trails and errors."""

from __future__ import annotations

import inspect
import json
import pickle
import pydoc
import typing

import msgspec
import pytest
from helpers.imports import loaded_by

import g4f_lite
from g4f_lite.testing import FaultServer, replies

NAMES = frozenset(
    """
    AsyncClient AsyncStream Attempt AuthenticationError Breaker Budget BudgetExceededError ChatCompletion ChatCompletionChunk ChatRequest Choice
    CallInfo ChoiceLogprobs TokenLogprob ChunkChoice Client ConfigurationError ConnectionFailedError ContentFilterError ContextWindowError
    DeadlineExceededError Delta ErrorReply Explanation FunctionCall FunctionCallDelta G4FLiteError HTTPRequest
    HTTPResponse InvalidRequestError Leg Limits LocalProvider MalformedResponseError Message MissingKeyError
    ModelUnavailableError NoUsableRouteError NotReadyError OpenaiTemplate PermissionDeniedError PlannedRoute PluginInfo
    PluginLoadError PluginWarning Provider ProviderError ProviderTimeoutError QuotaExceededError
    RateLimitError RedirectError ReplyError RequestTooLargeError RoutesExhaustedError ServerError ServerSentEvent Skipped
    Strategy StrategyContext Stream StreamFraming StreamInterruptedError StreamParser Timeouts TokenDetails ToolCall
    ToolCallDelta ToolCallError ToolLoopError ToolResult ToolRound ToolRun Trail UnknownModelError UnknownProviderError UnsupportedParameterError Usage Wait
    Answer CreateEmbeddingResponse Embedding EmbeddingRequest EndpointRequest Image ImageEditRequest ImageRequest ImagesResponse
    MediaUsage Model ModelList ModelsRequest Speech SpeechRequest Transcription TranscriptionRequest
    TranscriptionSegment TranscriptionWord TranslationRequest Upload UploadFile
    Weighted __version__ achat astream audio_part chat find_keys hookimpl hookspec image_part provider_names register stream
    """.split()
)


def test_the_public_names_are_these() -> None:
    assert sorted(g4f_lite.__all__) == sorted(NAMES)
    for name in NAMES:
        assert getattr(g4f_lite, name) is not None
    assert set(dir(g4f_lite)) >= NAMES
    with pytest.raises(AttributeError, match="no attribute 'Clinet'"):
        _ = g4f_lite.Clinet  # type: ignore[attr-defined]


def test_every_exception_is_public_and_in_the_tree() -> None:
    from g4f_lite.errors import exceptions as errors

    tree = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree <= NAMES
    for name in tree:
        assert issubclass(getattr(errors, name), g4f_lite.G4FLiteError)
        assert name in (errors.__doc__ or "")


def test_importing_loads_only_what_is_needed() -> None:
    assert not loaded_by("import g4f_lite") & {
        "requests",
        "aiohttp",
        "msgspec",
        "pluggy",
        "tenacity",
        "asyncio",
        "json",
    }
    assert not loaded_by("from g4f_lite import Client") & {"aiohttp", "tenacity"}
    assert not loaded_by("from g4f_lite import AsyncClient") & {"requests", "tenacity"}
    assert not loaded_by("from g4f_lite import OpenaiTemplate") & {"requests", "aiohttp"}
    assert not loaded_by("import g4f_lite; g4f_lite.provider_names()") & {"requests", "aiohttp", "xllamacpp"}


ERRORS = [
    name for name in sorted(NAMES) if name.endswith("Error") and name not in ("ReplyError", "RoutesExhaustedError")
]


@pytest.mark.parametrize("name", ERRORS)
def test_every_exception_survives_pickle_with_its_trail(name: str) -> None:
    error = getattr(g4f_lite, name)("message")
    error.trail = g4f_lite.Trail(
        entries=(g4f_lite.Attempt(provider="p", model="m"), g4f_lite.Skipped(provider="q", model="", reason="r"))
    )
    error.retry_at = 5.0
    if isinstance(error, g4f_lite.ProviderError):
        error.status, error.code, error.retry_after, error.provider, error.model = 429, "c", 1.5, "p", "m"
    group = g4f_lite.RoutesExhaustedError("all", [error]) if isinstance(error, g4f_lite.ProviderError) else error
    for one in (error, group):
        again = pickle.loads(pickle.dumps(one))
        assert (type(again), str(again), again.args[0], vars(again)) == (type(one), str(one), one.args[0], vars(one))


def test_a_trail_is_readable_by_machines() -> None:
    trail = g4f_lite.Trail(entries=(g4f_lite.Attempt(provider="p", model="m", outcome="ok", notes=("n",)),))
    (attempt,) = json.loads(json.dumps(trail.to_dict()))["attempts"]
    assert (attempt["provider"], attempt["outcome"], attempt["notes"]) == ("p", "ok", ["n"])


def test_each_attempt_is_one_line_of_the_log(groq: FaultServer, caplog: pytest.LogCaptureFixture) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    with caplog.at_level("INFO", logger="g4f_lite"), g4f_lite.Client() as client:
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider="groq")
    lines = [record.getMessage() for record in caplog.records if record.name == "g4f_lite"]
    assert [line.split()[0] for line in lines] == ["groq:openai/gpt-oss-120b", "groq:openai/gpt-oss-20b"]
    assert "gsk_secret" not in "".join(lines)


@pytest.mark.parametrize("name", sorted(NAMES - {"__version__"}))
def test_every_public_name_can_be_looked_into(name: str) -> None:
    """By `help`, by programs that read signatures, and by those that read types."""
    found = getattr(g4f_lite, name)
    assert pydoc.render_doc(found)
    if name not in ("hookimpl", "hookspec"):
        typing.get_type_hints(found)
    if name != "PluginWarning":  # Python's own warnings have no signature either
        assert inspect.signature(found)


STRUCTS = [name for name in sorted(NAMES) if isinstance(getattr(g4f_lite, name), type(msgspec.Struct))]


@pytest.mark.parametrize("name", STRUCTS)
def test_every_public_struct_says_what_it_is(name: str) -> None:
    kind = getattr(g4f_lite, name)
    bases = [base.__doc__ for base in kind.__mro__[1:]]
    assert kind.__doc__ and kind.__doc__ not in bases
