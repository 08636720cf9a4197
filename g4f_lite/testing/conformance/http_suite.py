"""The suite for providers that are reached over HTTP."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

from ...errors import exceptions as e
from ...errors.reply import ErrorReply
from ...types.chat import ChatCompletion
from ...types.http import ServerSentEvent
from ..network import hide_environment
from ..script import Reply
from ..server import FaultServer
from ..shapes import Said
from . import contract
from .asking import CALLS, CAPABILITIES, CAPPED, HALF, PARAMETERS, PROMPT, TEXT, THOUGHT, TOKENS, ask
from .calls import CLIENTS, Call, call
from .contract import fail, hold
from .exchange import Exchange
from .http_base import streams
from .operation_checks import OperationChecks
from .safety_checks import SafetyChecks
from .service import JSON, SECRET, build, classify, contains, content_of, expected, read_stream, read_whole
from .watching import watched

ERROR_TABLE: dict[int, type[e.ProviderError]] = {
    400: e.InvalidRequestError,
    401: e.AuthenticationError,
    402: e.QuotaExceededError,
    403: e.PermissionDeniedError,
    404: e.ModelUnavailableError,
    413: e.RequestTooLargeError,
    429: e.RateLimitError,
    500: e.ServerError,
    502: e.ServerError,
    503: e.ServerError,
}
"""The exception of each error status if the body does not say more; see docs/plugins/contract.md."""

_FAILURE = "conformance: scripted failure"
_PAGE = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"
_JUNK = (b"", b" ", _PAGE, b"{", b"{}", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"a": [{"b": null}]}')


class ProviderConformance(SafetyChecks, OperationChecks):
    """
    Subclass it with a provider; pytest runs the checks.

    `shape` is the protocol that the service speaks: "openai", "anthropic", "gemini", "cohere", or a `Shape`.
    """

    exchanges: ClassVar[Sequence[Exchange]] = ()
    """Recorded answers."""
    error_table: ClassVar[Mapping[int, type[e.ProviderError]]] = ERROR_TABLE

    # -- building --------------------------------------------------------------------------

    def test_requests_are_pure_and_hold_all_messages(self) -> None:
        one = self.chatting()
        for stream in streams(one):
            request = ask(one)
            before = copy.deepcopy(request)
            first = build(one, request, stream=stream)
            hold(request == before, contract.BUILDING, "build_request changes the request that it is given")
            for text in ("Answer in one word.", "Hello", "Good day!", PROMPT):
                hold(contains(first, text), contract.BUILDING, f"the message {text!r} is not in the request")
            hold(
                contains(first, request.model), contract.BUILDING, f"the model {request.model!r} is not in the request"
            )
            other = ask(one, model="another-model-7")
            hold(
                contains(build(one, other, stream=stream), other.model),
                contract.BUILDING,
                f"the model {other.model!r} is asked for, but is not in the request",
            )
            with watched("build_request") as did:
                build(one, request, stream=stream)
            hold(not did, contract.PURE, ", ".join(did))
            kept = (first.url, first.method, dict(first.headers), first.body)
            build(one, ask(one, "another prompt"), key=SECRET[::-1], stream=stream)
            hold(
                kept == (first.url, first.method, dict(first.headers), first.body),
                contract.BUILDING,
                "a second build_request changes what the first one returned: they share an object",
            )
            again = build(one, request, stream=stream)
            hold(
                kept == (again.url, again.method, dict(again.headers), again.body),
                contract.BUILDING,
                "build_request returns a different request for the same ChatRequest",
            )

    def test_parameters_are_sent_or_refused(self) -> None:
        one = self.chatting()
        for name, (value, shown) in PARAMETERS.items():
            if name in type(self).ignored_parameters:
                continue
            try:
                outgoing = build(one, ask(one, **{name: value}))
            except (e.UnsupportedParameterError, e.InvalidRequestError):
                continue
            hold(contains(outgoing, shown), contract.PARAMETERS, f"{name}={value!r} is neither sent nor refused")

    def test_declared_capabilities_work(self) -> None:
        one = self.chatting()
        for capability, (params, shown) in CAPABILITIES.items():
            if capability not in one.capabilities:
                continue
            for stream in streams(one):
                try:
                    outgoing = build(one, ask(one, **params), stream=stream)
                except e.ProviderError as error:
                    fail(contract.CAPABILITIES, f"{capability!r} is declared, but refused: {error}")
                for text in shown:
                    hold(
                        contains(outgoing, text),
                        contract.CAPABILITIES,
                        f"{capability!r} is declared, but {text!r} is not sent",
                    )
        if "tools" in one.capabilities:
            request = ask(one, **CAPABILITIES["tools"][0])
            answers = {
                "a whole answer": read_whole(one, self.service.whole(CALLS)),
            }
            if "streaming" in one.capabilities:
                answers["a stream"] = read_stream(one, request, self.service.events(CALLS)).completion
            for where, answer in answers.items():
                said = content_of(answer) if isinstance(answer, ChatCompletion) else answer
                hold(
                    said == expected(CALLS),
                    contract.CAPABILITIES,
                    f"'tools' is declared, but {where} is read as {said}",
                )
        if "stream_usage" in one.capabilities:
            answer = read_stream(one, ask(one), self.service.events(TEXT)).completion
            hold(
                answer.usage and answer.usage.completion_tokens,
                contract.CAPABILITIES,
                f"'stream_usage' is declared, but the usage read from a stream is {answer.usage}",
            )

    # -- reading ---------------------------------------------------------------------------

    def test_whole_answers_are_read(self) -> None:
        one = self.chatting()
        for said in (TEXT, CAPPED):
            answer = read_whole(one, self.service.whole(said))
            read = content_of(answer) if isinstance(answer, ChatCompletion) else f"{type(answer).__name__}: {answer}"
            hold(
                read == expected(said),
                contract.READING,
                f"parse_response returns {read}\n  instead of {expected(said)}",
            )

    def test_all_that_an_answer_says_is_read(self) -> None:
        """Usage and reasoning, if the protocol of the shape has them."""
        one, service = self.chatting(), self.service
        whole = read_whole(one, service.whole(THOUGHT))
        readings = {"a whole answer": whole}
        if "streaming" in one.capabilities:
            stream = read_stream(one, ask(one), service.events(THOUGHT))
            readings["a stream"] = stream.completion if stream.error is None else stream.error
        for where, answer in readings.items():
            sent = service.whole(THOUGHT) if answer is whole else b"".join(service.events(THOUGHT))
            hold(isinstance(answer, ChatCompletion), contract.READING, f"{where} is read as {answer!r}")
            assert isinstance(answer, ChatCompletion)
            if THOUGHT.reasoning.split()[0].encode() in sent:
                hold(
                    answer.reasoning == THOUGHT.reasoning,
                    contract.READING,
                    f"the reasoning of {where} is read as {answer.reasoning!r}, not {THOUGHT.reasoning!r}",
                )
            if any(str(one).encode() in sent for one in TOKENS) and (
                answer is whole or "stream_usage" in one.capabilities
            ):
                counted = answer.usage and answer.usage.completion_tokens
                hold(counted in TOKENS, contract.READING, f"the usage of {where} is read as {answer.usage}")
        with watched("parse_response") as did:
            read_whole(one, service.whole(TEXT))
        hold(not did, contract.CLIENTS, ", ".join(did))

    def test_what_cannot_be_understood_is_an_error(self) -> None:
        one = self.chatting()
        for junk in _JUNK:
            answer = read_whole(one, junk)
            hold(isinstance(answer, e.ProviderError), contract.JUNK, f"the body {junk[:60]!r} is read as {answer!r}")
        for junk in _JUNK[3:] if "streaming" in one.capabilities else ():
            parser = one.new_stream(ask(one))
            event = ServerSentEvent(data=junk)
            try:
                chunks = [*parser.feed(event), *parser.close()]
            except (e.ProviderError, e.ReplyError):
                continue
            except Exception as error:
                fail(
                    contract.JUNK, f"a stream's parser raises {type(error).__name__}: {error}\n  for the event {junk!r}"
                )
            said = [chunk for chunk in chunks if chunk.has_content()]
            hold(not said, contract.JUNK, f"the event {junk!r} is read as {said}")

    def test_streams_in_every_byte_split(self) -> None:
        one = self.chatting()
        if "streaming" not in one.capabilities:
            return
        request = ask(one)
        for said in (TEXT, CALLS) if "tools" in one.capabilities else (TEXT,):
            body = b"".join(self.service.events(said))
            splits = {"in one piece": [body], "byte by byte": [body[at : at + 1] for at in range(len(body))]}
            splits |= {f"split after byte {at}": [body[:at], body[at:]] for at in range(1, len(body))}
            for how, pieces in splits.items():
                stream = read_stream(one, request, pieces)
                correct = stream.error is None and not stream.notes and content_of(stream.completion) == expected(said)
                hold(
                    correct,
                    contract.STREAMS,
                    f"a stream {how} is read as {stream.describe()}\n  instead of {expected(said)}",
                )

    def test_cut_streams_never_pass_for_whole(self) -> None:
        one = self.chatting()
        if "streaming" not in one.capabilities:
            return
        request = ask(one)
        body = b"".join(self.service.events(TEXT))
        for at in range(len(body)):
            stream = read_stream(one, request, [body[:at]])
            hold(
                stream.error is not None or content_of(stream.completion) == expected(TEXT),
                contract.CUTS,
                f"a stream that ends after {at} of {len(body)} bytes is read as complete: {stream.describe()}",
            )
        stream = read_stream(one, request, self.service.events(CAPPED))
        hold(
            content_of(stream.completion) == expected(CAPPED),
            contract.CUTS,
            f"a capped answer is read as {stream.describe()}",
        )

    def test_recorded_exchanges(self) -> None:
        one = self.made()
        for exchange in type(self).exchanges:
            readings: list[ChatCompletion | e.ProviderError] = []
            if exchange.status >= 300:
                reply = ErrorReply(status=exchange.status, headers=exchange.headers, body=exchange.body)
                readings.append(classify(one, reply))
            elif exchange.streams:
                body = exchange.body
                for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
                    stream = read_stream(one, ask(one), pieces)
                    readings.append(stream.completion if stream.error is None else stream.error)
            else:
                readings.append(read_whole(one, exchange.body, exchange.headers, exchange.status))
            for reading in readings:
                for subject, read, wanted in exchange.compared(reading):
                    hold(read == wanted, contract.RECORDED, f"{exchange.name}: {subject} is {read!r}, not {wanted!r}")

    # -- errors ----------------------------------------------------------------------------

    def test_the_error_table(self) -> None:
        one = self.made()
        for status, kind in type(self).error_table.items():
            headers = {"content-type": "application/json", **({"retry-after": "7"} if status == 429 else {})}
            body = self.service.error(status, _FAILURE)
            error = classify(one, ErrorReply(status=status, headers=headers, body=body))
            seen = f"status {status} is a {type(error).__name__}, not a {kind.__name__}"
            hold(type(error) is kind, contract.ERRORS, seen)
            found = _FAILURE in error.message and not error.message.startswith("{")  # a body is quoted if none is found
            hint = "" if found else "\n  `error_fields` declares where the service's message is"
            hold(found, contract.ERRORS, f"the message of a {status} becomes {error.message!r}{hint}")
            if status == 429:
                hold(error.retry_after == 7, contract.ERRORS, f"retry-after: 7 is read as {error.retry_after}")
            for junk in (b"", _PAGE, b"null", b"[]", b'{"error": null}', b'{"error": {"message": {}}}', b"\xff"):
                error = classify(one, ErrorReply(status=status, headers=headers, body=junk))
                if status in (401, 429, 503):  # these statuses need no message
                    name = type(error).__name__
                    hold(
                        type(error) is kind, contract.ERRORS, f"status {status} with the body {junk[:40]!r} is a {name}"
                    )

    def test_errors_inside_answers(self) -> None:
        one = self.chatting()
        answer = read_whole(one, self.service.error(503, _FAILURE))
        hold(
            isinstance(answer, e.ProviderError) and _FAILURE in answer.message,
            contract.ERRORS_INSIDE,
            f"an error inside a 200 is read as {answer!r}",
        )
        for said in (Said(), HALF) if "streaming" in one.capabilities else ():
            stream = read_stream(one, ask(one), self.service.interrupted(said, 503, _FAILURE))
            hold(
                stream.error is not None and _FAILURE in stream.error.message,
                contract.ERRORS_INSIDE,
                f"a stream that ends with an error after {said.text!r} is read as {stream.describe()}",
            )

    def test_declared_codes_are_found(self) -> None:
        """Of a provider that says where its service has them."""
        one = self.made()
        if "code" not in one.error_fields or type(self).shape != "openai":
            return
        for code, kind in one.error_codes.items():
            error = classify(
                one, ErrorReply(status=400, headers=JSON, body=self.service.error(400, _FAILURE, code=code))
            )
            seen = f"the code {code!r} becomes a {type(error).__name__}, not a {kind.__name__}"
            hold(type(error) is kind, contract.ERRORS, seen)

    # -- both clients ----------------------------------------------------------------------

    def test_both_clients(self, monkeypatch: pytest.MonkeyPatch) -> None:
        hide_environment(monkeypatch)
        one, service = self.chatting(), self.service
        scenes: dict[str, tuple[bool, list[Reply], str]] = {
            "an answer": (False, [service.reply(TEXT, stream=False)], "ok"),
            "a stream": (True, [service.reply(TEXT, stream=True)], "ok"),
            "a 503, then an answer": (
                False,
                [service.failure(503, _FAILURE), service.reply(TEXT, stream=False)],
                "ServerError ok",
            ),
            "a 503, then a stream": (
                True,
                [service.failure(503, _FAILURE), service.reply(TEXT, stream=True)],
                "ServerError ok",
            ),
            "a refused key": (False, [service.failure(401, _FAILURE)], type(self).error_table[401].__name__),
            "an interrupted stream": (True, [service.cut(HALF)], "StreamInterruptedError"),
        }
        for scene, (stream, script, outcomes) in scenes.items():
            if stream and "streaming" not in one.capabilities:
                continue
            results = {}
            for client in CLIENTS:
                with FaultServer() as server:
                    server.script(*script)
                    results[client] = call(client, one, server, stream=stream)
            text = HALF.text if "interrupted" in scene else TEXT.text if outcomes.endswith("ok") else ""
            for client, result in results.items():
                wanted = Call(text, tuple(outcomes.split()))
                hold(result == wanted, contract.CLIENTS, f"{scene}: {client} gives {result}\n  instead of {wanted}")
