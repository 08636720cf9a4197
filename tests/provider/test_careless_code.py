"""Whatever a provider's code returns or raises, the call goes on to another leg, and nothing but its errors escapes."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run
from helpers.plain_routes import Plain

import g4f_lite
from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    ErrorReply,
    FunctionCall,
    LocalProvider,
    Message,
    ReplyError,
    ToolCall,
    Usage,
    hookimpl,
)
from g4f_lite.provider import checked
from g4f_lite.testing import FaultServer, replies
from g4f_lite.types.size_limits import MAX_CHOICES


class Untold(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class Odd(BaseException):
    pass


class NoInit(g4f_lite.ServerError):
    def __init__(self) -> None:
        pass


class Touchy:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __bool__(self) -> bool:
        raise RuntimeError("asked")

    __hash__ = None  # type: ignore[assignment]


class Name(str):
    def __len__(self) -> int:
        raise RuntimeError("measured")


class Fields(dict[str, Any]):
    def get(self, *given: Any) -> Any:
        raise RuntimeError("got")

    __iter__ = keys = items = get  # type: ignore[assignment]


def whole(choice: Any = None, **fields: Any) -> ChatCompletion:
    choice = Choice(message=Message(content="junk"), finish_reason="stop") if choice is None else choice
    return ChatCompletion(**{"choices": (choice,), **fields})


def of(**fields: Any) -> ChatCompletion:
    return whole(Choice(message=Message(**{"content": "junk", **fields}), finish_reason="stop"))


async def _never() -> None: ...


def endless() -> Iterator[ChatCompletionChunk]:
    while True:
        yield ChatCompletionChunk()


ANSWERS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "text": lambda: "junk",
    "dict": lambda: {"choices": [{"message": {"content": "junk"}}]},
    "coroutine": _never,
    "choices of dicts": lambda: ChatCompletion(choices=({"index": 0},)),  # type: ignore[arg-type]
    "no choices at all": lambda: ChatCompletion(choices=None),  # type: ignore[arg-type]
    "choices are text": lambda: ChatCompletion(choices="junk"),  # type: ignore[arg-type]
    "too many choices": lambda: ChatCompletion(choices=(Choice(),) * (MAX_CHOICES + 1)),
    "no message": lambda: whole(Choice(message=None, finish_reason="stop")),  # type: ignore[arg-type]
    "message is a dict": lambda: whole(Choice(message={"content": "x"}, finish_reason="stop")),  # type: ignore[arg-type]
    "finish reason": lambda: whole(Choice(message=Message(content="x"), finish_reason=5)),  # type: ignore[arg-type]
    "index": lambda: whole(Choice(index="0", message=Message(content="x"), finish_reason="stop")),  # type: ignore[arg-type]
    "logprobs": lambda: whole(Choice(message=Message(content="x"), finish_reason="stop", logprobs=object())),
    "bytes": lambda: of(content=b"junk"),
    "calls of dicts": lambda: of(tool_calls=({"id": "a", "function": {"name": "f"}},)),
    "arguments": lambda: of(tool_calls=(ToolCall(id="a", function=FunctionCall(name="f", arguments={})),)),  # type: ignore[arg-type]
    "images": lambda: of(images=[5]),
    "model": lambda: whole(model=None),
    "id": lambda: whole(id=Touchy()),
    "usage is a dict": lambda: whole(usage={"prompt_tokens": 5}),
    "usage is NaN": lambda: whole(usage=Usage(prompt_tokens=float("nan"))),  # type: ignore[arg-type]
    "cost is infinite": lambda: whole(usage=Usage(cost=float("inf"))),
    "extra": lambda: whole(extra={"x": object()}),
    "extra has bytes": lambda: whole(extra={"x": [{"y": b"junk"}]}),
    "extra has a Decimal": lambda: whole(extra={"x": Decimal(1)}),
    "extra has a name of bytes": lambda: whole(extra={b"x": 1}),
    "logprobs are bytes": lambda: whole(Choice(message=Message(content="x"), finish_reason="stop", logprobs=b"junk")),
}
ERRORS: dict[str, Callable[[], BaseException]] = {
    "bug": lambda: KeyError("choices"),
    "without a text": Untold,
    "of no Exception": lambda: Odd("junk"),
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": GeneratorExit,
    "StopIteration": lambda: StopIteration(1),
    "CancelledError": asyncio.CancelledError,
    "RecursionError": RecursionError,
    "group": lambda: BaseExceptionGroup("several", [Odd()]),
    "code": lambda: g4f_lite.ServerError("down", code=503),  # type: ignore[arg-type]
    "status": lambda: g4f_lite.ServerError("down", status="503"),  # type: ignore[arg-type]
    "odd status": lambda: g4f_lite.ServerError("down", status=Touchy()),  # type: ignore[arg-type]
    "odd text": lambda: g4f_lite.ServerError(Untold()),  # type: ignore[arg-type]
    "wait": lambda: g4f_lite.ServerError("down", retry_after="soon"),  # type: ignore[arg-type]
    "endless wait": lambda: g4f_lite.PermissionDeniedError("no", retry_after=10**400),
    "no init": NoInit,
    "interrupted": lambda: g4f_lite.StreamInterruptedError("cut"),
    "deadline": lambda: g4f_lite.DeadlineExceededError("late"),
    "of another client": lambda: g4f_lite.MissingKeyError("no key"),
    "reply": lambda: ReplyError(ErrorReply(status=503, body=b"down")),
    "reply is no reply": lambda: ReplyError(5),  # type: ignore[arg-type]
    "reply with odd fields": lambda: ReplyError(ErrorReply(status="x", headers={"x-request-id": 5})),  # type: ignore[arg-type, dict-item]
}


def fails_over(mode: str, server: FaultServer, careless: g4f_lite.Provider, **settings: Any) -> g4f_lite.Trail:
    """Check that the second leg answers, and return the trail."""
    second = Plain(name="second", api_base=server.base_url)
    outcome = run(mode, {"routes": [careless, second], "retries": 0, **settings}, {})
    assert outcome.error is None, outcome.error
    assert outcome.completion is not None
    assert outcome.completion.provider == "second"
    assert [attempt.provider for attempt in outcome.trail.attempts][-1] == "second"
    pickle.loads(pickle.dumps(outcome.completion))
    return outcome.trail


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_of_other_types_is_malformed(name: str, mode: str, server: FaultServer) -> None:
    class Careless(Plain):
        def parse_response(self, response: Any) -> Any:
            return ANSWERS[name]()

    class CarelessHere(LocalProvider):
        default_model = "here"

        def complete(self, request: Any, *, cancelled: Any) -> Any:
            return ANSWERS[name]()

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            return ANSWERS[name]()

    both = (Careless(name="careless", api_base=server.base_url), CarelessHere(name="careless"))
    for careless in both[1:] if "stream" in mode else both:  # a stream is not read as a whole answer
        trail = fails_over(mode, server, careless)
        first = trail.attempts[0]
        assert (first.provider, first.outcome) == ("careless", "MalformedResponseError")
        assert "the provider's code" in str(first.message)


def test_the_error_names_the_field_and_the_method() -> None:
    class Careless(LocalProvider):
        name, default_model = "careless", "here"

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=b"junk")),))  # type: ignore[arg-type]

    for mode in MODES:
        error = run(mode, {"routes": [Careless()], "retries": 0}, {}).error
        assert str(error) == (
            "careless:here: the provider's code returns choices[0].delta.content as bytes, not str or None (in stream)"
        )


PLACES = [
    *[(mode, where) for mode in MODES for where in ("build_request", "classify_error")],
    *[(mode, "parse_response") for mode in MODES if "stream" not in mode],
    *[(mode, where) for mode in MODES if "stream" in mode for where in ("new_stream", "feed", "close")],
]


@pytest.mark.no_cover
@pytest.mark.parametrize(("mode", "where"), PLACES)
@pytest.mark.parametrize("name", ERRORS)
def test_an_exception_of_any_kind_fails_over(name: str, where: str, mode: str, server: FaultServer) -> None:
    def fail(*given: Any, **named: Any) -> Any:
        raise ERRORS[name]()

    class Parser:
        done = False
        feed = staticmethod(fail if where == "feed" else lambda event: ())
        close = staticmethod(fail if where == "close" else lambda: ())

    own = {"new_stream": lambda *given: Parser()} if where in ("feed", "close") else {where: fail}
    careless = type("Careless", (Plain,), own)(name="careless", api_base=server.base_url)
    if where == "classify_error":
        server.on("second", replies.error(503, "down"), replies.answer())
    trail = fails_over(mode, server, careless)
    assert trail.attempts[0].outcome != "ok"
    str(trail)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", ["build_request", "classify_error", "parse_response", "new_stream"])
def test_a_method_that_is_a_coroutine_is_named_and_not_left_unawaited(
    where: str, mode: str, server: FaultServer
) -> None:
    async def method(*given: Any, **named: Any) -> None: ...

    careless = type("Careless", (Plain,), {where: method})(name="careless", api_base=server.base_url, default_model="a")
    server.on("a", replies.error(503, "down") if where == "classify_error" else replies.answer("ok"))
    server.on("second", replies.answer("good"))
    outcome = run(mode, {"routes": [careless, Plain(name="second", api_base=server.base_url)], "retries": 0}, {})
    if where == ("parse_response" if "stream" in mode else "new_stream"):
        assert outcome.text == "ok"  # it is not called
        return
    assert outcome.text == "good"
    assert "coroutine" in str(outcome.trail.attempts[0].message)


JUNK: dict[str, Callable[[], Any]] = {
    "none": lambda: None, "number": lambda: 5, "text": lambda: "junk", "dicts": lambda: [{"choices": []}],
    "touchy": Touchy, "endless": endless, "generator of junk": lambda: iter([5]), "coroutine": _never,
}  # fmt: skip


@pytest.mark.parametrize("mode", ["sync stream", "async stream"])
@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("done", "touchy"),
        *[("feed_all", name) for name in JUNK if name != "none"],  # None asks for `feed`
        *[(where, name) for where in ("new_stream", "feed", "close") for name in JUNK],
    ],
)
def test_a_parser_that_returns_junk_is_malformed(
    where: str, name: str, mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "MOST_CHUNKS", 1000)  # or the endless ones take most of the time of all tests

    class Parser:
        def feed(self, event: Any) -> Any:
            return JUNK[name]() if where == "feed" else ()

        def close(self) -> Any:
            return JUNK[name]() if where == "close" else ()

        @property
        def done(self) -> Any:
            return JUNK[name]() if where == "done" else False

    class Batches(Parser):
        def feed_all(self, events: Any) -> Any:
            return JUNK[name]()

    made: Any = Batches() if where == "feed_all" else Parser()
    new = JUNK[name] if where == "new_stream" else lambda: made
    careless = type("Careless", (Plain,), {"new_stream": lambda self, request: new()})
    trail = fails_over(mode, server, careless(name="careless", api_base=server.base_url))
    assert trail.attempts[0].outcome == "MalformedResponseError"
    if name == "endless" and where != "new_stream":
        assert "makes 1000 chunks" in str(trail.attempts[0].message)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("yields", [[], ["junk"], [b""], [b"data: x\n\n"], [None], [{"choices": []}]], ids=repr)
def test_a_local_provider_that_yields_no_chunks_fails_over(yields: list[Any], mode: str, server: FaultServer) -> None:
    class Careless(LocalProvider):
        name, default_model = "careless", "here"

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            yield from yields

    assert fails_over(mode, server, Careless()).attempts[0].outcome == "MalformedResponseError"


@pytest.mark.parametrize("mode", MODES)
def test_what_nearly_has_the_type_is_put_right(mode: str) -> None:
    class Near(LocalProvider):
        name, default_model = "near", "here"

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            delta = Delta(content=Name("word"))
            yield ChatCompletionChunk(choices=[ChunkChoice(delta=delta)], created=1.5)  # type: ignore[arg-type]
            yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),), usage=Usage(prompt_tokens=2.0))  # type: ignore[arg-type]

    completion = run(mode, {"routes": [Near()]}, {}).completion
    assert completion is not None
    assert (completion.text, completion.created, type(completion.choices[0].message.content)) == ("word", 1, str)
    assert repr(completion.usage) == repr(Usage(prompt_tokens=2))


@pytest.mark.parametrize("mode", MODES)
def test_json_of_other_types_becomes_plain_json(mode: str) -> None:
    tokens = Fields(content=({"token": Name("word"), "logprob": -1.5},))

    class Near(LocalProvider):
        name, default_model = "near", "here"

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            delta = Delta(content="word", extra_content=Fields(near={1: Fields(a=(1,))}))
            choice = ChunkChoice(delta=delta, logprobs=tokens, finish_reason="stop")  # type: ignore[arg-type]
            yield ChatCompletionChunk(choices=(choice,))

    completion = run(mode, {"routes": [Near()]}, {}).completion
    assert completion is not None
    [choice] = json.loads(completion.to_json())["choices"]
    assert choice["logprobs"] == {"content": [{"token": "word", "logprob": -1.5}]}
    assert choice["message"]["extra_content"] == {"near": {"1": {"a": [1]}}}
    assert completion.choices[0].logprobs.content[0].token == "word"


def test_the_log_probabilities_of_another_answer_can_be_passed_on(server: FaultServer) -> None:
    inner = Choice(message=Message(content="x"), finish_reason="stop", logprobs={"content": [{"token": "x"}]})  # type: ignore[arg-type]

    class Near(LocalProvider):
        name, default_model = "near", "here"

        def complete(self, request: Any, *, cancelled: Any) -> Any:
            return ChatCompletion(choices=(msgspec.structs.replace(inner, logprobs=inner.logprobs),))

        def stream(self, request: Any, *, cancelled: Any) -> Any: ...

    completion = run("sync", {"routes": [Near()]}, {}).completion
    assert completion is not None
    assert completion.choices[0].logprobs.content[0].token == "x"


@pytest.mark.parametrize("mode", MODES)
def test_an_error_rule_that_spoils_an_error_does_no_harm(mode: str, server: FaultServer) -> None:
    class Spoils:
        @hookimpl
        def refine_error(self, provider: Any, reply: Any, error: Any) -> Any:
            error.args, error.status, error.code, error.retry_after = (Untold(),), "503", 503, Touchy()
            error.body = {1: {2}}
            return error

    server.script(replies.error(503, "down"))
    only = Plain(name="only", api_base=server.base_url)
    error = run(mode, {"routes": [only], "retries": 0, "plugins": [Spoils()]}, {}).error
    assert isinstance(error, g4f_lite.ServerError)
    assert pickle.loads(pickle.dumps(str(error))) == str(error)
    pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("setting", ["retry_wait", "retry_stop", "strategy"])
@pytest.mark.parametrize("failure", [Untold(), Odd(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("mode", MODES)
def test_a_callers_object_that_fails_is_named(
    mode: str, failure: BaseException, setting: str, server: FaultServer
) -> None:
    def fail(*given: Any) -> Any:
        raise failure

    server.script(*[replies.error(503, "down")] * 4)
    only = Plain(name="only", api_base=server.base_url)
    found = run(mode, {"routes": [only], setting: fail}, {"provider": [only, only.replace(name="other")]}).error
    assert setting.partition("_")[0] in str(found)


def test_a_stream_that_is_closed_early_does_not_care_how_its_provider_ends() -> None:
    class Clings(LocalProvider):
        name, default_model = "clings", "here"

        def stream(self, request: Any, *, cancelled: Any) -> Any:
            try:
                yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="word")),))
            finally:
                raise Untold

    with g4f_lite.Client(routes=[Clings()]) as client:
        stream = client.chat.completions.create(messages=[{"role": "user", "content": "?"}], stream=True)
        assert next(stream).text == "word"
        stream.close()
