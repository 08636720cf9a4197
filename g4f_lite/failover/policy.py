"""
How far a call goes: its retries, its patience, its time limits.

Rule: a policy never changes; a call whose keywords say otherwise gets a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, cast, get_args

import msgspec

from ..errors.exceptions import ConfigurationError, InvalidRequestError
from ..errors.quoted_values import quoted
from ..types.checks import byte_count, check_callable, count, flag, is_one_of, seconds
from ..types.size_limits import MAX_RESPONSE_BODY
from ..types.timeouts import Timeouts
from ..value import Value

OnInterrupt: TypeAlias = Literal["raise", "restart", "continue"]
"""What happens to a stream that is interrupted after content has been handed out."""
_OF_POLICY = ("deadline", "timeout", "retries", "timeouts", "on_interrupt", "max_response_bytes")


class Policy(Value, frozen=True, kw_only=True):
    """How far a call goes; see `Client` for each."""

    retries: int = 2
    patience: float = 3.0
    timeouts: Timeouts = Timeouts()
    deadline: float = 300.0
    bounds_stream: bool = False
    """The deadline holds for a stream to its end (`timeout=` of a call)."""
    on_interrupt: OnInterrupt = "raise"
    max_response_bytes: int = MAX_RESPONSE_BODY
    retry_wait: Callable[[Any], float] | None = None
    retry_stop: Callable[[Any], bool] | None = None
    join_events: bool = False
    """Events of a stream that come together and differ in text alone are one chunk."""


def checked(policy: Policy) -> Policy:
    """
    Return the policy of a client.

    Raises:
        ConfigurationError: a setting cannot work.
    """
    patience = policy.patience
    try:
        check_callable("retry_wait", policy.retry_wait)
        check_callable("retry_stop", policy.retry_stop)
        return msgspec.structs.replace(
            policy,
            retries=count("retries", policy.retries),
            patience=0.0 if type(patience) in (int, float) and patience == 0 else seconds("patience", patience),
            deadline=seconds("deadline", policy.deadline),
            timeouts=check_timeouts(policy.timeouts),
            on_interrupt=check_on_interrupt(policy.on_interrupt),
            max_response_bytes=byte_count("max_response_bytes", policy.max_response_bytes),
            join_events=flag("join_events", policy.join_events),
        )
    except InvalidRequestError as error:  # the checks are those of a call's keywords; here it is a setting
        raise ConfigurationError(error.message) from None


def policy_for(policy: Policy, params: Mapping[str, Any]) -> Policy:
    """
    Return the policy of a call: that of its client, with what the call's keywords change.

    Raises:
        ConfigurationError, InvalidRequestError: a keyword cannot work.
    """
    if params.keys().isdisjoint(_OF_POLICY):
        return policy
    changes: dict[str, Any] = {}
    if (deadline := params.get("deadline")) is not None:
        changes["deadline"] = seconds("deadline", deadline)
    if (timeout := params.get("timeout")) is not None:
        changes["deadline"] = min(seconds("timeout", timeout), changes.get("deadline", float("inf")))
        changes["bounds_stream"] = True
    if (retries := params.get("retries")) is not None:
        changes["retries"] = count("retries", retries)
    if (timeouts := params.get("timeouts")) is not None:
        changes["timeouts"] = check_timeouts(timeouts)
    if (most := params.get("max_response_bytes")) is not None:
        changes["max_response_bytes"] = byte_count("max_response_bytes", most)
    if (on_interrupt := params.get("on_interrupt")) is not None:
        changes["on_interrupt"] = check_on_interrupt(on_interrupt)
    return msgspec.structs.replace(policy, **changes) if changes else policy


def check_timeouts(timeouts: object) -> Timeouts:
    """
    Return `timeouts` if it is a `Timeouts`.

    Raises:
        ConfigurationError: it is something else.
    """
    if not isinstance(timeouts, Timeouts):
        raise ConfigurationError(
            f"timeouts must be g4f_lite.Timeouts(…), not {quoted(timeouts)};"
            " for a bound on the whole call use deadline="
        )
    return timeouts


def check_on_interrupt(on_interrupt: Any) -> OnInterrupt:
    """
    Return `on_interrupt` if it is one of the three names.

    Raises:
        ConfigurationError: it is something else.
    """
    if not is_one_of(on_interrupt, get_args(OnInterrupt)):
        names = ", ".join(map(repr, get_args(OnInterrupt)))
        raise ConfigurationError(f"on_interrupt must be one of {names}, not {quoted(on_interrupt)}")
    return cast("OnInterrupt", on_interrupt)
