"""Remove what a service has quoted of a prompt: an error's message is shown, the prompt is not. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

SHORTEST = 12
"""Characters in a row that count as quoted; or a whole text, if it is shorter but no word."""
_WORD = 4
_MOST = 200_000
"""Characters of a request that are looked at: its first and last half. The event loop waits."""
_MOST_SAID = 1000
"""Characters of a message that are kept."""
_OMITTED = "[…]"


def texts_of(fields: Mapping[str, Any]) -> str:
    """Return all texts of a request but its model's name, each on lines of its own."""
    found = "\n\0\n".join(_texts([value for name, value in fields.items() if name != "model"]))
    return found if len(found) <= _MOST else f"{found[: _MOST // 2]}\n\0\n{found[-_MOST // 2 :]}"


def without_quotes(message: str, texts: str) -> str:
    """
    Return a message without the parts that stand in the request, too.

    Args:
        texts: as `texts_of` returns them.
    """
    message = message[:_MOST_SAID]
    for text in texts.split("\n\0\n"):
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


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
