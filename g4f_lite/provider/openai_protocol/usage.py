"""Reads what a service's usage says under names of its own. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import msgspec
from msgspec import Struct

from ...types.usage import TokenDetails, Usage
from ...value import NOT_JSON, JSONObject


class _Owner(Struct):
    usage: JSONObject | None = None


class _Answer(_Owner):
    choices: list[_Owner] | None = None
    """Some streams have the usage in a choice."""


_decoder = msgspec.json.Decoder(_Answer)


def with_own_fields(usage: Usage, body: bytes, fields: Mapping[str, str], costs: Mapping[str, float]) -> Usage:
    """
    Return the usage with what only this service says. Its completion includes reasoning, as OpenAI's does.

    Args:
        body: the answer, or the event of a stream, that the usage comes from.
        fields, costs: `OpenaiTemplate.usage_fields` and `usage_costs`.
    """
    try:
        answer = _decoder.decode(body)
    except NOT_JSON:
        return usage  # its fields have other types
    said = answer.usage or next((choice.usage for choice in answer.choices or () if choice.usage), {})
    for path, ours in fields.items():
        if (count := _number(said, path)) is not None:
            usage = _with(usage, ours, count)
    usage = _with_reasoning(usage)
    charges = [count * unit for path, unit in costs.items() if (count := _number(said, path)) is not None]
    if not charges:
        return usage
    if said.get("is_byok") is True:  # a gateway's fee; the key of the caller pays the service behind it
        charges.append(_number(said, "cost_details.upstream_inference_cost") or 0)
    return msgspec.structs.replace(usage, cost=float(sum(charges)))


def with_reported_cost(usage: Usage, header: str) -> Usage:
    """Return the usage with the cost that a header says; a number of USD that is none says nothing."""
    try:
        cost = float(header)
    except ValueError:
        return usage
    return msgspec.structs.replace(usage, cost=cost) if 0 <= cost < inf else usage


def _number(said: JSONObject, path: str) -> float | None:
    value: Any = said
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value if type(value) in (int, float) and value >= 0 else None


def _with(usage: Usage, path: str, count: float) -> Usage:
    owner, _, name = path.rpartition(".")
    if not owner:
        return msgspec.structs.replace(usage, **{name: count if name in ("audio_seconds", "cost") else int(count)})
    details = getattr(usage, owner) or TokenDetails()
    if getattr(details, name):  # OpenAI's own field says it too
        return usage
    return msgspec.structs.replace(usage, **{owner: msgspec.structs.replace(details, **{name: int(count)})})


def _with_reasoning(usage: Usage) -> Usage:
    """Count reasoning as part of the completion if the total shows that the service does not (xAI)."""
    details = usage.completion_tokens_details
    if details is None or not details.reasoning_tokens:
        return usage
    whole = usage.completion_tokens + details.reasoning_tokens
    if usage.total_tokens != usage.prompt_tokens + whole:
        return usage
    return msgspec.structs.replace(usage, completion_tokens=whole)
