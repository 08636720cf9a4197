"""Finds the JSON in a model's text: models put reasoning, code fences and sentences around it. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ..value import NOT_JSON, decode_lenient

_REASONING = re.compile(r"\s*(?:<(\w+)>.*?</\1>|\[(THINK)\].*?\[/THINK\])", re.DOTALL)
"""Tags such as `<think>`, `<thinking>`, `<reasoning>`; Mistral's."""
_BEGUN = re.compile(r"\s*(?:<(?:think|thinking|thought|reasoning)>|\[THINK\])")
_ENDED = re.compile(r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]")
_LATE_TAG = "</think>"
"""Some templates put the opening tag into the prompt."""
_ONLY_FENCE = re.compile(r"\s*```[^\n]*\n(.*)```\s*", re.DOTALL)
_FENCE = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_DECODER = json.JSONDecoder(strict=False)  # models write the lines of a text as they are
_MOST_STARTS = 64


def json_texts(text: str) -> Iterator[str]:
    """Yield the parts of a text that may be its JSON, the likeliest first; a code block or a value only if alone."""
    yield text
    start = 0
    while reasoning := _REASONING.match(text, start):
        start = reasoning.end()
    if _BEGUN.match(text, start) and not _ENDED.search(text, start):  # what stands there is a draft
        return
    answer = text[start:]
    if not start and _LATE_TAG in text:
        yield from _without_words(text.rpartition(_LATE_TAG)[2])
    yield from _without_words(answer)


def _without_words(text: str) -> Iterator[str]:
    yield text
    if text.lstrip().startswith('"'):  # JSON in a JSON string
        try:
            yield str(decode_lenient(text.encode("utf-8", "replace")))
        except NOT_JSON:
            pass
    if (only := _ONLY_FENCE.fullmatch(text)) is not None:
        yield only[1]
    if len(fenced := _FENCE.findall(text)) == 1:
        yield fenced[0]
    if len(fenced) < 2 and len(found := _values(fenced[0] if fenced else text)) == 1:
        yield found[0]


def _values(text: str) -> list[str]:
    """Return the objects and lists of objects in a text, as far as they are valid JSON and not within each other."""
    found, position = [], 0
    for _ in range(_MOST_STARTS):
        start = re.compile(r"[{\[]").search(text, position)
        if start is None:
            break
        try:
            value, position = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            position = start.end()
            continue
        if isinstance(value, dict) or (value and isinstance(value, list) and isinstance(value[0], dict)):
            found.append(_strictly(text[start.start() : position], value))
    return found


def _strictly(written: str, value: object) -> str:
    """Return JSON that every decoder takes: control characters in its texts are escaped."""
    if written.isprintable():
        return written
    try:
        json.loads(written)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)
    return written
