"""The requests that OpenAI accepts; all others are errors."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from g4f_lite.testing import Received

from .common import KEY, Asked, Id, JSONObject, Strict, Text, hold


class OFunction(Strict):
    name: str
    arguments: str


class OCall(Strict):
    id: Id
    type: Literal["function"]
    function: OFunction


class OPart(Strict):
    type: Literal["text", "image_url"]
    text: Text | None = None
    image_url: dict[str, str] | None = None


class OMessage(Strict):
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[OPart] | None = None
    tool_calls: list[OCall] | None = None
    tool_call_id: Id | None = None
    reasoning: str | None = None


class ORequest(Strict):
    model: str
    messages: list[OMessage]
    stream: bool = False
    stream_options: JSONObject | None = None
    tools: list[JSONObject] | None = None
    response_format: JSONObject | None = None
    reasoning_effort: str | None = None


def openai(request: Received) -> Asked:
    hold(request.headers["authorization"] == f"Bearer {KEY}", "no key")
    body = msgspec.json.decode(request.body, type=ORequest)
    open_calls: list[str] = []
    names: dict[str, str] = {}
    results, images = [], []
    for message in body.messages:
        if message.role == "tool":
            hold(message.tool_call_id in open_calls, "a result without a call")
            open_calls.remove(message.tool_call_id or "")
            results.append(names[message.tool_call_id or ""])
        else:
            hold(not open_calls, "a call without a result")
        for call in message.tool_calls or ():
            msgspec.json.decode(call.function.arguments, type=JSONObject)
            hold(call.id not in names, "an id twice")
            open_calls.append(call.id)
            names[call.id] = call.function.name
        if isinstance(message.content, list):
            images += [part.image_url["url"] for part in message.content if part.image_url]
    system = [str(message.content) for message in body.messages if message.role == "system"]
    schema = body.response_format["json_schema"]["schema"] if body.response_format else None
    return Asked(
        "".join(system) or None,
        tuple(re.sub(r"^data:[^,]*,", "", image) for image in images),
        schema,
        body.reasoning_effort not in (None, "none"),
        tuple(results),
    )
