"""
The hooks that a plugin may implement. Each is optional; docs/plugins/hooks.md shows them in use.

A plugin is a module or an object; it marks its functions with `g4f_lite.hookimpl`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from ..errors.exceptions import ProviderError
    from ..errors.reply import ErrorReply
    from ..provider.base import Provider
    from ..records.trail import Attempt, CallInfo, Trail, Wait
    from ..routing.strategies import Strategy
    from ..types.chat import ChatCompletion
    from ..types.endpoint import Answer

PROJECT = "g4f_lite"
OBSERVING = (
    "call_started",
    "attempt_started",
    "request_headers",
    "attempt_finished",
    "call_waiting",
    "call_answered",
    "call_finished",
)
"""The hooks that observe; each takes one argument."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    """Call `register(MyProvider)` for each provider, a class or an instance. No I/O, no environment."""


@hookspec
def register_strategies(register: Callable[[str, Strategy], None]) -> None:
    """Call `register("name", strategy)`; callers then write `strategy="name"`."""


# `firstresult` only documents it: pluggy's own call ends at the first implementation that raises, and does not check
# results, so `Observers.refine_error` calls the implementations one by one.
@hookspec(firstresult=True)
def refine_error(provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError | None:
    """Return a better exception for an error reply than `error`, or None. The first result counts."""


@hookspec
def call_started(call: CallInfo) -> None:
    """A call begins; `call_finished` comes once for each of them."""


@hookspec
def request_headers(attempt: Attempt) -> Mapping[str, str] | None:
    """Return headers to send with this attempt, such as `traceparent`. They replace none of the request."""


@hookspec
def attempt_started(attempt: Attempt) -> None:
    """An attempt begins; `attempt.outcome` is None."""


@hookspec
def attempt_finished(attempt: Attempt) -> None:
    """An attempt has ended, in success or failure."""


@hookspec
def call_waiting(wait: Wait) -> None:
    """A call waits before its next attempt: to retry, in line, or because all legs are cooling down."""


@hookspec
def call_answered(answer: ChatCompletion | Answer) -> None:
    """A call has its whole answer, and is about to end; `answer.trail.call_id` says which call."""


@hookspec
def call_finished(trail: Trail) -> None:
    """A call has ended: with a result, with an error, without a usable leg, or closed early."""
