"""The suite passes for providers that work, and each of its checks fails for one that does not."""

from __future__ import annotations

import inspect
import json
import logging
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from g4f_lite import (
    AuthenticationError,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    Delta,
    ErrorReply,
    HTTPRequest,
    HTTPResponse,
    LocalProvider,
    OpenaiTemplate,
    Provider,
    ProviderError,
    RateLimitError,
    ServerSentEvent,
    StreamParser,
)
from g4f_lite.plugins import Registry
from g4f_lite.testing import Exchange, LocalProviderConformance, ProviderConformance, ScriptedProvider
from g4f_lite.testing.conformance import common
from g4f_lite.testing.conformance.contract import PAGE, RULES
from g4f_lite_providers import BUNDLED
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini
from g4f_lite_providers.groq import Groq

ROOT = Path(__file__).parents[3]
ANSWER = b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sunday"}}]}'
STREAM = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "Sun"}}]}\n\n'
    b'data: {"choices": [{"index": 0, "delta": {"content": "day"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)


class TestGroq(ProviderConformance):
    provider = Groq
    exchanges = (
        Exchange(name="whole", body=ANSWER, text="Sunday", finish_reason="stop", tools=()),
        Exchange(name="stream", body=STREAM, headers={"content-type": "text/event-stream"}, text="Sunday"),
        Exchange(
            name="slow down",
            body=b'{"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}',
            status=429,
            headers={"retry-after": "2.5"},
            error=RateLimitError,
            retry_after=2.5,
        ),
    )


class TestScripted(LocalProviderConformance):
    provider = ScriptedProvider("Sunday it is")


# -- the bundled providers -----------------------------------------------------------------


class TestAnthropic(ProviderConformance):
    provider, shape = Anthropic, "anthropic"


class TestGemini(ProviderConformance):
    provider, shape = Gemini, "gemini"


class TestCohere(ProviderConformance):
    provider, shape = Cohere, "cohere"


COSTLY = (
    *("test_streams_in_every_byte_split", "test_cut_streams_never_pass_for_whole"),
    *("test_import_and_registration_do_no_io", "test_both_clients"),
)
"""Checks of code that they share with Groq, above."""


def of_openais_protocol() -> list[str]:
    registry = Registry()
    return [name for name in BUNDLED if isinstance(registry.get(name), OpenaiTemplate)]


@pytest.mark.parametrize("name", of_openais_protocol())
def test_a_bundled_provider_of_openais_protocol_passes(name: str, request: pytest.FixtureRequest) -> None:
    suite = type("TestOne", (ProviderConformance,), {"provider": Registry().get(name)})
    for check in sorted(checks(suite) - {*COSTLY}):
        run_check(suite, check, request)


# -- providers with one bug each -----------------------------------------------------------


class Good(OpenaiTemplate):
    name = "good"
    label = "Good"
    login_url = "https://good.example/keys"
    api_base = "https://api.good.example/v1"
    api_key_env = ("GOOD_API_KEY",)
    default_model = "good-1"
    model_aliases = {"big": "good-1"}


class TestGood(ProviderConformance):
    provider = Good


class GoodLocal(LocalProvider):
    name = "good-local"
    default_model = "good-1"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        for word in request.messages[-1]["content"].split():
            if cancelled():
                return
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=word)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class TestGoodLocal(LocalProviderConformance):
    provider = GoodLocal


def with_request(change: Callable[[HTTPRequest, ChatRequest], HTTPRequest]) -> type[Provider]:
    class Bug(Good):
        def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
            return change(super().build_request(request, key=key, stream=stream), request)

    return Bug


def with_body(change: Callable[[dict[str, Any]], object]) -> type[Provider]:
    class Bug(Good):
        def adapt_body(self, body: dict[str, Any]) -> None:
            change(body)

    return Bug


def with_attributes(**attributes: Any) -> type[Provider]:
    return type("Bug", (Good,), attributes)


def moved(outgoing: HTTPRequest, **changes: Any) -> HTTPRequest:
    fields = {name: getattr(outgoing, name) for name in outgoing.__struct_fields__}
    return HTTPRequest(**{**fields, **changes})


SHARED: dict[str, str] = {}


def share_headers(outgoing: HTTPRequest, request: ChatRequest) -> HTTPRequest:
    SHARED.update(outgoing.headers)
    return moved(outgoing, headers=SHARED)


class Parser:
    """Passes on what the good one says."""

    def __init__(self, inner: StreamParser) -> None:
        self.inner = inner

    @property
    def done(self) -> bool:
        return bool(getattr(self.inner, "done", False))

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        return self.inner.feed(event)

    def close(self) -> Iterable[ChatCompletionChunk]:
        return self.inner.close()


class InventsAnEnd(Parser):
    def close(self) -> Iterable[ChatCompletionChunk]:
        return [ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))]


class LosesPieces(Parser):
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        return [] if b"it" in event.data else super().feed(event)


class DropsErrors(Parser):
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        return [] if b'"error"' in event.data else super().feed(event)


class ReadsWithoutLooking(Parser):
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if event.data != b"[DONE]":
            json.loads(event.data)["choices"][0]["delta"]
        return super().feed(event)


class LosesUsage(Parser):
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        return [ChatCompletionChunk(choices=chunk.choices) for chunk in super().feed(event)]


class LosesTools(Parser):
    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        return [] if b'"tool_calls": [' in event.data else super().feed(event)


class Mixes(Parser):
    """One parser for all streams."""

    seen: list[bytes] = []

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        Mixes.seen.append(event.data)
        return super().feed(ServerSentEvent(data=Mixes.seen[-2])) if b"b3" in event.data else super().feed(event)


def with_parser(parser: type[Parser]) -> type[Provider]:
    class Bug(Good):
        def new_stream(self, request: ChatRequest) -> StreamParser:
            return parser(super().new_stream(request))

    return Bug


def with_answer(change: Callable[[Provider, HTTPResponse], ChatCompletion]) -> type[Provider]:
    class Bug(Good):
        def parse_response(self, response: HTTPResponse) -> ChatCompletion:
            return change(super(), response)  # type: ignore[arg-type]  # it has the good parse_response

    return Bug


def read_blindly(good: Any, response: HTTPResponse) -> ChatCompletion:
    return good.parse_response(response) if json.loads(response.body)["choices"] else ChatCompletion()


def read_anything(good: Any, response: HTTPResponse) -> Any:
    try:
        return good.parse_response(response)
    except Exception:
        return good.parse_response(HTTPResponse(status=200, body=ANSWER))


def lose_finish(good: Any, response: HTTPResponse) -> Any:
    return good.parse_response(HTTPResponse(status=200, body=response.body.replace(b'"length"', b'"stop"')))


def with_error(change: Callable[[ProviderError], Any]) -> type[Provider]:
    class Bug(Good):
        def classify_error(self, reply: ErrorReply) -> ProviderError:
            return change(super().classify_error(reply))

    return Bug


class KeepsKey(Good):
    def __init__(self, *, api_key: str | None = None, **attributes: Any) -> None:
        self.__dict__["_token"] = api_key
        super().__init__(api_key=api_key, **attributes)


class ShowsKey(Good):
    def __repr__(self) -> str:
        return f"<ShowsKey {self.api_key}>"


def log_key(outgoing: HTTPRequest, request: ChatRequest) -> HTTPRequest:
    logging.getLogger("acme").debug("sending %s", dict(outgoing.headers))
    return outgoing


def print_key(outgoing: HTTPRequest, request: ChatRequest) -> HTTPRequest:
    print(dict(outgoing.headers))
    return outgoing


LAST: list[str] = [""]


def remember_last(outgoing: HTTPRequest, request: ChatRequest) -> HTTPRequest:
    """Build in two steps, with the state between them in the provider."""
    LAST[0] = request.messages[-1]["content"]
    time.sleep(0.001)
    return moved(outgoing, body=json.dumps({**json.loads(outgoing.body), "messages": [LAST[0]]}).encode())


class OnlySync(Good):
    """Works where no event loop runs."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return super().parse_response(response)
        raise ValueError("not here")


class Endless(GoodLocal):
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        return super().stream(request, cancelled=lambda: False)


class Unfinished(GoodLocal):
    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        return (chunk for chunk in super().stream(request, cancelled=cancelled) if chunk.has_content())


class Forgetful(GoodLocal):
    """The state of an answer is in the class."""

    now = ""

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        Forgetful.now = request.messages[-1]["content"]
        time.sleep(0.001)
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=Forgetful.now)),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class Counts(GoodLocal):
    """Never says the same twice."""

    times: list[int] = []

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        self.times.append(1)
        yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content=str(len(self.times)))),))
        yield ChatCompletionChunk(choices=(ChunkChoice(finish_reason="stop"),))


class Bug(NamedTuple):
    """A provider, the check that must find it, and words of the failure."""

    name: str
    provider: object
    check: str
    told: str


ATTRIBUTES = "test_name_and_attributes"
PURE, PARAMETERS = "test_requests_are_pure_and_hold_all_messages", "test_parameters_are_sent_or_refused"
CAPABILITIES, WHOLE = "test_declared_capabilities_work", "test_whole_answers_are_read"
JUNK, SPLITS = "test_what_cannot_be_understood_is_an_error", "test_streams_in_every_byte_split"
CUTS, RECORDED = "test_cut_streams_never_pass_for_whole", "test_recorded_exchanges"
TABLE, INSIDE = "test_the_error_table", "test_errors_inside_answers"
ADDRESS, SECRECY = "test_base_url_and_headers_are_honoured", "test_the_key_is_sent_and_never_shown"
STATE, SHOWN = "test_streams_and_threads_share_nothing", "test_a_key_does_not_show_in_repr_or_pickle"

BUGS = [
    Bug("no provider", "groq", ATTRIBUTES, "must be a Provider class"),
    Bug("a bad name", with_attributes(name="Good One"), ATTRIBUTES, "Good One"),
    Bug("a string for a list", with_attributes(fallback_models="good-2"), ATTRIBUTES, "fallback_models is 'good-2'"),
    Bug("no default model", with_attributes(default_model=""), ATTRIBUTES, "default_model is empty, though"),
    Bug("an odd alias", with_attributes(model_aliases={"big": None}), ATTRIBUTES, "'big': None"),
    Bug("an unknown capability", with_attributes(capabilities=frozenset({"tool"})), ATTRIBUTES, "mean 'tools'"),
    Bug("no variable", with_attributes(api_key_env=()), ATTRIBUTES, "names no variable"),
    Bug("no page", with_attributes(login_url=""), ATTRIBUTES, "names no page"),
    Bug(
        "a model id that is changed",
        with_attributes(get_model_name=lambda self, model=None: Provider.get_model_name(self, model).removeprefix("a-")),
        ATTRIBUTES, "changes a model id",
    ),
    Bug("a local provider in the wrong suite", GoodLocal, PURE, "LocalProviderConformance"),
    Bug("no request", with_request(lambda outgoing, request: {"url": outgoing.url}), PURE, "dict, no HTTPRequest"),  # type: ignore[arg-type,return-value]
    Bug("a bug", with_body(lambda body: body["nothing"]), PURE, "KeyError: 'nothing'"),
    Bug("the last message alone", with_body(lambda body: body.update(messages=body["messages"][-1:])), PURE, "'Answer in one word.'"),
    Bug("no model", with_body(lambda body: body.pop("model")), PURE, "'good-1' is not in the request"),
    Bug("a changed request", with_body(lambda body: body["messages"][0].clear()), PURE, "changes the request"),
    Bug("shared headers", with_request(share_headers), PURE, "share an object"),
    Bug("a body of chance", with_body(lambda body: body.update(id=time.monotonic_ns())), PURE, "another request"),
    Bug("a dropped parameter", with_body(lambda body: body.pop("seed", 0)), PARAMETERS, "seed=7654321 is neither"),
    Bug("dropped tools", with_body(lambda body: body.pop("tools", 0)), CAPABILITIES, "'get_weather' is not sent"),
    Bug("no vision", with_attributes(capabilities=frozenset({"vision"}), adapt_body=lambda self, body: body.update(
        messages=["no picture"])), CAPABILITIES, "'vision' is declared"),
    Bug("tools lost in streams", with_parser(LosesTools), CAPABILITIES, "of a stream is read"),
    Bug("no usage", with_parser(LosesUsage), CAPABILITIES, "'stream_usage' is declared"),
    Bug("a finish reason lost", with_answer(lose_finish), WHOLE, "with finish reason 'stop'"),
    Bug("foreign exceptions", with_answer(read_blindly), JUNK, "parse_response raises"),
    Bug("an answer of anything", with_answer(read_anything), JUNK, "is read: ChatCompletion"),
    Bug("foreign exceptions in streams", with_parser(ReadsWithoutLooking), JUNK, "a stream's parser raises"),
    Bug("lost pieces", with_parser(LosesPieces), SPLITS, "a stream in one piece"),
    Bug("an end that was not sent", with_parser(InventsAnEnd), CUTS, "passes for whole"),
    Bug("a recording misread", with_parser(LosesPieces), RECORDED, "stream: the text is"),
    Bug("an error misread", with_error(lambda error: AuthenticationError(error.message)), RECORDED, "RateLimitError"),
    Bug("one error for all", with_error(lambda error: RateLimitError(error.message)), TABLE, "status 400 is a RateLimit"),
    Bug("a lost message", with_error(lambda error: type(error)("it failed")), TABLE, "remains 'it failed'"),
    Bug("a lost wait", with_error(lambda error: type(error)(error.message)), TABLE, "retry-after: 7 is read as None"),
    Bug("no error", with_error(str), TABLE, "returns str, no ProviderError"),
    Bug("errors taken for answers", with_answer(read_anything), INSIDE, "an error inside a 200 is read as"),
    Bug("errors dropped in streams", with_parser(DropsErrors), INSIDE, "ends with an error"),
    Bug("sync alone", OnlySync, "test_both_clients", "an answer: AsyncClient gives"),
    Bug("an address of its own", with_request(lambda outgoing, request: moved(
        outgoing, url="https://api.good.example/v1/chat")), ADDRESS, "goes to https://api.good"),
    Bug("the caller's headers dropped", with_request(lambda outgoing, request: moved(
        outgoing, headers={"authorization": outgoing.headers["authorization"]})), ADDRESS, "extra_headers"),
    Bug("no key", with_request(lambda outgoing, request: moved(outgoing, headers={})), SECRECY, "no header holds"),
    Bug("a key in the URL", with_request(lambda outgoing, request: moved(
        outgoing, url=f"{outgoing.url}?key={outgoing.headers['authorization'][7:]}")), SECRECY, "the URL holds"),
    Bug("a key in the body", with_request(lambda outgoing, request: moved(
        outgoing, body=outgoing.headers["authorization"].encode())), SECRECY, "the body holds"),
    Bug("a key in the log", with_request(log_key), SECRECY, "the log shows"),
    Bug("a key printed", with_request(print_key), SECRECY, "print, during an answer"),
    Bug("None for a key", type("Bug", (Good,), {"needs_auth": False, "build_request": lambda self, request, *, key, stream:
        HTTPRequest(url=f"{self.api_base}/x", headers={"authorization": f"Bearer {key}"})}), SECRECY, "Bearer None"),
    Bug("streams mixed up", with_parser(Mixes), STATE, "of two streams at once"),
    Bug("threads mixed up", with_request(remember_last), STATE, "another thread's prompt"),
    Bug("a key in the repr", ShowsKey, SHOWN, "repr of the provider"),
    Bug("a key in the pickle", KeepsKey, SHOWN, "a pickle of the provider"),
]  # fmt: skip

LOCAL_BUGS = [
    Bug("a remote provider in the wrong suite", Good, "test_both_clients", "ProviderConformance"),
    Bug("an end that never comes", Endless, "test_streams_end_when_they_are_cancelled", "after it was cancelled"),
    Bug(
        "no finish reason", Unfinished, "test_streams_are_finished_and_complete_says_the_same", "stopped before its end"
    ),
    Bug("two answers", Counts, "test_streams_are_finished_and_complete_says_the_same", "stream says '2'"),
    Bug("two clients, two answers", Counts, "test_both_clients", "another answer"),
    Bug("threads mixed up", Forgetful, "test_threads_share_nothing", "instead of"),
]


def run_check(suite: type, check: str, request: pytest.FixtureRequest) -> None:
    method = getattr(suite(), check)
    method(**{name: request.getfixturevalue(name) for name in inspect.signature(method).parameters})


def checks(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.check}: {bug.name}")
def test_a_bug_is_found(bug: Bug, request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (ProviderConformance,), {"provider": bug.provider, "exchanges": (
        Exchange(name="stream", body=STREAM.replace(b"Sun", b"it"), headers={"content-type": "text/event-stream"}, text="itday"),
        Exchange(name="error", body=b"{}", status=429, error=RateLimitError),
    )})  # fmt: skip
    with pytest.raises(pytest.fail.Exception) as caught:
        run_check(suite, bug.check, request)
    tells_all(str(caught.value), bug.told)


@pytest.mark.parametrize("bug", LOCAL_BUGS, ids=lambda bug: f"{bug.check}: {bug.name}")
def test_a_bug_of_a_local_provider_is_found(bug: Bug, request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (LocalProviderConformance,), {"provider": bug.provider})
    with pytest.raises(pytest.fail.Exception) as caught:
        run_check(suite, bug.check, request)
    tells_all(str(caught.value), bug.told)


def tells_all(failure: str, told: str) -> None:
    assert told in failure
    assert "the contract:" in failure
    assert f"written in:    {PAGE}" in failure


# -- bugs of a module: what it does when it is imported ------------------------------------

MODULE = """
from g4f_lite import OpenaiTemplate, hookimpl
{body}
class Acme(OpenaiTemplate):
    name = "acme"
    api_base = "https://acme.example/v1"
    api_key_env = ("ACME_API_KEY",)
    login_url = "https://acme.example"
    default_model = "acme-1"
    {attribute}

@hookimpl
def register_providers(register):
    register(Acme)
    {hook}
"""
IMPORTS = "test_import_and_registration_do_no_io"
SITE = "import socket; socket.socket().connect(('127.0.0.1', {port}))"


@pytest.mark.parametrize(
    ("place", "code", "told"),
    [
        ("body", "", ""),
        ("body", "pass", ""),
        ("body", SITE, "a connection"),
        ("hook", SITE, "a connection"),
        ("hook", "import socket; socket.getaddrinfo('localhost', 80)", "a look-up of a host name"),
        ("hook", f"try:\n        {SITE}\n    except OSError: pass", "a connection"),
        ("body", "import subprocess, sys; subprocess.run([sys.executable, '-V'])", "starting a process"),
        ("body", "open('cache.txt', 'w')", "writing the file cache.txt"),
        ("body", "print('hello from acme')", "prints 'hello from acme'"),
        ("hook", "print('hello from acme')", "prints 'hello from acme'"),
        ("body", "1 / 0", "ZeroDivisionError"),
        ("hook", "1 / 0", "ZeroDivisionError"),
        ("body", "import os; os.environ.get('ACME_NOW') and os._exit(3)", "ends the process with code 3"),
        ("body", "import os, time; os.environ.get('ACME_NOW') and time.sleep(60)", "does not end within 2 s"),
        ("attribute", "import os; api_key = os.environ.get('ACME_API_KEY')", "holds the key of the environment"),
    ],
)  # fmt: skip
def test_what_a_module_does_on_import_is_found(
    place: str, code: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    code = code.replace("{port}", str(listener.getsockname()[1]))
    good = MODULE.format(body="", attribute="", hook="")
    (tmp_path / "acme_here.py").write_text(good)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    import acme_here  # type: ignore[import-not-found]

    bad = {"body": "", "attribute": "", "hook": "", place: code}
    (tmp_path / "acme_here.py").write_text(MODULE.format(**bad))
    monkeypatch.setenv("ACME_NOW", "1")
    if "sleep" in code:
        monkeypatch.setattr(common, "LIMIT_S", 2.0)
    suite = type("TestBug", (ProviderConformance,), {"provider": acme_here.Acme})
    monkeypatch.setitem(sys.modules, "acme_here", sys.modules.pop("acme_here"))  # forgotten afterwards
    with listener:
        if not told:
            run_check(suite, IMPORTS, request)
            return
        with pytest.raises(pytest.fail.Exception) as caught:
            run_check(suite, IMPORTS, request)
        tells_all(str(caught.value), told)


def test_each_check_has_a_bug_that_it_finds() -> None:
    assert {bug.check for bug in BUGS} | {IMPORTS} == checks(ProviderConformance)
    found = {bug.check for bug in LOCAL_BUGS} | {IMPORTS, ATTRIBUTES, SHOWN}
    assert found == checks(LocalProviderConformance)


def test_each_rule_is_written_where_failures_say() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    sections = dict(zip(*[iter(re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:])] * 2, strict=True))
    for rule in RULES:
        assert " ".join(rule.wants.split()) in " ".join(sections[rule.heading].split()), rule
    assert len({rule.wants for rule in RULES}) == len(RULES) > 15
