"""Prices of models, from genai-prices (extra `prices`), which is imported when first needed."""

from __future__ import annotations

from functools import lru_cache

from .errors import ConfigurationError

_SAMPLE = {"input_tokens": 1000, "output_tokens": 1000}


def check_prices() -> None:
    """
    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        import genai_prices  # noqa: F401  # only whether it is there
    except ImportError:
        raise ConfigurationError("prices are not installed; run: pip install 'g4f_lite[prices]'") from None


@lru_cache(maxsize=4096)
def price(provider: str, model: str) -> float | None:
    """
    Return what 1000 tokens in and 1000 out cost, in USD; None if nobody knows.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    check_prices()
    from genai_prices import Usage, calc_price

    try:
        return float(calc_price(Usage(**_SAMPLE), model_ref=model, provider_id=provider).total_price)
    except LookupError:
        return None
