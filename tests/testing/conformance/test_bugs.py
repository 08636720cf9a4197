"""Each check of the suite for HTTP providers fails for a provider with the bug that it looks for."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from helpers.seeded_bugs import MORE
from helpers.suites import ANSWER, ATTRIBUTES, IMPORTS, SHOWN, STREAM, Bug, Good, assert_explained, checks, run_check

from g4f_lite import (
    AuthenticationError,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    ChunkChoice,
    ErrorReply,
    HTTPRequest,
    HTTPResponse,
    Provider,
    ProviderError,
    RateLimitError,
    ServerSentEvent,
    StreamParser,
)
from g4f_lite.testing import Exchange, ProviderConformance, ScriptedProvider


class TestGood(ProviderConformance):
    provider = Good


# -- bugs in requests ----------------------------------------------------------------------


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


# -- bugs in reading answers ---------------------------------------------------------------


class Parser:
    """Passes the chunks of the good parser on."""

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


# -- other bugs ----------------------------------------------------------------------------


class KeepsKey(Good):
    def __init__(self, *, api_key: str | None = None, **attributes: Any) -> None:
        self.__dict__["_token"] = api_key
        super().__init__(api_key=api_key, **attributes)


class ShowsKey(Good):
    def __repr__(self) -> str:
        return f"<ShowsKey {self.api_key}>"


class OnlySync(Good):
    """Fails if an event loop is running."""

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        import asyncio

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return super().parse_response(response)
        raise ValueError("not here")


# -- the checks that find them -------------------------------------------------------------


PURE, PARAMETERS = "test_requests_are_pure_and_hold_all_messages", "test_parameters_are_sent_or_refused"
CAPABILITIES, WHOLE = "test_declared_capabilities_work", "test_whole_answers_are_read"
JUNK, SPLITS = "test_what_cannot_be_understood_is_an_error", "test_streams_in_every_byte_split"
CUTS, RECORDED = "test_cut_streams_never_pass_for_whole", "test_recorded_exchanges"
TABLE, INSIDE = "test_the_error_table", "test_errors_inside_answers"
CODES = "test_declared_codes_are_found"
ADDRESS, SECRECY = "test_base_url_and_headers_are_honoured", "test_the_key_is_sent_and_never_shown"
STATE = "test_streams_and_threads_share_nothing"
BUGS = [
    Bug("no provider", "groq", ATTRIBUTES, "must be a Provider class"),
    Bug("a bad name", with_attributes(name="Good One"), ATTRIBUTES, "Good One"),
    Bug("a string for a list", with_attributes(fallback_models="good-2"), ATTRIBUTES, "fallback_models must be a tuple of texts"),
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
    Bug("a local provider in the wrong suite", ScriptedProvider, PURE, "LocalProviderConformance"),
    Bug("no request", with_request(lambda outgoing, request: {"url": outgoing.url}), PURE, "dict, not an HTTPRequest"),  # type: ignore[arg-type,return-value]
    Bug("a bug", with_body(lambda body: body["nothing"]), PURE, "KeyError: 'nothing'"),
    Bug("the last message alone", with_body(lambda body: body.update(messages=body["messages"][-1:])), PURE, "'Answer in one word.'"),
    Bug("no model", with_body(lambda body: body.pop("model")), PURE, "'good-1' is not in the request"),
    Bug("a changed request", with_body(lambda body: body["messages"][0].clear()), PURE, "changes the request"),
    Bug("shared headers", with_request(share_headers), PURE, "share an object"),
    Bug("a body of chance", with_body(lambda body: body.update(id=time.monotonic_ns())), PURE, "a different request"),
    Bug("a dropped parameter", with_body(lambda body: body.pop("seed", 0)), PARAMETERS, "seed=7654321 is neither"),
    Bug("dropped tools", with_body(lambda body: body.pop("tools", 0)), CAPABILITIES, "'get_weather' is not sent"),
    Bug("no vision", with_attributes(capabilities=frozenset({"vision"}), adapt_body=lambda self, body: body.update(
        messages=["no picture"])), CAPABILITIES, "'vision' is declared"),
    Bug("tools lost in streams", with_parser(LosesTools), CAPABILITIES, "but a stream is read as"),
    Bug("no usage", with_parser(LosesUsage), CAPABILITIES, "'stream_usage' is declared"),
    Bug("a finish reason lost", with_answer(lose_finish), WHOLE, "with finish reason 'stop'"),
    Bug("foreign exceptions", with_answer(read_blindly), JUNK, "parse_response raises"),
    Bug("an answer of anything", with_answer(read_anything), JUNK, "is read as ChatCompletion"),
    Bug("foreign exceptions in streams", with_parser(ReadsWithoutLooking), JUNK, "a stream's parser raises"),
    Bug("lost pieces", with_parser(LosesPieces), SPLITS, "a stream in one piece"),
    Bug("an end that was not sent", with_parser(InventsAnEnd), CUTS, "is read as complete"),
    Bug("a recording misread", with_parser(LosesPieces), RECORDED, "stream: the text is"),
    Bug("an error misread", with_error(lambda error: AuthenticationError(error.message)), RECORDED, "RateLimitError"),
    Bug("one error for all", with_error(lambda error: RateLimitError(error.message)), TABLE, "status 400 is a RateLimit"),
    Bug("a lost message", with_error(lambda error: type(error)("it failed")), TABLE, "becomes 'it failed'"),
    Bug("a lost wait", with_error(lambda error: type(error)(error.message)), TABLE, "retry-after: 7 is read as None"),
    Bug("no error", with_error(str), TABLE, "returns str, not a ProviderError"),
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
    Bug("streams mixed up", with_parser(Mixes), STATE, "one of two simultaneous streams"),
    Bug("threads mixed up", with_request(remember_last), STATE, "another thread's prompt"),
    Bug("codes not known", type("Bug", (Good,), {"error_fields": {"code": "kind"}, "error_codes": {"ended": RateLimitError},
        "classify_error": lambda self, reply: Good().classify_error(reply)}), CODES, "the code 'ended' becomes a"),
    Bug("a key in the repr", ShowsKey, SHOWN, "repr of the provider"),
    Bug("a key in the pickle", KeepsKey, SHOWN, "a pickle of the provider"),
]  # fmt: skip


BUGS += MORE


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.check}: {bug.name}")
def test_a_bug_is_found(bug: Bug, request: pytest.FixtureRequest) -> None:
    suite = type("TestBug", (ProviderConformance,), {"provider": bug.provider, "exchanges": (
        Exchange(name="stream", body=STREAM.replace(b"Sun", b"it"), headers={"content-type": "text/event-stream"}, text="itday"),
        Exchange(name="error", body=b"{}", status=429, error=RateLimitError),
    )})  # fmt: skip
    with pytest.raises(pytest.fail.Exception) as caught:
        run_check(suite, bug.check, request)
    assert_explained(str(caught.value), bug.message)


def test_there_are_many_bugs() -> None:
    assert len({(bug.check, bug.name) for bug in BUGS}) == len(BUGS) > 80


def test_each_check_has_a_bug_that_it_finds() -> None:
    assert {bug.check for bug in BUGS} | {IMPORTS} == checks(ProviderConformance)
