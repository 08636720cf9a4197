"""
What a request may use at most, before it is sent. Pure.

A token has one byte of text at least, so a prompt has at most as many tokens as bytes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ..records import prices
from ..types.chat_request import ChatRequest
from ..types.usage import Usage

RATE_OUTPUT, COST_OUTPUT = 1024, 4096
"""Tokens of a completion if the request has no `max_tokens`: as they count for a rate, and for a budget."""
MEDIUM_TOKENS = 8192
"""Tokens of an image, a sound or a file in a prompt: nobody can see how many it has."""
_TEXTS = ("input", "prompt", "instructions")
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Estimate(NamedTuple):
    """Tokens, rather too many than too few."""

    prompt: int
    output: int | None = None
    """None if the request does not bound it."""
    choices: int = 1
    tier: str | None = None
    """`service_tier`: some are dearer."""
    media: bool = False
    """Whether the prompt has other parts than texts: their tokens may be dearer."""
    kept: bool = False
    """Whether it asks to be kept in a cache: to write into it may be dearer."""

    def completion(self, otherwise: int) -> int:
        """Return the tokens of all choices; of one `otherwise` if the request does not bound it."""
        return (otherwise if self.output is None else self.output) * self.choices

    def most_usd(self, provider: str, model: str) -> float | None:
        """
        Return the largest cost at a model's prices, which may rise with the length of a prompt; None if none is known.

        A tier that the list has no prices for has the standard ones. Either may be used: a service says it afterwards.
        So it is with the kinds of tokens: all may be the dearest one, such as sound, or what is written into a cache.
        """
        cost = self._most_usd(provider, model, None)
        if self.tier is None or (own := self._most_usd(provider, model, self.tier)) is None:
            return cost
        return own if cost is None else max(cost, own)

    def _most_usd(self, provider: str, model: str, tier: str | None) -> float | None:
        size, completion = self.prompt or 1, self.completion(COST_OUTPUT)  # without a prompt, nothing has a price
        dear = prices.dearest(provider, model, tier=tier, media=self.media, kept=self.kept)
        is_short = size <= prices.MANY and completion <= prices.MANY
        if is_short and (rates := prices.text_rates(provider, model, tier, time.time())) is not None:
            return size * rates.prompt * dear[0] + completion * rates.completion * dear[1]
        usage = Usage(prompt_tokens=size, completion_tokens=completion, total_tokens=size + completion)
        cost = prices.cost(provider, model, usage, tier=tier)
        if cost is None or dear == (1.0, 1.0):
            return cost
        prompt = prices.cost(provider, model, Usage(prompt_tokens=size), tier=tier) or 0.0
        return prompt * dear[0] + (cost - prompt) * dear[1]


def estimate(request: Any) -> Estimate:
    """Return what a request to chat, or to another endpoint, may use."""
    if not isinstance(request, ChatRequest):
        texts = [text for name in _TEXTS if (text := getattr(request, name, None)) is not None]
        return Estimate(sum(len(_encode(text)) for text in texts), 0)
    prompt, media, kept = prompt_size(request.messages, request.tools, request.functions, request.response_format)
    bounds = [request.max_completion_tokens, request.max_tokens]
    tier = request.service_tier
    if extra := request.extra_body:
        tier = extra.get("service_tier", tier)
        bounds += [extra.get(name) for name in ("max_completion_tokens", "max_tokens", "max_output_tokens")]
        kept = kept or b"cache_control" in _encode(extra)
    known = [bound for bound in bounds if type(bound) is int and bound > 0]
    output, named = max(known) if known else None, tier if isinstance(tier, str) else None
    return Estimate(prompt, output, request.choices, named, media, kept)


def prompt_size(messages: Sequence[Mapping[str, Any]], *others: Any) -> tuple[int, bool, bool]:
    """Return the `prompt`, `media` and `kept` of messages, with what else of the request the model reads."""
    sent = _encode((messages, *others))
    size, has_media = len(sent), False
    for message in messages:
        if isinstance(content := message.get("content"), (list, tuple)):
            media = [part for part in content if isinstance(part, Mapping) and "text" not in part]
            size += sum(map(_beyond_bytes, media))
            has_media = has_media or bool(media)
    return size, has_media, b"cache_control" in sent


def _beyond_bytes(part: Mapping[str, Any]) -> int:
    """Return the tokens of a medium without its bytes, which may be data; Anthropic's own blocks may have texts."""
    beyond = MEDIUM_TOKENS - len(_encode(part))
    return max(beyond, 0) if "content" in part or "source" in part else beyond
