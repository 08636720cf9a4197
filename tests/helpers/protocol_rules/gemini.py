"""The requests that Gemini accepts; all others are errors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from g4f_lite.testing import Received

from .common import KEY, NO_SIGNATURE, SIGNATURE, Asked, Id, JSONObject, Strict, Text, hold


class Camel(Strict, rename="camel"):
    pass


class GCall(Camel):
    name: Text
    args: JSONObject
    id: Id | None = None


class GResponse(Camel):
    name: Text
    response: JSONObject
    id: Id | None = None


class GData(Camel):
    mime_type: Text
    data: Text


class GFile(Camel):
    file_uri: Text
    mime_type: Text | None = None


class GPart(Camel):
    text: Text | None = None
    function_call: GCall | None = None
    function_response: GResponse | None = None
    inline_data: GData | None = None
    file_data: GFile | None = None
    thought_signature: Text | None = None


class GContent(Camel):
    role: Literal["user", "model"]
    parts: Annotated[list[GPart], Meta(min_length=1)]


class GSystem(Camel):
    parts: list[GPart]


class GFunction(Camel):
    name: Text
    description: str
    parameters_json_schema: JSONObject


class GTool(Camel):
    function_declarations: list[GFunction]


class GThinking(Camel):
    include_thoughts: bool
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    thinking_budget: int | None = None


class GConfig(Camel):
    response_mime_type: Literal["application/json"] | None = None
    response_json_schema: JSONObject | None = None
    thinking_config: GThinking | None = None


class GRequest(Camel):
    contents: Annotated[list[GContent], Meta(min_length=1)]
    system_instruction: GSystem | None = None
    generation_config: GConfig | None = None
    tools: list[GTool] | None = None
    tool_config: JSONObject | None = field(default=None)


def gemini(request: Received) -> Asked:
    hold(request.headers["x-goog-api-key"] == KEY and "authorization" not in request.headers, "no key")
    hold("key=" not in request.path, "the key is in the path")
    hold(("alt=sse" in request.path) == request.stream, "a stream without alt=sse is no stream")
    body = msgspec.json.decode(request.body, type=GRequest)
    hold(body.contents[0].role == "user", "the first turn is not the user's")
    waiting: list[tuple[str | None, str]] = []
    results, images, role = [], [], ""
    for content in body.contents:
        hold(content.role != role, "roles do not alternate")
        role = content.role
        answered = [
            (part.function_response.id, part.function_response.name) for part in content.parts if part.function_response
        ]
        hold(answered == waiting, "the number of function response parts is not that of the function calls")
        results += [name for _, name in answered]
        calls = [part for part in content.parts if part.function_call]
        waiting = [(part.function_call.id, part.function_call.name) for part in calls if part.function_call]
        if calls:
            hold(role == "model", "a user does not call")
            hold(
                calls[0].thought_signature in (SIGNATURE, NO_SIGNATURE), "Function call is missing a thought_signature"
            )
        for part in content.parts:
            images += [part.inline_data.data] if part.inline_data else []
            images += [part.file_data.file_uri] if part.file_data else []
            fields = [name for name in part.__struct_fields__ if getattr(part, name) is not None]
            hold(len(set(fields) - {"thought_signature"}) == 1, f"one part is not one thing: {fields}")
    hold(not waiting, "a call without a result")
    config = body.generation_config or GConfig()
    system = "".join(part.text or "" for part in body.system_instruction.parts) if body.system_instruction else None
    return Asked(system, tuple(images), config.response_json_schema, config.thinking_config is not None, tuple(results))
