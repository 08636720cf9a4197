"""
One call: what it asks for, its plan, and how it ends. No I/O, no waiting.

A driver makes attempts inside `with call:`; an exception that leaves the block becomes the final error of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import msgspec

from ..errors.exceptions import G4FLiteError, ProviderError
from ..errors.reply import ErrorReply
from ..failover.plan import Plan
from ..health.abandoned import abandoned_streams
from ..health.estimates import estimate
from ..provider.base import Provider
from ..provider.leg import Identity, Leg
from ..provider.redaction import hide_frames
from ..records.trail import Attempt, CallInfo, Teller, Trail
from ..types.chat import ChatCompletion
from ..types.time_limit import TimeLimit
from ..value import JSONObject
from .chunk_reader import ChunkReader
from .model_lookup import ModelCache
from .operations import CHAT, Operation

if TYPE_CHECKING:
    from ..health.sharing import SharedHealth
    from .structured import ResponseModel


class Hooks(Protocol):
    """The part of the registry that a call needs."""

    def observed(self) -> bool: ...
    def observe(self, hook: str, record: Any, teller: Teller | None = None) -> None: ...
    def wants(self, hook: str) -> bool: ...
    def request_headers(self, attempt: Attempt) -> dict[str, str]: ...
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError: ...


class StreamClosed(GeneratorExit):
    """Ends the attempt that was to take over a stream, which the caller has closed meanwhile."""


class RunningAttempt(Protocol):
    """The part of an `ActiveAttempt` that a call needs."""

    limit: TimeLimit

    def end(self, error: BaseException) -> None: ...


class StreamingAttempt(Protocol):
    """The part of a `StreamAttempt` that a call needs."""

    leg: Leg
    request: Any
    headers: Mapping[str, str]

    def close(self) -> None: ...


class EndedAttempt:
    """What a call keeps of the attempt of a stream that has ended."""

    def __init__(self, attempt: StreamingAttempt) -> None:
        self.leg, self.request, self.headers = attempt.leg, attempt.request, attempt.headers

    def close(self) -> None:
        """It is closed."""


class Call:
    """
    Args:
        request: the checked request; each attempt sets the model of its leg.
        operation: how the request is sent and its result read.
        models: the lists of models that services have sent.
        response_model: the type that the text of the completion must parse into.
        info: what the observers are told when the call begins; None if none observes it.
        shared: what the client shares with others, if it has limits, a budget or a state.
    """

    def __init__(
        self,
        request: Any,
        plan: Plan,
        hooks: Hooks,
        *,
        operation: Operation = CHAT,
        models: ModelCache | None = None,
        response_model: ResponseModel | None = None,
        info: CallInfo | None = None,
        shared: SharedHealth | None = None,
    ) -> None:
        self.request = request
        self.plan = plan
        self.hooks = hooks
        self.operation = operation
        self.shared = shared
        if shared is not None:
            self.size = estimate(request)
        self.models = ModelCache() if models is None else models
        self.response_model = response_model
        self.corrections: dict[Identity, Sequence[JSONObject]] = {}
        """By leg: its completion that violated the schema, and the complaint, as messages for its next attempt."""
        self.refused_keys: dict[Identity, str] = {}
        """By leg: the key that its service refused last."""
        self.passed_over: dict[Identity, set[str]] = {}
        """By leg that names no model: the listed models that have refused this call."""
        self.completion: Callable[[], ChatCompletion] | None = None
        """Makes the completion of a stream that is complete; a caller who does not look at it does not pay for it."""
        self.was_interrupted = False
        """Whether a leg has begun its stream, and another one was to take over."""
        self.interrupted: ChunkReader | None = None
        """The stream of that leg, if it may be continued."""
        self.streaming: StreamingAttempt
        """The attempt of the stream that the caller reads; set once the stream has content."""
        self.attempts: set[RunningAttempt] = set()
        """The attempts under way, which end with the call."""
        self.closed = False
        """The caller has closed its stream while another thread or task reads it: no other attempt begins."""
        self.observed = info is not None
        """Whether a plugin observes it."""
        self.last_hook = ""
        """The last of the hooks `call_started` and `call_finished` that the observers have been told."""
        self.trail: Trail | None = None
        """Once the call has ended."""
        self._info = info
        self._abandoned = abandoned_streams.queue

    def __enter__(self) -> Self:
        if self._info is not None and not self.last_hook:
            try:
                self.hooks.observe("call_started", self._info, self)
            except BaseException as error:  # of a signal's handler: `__exit__` will not be called
                self._fail(error)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return
        final = self._fail(error)
        hide_frames(error)
        hide_frames(final)
        if final is not error:
            raise final from final.__cause__

    def _fail(self, error: BaseException) -> BaseException:
        """End the call with an error; return the error that leaves the call."""
        if self.ended:
            return error
        for attempt in tuple(self.attempts):  # a signal has interrupted their end, or a loop was closed under them
            attempt.end(error)
        if isinstance(error, ProviderError):
            error = self.plan.final_error()
        elif isinstance(error, G4FLiteError):
            error = self.plan.attach_trail(error)
        trail = self.finish("closed" if self.closed else type(error).__name__)
        if isinstance(error, G4FLiteError):
            error.trail = trail
        if "streaming" in vars(self):
            self.let_go(self.streaming)
        return error

    def interrupt(self) -> None:
        """End the attempts under way, from another thread than theirs."""
        self.closed = True
        for attempt in tuple(self.attempts):
            attempt.limit.interrupt()

    def let_go(self, attempt: StreamingAttempt) -> None:
        """Forget the attempt of a stream that has ended: it refers to this call, which would wait for a collector."""
        self.streaming = EndedAttempt(attempt)

    @property
    def ended(self) -> bool:
        """Whether the call has ended, and the observers have been told; a signal may have come in between."""
        return self.last_hook == "call_finished" if self.observed else self.trail is not None

    def complete(self, result: Any) -> Any:
        """End the call with a result; return it with the trail."""
        if self.observed and self.hooks.wants("call_answered"):
            self.answered(result)
        return msgspec.structs.replace(result, trail=self.finish())

    def answered(self, result: Any) -> None:
        """Tell the observers of the whole answer, before the call ends."""
        if self.trail is None:
            self.trail = self.plan.trail("ok")
        self.hooks.observe("call_answered", msgspec.structs.replace(result, trail=self.trail))

    def waiting(self, seconds: float, failure: BaseException | None) -> None:
        """Tell the observers that the call waits, after this failure."""
        self.hooks.observe("call_waiting", self.plan.wait_record(seconds, failure))

    def finish(self, outcome: str = "ok") -> Trail:
        """End the call, unless it has ended, and tell the observers."""
        if self.plan.in_line:
            self.plan.leave_lines()
        if self.trail is None:
            self.trail = self.plan.trail(outcome)
        if self.observed and self.last_hook != "call_finished":
            self.hooks.observe("call_finished", self.trail, self)
        return self.trail

    def abandon(self) -> None:
        """
        Enqueue the attempt of a stream that nobody closes.

        Called by the finalizer of the stream, which may run while its thread holds a lock, so it must not close it.
        """
        if not self.ended:
            self._abandoned.put(self.streaming)
