"""
Fields that a service sends in OpenAI's protocol, and that the types have no attribute for: `extra` of the types.

A completion in one piece has them at once. The chunks of a stream keep the bytes of their events, and are looked at
again when the completion is made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from ..value import NOT_JSON, JSONObject, decode_lenient
from .chat import ChatCompletion, Choice, Message
from .chunks import ChatCompletionChunk, message_in, unknown_in_choice
from .results import unknown_fields
from .usage import TokenDetails, Usage

_ANSWER, _CHOICE, _MESSAGE, _USAGE = (
    frozenset(kind.__struct_encode_fields__) for kind in (ChatCompletion, Choice, Message, Usage)
)
_OTHER_NAMES = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}
_MOST_FIELDS = 256
"""Fields of a usage that are joined: copying more for each chunk of a stream would take quadratic time."""


def keep_extra(completion: ChatCompletion, answer: JSONObject) -> None:
    """
    Set the `extra` of a completion and of its parts.

    Args:
        completion: just decoded, so that nobody else holds it.
        answer: the JSON that it was decoded from.
    """
    if not _ANSWER.issuperset(answer):
        force_setattr(completion, "extra", unknown_fields(answer, ChatCompletion))
    if completion.usage is not None and "usage" in answer:
        keep_extra_of_usage(completion.usage, answer["usage"])
    for choice, given in zip(completion.choices, answer["choices"], strict=False):
        if not _CHOICE.issuperset(given):
            force_setattr(choice, "extra", unknown_fields(given, Choice))
        if "message" in given and type(message := given["message"]) is dict and not _MESSAGE.issuperset(message):
            force_setattr(choice.message, "extra", unknown_fields(message, Message))


def keep_extra_of_usage(usage: Usage, given: Any) -> None:
    """As `keep_extra`, for a usage and its details."""
    if type(given) is not dict:
        return
    extra = {} if _USAGE.issuperset(given) else unknown_fields(given, Usage)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        if name in given and type(inside := given[name]) is dict and (rest := unknown_fields(inside, TokenDetails)):
            extra[name] = rest
    if extra:
        force_setattr(usage, "extra", extra)
        if not (usage.prompt_tokens and usage.completion_tokens):
            _read_other_names(usage, extra)


def _read_other_names(usage: Usage, given: JSONObject) -> None:
    """Take from a usage that was just decoded what it names as OpenAI's Responses do, if a chat's names say nothing."""
    found = {
        ours: given[other] for ours, other in _OTHER_NAMES.items() if not getattr(usage, ours) and given.get(other)
    }
    if not found:
        return
    try:
        read = msgspec.convert(found, Usage, strict=False)
    except msgspec.ValidationError:
        return
    for name in found:
        force_setattr(usage, name, getattr(read, name))
    if not usage.total_tokens:
        force_setattr(usage, "total_tokens", usage.prompt_tokens + usage.completion_tokens)


class ExtraFields:
    """The extra fields of a stream under way. Objects are united; of other fields the last value is kept."""

    def __init__(self) -> None:
        self.of_answer: JSONObject = {}
        self.of_choices: dict[int, JSONObject] = {}
        self._of_messages: dict[int, JSONObject] = {}
        self._whole: bytes | None = None
        """The JSON of an answer whose extra fields are known, so that it need not be decoded again."""

    def take(self, completion: ChatCompletion, indexes: Sequence[int]) -> None:
        """
        Take the extra fields of a whole answer, whose chunk comes next.

        Args:
            indexes: of its choices, as the chunk has them.
        """
        self._whole = completion.raw_json
        _merge(self.of_answer, completion.extra)
        for index, choice in zip(indexes, completion.choices, strict=True):
            _merge(self.of_choices.setdefault(index, {}), choice.extra)
            _join(self._of_messages.setdefault(index, {}), choice.message.extra)

    @property
    def all(self) -> list[JSONObject]:
        """All fields so far."""
        return [self.of_answer, *self.of_choices.values(), *self._of_messages.values()]

    def of_message(self, index: int) -> JSONObject:
        fields = self._of_messages.get(index, {})
        return {name: "".join(one) if isinstance(one, _Text) else one for name, one in fields.items()}

    def add(self, chunk: ChatCompletionChunk) -> None:
        raw = chunk.raw_json
        if raw is None or raw is self._whole or b'"choices"' not in raw:  # made in this process, or in another protocol
            return
        try:
            event = decode_lenient(raw)
        except NOT_JSON:
            return
        if not isinstance(event, dict) or not isinstance(event.get("choices"), list):
            return
        if more := unknown_fields(event, ChatCompletionChunk):
            _merge(self.of_answer, more)
        for choice, given in zip(chunk.choices, event["choices"], strict=False):
            if not isinstance(given, dict):
                continue
            if more := unknown_in_choice(given):
                _merge(self.of_choices.setdefault(choice.index, {}), more)
            if more := unknown_fields(message_in(given), Message):
                _join(self._of_messages.setdefault(choice.index, {}), more)


class _Text(list[str]):
    """The pieces of a text."""


def _merge(so_far: JSONObject, more: JSONObject) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            known = so_far.get(name)
            so_far[name] = known = known if isinstance(known, dict) else {}
            known.update(value)
        else:
            so_far[name] = value


def _join(so_far: JSONObject, more: JSONObject) -> None:
    """As `_merge`, for the pieces of a message: lists and texts are joined; a repeated text is kept once."""
    for name, value in more.items():
        known = so_far.get(name)
        if isinstance(value, str):
            if not isinstance(known, _Text):
                so_far[name] = _Text([value])
            elif known != [value]:
                known.append(value)
        elif isinstance(value, list) and type(known) is list:  # not the pieces of a text
            known += value
        else:
            _merge(so_far, {name: [*value] if isinstance(value, list) else value})


def larger_counts(earlier: Any, later: Any) -> Any:
    """Return a usage with the larger of each count: some services send zeros, or nothing, after the true numbers."""
    if earlier is None or later is None:
        return later if earlier is None else earlier
    if isinstance(later, msgspec.Struct):
        fields = later.__struct_fields__
        counts = {name: larger_counts(getattr(earlier, name), getattr(later, name)) for name in fields}
        return type(later)(**counts)
    if isinstance(later, dict):
        return {**earlier, **later} if len(earlier) <= _MOST_FIELDS else later
    return max(earlier, later) if isinstance(later, (int, float)) and isinstance(earlier, (int, float)) else later
