"""A table of what can happen to a call: replies by model, and the result for its caller."""

from __future__ import annotations

from typing import Any, NamedTuple

import g4f_lite
from g4f_lite import Timeouts
from g4f_lite.testing import replies
from g4f_lite.testing.replies import answer, error
from g4f_lite.testing.script import Close, Pause, Reply
from g4f_lite.types.timeouts import DefaultSeconds

A, B, C = "openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"


class Scenario(NamedTuple):
    """Replies by model, and the result for the caller: the route that answers, or the error."""

    name: str
    a: tuple[Reply, ...]
    b: tuple[Reply, ...] = (answer("from b"),)
    models: tuple[str, ...] = (A, B)
    """The models that must have been requested, in order."""
    error: type[g4f_lite.G4FLiteError] | None = None
    stream_error: type[g4f_lite.G4FLiteError] | None = None
    """The result of a stream, if it differs from that of a complete answer."""
    stream_models: tuple[str, ...] | None = None
    params: dict[str, Any] = {}
    settings: dict[str, Any] = {}


DOWN = error(503, "overloaded")
ODD = error(400, "messages are odd")
LOADING = error(503, "Loading model", type="unavailable_error")
TWO = {"provider": "groq", "fallback_models": [B]}
ONE = {"provider": "groq", "fallback_models": []}


SILENT = {"timeouts": Timeouts(first_token=DefaultSeconds(0.4), total=DefaultSeconds(0.4))}
"""A default does not bound the last leg, which is to answer however busy the machine is."""
STALLED = {"timeouts": Timeouts(first_token=20, stall=0.4)}


def decommissioned() -> Reply:
    return error(400, "The model has been decommissioned and is no longer supported", code="model_decommissioned")


def not_found() -> Reply:
    return error(404, "The model does not exist or you do not have access to it.", code="model_not_found")


REST = [{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, "[DONE]"]

SCENARIOS = [
    Scenario("the first leg answers", (answer("from a"),), models=(A,)),
    # fails over to the next model at once
    Scenario("a model that is gone (404)", (not_found(),)),
    Scenario("a model that is decommissioned (400)", (decommissioned(),)),
    Scenario("a model that is gone (410)", (error(410, "gone"),)),
    Scenario("a long wait is not waited for", (error(429, "slow down", retry_after="9"),)),
    Scenario("a wait in the message", (error(429, "Please try again in 9m38.016s."),)),
    Scenario("no permission", (error(403, "not for you"),)),
    Scenario("too long a prompt", (error(400, "maximum context length", code="context_length_exceeded"),)),
    Scenario("too large a request", (error(413, "Request too large for model", code="rate_limit_exceeded"),)),
    Scenario("a request that the first model calls invalid", (ODD,)),
    Scenario("a parameter that is not supported", (error(400, "`seed` is not supported with this model"),)),
    Scenario("a redirect", (replies.redirect("http://elsewhere.invalid/v1?key=x"),)),
    Scenario("silence before the headers", (replies.silence(),), settings=SILENT),
    Scenario("silence inside the body", (replies.silence("body"),), settings=SILENT),
    Scenario("comments for ever", (replies.comments(),), settings=SILENT),
    Scenario("headers one byte at a time", (replies.drip(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100),),
             settings=SILENT),
    # is retried on the same leg first
    Scenario("a short wait is waited for", (error(429, "slow down", retry_after="0.01"), answer("a")), models=(A, A)),
    Scenario("a 429 without a wait backs off", (error(429, "slow down"), answer("a")), models=(A, A)),
    Scenario("a temporary 500", (error(500, "oops"), answer("a")), models=(A, A)),
    Scenario("a permanent 503", (DOWN,), models=(A, A, A, B)),
    Scenario("a permanent 529", (error(529, "overloaded", type="overloaded_error"),), models=(A, A, A, B)),
    Scenario("a temporary 498", (error(498, "flex tier full", code="capacity_exceeded"), answer("a")), models=(A, A)),
    Scenario("no retries asked for", (DOWN,), params={**TWO, "retries": 0}),
    Scenario("five retries asked for, cut short by the breaker", (DOWN,), params={**TWO, "retries": 5},
             models=(A, A, A, B)),
    Scenario("five retries asked for, all of which fail", (error(400, "no", code="tool_use_failed"),),
             params={**TWO, "retries": 5}, models=(A, A, B)),
    Scenario("an empty body, once", (replies.body(b""), answer("a")), models=(A, A)),
    Scenario("an empty body, always", (replies.body(b""),), models=(A, A, B)),
    Scenario("a web page", (replies.html(),), models=(A, A, B)),
    Scenario("broken JSON", (replies.body(b'{"choices": ['),), models=(A, A, B)),
    Scenario("no choices", (replies.body(b'{"choices": []}'),), models=(A, A, B)),
    Scenario("not HTTP", (replies.garbage(),), models=(A, A, B)),
    Scenario("broken compression", (replies.gzipped(broken=True),), models=(A, A, B)),
    Scenario("a tool call that failed", (error(400, "no call", code="tool_use_failed"), answer("a")), models=(A, A)),
    Scenario("JSON that failed", (error(400, "no JSON", code="json_validate_failed"),), models=(A, A, B)),
    Scenario("a reset, once", (replies.reset(), answer("a")), models=(A, A)),
    Scenario("a reset, always", (replies.reset(),), models=(A, A, B)),
    Scenario("a reset inside the headers", (replies.reset("headers"),), models=(A, A, B)),
    Scenario("a reset inside the body", (replies.reset("body"),), models=(A, A, B)),
    Scenario("fewer bytes than announced", (replies.wrong_length(),), models=(A, A, B)),
    Scenario("an error inside a 200", (replies.body(b'{"error": {"message": "no"}}'),), models=(A, A, A, B)),
    Scenario("an error text inside a 200", (replies.body(b'{"error": "Unexpected endpoint"}'),), models=(A, A, A, B)),
    Scenario("an empty answer", (answer(""),), models=(A, A, B)),
    # is not a failure
    Scenario("a compressed answer", (replies.gzipped("a"),), models=(A,)),
    Scenario("a complete answer to a streaming request", (replies.body(
        b'\n\n {"model": "m", "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}'),), models=(A,)),
    # stops the call
    Scenario("an invalid request", (ODD,), (ODD,), error=g4f_lite.InvalidRequestError),
    Scenario("a request that no model can process", (error(422, "no"),), (ODD,), error=g4f_lite.InvalidRequestError),
    Scenario("an invalid request to the only leg", (ODD,), models=(A,), params=ONE, error=g4f_lite.InvalidRequestError),
    Scenario("filtered content", (error(400, "no", code="content_policy_violation"),), models=(A,),
             error=g4f_lite.ContentFilterError),
    Scenario("the deadline", (replies.silence(),), models=(A,), params={**TWO, "timeout": 0.4},
             settings={"timeouts": Timeouts()},
             error=g4f_lite.DeadlineExceededError),
    # rules out other legs too
    Scenario("a refused key", (error(401, "Invalid API Key", code="invalid_api_key"),), models=(A,),
             error=g4f_lite.RoutesExhaustedError),
    Scenario("no credit", (error(402, "Insufficient balance"),), models=(A,), error=g4f_lite.RoutesExhaustedError),
    Scenario("a pool of keys, the first refused", (error(401, "Invalid API Key", code="invalid_api_key"), answer("a")),
             models=(A, A), settings={"keys": {"groq": ["gsk_secret_1", "gsk_secret_2"]}}),
    Scenario("a pool of keys, the first spent", (error(402, "Insufficient balance"), answer("a")), models=(A, A),
             settings={"keys": {"groq": ["gsk_secret_1", "gsk_secret_2"]}}),
    Scenario("a daily limit", (error(429, "Rate limit on tokens per day (TPD). Try again in 1h"),), models=(A,),
             error=g4f_lite.RoutesExhaustedError),
    # one leg only
    Scenario("the only leg is waited for beyond patience", (error(429, "slow down", retry_after="0.1"), answer("a")),
             models=(A, A), params=ONE, settings={"patience": 0}),
    Scenario("a wait that the deadline does not allow", (error(429, "slow down", retry_after="99"),), models=(A,),
             params={**ONE, "deadline": 5}, error=g4f_lite.RateLimitError),
    Scenario("the only leg is down", (DOWN,), models=(A, A, A), params=ONE, error=g4f_lite.ServerError),
    Scenario("the only leg has no such model", (not_found(),), models=(A,), params=ONE,
             error=g4f_lite.ModelUnavailableError),
    Scenario("the only leg is silent", (replies.silence(),), models=(A,), params=ONE,
             settings={"timeouts": Timeouts(first_token=0.4, total=0.4)},
             error=g4f_lite.ProviderTimeoutError),
    Scenario("the only leg is reset", (replies.reset(),), models=(A, A), params=ONE,
             error=g4f_lite.ConnectionFailedError),
    Scenario("all legs are down", (DOWN,), (DOWN,), models=(A, A, A, B, B, B), error=g4f_lite.RoutesExhaustedError),
    # is not ready yet
    Scenario("a model that is still loaded", (LOADING,)),
    Scenario("a model that is still loaded, when no other leg is left",
             (LOADING, error(503, "Model m is currently loading"), answer("a")),
             models=(A, A, A), params={**ONE, "retries": 0}),
    Scenario("a model that is still loaded, when the others have failed", (LOADING, answer("a")), (not_found(),),
             models=(A, B, A)),
    # interrupts a stream
    Scenario("an interruption", (replies.cut(3),), models=(A, A, B), stream_models=(A,),
             stream_error=g4f_lite.StreamInterruptedError),
    Scenario("an interruption by reset", (replies.cut(3, how="reset"),), models=(A, A, B), stream_models=(A,),
             stream_error=g4f_lite.StreamInterruptedError),
    Scenario("an interruption before any content", (replies.cut(0),), models=(A, A, B)),
]  # fmt: skip

STREAMS = [
    Scenario("an end without finish reason", (replies.cut(3, how="end"),), models=(A,),
             error=g4f_lite.StreamInterruptedError),
    Scenario("an end without finish reason or content", (replies.cut(0, how="end"),), models=(A, A, B)),
    Scenario("a stall", (replies.silence("stream", 2),), models=(A,), settings=STALLED,
             error=g4f_lite.StreamInterruptedError),
    Scenario("silence before the first content", (replies.silence("stream"),), settings=SILENT),
    Scenario("nothing but comments", (replies.comments(),), settings=SILENT),
    Scenario("an error event before content",
             (replies.stream([b'event: error\ndata: {"error": {"message": "no", "code": "tool_use_failed", '
                              b'"status_code": 400}}\n\n']),), models=(A, A, B)),
    Scenario("no [DONE]", (replies.stream([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}]),),
             models=(A,)),
    Scenario("an interruption after the finish reason",
             (replies.stream([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, Close(True)]),),
             models=(A,)),
    Scenario("a stall after the finish reason",
             (replies.stream([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, Pause(9)]),),
             models=(A,), settings=STALLED),
    Scenario("no end after [DONE]",
             (replies.stream([{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}, "[DONE]",
                              Pause(9)]),), models=(A,)),
    Scenario("one malformed event",
             (replies.stream([{"choices": [{"delta": {"content": "a"}}]}, '{"choices',
                              {"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}]),), models=(A,),
             error=g4f_lite.StreamInterruptedError),
    Scenario("a malformed event before the first content", (replies.stream(["Oops", *REST]), answer("a")),
             models=(A, A)),
    Scenario("heartbeats",
             (replies.stream([{"choices": [{"delta": {"content": "a"}}]}, "ping", "null", "{}", "",
                              {"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}]),), models=(A,)),
    Scenario("an empty text with finish reason length",
             (replies.stream([{"choices": [{"delta": {"content": ""}, "finish_reason": "length"}]}]),), models=(A,)),
    Scenario("an empty text with finish reason stop",
             (replies.stream([{"choices": [{"delta": {"content": ""}, "finish_reason": "stop"}]}]),), models=(A, A, B)),
]  # fmt: skip
