"""
One call under way: what each attempt sends and what its answer means. No I/O, no waiting.

Both clients drive it the same way; all that they add is the transport.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..errors.exceptions import (
    G4FLiteError,
    MalformedResponseError,
    ModelUnavailableError,
    ProviderError,
    ReplyError,
    StreamInterruptedError,
    ToolCallError,
)
from ..errors.reply import ErrorReply
from ..failover.hedging import OUTRUN
from ..failover.plan import Plan
from ..provider.base import Provider
from ..provider.boundary import check_outgoing, is_wait, plugin_boundary, redact
from ..provider.leg import Identity, LocalRequest
from ..trail import Attempt, Trail
from ..types.chat import ChatCompletion, ChatCompletionChunk
from ..types.http import HTTPRequest, HTTPResponse
from ..value import JSONObject
from .model_lookup import ModelCache, first_for_chat
from .operations import CHAT, Operation
from .stream_reader import StreamReader

if TYPE_CHECKING:
    from .structured import ResponseModel

log = logging.getLogger("g4f_lite")


class Hooks(Protocol):
    """What a call needs of the registry."""

    def observe(self, hook: str, told: Attempt | Trail) -> None: ...
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError: ...


class Call:
    """
    Args:
        request: the checked request; its model is set anew for each leg.
        dropped: takes the attempts of streams that nobody closes.
        operation: what the request asks for.
        models: what the servers are known to list.
        shape: what the answer's text must parse into.
    """

    def __init__(
        self,
        request: Any,
        plan: Plan,
        hooks: Hooks,
        dropped: SimpleQueue[Step],
        *,
        operation: Operation = CHAT,
        models: ModelCache | None = None,
        shape: ResponseModel | None = None,
    ) -> None:
        self.request = request
        self.plan = plan
        self.hooks = hooks
        self.operation = operation
        self.models = ModelCache() if models is None else models
        self.shape = shape
        self.misfits: dict[Identity, Sequence[JSONObject]] = {}
        """By leg: its answer that was of the wrong shape, and the complaint, to be put behind the messages."""
        self.whole: Callable[[], ChatCompletion] | None = None
        """Makes the whole answer, once a stream has ended; whoever does not look at it need not pay for it."""
        self.broken: StreamReader | None = None
        """The stream that was interrupted last, for the leg that takes over."""
        self.speaker: Step
        """The attempt whose stream has content."""
        self._dropped = dropped
        self._over = False

    def attempt(self) -> Step:
        """Return the next attempt, to be used in a `with` statement."""
        return Step(self)

    def sign(self, completion: Any) -> Any:
        """End the call well: write its trail on the answer."""
        return msgspec.structs.replace(completion, trail=self.finished())

    def finished(self) -> Trail:
        """Tell the observers that the call has ended."""
        self._over = True
        trail = self.plan.trail()
        self.hooks.observe("call_finished", trail)
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
            error = self.plan.attach_trail(error)
        self.finished()
        return error


class Step:
    """
    One attempt, and the record of its outcome.

    Leaving the `with` block by an exception ends the attempt with it. `outgoing` is what to send
    and `limit` until when. If there is a `lookup`, that is sent first, and its reply handed to `looked_up`.
    """

    lookup: HTTPRequest | None = None
    """Asks the service for its models, where the leg names none."""
    _continues = False
    """It goes on where an interrupted answer has ended."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.reader: StreamReader | None = None
        self._ended = False

    def __enter__(self) -> Step:
        self.state = self.call.plan.begin()
        self.leg, self.limit = self.state.leg, self.state.limit
        try:
            self.call.hooks.observe("attempt_started", self.state.attempt)
            self.request = msgspec.structs.replace(self.call.request, model=self.leg.model)
            if (self.call.broken is not None or self.call.misfits) and (more := self._asked_besides()):
                self.request = msgspec.structs.replace(self.request, messages=(*self.request.messages, *more))
            if not self.leg.model and self.call.operation is CHAT:
                self._find_model()
            if self.lookup is None:
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

    def _asked_besides(self) -> Sequence[JSONObject]:
        """Return the messages for a leg that is to mend its answer, or to continue an interrupted one."""
        call, broken = self.call, self.call.broken
        if (misfit := call.misfits.get(self.leg.identity)) is not None:
            return misfit
        self._continues = (
            broken is not None
            and call.plan.policy.on_interrupt == "continue"
            and "prefill" in self.leg.provider.capabilities
            and broken.only_text
            and call.shape is None  # what was whole and of the wrong shape cannot be continued
        )
        return ({"role": "assistant", "content": broken.text},) if broken is not None and self._continues else ()

    def _build(self) -> HTTPRequest | LocalRequest:
        provider, key = self.leg.provider, self.leg.key
        if self.leg.is_local:
            return LocalRequest(self.leg, self.request)
        try:
            with plugin_boundary(self.leg, "building the request"):
                outgoing = self.call.operation.build(
                    provider, self.request, None if key is None else key.value, self.call.plan.stream
                )
                check_outgoing(outgoing)
        except MalformedResponseError as error:
            error.sent = False
            raise
        return outgoing

    # -- a leg that names no model ---------------------------------------------------------

    def _find_model(self) -> None:
        """Take the first model that the service lists, if that is known; else it is to be looked up."""
        if (listed := self.call.models.get(self.leg, self.limit.now())) is not None:
            self._take_first(listed)
            return
        from ..types.models import ModelsRequest

        key = self.leg.key
        with plugin_boundary(self.leg, "asking for the models"):
            lookup = self.leg.provider.build_operation(ModelsRequest(), key=None if key is None else key.value)
            check_outgoing(lookup)
        self.lookup = lookup

    def looked_up(self, reply: HTTPResponse) -> None:
        """
        Take the first model of the reply to `lookup`; `outgoing` is there afterwards.

        Raises:
            ProviderError: it is an error, is malformed, or lists nothing.
        """
        from ..types.models import ModelsRequest
        from .endpoint_operations import OPERATIONS

        listed = self._parse(reply, OPERATIONS["models"], ModelsRequest())
        self._take_first(listed)
        self.call.models.put(self.leg, self._name(listed, reply.body), self.limit.now())
        self.outgoing = self._build()

    def _take_first(self, listed: Any) -> None:
        name = first_for_chat(listed)
        self.request = msgspec.structs.replace(self.request, model=name)
        self.state.attempt = msgspec.structs.replace(self.state.attempt, model=name)

    # -- a whole answer --------------------------------------------------------------------

    def answer(self, reply: Any) -> Any:
        """
        Return the answer in what came back (an HTTPResponse, or what a local provider made), and end the attempt well.

        Raises:
            ProviderError: it is an error, is malformed, or says nothing.
        """
        status = None
        operation = self.call.operation
        if isinstance(reply, HTTPResponse):
            status = reply.status
            completion = self._parse(reply, operation, self.request)
        else:
            completion = reply
            _check_kind(completion, operation)
        operation.check(completion, self.request, status)
        if self.call.shape is not None:
            completion = self._shaped(completion, self.call.shape, status)
        headers, body = (reply.headers, reply.body) if isinstance(reply, HTTPResponse) else (None, None)
        self._succeed(status, headers)
        return self._name(completion, body)

    def _shaped(self, completion: ChatCompletion, shape: ResponseModel, status: int | None) -> ChatCompletion:
        """
        Return a completion with its text parsed.

        Raises:
            ToolCallError: it does not fit; the leg is asked once more, with the complaint.
        """
        from .structured import MisfitError

        if completion.tool_calls or completion.choices[0].message.refusal:
            return completion
        try:
            return msgspec.structs.replace(completion, parsed=shape.parse(completion.text))
        except MisfitError as misfit:
            choice = completion.choices[0]
            if completion.text and choice.finish_reason != "length":  # else there is nothing to be mended
                complaint = f"That does not fit: {misfit}. Answer again, with the corrected JSON alone."
                self.call.misfits[self.leg.identity] = (
                    choice.message.to_dict(),
                    {"role": "user", "content": complaint},
                )
            raise ToolCallError(str(misfit), status=status) from None

    def _parse(self, reply: HTTPResponse, operation: Operation, request: Any) -> Any:
        if not 200 <= reply.status < 300:
            raise self.classify(ErrorReply(status=reply.status, headers=reply.headers, body=reply.body))
        try:
            with plugin_boundary(self.leg, "reading the answer"):
                answer = operation.parse(self.leg.provider, request, reply)
        except ReplyError as error:
            raise self.classify(error.reply) from None
        _check_kind(answer, operation)
        return answer

    def classify(self, reply: ErrorReply) -> ProviderError:
        """Return the exception for an error reply: the provider's view, then the plugins'."""
        with plugin_boundary(self.leg, "reading an error"):
            error = self.leg.provider.classify_error(reply)
        if not isinstance(error, ProviderError):
            return MalformedResponseError(f"the provider's code makes {type(error).__name__} of an error")
        error = self.call.hooks.refine_error(self.leg.provider, reply, error)
        if not is_wait(error.retry_after):
            error.retry_after = None
        return redact(error, self.leg)

    def _name(self, completion: Any, raw_json: bytes | None = None) -> Any:
        """Write on an answer who gave it."""
        return msgspec.structs.replace(
            completion,
            provider=self.leg.provider.name,
            model=completion.model or self.request.model,
            raw_json=raw_json,
        )

    # -- a stream --------------------------------------------------------------------------

    def read(self, status: int | None, headers: Mapping[str, str]) -> StreamReader:
        """Return the reader for a stream that has been opened."""
        self.reader = StreamReader(self.leg, self.request, self.limit, self.classify, status=status, headers=headers)
        if self._continues and self.call.broken is not None:
            self.reader.prefix = self.call.broken
        return self.reader

    def spoke(self, chunks: list[ChatCompletionChunk]) -> list[ChatCompletionChunk]:
        """The stream's first content has come: return its chunks, announced if the answer starts over."""
        self.call.plan.first_content(self.state)
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
        return isinstance(error, StreamInterruptedError) and not self.call.plan.finished

    def complete(self) -> None:
        """
        The stream is whole: end the attempt and the call well.

        Raises:
            StreamInterruptedError: its text is of the wrong shape.
        """
        reader, shaped = self.reader, None
        assert reader is not None
        if self.call.shape is not None:
            try:
                shaped = self._shaped(reader.completion(), self.call.shape, reader.status)
            except ToolCallError as error:
                raise reader.interrupted(error) from error
        self._succeed(reader.status, reader.headers, reader.notes)
        trail = self.call.finished()
        self.call.whole = lambda: msgspec.structs.replace(self._name(shaped or reader.completion()), trail=trail)

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
        self._report(self.call.plan.succeed(self.state, status, headers, notes))

    def end(self, error: BaseException) -> None:
        """End the attempt with an error."""
        if self._ended:
            return
        self._ended = True
        if isinstance(error, ProviderError):
            redact(error, self.leg)
            if not self.leg.model and isinstance(error, ModelUnavailableError):  # another one may be loaded by now
                self.call.models.forget(self.leg)
                error.retry_after = 0.0
            notes = self.reader.notes if self.reader is not None else ()
            self._report(self.call.plan.fail(self.state, error, notes))
        elif error.args == (OUTRUN,):
            self._report(self.call.plan.lose_race(self.state))
        else:
            self._report(self.call.plan.abort(self.state, error))

    def _report(self, attempt: Attempt) -> None:
        if log.isEnabledFor(logging.INFO):
            log.info("%s", attempt)
        self.call.hooks.observe("attempt_finished", attempt)


def _check_kind(answer: object, operation: Operation) -> None:
    if not isinstance(answer, operation.answers):
        wanted = operation.answers.__name__
        raise MalformedResponseError(f"the provider's code returns {type(answer).__name__}, no {wanted}")
