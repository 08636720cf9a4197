"""
One call under way: what each attempt sends and what its answer means. No I/O, no waiting.

Both clients drive it the same way; all that they add is the transport.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Protocol

import msgspec

from .errors import (
    G4FLiteError,
    MalformedResponseError,
    ProviderError,
    ReplyError,
    StreamInterruptedError,
    ToolCallError,
)
from .guard import check_outgoing, guarded, is_wait, redact
from .http import ErrorReply, HTTPRequest, HTTPResponse
from .provider import Provider
from .routing.legs import Identity, LocalRequest
from .routing.plan import Plan
from .stream_reader import StreamReader, check_content
from .structured import MisfitError, ResponseModel
from .types import Attempt, ChatCompletion, ChatCompletionChunk, ChatRequest, JSONObject, Trail

log = logging.getLogger("g4f_lite")

OUTRUN = "another leg spoke first"
"""The message with which a hedged attempt is cancelled."""


class Hooks(Protocol):
    """What a call needs of the registry."""

    def observe(self, hook: str, **arguments: Attempt | Trail) -> None: ...
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError: ...


class Call:
    """
    Args:
        request: the checked request; its model is set anew for each leg.
        dropped: takes the attempts of streams that nobody closes.
        shape: what the answer's text must parse into.
    """

    def __init__(
        self,
        request: ChatRequest,
        plan: Plan,
        hooks: Hooks,
        dropped: SimpleQueue[Step],
        shape: ResponseModel | None = None,
    ) -> None:
        self.request = request
        self.plan = plan
        self.hooks = hooks
        self.shape = shape
        self.misfits: dict[Identity, Sequence[JSONObject]] = {}
        """By leg: its answer that was of the wrong shape, and the complaint, to be put behind the messages."""
        self.completion: ChatCompletion | None = None
        """The whole answer, once a stream has ended."""
        self.broken: StreamReader | None = None
        """The stream that was interrupted last, for the leg that takes over."""
        self.speaker: Step
        """The attempt whose stream has content."""
        self._dropped = dropped
        self._over = False

    def attempt(self) -> Step:
        """Return the next attempt, to be used in a `with` statement."""
        return Step(self)

    def sign(self, completion: ChatCompletion) -> ChatCompletion:
        """End the call well: write its trail on the answer."""
        return msgspec.structs.replace(completion, trail=self.finished())

    def finished(self) -> Trail:
        """Tell the observers that the call has ended."""
        self._over = True
        trail = self.plan.trail()
        self.hooks.observe("call_finished", trail=trail)
        return trail

    def drop(self) -> None:
        """
        The stream has been dropped: leave its attempt to be ended by the client's next call.

        A finaliser runs at any moment, even while this thread holds a lock, and may not end it itself.
        """
        if not self._over:
            self._dropped.put(self.speaker)

    def failed(self, error: BaseException) -> BaseException:
        """Return what leaves the call instead of this error, after telling the observers."""
        if self._over:
            return error
        if isinstance(error, ProviderError):
            error = self.plan.final_error()
        elif isinstance(error, G4FLiteError):
            error = self.plan.sign(error)
        self.finished()
        return error


class Step:
    """
    One attempt, and the record of its outcome.

    Leaving the `with` block by an exception ends the attempt with it. `outgoing` is what to send
    and `limit` until when.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.reader: StreamReader | None = None
        self._ended = False

    def __enter__(self) -> Step:
        self.run = self.call.plan.begin()
        self.leg, self.limit = self.run.leg, self.run.limit
        try:
            self.call.hooks.observe("attempt_started", attempt=self.run.attempt)
            self.request = msgspec.structs.replace(
                self.call.request, model=self.leg.model, **self._taking_over(), **self._repairing()
            )
            self.outgoing = self._build()
        except BaseException as error:
            self.end(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            self.end(error)

    def _taking_over(self) -> dict[str, Any]:
        """Return what a leg that continues an interrupted answer is asked besides."""
        broken = self.call.broken
        self._continues = (
            broken is not None
            and self.call.plan.policy.on_interrupt == "continue"
            and "prefill" in self.leg.provider.capabilities
            and broken.only_text
            and self.call.shape is None  # what was whole and of the wrong shape cannot be continued
        )
        if broken is None or not self._continues:
            return {}
        return {"messages": (*self.call.request.messages, {"role": "assistant", "content": broken.text})}

    def _repairing(self) -> dict[str, Any]:
        """Return what a leg is asked besides whose answer was of the wrong shape."""
        if (misfit := self.call.misfits.get(self.leg.identity)) is None:
            return {}
        return {"messages": (*self.call.request.messages, *misfit)}

    def _build(self) -> HTTPRequest | LocalRequest:
        provider, key = self.leg.provider, self.leg.key
        if self.leg.is_local:
            return LocalRequest(self.leg, self.request)
        with guarded(self.leg, "building the request"):
            outgoing = provider.build_request(
                self.request, key=None if key is None else key.value, stream=self.call.plan.stream
            )
            check_outgoing(outgoing)
        return outgoing

    # -- a whole answer --------------------------------------------------------------------

    def answer(self, reply: HTTPResponse | ChatCompletion) -> ChatCompletion:
        """
        Return the completion in what came back, and end the attempt well.

        Raises:
            ProviderError: it is an error, is malformed, or says nothing.
        """
        status = None
        if isinstance(reply, HTTPResponse):
            status = reply.status
            completion = self._parse(reply)
        else:
            completion = reply
        if not isinstance(completion, ChatCompletion):
            raise MalformedResponseError(f"the provider's code returns {type(completion).__name__}, no ChatCompletion")
        check_content(completion, status)
        completion = self._shaped(completion, status)
        headers, body = (reply.headers, reply.body) if isinstance(reply, HTTPResponse) else (None, None)
        self._succeed(status, headers)
        return self._name(completion, body)

    def _shaped(self, completion: ChatCompletion, status: int | None) -> ChatCompletion:
        """
        Return a completion with its text parsed, if the call asks for that.

        Raises:
            ToolCallError: it does not fit; the leg is asked once more, with the complaint.
        """
        shape = self.call.shape
        if shape is None or completion.tool_calls or completion.choices[0].message.refusal:
            return completion
        try:
            return msgspec.structs.replace(completion, parsed=shape.parse(completion.text))
        except MisfitError as misfit:
            self.call.misfits[self.leg.identity] = (
                {"role": "assistant", "content": completion.text},
                {
                    "role": "user",
                    "content": f"That does not fit: {misfit}. Answer again, with the corrected JSON alone.",
                },
            )
            raise ToolCallError(str(misfit), status=status) from None

    def _parse(self, reply: HTTPResponse) -> ChatCompletion:
        if not 200 <= reply.status < 300:
            raise self.classify(ErrorReply(status=reply.status, headers=reply.headers, body=reply.body))
        try:
            with guarded(self.leg, "reading the answer"):
                return self.leg.provider.parse_response(reply)
        except ReplyError as error:
            raise self.classify(error.reply) from None

    def classify(self, reply: ErrorReply) -> ProviderError:
        """Return the exception for an error reply: the provider's view, then the plugins'."""
        with guarded(self.leg, "reading an error"):
            error = self.leg.provider.classify_error(reply)
        if not isinstance(error, ProviderError):
            return MalformedResponseError(f"the provider's code makes {type(error).__name__} of an error")
        error = self.call.hooks.refine_error(self.leg.provider, reply, error)
        if not is_wait(error.retry_after):
            error.retry_after = None
        return redact(error, self.leg)

    def _name(self, completion: ChatCompletion, raw_json: bytes | None = None) -> ChatCompletion:
        """Write on an answer who gave it."""
        return msgspec.structs.replace(
            completion,
            provider=self.leg.provider.name,
            model=completion.model or self.leg.model,
            raw_json=raw_json,
        )

    # -- a stream --------------------------------------------------------------------------

    def read(self, status: int | None, headers: Mapping[str, str]) -> StreamReader:
        """Return the reader for a stream that has been opened."""
        self.reader = StreamReader(self.leg, self.request, self.limit, self.classify, status=status, headers=headers)
        if self._continues and self.call.broken is not None:
            self.reader.prior = self.call.broken.said
        return self.reader

    def spoke(self, chunks: list[ChatCompletionChunk]) -> list[ChatCompletionChunk]:
        """The stream's first content has come: return its chunks, announced if the answer starts over."""
        self.call.plan.spoke(self.run)
        self.limit.pause()
        if self.call.broken is not None and not self._continues and chunks:
            return [msgspec.structs.replace(chunks[0], restarted=True), *chunks[1:]]
        return chunks

    def may_take_over(self, error: BaseException) -> bool:
        """End the attempt with this error; True if another leg is to take the stream over."""
        if self._ended:
            return False
        self.end(error)
        self.call.broken = self.reader
        return isinstance(error, StreamInterruptedError) and not self.call.plan.stopped

    def complete(self) -> None:
        """
        Keep the stream's whole answer in `completion`, and end the attempt well.

        Raises:
            StreamInterruptedError: it is of the wrong shape.
        """
        reader = self.reader
        assert reader is not None
        try:
            completion = self._shaped(reader.completion(), reader.status)
        except ToolCallError as error:
            raise reader.broken(error) from None
        self._succeed(reader.status, reader.headers, reader.notes)
        self.call.completion = self.call.sign(self._name(completion))

    def closed(self) -> None:
        """The caller has closed the stream; before its end, that ends the attempt."""
        if self._ended:
            return
        assert self.reader is not None
        if (failure := self.reader.failure) is not None:  # it was cut, though nobody has looked yet
            self.end(failure)
            self.call.finished()
            return
        self._succeed(self.reader.status, self.reader.headers, ["closed by the caller before its end"])
        self.call.finished()

    # -- the outcome -----------------------------------------------------------------------

    def _succeed(self, status: int | None, headers: Mapping[str, str] | None, notes: Sequence[str] = ()) -> None:
        self._ended = True
        self._report(self.call.plan.succeed(self.run, status, headers, notes))

    def end(self, error: BaseException) -> None:
        """End the attempt with an error."""
        if self._ended:
            return
        self._ended = True
        if isinstance(error, ProviderError):
            redact(error, self.leg)
            notes = self.reader.notes if self.reader is not None else ()
            self._report(self.call.plan.fail(self.run, error, notes))
        elif error.args == (OUTRUN,):
            self._report(self.call.plan.outrun(self.run))
        else:
            self._report(self.call.plan.abort(self.run, error))

    def _report(self, attempt: Attempt) -> None:
        if log.isEnabledFor(logging.INFO):
            log.info("%s", attempt)
        self.call.hooks.observe("attempt_finished", attempt=attempt)
