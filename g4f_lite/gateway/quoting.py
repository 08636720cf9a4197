"""Remove what a service has quoted of a prompt: an error's message is shown, the prompt is not. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

SHORTEST = 12
"""Characters in a row that count as quoted; or a whole text, if it is shorter but no word."""
_WORD = 4
_MOST = 20_000
"""Characters of a request that are looked at: its first and last half. The event loop waits."""
_MOST_SAID = 500
"""Characters of a message that are kept."""
_OMITTED = "[…]"
_BETWEEN = "\n\0\n"
_NAMES = frozenset(
    {"model", "role", "type", "name", "id", "tool_call_id", "tool_choice", "service_tier", "reasoning_effort"}
)
"""The fields that say nothing of what is asked."""


def texts_of(fields: Mapping[str, Any]) -> str:
    """Return what a request says, each text on lines of its own: not names, such as those of roles and tools."""
    found = _BETWEEN.join(_texts(fields))
    return found if len(found) <= _MOST else f"{found[: _MOST // 2]}{_BETWEEN}{found[-_MOST // 2 :]}"


def without_quotes(message: str, texts: str) -> str:
    """
    Return a message without the parts that stand in the request, too.

    Args:
        texts: as `texts_of` returns them.
    """
    message = message[:_MOST_SAID]
    if "\\" in message:
        texts = _BETWEEN.join([texts, *_escaped(texts.split(_BETWEEN))])
    for text in texts.split(_BETWEEN):
        if _WORD < len(text) < SHORTEST and text in message:
            message = message.replace(text, _OMITTED)
    kept, at = [], 0
    while at < len(message):
        end = at + SHORTEST
        if end <= len(message) and message[at:end] in texts:
            while end < len(message) and message[at : end + 1] in texts:
                end += 1
            kept.append(_OMITTED)
            at = end
        else:
            kept.append(message[at])
            at += 1
    return "".join(kept)


def _escaped(texts: list[str]) -> Iterator[str]:
    """Yield the texts as a service quotes them inside JSON: two ways."""
    for ascii_only in (True, False):
        yield from (json.dumps(text, ensure_ascii=ascii_only)[1:-1] for text in texts)


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]  # not by recursion: callers choose the depth
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += [one for name, one in value.items() if name not in _NAMES]
        elif isinstance(value, list):
            waiting += reversed(value)
