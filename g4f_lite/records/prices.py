"""
Prices and context windows of models, from genai-prices (extra `prices`), which is imported when first needed.

Rule: all prices are USD; the result is None for a model that genai-prices does not know.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from math import isclose
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    from genai_prices.types import PriceCalculation

    class TokenDetailCounts(Protocol):
        @property
        def cached_tokens(self) -> int | None: ...
        @property
        def cached_tokens_details(self) -> TokenDetailCounts | None: ...
        @property
        def cache_write_tokens(self) -> int | None: ...
        @property
        def cache_write_1h_tokens(self) -> int | None: ...
        @property
        def reasoning_tokens(self) -> int | None: ...
        @property
        def audio_tokens(self) -> int | None: ...
        @property
        def image_tokens(self) -> int | None: ...
        @property
        def video_tokens(self) -> int | None: ...

    class TokenCounts(Protocol):
        """The part of a usage that has a price."""

        @property
        def prompt_tokens(self) -> int: ...
        @property
        def completion_tokens(self) -> int: ...
        @property
        def prompt_tokens_details(self) -> TokenDetailCounts | None: ...
        @property
        def completion_tokens_details(self) -> TokenDetailCounts | None: ...
        @property
        def web_searches(self) -> int | None: ...
        @property
        def audio_seconds(self) -> float | None: ...


_IDS = {"gemini": "google", "xai": "x-ai", "moonshot": "moonshotai", "meta-llama": "meta", "zhipu": "zhipuai"}
"""The names of providers in genai-prices, if they differ."""
_PLAIN_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
_SAME_PRICE = {("groq", "flex")}
"""Tiers at the standard price. Source: console.groq.com/docs/flex-processing."""
_OPENAI = frozenset({"openai", "azure"})
_PROMPT_KINDS: dict[str, tuple[str, ...]] = {
    "cache_write_mtok": ("input_tokens", "cache_write_tokens"),
    "cache_write_1h_mtok": ("input_tokens", "cache_write_tokens", "cache_write_1h_tokens"),
    **{f"input_{kind}_mtok": ("input_tokens", f"input_{kind}_tokens") for kind in ("audio", "image", "video")},
}
_ANSWER_KINDS: dict[str, tuple[str, ...]] = {
    f"output_{kind}_mtok": ("output_tokens", f"output_{kind}_tokens")
    for kind in ("reasoning", "audio", "image", "video")
}
"""Tokens that may be dearer than those of text, by the name of their price: their counts in genai-prices."""
_RATES_HOLD_S = 900
"""Prices change at whole hours or half hours, if they depend on the time of day."""
_FEW, MANY = 1_000, 100_000
"""Tokens between which prices are the same: the longer prompts that have others are longer than this."""


class Price(NamedTuple):
    """USD for a million tokens."""

    prompt: float
    completion: float


_declared: ContextVar[Mapping[tuple[str, str], Price]] = ContextVar("declared", default=MappingProxyType({}))
"""Prices that hold before those of the list: see `declared`."""


@contextmanager
def declared(prices: Mapping[tuple[str, str], Price]) -> Iterator[None]:
    """Let these prices hold, by provider and model, in this block and its tasks: those of modelled services."""
    token = _declared.set(prices)
    try:
        yield
    finally:
        _declared.reset(token)


def installed() -> bool:
    """Return whether genai-prices is installed, or not needed."""
    if _declared.get():
        return True
    try:
        import genai_prices  # noqa: F401
    except ImportError:
        return False
    return True


def cost(
    provider: str, model: str, usage: TokenCounts, *, tier: str | None = None, at: float | None = None
) -> float | None:
    """
    Return the cost of a usage; None also if the list has no price for a part of it or for the tier.

    Args:
        tier: the service's name for the prices that hold, such as `flex` or `batch`; None: the standard prices.
        at: Unix time of the request, because prices change; None: now.
    """
    if (declared := _declared.get()) and (own := declared.get((provider, model))) is not None:
        return (usage.prompt_tokens * own.prompt + usage.completion_tokens * own.completion) / 1e6
    if not _is_listed(provider, model) or not (usage.prompt_tokens or usage.audio_seconds or usage.web_searches):
        return None  # no chat is without a prompt: the service has not counted
    at = at or time.time()
    if (cached := _cached_if_plain(usage)) is not None and (rates := text_rates(provider, model, tier, at)) is not None:
        return (
            (usage.prompt_tokens - cached) * rates.prompt
            + cached * rates.cached
            + usage.completion_tokens * rates.completion
        )
    special = _special(provider, tier)
    when = datetime.fromtimestamp(at, UTC)
    found = _calculated(provider, model, _counts(usage), tier=special, when=when)
    if found is None or (special is not None and not _has_tier(found, special, when)):
        return None
    if provider in _OPENAI and ("-search-" in model or not _prices_sound(found, usage)):
        return None  # its search models have a fee for each search, and its answers do not count them
    return float(found.total_price)


def _special(provider: str, tier: str | None) -> str | None:
    """Return a tier that may have prices of its own."""
    return None if tier is None or tier in _PLAIN_TIERS or (provider, tier) in _SAME_PRICE else tier


def _cached_if_plain(usage: TokenCounts) -> int | None:
    """
    Return how much of a prompt came from the cache; None if the usage has anything but a prompt and a completion, or
    one of them is very long.
    """
    cached = 0
    if usage.web_searches or usage.audio_seconds:
        return None
    if (details := usage.prompt_tokens_details) is not None:
        if details.cache_write_tokens or details.cache_write_1h_tokens or _has_media(details):
            return None
        if (inside := details.cached_tokens_details) is not None and _has_media(inside):
            return None
        cached = details.cached_tokens or 0
    if (details := usage.completion_tokens_details) is not None and (details.reasoning_tokens or _has_media(details)):
        return None
    # Of more tokens from the cache than the prompt has, which cannot be, the list has no price.
    plain = 0 <= cached <= usage.prompt_tokens <= MANY and 0 <= usage.completion_tokens <= MANY
    return cached if plain else None


def _has_media(details: TokenDetailCounts) -> bool:
    return bool(details.audio_tokens or details.image_tokens or details.video_tokens)


class Rates(NamedTuple):
    """USD for a token of text."""

    prompt: float
    cached: float
    completion: float


def text_rates(provider: str, model: str, tier: str | None, at: float) -> Rates | None:
    """
    Return what tokens of text cost at a time, up to `MANY` of them; None if that is not known, or not so simple.

    Arguments as in `cost`.
    """
    if (declared := _declared.get()) and (own := declared.get((provider, model))) is not None:
        return Rates(own.prompt / 1e6, own.prompt / 1e6, own.completion / 1e6)
    if _special(provider, tier) is not None or (provider in _OPENAI and "-search-" in model):
        return None
    return _rates(provider, model, int(at // _RATES_HOLD_S))


@lru_cache(maxsize=4096)
def _rates(provider: str, model: str, period: int) -> Rates | None:
    """
    Return what tokens cost in a period; None if the price is not known, or depends on how many there are up to `MANY`.

    The list's own arithmetic takes half a millisecond.
    """
    when = datetime.fromtimestamp(period * _RATES_HOLD_S, UTC)
    found = []
    for counts in ({"input_tokens": 1.0}, {"input_tokens": 1.0, "cache_read_tokens": 1.0}, {"output_tokens": 1.0}):
        few, many = (
            _calculated(provider, model, {name: size * one for name, one in counts.items()}, when=when)
            for size in (_FEW, MANY)
        )
        if few is None or many is None:
            return None
        rate = float(few.total_price) / _FEW
        if not isclose(rate, float(many.total_price) / MANY, rel_tol=1e-9, abs_tol=1e-18):
            return None
        found.append(rate)
    return Rates(*found)


def dearest(provider: str, model: str, *, tier: str | None, media: bool, kept: bool) -> tuple[float, float]:
    """
    Return how many times the price of text a token of a prompt, and of an answer, may cost at most.

    Args:
        tier: as in `cost`.
        media: whether the prompt has other parts than texts.
        kept: whether it asks to be kept in a cache: for how long is not told.
    """
    return _dearest(provider, model, tier, int(time.time() // _RATES_HOLD_S), media=media, kept=kept)


@lru_cache(maxsize=4096)
def _dearest(
    provider: str, model: str, tier: str | None, period: int, *, media: bool, kept: bool
) -> tuple[float, float]:
    if not (found := _kinds(provider, model, tier, period)):
        return 1.0, 1.0
    asked = {name for name in found if (media or not name.startswith("input")) and (kept or "_1h_" not in name)}
    return (
        max((found[name] for name in asked & _PROMPT_KINDS.keys()), default=1.0),
        max((found[name] for name in asked & _ANSWER_KINDS.keys()), default=1.0),
    )


@lru_cache(maxsize=4096)
def _kinds(provider: str, model: str, tier: str | None, period: int) -> dict[str, float]:
    """Return how many times the price of text the kinds of tokens cost that are dearer; of short or long prompts."""
    when, dearer = datetime.fromtimestamp(period * _RATES_HOLD_S, UTC), dict[str, float]()

    def usd(counts: tuple[str, ...], size: int) -> float:
        found = _calculated(provider, model, dict.fromkeys(counts, size), tier=tier, when=when)
        return 0.0 if found is None else float(found.total_price)

    known = _calculated(provider, model, {"input_tokens": 1}, tier=tier, when=when)
    for name, counts in (_PROMPT_KINDS | _ANSWER_KINDS).items():
        if known is not None and getattr(known.model_price, name, None) is not None:
            for size in (_FEW, 5 * MANY):
                if (text := usd(counts[:1], size)) and (times := usd(counts, size) / text) > dearer.get(name, 1.0):
                    dearer[name] = times
    return dearer


def _counts(usage: TokenCounts) -> dict[str, float]:
    """Return the counts by their names in genai-prices; it prices the kinds that the model's list tells apart."""
    counts: dict[str, float | None] = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "web_searches": usage.web_searches,
        "audio_seconds": usage.audio_seconds,
        "input_audio_seconds": usage.audio_seconds,
    }
    if (details := usage.prompt_tokens_details) is not None:
        counts |= {
            "cache_read_tokens": details.cached_tokens,
            "cache_write_tokens": details.cache_write_tokens,
            "cache_write_1h_tokens": details.cache_write_1h_tokens,
            **{f"input_{kind}_tokens": count for kind, count in _media(details)},
        }
        if (cached := details.cached_tokens_details) is not None:
            counts |= {f"cache_{kind}_read_tokens": count or 0 for kind, count in _media(cached)}
    if (details := usage.completion_tokens_details) is not None:
        counts["output_reasoning_tokens"] = details.reasoning_tokens
        counts |= {f"output_{kind}_tokens": count for kind, count in _media(details)}
    return {name: count for name, count in counts.items() if count is not None}


def _media(details: TokenDetailCounts) -> tuple[tuple[str, int | None], ...]:
    return ("audio", details.audio_tokens), ("image", details.image_tokens), ("video", details.video_tokens)


def _has_tier(found: PriceCalculation, tier: str, when: datetime) -> bool:
    """Return whether the list had prices for this tier; it ignores tiers of models that another provider lists."""
    return any(model is found.model for model in found.provider.models) and any(
        tier in variant.when.values() and (variant.constraint is None or variant.constraint.active(when))
        for variant in found.model.price_variants or ()
    )


def _prices_sound(found: PriceCalculation, usage: TokenCounts) -> bool:
    """Return whether the list has the prices of sound; OpenAI never bills it as text."""
    heard, said = usage.prompt_tokens_details, usage.completion_tokens_details
    return not (
        (heard is not None and heard.audio_tokens and found.model_price.input_audio_mtok is None)
        or (said is not None and said.audio_tokens and found.model_price.output_audio_mtok is None)
    )


@lru_cache(maxsize=4096)
def _is_listed(provider: str, model: str) -> bool:
    """Return whether the list has a model; to find that it has not takes as long as a price."""
    try:
        from genai_prices import Usage, calc_price

        calc_price(Usage(input_tokens=1), model, provider_id=_IDS.get(provider, provider))
    except (ImportError, LookupError):
        return False
    except ValueError:
        pass
    return True


def price(provider: str, model: str) -> Price | None:
    """Return the price of a model."""
    return _declared.get().get((provider, model)) or _listed_price(provider, model)


@lru_cache(maxsize=4096)
def _listed_price(provider: str, model: str) -> Price | None:
    found = _calculated(provider, model, {"input_tokens": 1000, "output_tokens": 1000})
    return None if found is None else Price(float(found.input_price) * 1000, float(found.output_price) * 1000)


@lru_cache(maxsize=4096)
def context_window(provider: str, model: str) -> int | None:
    """Return the number of tokens that prompt and completion may have together."""
    found = _calculated(provider, model, {"input_tokens": 1})
    return None if found is None else found.model.context_window


def _calculated(
    provider: str,
    model: str,
    counts: Mapping[str, float],
    *,
    tier: str | None = None,
    when: datetime | None = None,
) -> PriceCalculation | None:
    try:
        from genai_prices import Usage, calc_price

        return calc_price(
            Usage(**counts),
            model,
            provider_id=_IDS.get(provider, provider),
            genai_request_timestamp=when,
            # The list calls it by the name that the service's own parameter has.
            price_context=dict.fromkeys(("service_tier", "processing", "speed"), tier) if tier else None,
        )
    except (ImportError, LookupError, ValueError):
        return None
