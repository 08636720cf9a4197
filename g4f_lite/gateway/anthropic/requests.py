"""From a body of `/v1/messages` to the fields of a chat in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...errors.exceptions import InvalidRequestError
from ...value import JSONObject

_SAME = ("model", "max_tokens", "temperature", "top_p", "top_k", "stream")
_KNOWN = {
    *_SAME, "messages", "system", "stop_sequences", "tools", "tool_choice", "thinking", "output_config", "metadata",
    "service_tier",
}  # fmt: skip
_OF_THE_CALL = {"model", "max_tokens", "stream", "g4f_lite"}
"""Fields of which each attempt has its own."""
_EFFORTS = ((2048, "low"), (8192, "medium"))
"""The most tokens of thinking that each effort stands for; more is `high`."""
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_TRANSLATED = ("function", "text", "image_url", "file")
"""Types of tools and of parts that other services have, too."""


class ChatFields(dict[str, Any]):
    """
    The fields of a chat that was asked for in Anthropic's protocol.

    Args:
        body: as it came.

    Raises:
        InvalidRequestError: as `chat_fields`.
    """

    def __init__(self, body: JSONObject) -> None:
        super().__init__(chat_fields(body))
        self._body = body

    def check_routes(self, routes: Iterable[str]) -> None:
        """
        Args:
            routes: where the request may go, if the configuration says it.

        Raises:
            InvalidRequestError: it has a tool or a block that is Anthropic's alone, and no route leads there.
        """
        own = next((one for one in self._tools_and_parts() if one.get("type") not in _TRANSLATED), None)
        if own is not None and not any(route.startswith("anthropic") for route in routes):
            source = own.get("source")
            of = f" with a source of the type {source.get('type')!r}" if isinstance(source, dict) else ""
            raise InvalidRequestError(f"{own.get('type')!r}{of} is Anthropic's alone, and not taken here")

    def _tools_and_parts(self) -> Iterator[JSONObject]:
        yield from self.get("tools") or ()
        for message in self["messages"]:
            if isinstance(content := message["content"], list):
                yield from content

    def messages_with_body(self) -> list[JSONObject]:
        """Return the messages, of which the first one holds the body: its service gets that, others do not see it."""
        if not self["messages"]:
            return []
        first, *others = self["messages"]
        body = {name: value for name, value in self._body.items() if name not in _OF_THE_CALL}
        extra = first.get("extra_content") or {}
        own = {**extra.get("anthropic", {}), "request": body, "messages": 1 + len(others)}
        return [{**first, "extra_content": {**extra, "anthropic": own}}, *others]


def chat_fields(body: JSONObject) -> JSONObject:
    """
    Return the fields of the chat. What only Anthropic has goes on under its own name.

    Raises:
        InvalidRequestError: a field has not the shape that Anthropic's documentation gives it.
    """
    if not isinstance(body.get("messages"), list) or not body["messages"]:
        raise InvalidRequestError("messages must be a list, and not empty")
    if isinstance(first := body["messages"][0], dict) and first.get("role") == "system":
        raise InvalidRequestError("the first of messages must be of a user; use system for instructions")
    fields: JSONObject = {name: body[name] for name in _SAME if body.get(name) is not None}
    fields["messages"] = [*_system(body.get("system")), *(one for turn in body["messages"] for one in _turn(turn))]
    if stops := body.get("stop_sequences"):
        fields["stop"] = stops
    if tools := body.get("tools"):
        fields["tools"] = [_tool(tool) for tool in _objects(tools, "tools")]
    fields |= _tool_choice(body.get("tool_choice"))
    fields |= _thinking(body)
    if isinstance(metadata := body.get("metadata"), dict) and metadata.get("user_id"):
        fields["user"] = metadata["user_id"]
    if body.get("stream"):
        fields["stream_options"] = {"include_usage": True}
    return fields | {name: value for name, value in body.items() if name not in _KNOWN and value is not None}


def _objects(value: Any, name: str) -> list[JSONObject]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InvalidRequestError(f"{name} must be a list of objects")
    return value


# -- messages ------------------------------------------------------------------------------


def _system(system: Any) -> Iterator[JSONObject]:
    if isinstance(system, str) and system:
        yield {"role": "system", "content": system}
    elif system:
        yield {"role": "system", "content": [_text(one) for one in _objects(system, "system")]}


def _turn(turn: Any) -> Iterator[JSONObject]:
    """Yield the messages of a turn: results of tools are messages of their own, before the rest."""
    role = turn.get("role") if isinstance(turn, dict) else None
    if role not in ("user", "assistant", "system"):
        raise InvalidRequestError("each of messages must be an object with the role user, assistant or system")
    content = turn.get("content")
    if role == "system":
        yield from _system(content)
        return
    if isinstance(content, str):
        yield {"role": role, "content": content}
        return
    blocks = _objects(content, "content")
    if role == "assistant":
        yield _assistant(blocks)
        return
    for block in blocks:
        if block.get("type") == "tool_result":
            yield _result(block)
    if rest := [_part(block) for block in blocks if block.get("type") != "tool_result"]:
        yield {"role": "user", "content": rest}


def _assistant(blocks: list[JSONObject]) -> JSONObject:
    message: JSONObject = {"role": "assistant", "content": None}
    if text := "".join(_string(block, "text") for block in blocks if block.get("type") == "text"):
        message["content"] = text
    if calls := [_call(block) for block in blocks if block.get("type") == "tool_use"]:
        message["tool_calls"] = calls
    if any(block.get("type") not in ("text", "tool_use") or "citations" in block for block in blocks):
        message["extra_content"] = {"anthropic": {"content": blocks}}  # with signatures, which its service demands
    return message


def _call(block: JSONObject) -> JSONObject:
    arguments = msgspec.json.encode(block.get("input") or {}).decode()
    function = {"name": _string(block, "name"), "arguments": arguments}
    return {"id": _string(block, "id"), "type": "function", "function": function}


def _result(block: JSONObject) -> JSONObject:
    content = block.get("content") or ""
    if not isinstance(content, str):
        content = [_part(one) for one in _objects(content, "content of a tool_result")]
    if block.get("is_error"):
        content = f"Error: {content}" if isinstance(content, str) else [{"type": "text", "text": "Error:"}, *content]
    message = {"role": "tool", "tool_call_id": _string(block, "tool_use_id"), "content": content}
    return _marked(message, block)


def _part(block: JSONObject) -> JSONObject:
    kind = block.get("type")
    if kind == "text":
        return _text(block)
    if kind in ("image", "document"):
        return _marked(_media(block), block)
    if not isinstance(kind, str):
        raise InvalidRequestError(f"the type of a block must be a string, not {kind!r}")
    return block  # which its service alone understands; others refuse it


def _text(block: JSONObject) -> JSONObject:
    return _marked({"type": "text", "text": _string(block, "text")}, block)


def _media(block: JSONObject) -> JSONObject:
    source = block.get("source")
    if not isinstance(source, dict):
        raise InvalidRequestError(f"the source of a {block['type']} must be an object")
    kind, media_type = source.get("type"), source.get("media_type") or "application/octet-stream"
    if kind == "url":
        url = _string(source, "url")
    elif kind == "base64":
        url = f"data:{media_type};base64,{_string(source, 'data')}"
    elif kind == "text":
        return {"type": "text", "text": _string(source, "data")}
    elif isinstance(kind, str):
        return block  # such as a file that its service keeps
    else:
        raise InvalidRequestError(f"the type of a source must be a string, not {kind!r}")
    if block["type"] == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    name = block.get("title") or "document.pdf"
    return {"type": "file", "file": {"filename": name, "file_data" if kind == "base64" else "file_url": url}}


def _marked(part: JSONObject, block: JSONObject) -> JSONObject:
    """Return a part with the mark for the cache that its block has."""
    return part if block.get("cache_control") is None else {**part, "cache_control": block["cache_control"]}


def _string(block: JSONObject, name: str) -> str:
    if not isinstance(value := block.get(name), str):
        raise InvalidRequestError(f"{name} of a {block.get('type', 'block')} must be a string")
    return value


# -- parameters ----------------------------------------------------------------------------


def _tool(tool: JSONObject) -> JSONObject:
    if tool.get("type") not in (None, "custom"):
        return tool  # run by the service; others refuse it
    function: JSONObject = {"name": tool.get("name"), "parameters": tool.get("input_schema") or {"type": "object"}}
    function |= {name: tool[name] for name in ("description", "strict") if tool.get(name) is not None}
    return _marked({"type": "function", "function": function}, tool)


def _tool_choice(choice: Any) -> JSONObject:
    if choice is None:
        return {}
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "tool":
        chosen: Any = {"type": "function", "function": {"name": choice.get("name")}}
    elif isinstance(kind, str) and kind in _CHOICES:
        chosen = _CHOICES[kind]
    else:
        raise InvalidRequestError(f"tool_choice must have the type auto, any, tool or none, not {kind!r}")
    alone = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    return {"tool_choice": chosen, **alone}


def _thinking(body: JSONObject) -> JSONObject:
    """Return the effort that stands for a budget of thinking, and the format that is asked for."""
    fields: JSONObject = {}
    config = body.get("output_config")
    config = config if isinstance(config, dict) else {}
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if isinstance(thinking, dict) and kind == "enabled":
        budget = thinking.get("budget_tokens")
        fields["reasoning_effort"] = _effort(budget if isinstance(budget, int) else 0)
    elif kind == "adaptive" or config.get("effort"):
        fields["reasoning_effort"] = config.get("effort") or "high"
    format = config.get("format")
    if isinstance(format, dict) and format.get("type") == "json_schema":
        schema = {"name": "answer", "schema": format.get("schema"), "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields


def _effort(budget: int) -> str:
    return next((effort for most, effort in _EFFORTS if budget <= most), "high")
