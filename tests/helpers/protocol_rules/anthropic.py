"""The requests that Anthropic accepts; all others are errors."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from g4f_lite.testing import Received

from .common import KEY, SIGNATURE, Asked, Id, JSONObject, Strict, Text, hold


class ASource(Strict):
    type: Literal["base64", "url"]
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"] | None = None
    data: Text | None = None
    url: Text | None = None


class AMark(Strict):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class ABlock(Strict, tag_field="type"):
    pass


class AMarked(ABlock, kw_only=True):
    cache_control: AMark | None = None


class AText(AMarked, tag="text"):
    text: Text


class AImage(AMarked, tag="image"):
    source: ASource


class AUse(AMarked, tag="tool_use"):
    id: Id
    name: Text
    input: JSONObject


class AResult(AMarked, tag="tool_result"):
    tool_use_id: Id
    content: list[AText | AImage] | Text
    is_error: bool = False


class AThinking(ABlock, tag="thinking"):
    thinking: str
    signature: Text


class AMessage(Strict):
    role: Literal["user", "assistant"]
    content: Annotated[list[AText | AImage | AUse | AResult | AThinking], Meta(min_length=1)]


class ATool(Strict):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    input_schema: JSONObject
    description: Text | None = None
    strict: bool = False
    cache_control: AMark | None = None


class AThink(Strict):
    type: Literal["adaptive", "enabled", "disabled"]
    budget_tokens: Annotated[int, Meta(ge=1024)] | None = None
    display: Literal["summarized", "omitted"] | None = None


class AFormat(Strict):
    type: Literal["json_schema"]
    schema: JSONObject


class AOutput(Strict):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: AFormat | None = None


class ARequest(Strict):
    model: str
    messages: Annotated[list[AMessage], Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1)]
    system: Text | Annotated[list[AText], Meta(min_length=1)] | None = None
    stream: bool = False
    tools: list[ATool] | None = None
    tool_choice: JSONObject | None = None
    thinking: AThink | None = None
    output_config: AOutput | None = None


def anthropic(request: Received) -> Asked:
    hold(request.headers["x-api-key"] == KEY and "authorization" not in request.headers, "no key")
    hold(request.headers["anthropic-version"] == "2023-06-01", "no version")
    body = msgspec.json.decode(request.body, type=ARequest)
    hold([message.role for message in body.messages[:1]] == ["user"], "the first turn is not the user's")
    budget = body.thinking.budget_tokens if body.thinking else None
    hold(budget is None or budget < body.max_tokens, "a budget above max_tokens")
    waiting: dict[str, str] = {}
    results, images, role = [], [], ""
    for message in body.messages:
        hold(message.role != role, "roles do not alternate")
        role = message.role
        kinds = [type(block) for block in message.content]
        answered = [block.tool_use_id for block in message.content if isinstance(block, AResult)]
        hold(sorted(answered) == sorted(waiting), "calls and results do not match")
        hold(kinds[: len(answered)] == [AResult] * len(answered), "results are not at the beginning")
        results += [waiting[ident] for ident in answered]
        uses = [block for block in message.content if isinstance(block, AUse)]
        waiting = {use.id: use.name for use in uses}
        hold(len(waiting) == len(uses) and (not uses or role == "assistant"), "ids are not unique")
        hold(not uses or body.tools, "calls without tools")
        if budget and uses:
            hold(kinds[0] is AThinking, "Expected `thinking`, but found `tool_use`")
        for block in message.content:
            if isinstance(block, AThinking):
                hold(block.signature == SIGNATURE, "`thinking` blocks cannot be modified")
            if isinstance(block, AImage):
                images.append(block.source.url or block.source.data or "")
    hold(not waiting, "a call without a result")
    schema = body.output_config.format.schema if body.output_config and body.output_config.format else None
    thinks = body.thinking is not None and body.thinking.type != "disabled"
    system = "".join(block.text for block in body.system) if isinstance(body.system, list) else body.system
    return Asked(system, tuple(images), schema, thinks, tuple(results))
