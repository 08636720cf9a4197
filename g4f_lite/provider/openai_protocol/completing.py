"""What a decoded answer lacks that its JSON has: extra fields, a usage in another place, empty arguments. No I/O."""

from __future__ import annotations

import re
from collections import deque
from itertools import repeat
from typing import Any

import msgspec
from msgspec.structs import force_setattr

from ...types.chat import ChatCompletion, FunctionCall
from ...types.chunks import ChatCompletionChunk
from ...types.extra_fields import keep_extra, keep_extra_of_usage
from ...types.finish_reasons import is_cut
from ...types.usage import Usage
from ...value import NOT_JSON, JSONObject, decode_lenient

has_usage = re.compile(rb'"usage"\s*:\s*\{').search


def complete(completion: ChatCompletion, answer: JSONObject) -> None:
    """
    Complete an answer.

    Args:
        completion: just decoded, so that nobody else holds it.
        answer: the JSON that it was decoded from.
    """
    if completion.usage is None and "usage" in answer["choices"][0]:
        force_setattr(completion, "usage", _usage_in_choices(answer))
    keep_extra(completion, answer)
    for choice in completion.choices:
        message = choice.message
        for call in message.tool_calls or ():
            if (custom := call.custom) is None:
                continue
            if call.type == "custom" or not call.function.name:
                force_setattr(call, "function", FunctionCall(name=custom.name, arguments=custom.input))
                force_setattr(call, "type", "custom")
            else:  # an empty field beside a function
                force_setattr(call, "custom", None)
        if (message.tool_calls or message.function_call) and not is_cut(choice.finish_reason):  # else perhaps cut
            calls = [call.function for call in message.tool_calls or () if call.custom is None]
            if message.function_call is not None:
                calls.append(message.function_call)
            bare = [function for function in calls if function.name and not function.arguments]
            deque(map(force_setattr, bare, repeat("arguments"), repeat("{}")), 0)  # in C: there may be many


def complete_chunk(chunk: ChatCompletionChunk, data: bytes) -> None:
    """As `complete`, for the usage in an event of a stream."""
    try:
        event = decode_lenient(data)
    except NOT_JSON:
        return
    if not isinstance(event, dict):
        return
    if chunk.usage is not None:
        keep_extra_of_usage(chunk.usage, event.get("usage"))
    elif (usage := _usage_in_choices(event)) is not None:
        force_setattr(chunk, "usage", usage)


def _usage_in_choices(answer: JSONObject) -> Usage | None:
    """Source: Moonshot's streams have the usage in the choice."""
    choices: Any = answer.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and isinstance(given := choice.get("usage"), dict) and given:
            counts = {name: count for name, count in given.items() if count is not None}
            try:
                usage = msgspec.convert(counts, Usage, strict=False)
            except msgspec.ValidationError:
                return None
            keep_extra_of_usage(usage, given)
            return usage
    return None
