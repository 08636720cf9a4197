"""Bytes through the parsers of one provider, in the order in which both clients feed them, without I/O."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from g4f_lite import ChatCompletionChunk, ChatRequest, G4FLiteError, HTTPResponse, Provider
from g4f_lite.call.attempt import ActiveAttempt
from g4f_lite.call.call import Call
from g4f_lite.call.operations import CHAT, Operation
from g4f_lite.call.stream_attempt import StreamAttempt
from g4f_lite.failover.plan import Plan
from g4f_lite.failover.policy import Policy
from g4f_lite.plugins.registry import process_registry
from g4f_lite.provider.keys import Key
from g4f_lite.provider.leg import Leg

from .promises import KEY, check_error, check_result, require

REQUEST = ChatRequest(messages=({"role": "user", "content": "Hi"},), model="m")


class Seen(NamedTuple):
    """What a caller sees."""

    result: Any
    error: G4FLiteError | None
    chunks: Sequence[ChatCompletionChunk] = ()

    @property
    def verdict(self) -> tuple[Any, ...]:
        """All that must not depend on how the bytes arrived."""
        error = self.error
        failed = error and (
            type(error).__name__,
            str(error),
            getattr(error, "partial_text", ""),
            repr(getattr(error, "body", "")),
        )
        return failed, self.chunks and tuple(map(repr, self.chunks)), self.result and repr(self.result.to_dict())

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)


def _call(provider: Provider, request: Any, operation: Operation, stream: bool) -> Call:
    leg = Leg(provider, "m", Key(KEY, "argument"), operation.name)
    plan = Plan([[leg]], policy=Policy(retries=0), clock=time, random=random.random, stream=stream)
    return Call(request, plan, process_registry(), operation=operation)


def read_whole(
    provider: Provider,
    body: bytes,
    *,
    request: Any = REQUEST,
    operation: Operation = CHAT,
    status: int = 200,
    headers: Mapping[str, str] = {"content-type": "application/json"},
) -> Seen:
    """Read a body as the answer; check what holds for every result and error."""
    call = _call(provider, request, operation, stream=False)
    try:
        with call, ActiveAttempt(call) as attempt:
            result = attempt.complete(HTTPResponse(status=status, headers=headers, body=body))
        result = call.complete(result)
    except G4FLiteError as error:
        check_error(error)
        return Seen(None, error)
    check_result(result)
    return Seen(result, None)


def read_stream(
    provider: Provider,
    pieces: Sequence[bytes],
    *,
    request: ChatRequest = REQUEST,
    status: int = 200,
    headers: Mapping[str, str] = {"content-type": "text/event-stream"},
) -> Seen:
    """Read a stream that arrives in these pieces; check what holds for every stream."""
    call = _call(provider, request, CHAT, stream=True)
    chunks: list[ChatCompletionChunk] = []
    arriving = iter([*filter(None, pieces), b""])
    try:
        with call, StreamAttempt(call) as attempt:
            attempt.open(status, headers)
            while attempt.awaits_content:
                attempt.feed_early(next(arriving))
            chunks += attempt.begin()
            while not attempt.closed:
                chunks += attempt.feed(next(arriving))
            attempt.check()
            attempt.complete_stream()
        result = call.completion()
    except G4FLiteError as error:
        check_error(error)
        for chunk in chunks:
            chunk.to_dict()
        partial = getattr(error, "partial_text", None)
        if partial is not None and _numbered(chunks):
            require(partial == "".join(chunk.text for chunk in chunks), "an interruption has the text so far", partial)
        return Seen(None, error, chunks)
    check_result(result)
    said = "".join(chunk.text for chunk in chunks)
    require(said == result.text or not _numbered(chunks), "no text is lost", (said, result.text))
    for chunk in chunks:
        chunk.to_dict(), repr(chunk)
    return Seen(result, None, chunks)


def _numbered(chunks: Sequence[ChatCompletionChunk]) -> bool:
    """Return whether the choices are numbered from 0, so that the text of a chunk is that of the first one."""
    return min((choice.index for chunk in chunks for choice in chunk.choices), default=-1) == 0
