"""The requests that Cohere accepts; all others are errors."""

from __future__ import annotations

from typing import Literal

import msgspec

from g4f_lite.testing import Received

from .common import Asked, Id, JSONObject, Strict, Text
from .openai import OCall, OPart, openai


class CMessage(Strict):
    role: Literal["system", "user", "assistant", "tool"]
    content: Text | list[OPart] | None = None
    tool_calls: list[OCall] | None = None
    tool_plan: Text | None = None
    tool_call_id: Id | None = None


class CFormat(Strict):
    type: Literal["json_object"]
    json_schema: JSONObject | None = None


class CThinking(Strict):
    type: Literal["enabled", "disabled"]
    token_budget: int | None = None


class CRequest(Strict):
    model: str
    messages: list[CMessage]
    stream: bool
    tools: list[JSONObject] | None = None
    response_format: CFormat | None = None
    thinking: CThinking | None = None


def cohere(request: Received) -> Asked:
    body = msgspec.json.decode(request.body, type=CRequest)
    like_openai = [
        {name: value for name, value in message.items() if name != "tool_plan"} for message in request.json["messages"]
    ]
    same = {"model": body.model, "messages": like_openai}
    asked = openai(request._replace(body=msgspec.json.encode(same)))
    schema = body.response_format.json_schema if body.response_format else None
    return asked._replace(schema=schema, thinks=body.thinking is not None and body.thinking.type == "enabled")
