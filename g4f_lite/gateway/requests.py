"""From an HTTP request to a call of the library. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ..errors.exceptions import InvalidRequestError
from ..openai.mapping.arguments import METHODS, OURS, arguments
from ..openai.mapping.requests import Asked
from ..types.checks import seconds
from ..value import JSONObject
from .anthropic.requests import ChatFields
from .failures import LOOP, NO_SUCH_MODEL, RefusedError
from .keys import VirtualKey
from .models import Names, Target

HOPS = "x-g4f-hops"
"""The header that counts the gateways that a request has passed."""
_MOST_HOPS = 4
LONGEST_NAME = 256
"""Characters of a model's name: a pattern with several stars takes long to fit a long one."""
_NEVER = float("inf")
_PASSED_ON = ("anthropic-beta",)
"""Headers of Anthropic's protocol that say how to read the body."""
_OWN_KEYWORDS = frozenset({"deadline", "max_price", "on_interrupt", "timeout"})
"""What a caller may say of his call's way; the rest would go past what his key may ask for."""


class Prepared(NamedTuple):
    """The call to make."""

    asked: Asked
    target: Target
    method: str
    """The method of the client, such as `chat.completions.create`."""
    keywords: JSONObject


def prepare(asked: Asked, headers: Mapping[str, str], *, names: Names, key: VirtualKey, deadline: float) -> Prepared:
    """
    Return the call that a request asks for.

    Args:
        headers: of the request, whose names are found in any case.
        deadline: seconds; the caller's library may announce fewer.

    Raises:
        InvalidRequestError: a field is not what the endpoint takes.
        RefusedError: the model is not there, or not this key's; or the request runs in a circle of gateways.
    """
    fields = asked.fields
    if OURS in fields:
        _check_own(fields)
    model = fields.get("model")
    if model is not None and not isinstance(model, str):
        raise InvalidRequestError(f"model must be a string, not {repr(model)[:60]}")
    target = names.target(model or "", key) if len(model or "") <= LONGEST_NAME else None
    if target is None:
        raise no_such_model(model or "")
    keywords = arguments(asked)
    if target.model:
        keywords["model"] = target.model
    else:
        keywords.pop("model", None)
        if target.exact:
            keywords["fallback_models"] = []
    sent = {HOPS: str(_hops(headers) + 1)}
    if isinstance(fields, ChatFields):
        if target.routes:
            fields.check_routes(target.each_route)
        keywords["messages"] = fields.messages_with_body()
        sent |= {name: value for name in _PASSED_ON if (value := headers.get(name)) is not None}
    keywords["extra_headers"] = sent
    if target.max_tokens is not None and asked.operation == "chat":
        bound_tokens(keywords, target.max_tokens)
    own = keywords.get("deadline") or deadline
    if own is not deadline:
        own = seconds(f"{OURS}.deadline", own)
    if (least := min(deadline, _announced(headers), own)) < deadline:
        keywords["deadline"] = least
    else:  # which the client has of its own
        keywords.pop("deadline", None)
    return Prepared(asked, target, METHODS[asked.operation], keywords)


def no_such_model(model: str) -> RefusedError:
    """Return the refusal of a model that is not there, or that is not for this key: the same words for both."""
    what = f"there is no model {model[:80]!r} here, or not for this key" if model else "the request names no model"
    return RefusedError(NO_SUCH_MODEL, f"{what}; see GET /v1/models")


def _check_own(fields: JSONObject) -> None:
    own = fields.get(OURS)
    for name in own if isinstance(own, Mapping) else ():
        if name not in _OWN_KEYWORDS:
            raise InvalidRequestError(f"{OURS} may have {', '.join(sorted(_OWN_KEYWORDS))} here, not {name!r}")


def bound_tokens(keywords: JSONObject, most: int | None) -> None:
    """Lower the number of tokens that is asked for to what the configuration allows; set it if there is none."""
    if most is None:
        return
    named = [name for name in ("max_tokens", "max_completion_tokens") if name in keywords]
    for name in named:
        if isinstance(keywords[name], int):
            keywords[name] = min(keywords[name], most)
    if not named:
        keywords["max_tokens"] = most


def _announced(headers: Mapping[str, str]) -> float:
    """Return the seconds for which the caller's library waits, if it says so: then nobody reads the answer."""
    if (text := headers.get("x-stainless-read-timeout")) is None:
        return _NEVER
    try:
        seconds = float(text)
    except ValueError:
        return _NEVER
    return seconds if seconds > 0 else _NEVER


def _hops(headers: Mapping[str, str]) -> int:
    if (text := headers.get(HOPS)) is None:
        return 0
    hops = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0
    if hops >= _MOST_HOPS:
        raise RefusedError(LOOP, f"the request has passed {hops} gateways: they send it to each other in a circle")
    return hops
