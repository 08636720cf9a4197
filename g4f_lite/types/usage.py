"""What a chat used, in tokens: immutable, picklable, shaped like OpenAI's object."""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from typing import Any, ClassVar

import msgspec
from msgspec import field

from ..value import JSONObject
from .results import OpenResult, Result, without_none

MOST_COUNTED = 10**9
"""Tokens, seconds or USD: more than one call can use. What adds them up has room for those of many calls."""


class TokenDetails(Result, frozen=True, kw_only=True, gc=False):
    """The kinds of the tokens of a prompt or a completion; None if the service does not count them apart."""

    _ours: ClassVar[frozenset[str]] = frozenset(("cached_tokens_details", "cache_write_1h_tokens", "video_tokens"))
    cached_tokens: int | None = None
    cached_tokens_details: "TokenDetails | None" = None
    """The kinds of the cached tokens."""
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Those of `cache_write_tokens` that are kept for an hour."""
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    video_tokens: int | None = None
    text_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    """Tokens of the request's `prediction` that are in the answer."""
    rejected_prediction_tokens: int | None = None
    """Tokens of the request's `prediction` that are not; they are billed, too."""


class Usage(OpenResult, frozen=True, kw_only=True, gc=False):
    """Tokens as the provider counted them. Two are equal if their counts are, whatever their `extra`."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    # Ours, see ChatCompletion; set by the code of a provider.
    web_searches: int | None = field(default=None, name="g4f_lite.web_searches")
    audio_seconds: float | None = field(default=None, name="g4f_lite.audio_seconds")
    """Length of the sound in the prompt, where it has a price of its own."""
    cost: float | None = field(default=None, name="g4f_lite.cost")
    """USD, if the service says what it charges."""
    rates: str | None = field(default=None, name="g4f_lite.rates")
    """The service's name for the prices that hold, if `service_tier` does not say it."""
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`; of the details too, under their name."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usage) and self._counts() == other._counts()

    def __hash__(self) -> int:
        return hash(self._counts())

    def _counts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name != "extra")

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this usage, with `extra`."""
        if self.prompt_tokens_details is None and self.completion_tokens_details is None and not self.extra:
            counts: JSONObject = {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}
            return {**counts, "total_tokens": self.total_tokens}
        given: JSONObject = without_none(msgspec.to_builtins(self))
        counts = {name: value for name, value in given.items() if not name.startswith("g4f_lite.")}
        for name, value in self.extra.items():
            inside = counts.get(name)
            counts[name] = {**inside, **value} if isinstance(inside, dict) and isinstance(value, dict) else value
        return counts


def possible(usage: Any) -> Any:
    """Return a usage; None for one that cannot be: a number is negative, or more than a call can use."""
    for value in msgspec.structs.astuple(usage):
        kind = value.__class__  # each call asks this, and `isinstance` is a call of its own
        if kind is int or kind is float:
            if not 0 <= value <= MOST_COUNTED:
                return None
        elif kind is TokenDetails and possible(value) is None:
            return None
    return usage
