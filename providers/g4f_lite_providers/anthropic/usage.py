"""
Reads Claude's counts of tokens, and what decides their prices.

Source: docs.claude.com/en/api/messages, …/build-with-claude/prompt-caching, …/compaction, …/fast-mode,
…/data-residency, …/agents-and-tools/tool-use/advisor-tool.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from g4f_lite import TokenDetails, Usage

from ..translation.answers import usage_of

_OWN_MODEL = ("message", "compaction")
_ANYWHERE = (None, "", "global", "not_available")


class _Kept(Struct):
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(Struct):
    thinking_tokens: int | None = None


class _Tools(Struct):
    web_search_requests: int | None = None


class _Counts(Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: _Kept | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None


class _Iteration(_Counts):
    type: str = ""


class ClaudeUsage(_Counts):
    """Counts of a message; in a stream the last value of each counts, and may come late."""

    output_tokens_details: _OutputDetails | None = None
    server_tool_use: _Tools | None = None
    iterations: list[_Iteration] | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None

    def update(self, later: ClaudeUsage) -> None:
        """Zeros alone, which gateways have sent after the true counts of the prompt or the answer, correct nothing."""
        later.output_tokens = later.output_tokens or self.output_tokens
        if not (later.input_tokens or later.cache_read_input_tokens or self.input_tokens is None):
            later.input_tokens = later.cache_read_input_tokens = later.cache_creation_input_tokens = None
        for name in self.__struct_fields__:
            if (value := getattr(later, name)) is not None:
                setattr(self, name, value)

    def to_openai(self) -> Usage | None:
        """
        Return the counts in OpenAI's form, None without any.

        `input_tokens` excludes what was read from and written to the cache; OpenAI counts the whole prompt. The counts
        of the message exclude those of a summary, which are billed too.
        """
        if self.input_tokens is None:
            return None
        summed = any(one.type == "compaction" for one in self.iterations or ())
        billed = _sum(one for one in self.iterations or () if one.type in _OWN_MODEL) if summed else self
        cached, written = billed.cache_read_input_tokens, billed.cache_creation_input_tokens
        hour = billed.cache_creation.ephemeral_1h_input_tokens if billed.cache_creation is not None else None
        thought = self.output_tokens_details.thinking_tokens if self.output_tokens_details is not None else None
        searches = self.server_tool_use.web_search_requests if self.server_tool_use is not None else None
        return usage_of(
            (billed.input_tokens or 0) + (written or 0) + (cached or 0),
            billed.output_tokens or 0,
            of_prompt=TokenDetails(
                cached_tokens=cached, cache_write_tokens=written, cache_write_1h_tokens=hour or None
            ),
            of_output=TokenDetails(reasoning_tokens=thought),
            web_searches=searches or None,
            rates=self._rates(),
        )

    def _rates(self) -> str | None:
        """Return the name of other than the usual prices: a fast answer, one region, the help of another model."""
        names = [self.speed] if self.speed not in (None, "standard") else []
        names += [self.inference_geo] if self.inference_geo not in _ANYWHERE else []
        names += [one.type for one in self.iterations or () if one.type not in _OWN_MODEL]
        return " ".join(map(str, names)) or None


def _sum(parts: Iterable[_Iteration]) -> _Counts:
    whole = _Counts(0, 0, _Kept(0), 0, 0)
    for part in parts:
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"):
            setattr(whole, name, getattr(whole, name) + (getattr(part, name) or 0))
        if part.cache_creation is not None and whole.cache_creation is not None:
            hour = part.cache_creation.ephemeral_1h_input_tokens or 0
            whole.cache_creation = _Kept((whole.cache_creation.ephemeral_1h_input_tokens or 0) + hour)
    return whole
