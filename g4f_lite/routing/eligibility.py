"""
Which legs may take a request: by capabilities, price and context window.

Rule: the request and the leg decide, never what happened before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, TypeAlias

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..errors.suggestions import install_hint
from ..provider.address import is_loopback
from ..provider.leg import Leg
from ..provider.self_description import declared
from ..records import prices
from ..types.chat_request import ChatRequest
from .selection import Selection, no_usable_route
from .tiers import Tiers

LONG = 30_000
"""Tokens. Few models have a smaller window, and loading genai-prices takes most of a second."""
_CHARACTERS_PER_TOKEN = 6
"""Few tokens are longer, so the estimate is rather too low than too high."""

Needs = Mapping[str, str]
"""Capability to what needs it."""
Reason: TypeAlias = Callable[[Leg], str | None]
"""Returns why a leg may not take a request; None if it may."""


def required_capabilities(request: ChatRequest) -> Needs:
    """Return the capabilities that a provider must have to take a request."""
    needs: dict[str, str] = {}
    if request.tools:
        needs["tools"] = "tools"
    if (request.response_format or {}).get("type") == "json_schema":
        needs["json_schema"] = "an answer by a JSON Schema"
    for message in request.messages:
        if isinstance(content := message.get("content"), (list, tuple)):
            for part in content:
                if (kind := part.get("type")) == "image_url":
                    needs["vision"] = "images"
                elif kind == "input_audio":
                    needs["audio"] = "sound"
    return needs


def tokens_of(request: ChatRequest) -> float:
    """Return a low estimate of the tokens in a request."""
    characters = 0
    for message in request.messages:
        content = message.get("content")
        if isinstance(content, str):
            characters += len(content)
        elif isinstance(content, (list, tuple)):
            characters += sum(len(text) for part in content if isinstance(text := part.get("text"), str))
    return characters / _CHARACTERS_PER_TOKEN


def filter_eligible(selection: Selection, reasons: Sequence[Reason]) -> Selection:
    """
    Return the selection without the legs that a check finds a reason against; the first reason is given.

    Raises:
        NoUsableRouteError: no leg is left.
    """
    tiers: list[list[Leg]] = []
    skipped = list(selection.skipped)
    for tier in selection.tiers:
        eligible = []
        for leg in tier:
            found = next((found for reason in reasons if (found := reason(leg)) is not None), None)
            if found is None:
                eligible.append(leg)
            else:
                skipped.append(leg.skipped(found))
        if eligible:
            tiers.append(eligible)
    if len(skipped) == len(selection.skipped):
        return selection
    if not tiers:
        raise no_usable_route(skipped, keys_suffice=True)
    return Selection(Tiers(tiers), skipped)


def missing_capability(needs: Needs) -> Reason:
    """Return the check whether a leg has the capabilities that a request needs."""

    def reason(leg: Leg) -> str | None:
        for capability, what in needs.items():
            own = declared(leg.provider, "model_capabilities").get(leg.model, ())
            if capability not in declared(leg.provider, "capabilities") and capability not in own:
                return f"does not take {what}: the capability {capability!r} is not declared"
        return None

    return reason


def over_context_window(tokens: float) -> Reason:
    """Return the check whether a prompt fits the context window of a leg's model, if the extra `prices` knows it."""

    def reason(leg: Leg) -> str | None:
        window = None if leg.is_local else prices.context_window(leg.provider.name, leg.model)
        if window is None or tokens <= window:
            return None
        return f"the prompt of at least {tokens:.0f} tokens is longer than its context window of {window}"

    return reason


def over_price(bound: prices.Price) -> Reason:
    """Return the check whether a leg is too expensive; what runs on this machine costs nothing."""

    def reason(leg: Leg) -> str | None:
        if leg.is_local:
            return None
        if (price := prices.price(leg.provider.name, leg.model)) is None:
            if is_loopback(leg.origin):
                return None
            return "its price is not known, and max_price is set"
        if price.prompt > bound.prompt or price.completion > bound.completion:
            return f"${price.prompt:g} and ${price.completion:g} for a million tokens is more than max_price"
        return None

    return reason


def check_prices() -> None:
    """
    Check that the extra `prices` is installed.

    Raises:
        ConfigurationError: it is not.
    """
    if not prices.installed():
        raise ConfigurationError(f"prices are not installed; run: {install_hint('prices')}")


def price_bound(max_price: Any) -> prices.Price:
    """
    Return what `max_price` means: a number bounds both prices, a mapping `prompt` and `completion`.

    Raises:
        ConfigurationError: it is malformed, or prices are not installed.
    """
    bounds = max_price if isinstance(max_price, Mapping) else {"prompt": max_price, "completion": max_price}
    if not bounds.keys() <= {"prompt", "completion"} or not all(
        isinstance(bound, (int, float)) and not isinstance(bound, bool) and bound >= 0 for bound in bounds.values()
    ):
        raise ConfigurationError(
            "max_price must be USD for a million tokens, as 2.5 or {'prompt': 1, 'completion': 4};"
            f" not {quoted(max_price)}"
        )
    check_prices()
    return prices.Price(bounds.get("prompt", inf), bounds.get("completion", inf))
