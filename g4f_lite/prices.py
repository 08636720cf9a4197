"""
Prices and context windows of models, from genai-prices (extra `prices`), which is imported when first needed.

Rule: all prices are USD; the result is None for a model that genai-prices does not know.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Protocol

    from genai_prices.types import PriceCalculation

    class TokenDetailCounts(Protocol):
        @property
        def cached_tokens(self) -> int | None: ...
        @property
        def cache_write_tokens(self) -> int | None: ...
        @property
        def audio_tokens(self) -> int | None: ...

    class TokenCounts(Protocol):
        """The part of a usage that has a price."""

        @property
        def prompt_tokens(self) -> int: ...
        @property
        def completion_tokens(self) -> int: ...
        @property
        def prompt_tokens_details(self) -> TokenDetailCounts | None: ...


_IDS = {"gemini": "google", "xai": "x-ai", "moonshot": "moonshotai", "meta-llama": "meta", "zhipu": "zhipuai"}
"""The names of providers in genai-prices, if they differ."""


class Price(NamedTuple):
    """USD for a million tokens."""

    prompt: float
    completion: float


def installed() -> bool:
    """Return whether genai-prices is installed."""
    try:
        import genai_prices  # noqa: F401
    except ImportError:
        return False
    return True


def cost(provider: str, model: str, usage: TokenCounts) -> float | None:
    """Return the cost of a usage. Cached tokens and audio tokens have prices of their own."""
    details = usage.prompt_tokens_details
    counts = {"input_tokens": usage.prompt_tokens, "output_tokens": usage.completion_tokens}
    if details is not None:
        kinds = {
            "cache_read_tokens": details.cached_tokens,
            "cache_write_tokens": details.cache_write_tokens,
            "input_audio_tokens": details.audio_tokens,
        }
        counts |= {kind: count for kind, count in kinds.items() if count}
    found = _calculated(provider, model, **counts)
    return None if found is None else float(found.total_price)


@lru_cache(maxsize=4096)
def price(provider: str, model: str) -> Price | None:
    """Return the price of a model."""
    found = _calculated(provider, model, input_tokens=1000, output_tokens=1000)
    return None if found is None else Price(float(found.input_price) * 1000, float(found.output_price) * 1000)


@lru_cache(maxsize=4096)
def context_window(provider: str, model: str) -> int | None:
    """Return the number of tokens that prompt and completion may have together."""
    found = _calculated(provider, model, input_tokens=1)
    return None if found is None else found.model.context_window


def _calculated(provider: str, model: str, **counts: int) -> PriceCalculation | None:
    try:
        from genai_prices import Usage, calc_price

        return calc_price(Usage(**counts), model, provider_id=_IDS.get(provider, provider))
    except (ImportError, LookupError, ValueError):
        return None
