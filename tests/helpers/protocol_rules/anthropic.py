"""
What each service takes, as strict as its documentation: a server of the tests refuses the rest.

Written from the services' API references, not from the plugins. Unknown fields are errors, as they
are with the services.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct, field

from g4f_lite.testing import Received, replies
from g4f_lite.testing.replies import Action, Reply

KEY = "key-of-the-tests-0123456789"
SIGNATURE = "c2lnbmVk"
NO_SIGNATURE = "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"

Text = Annotated[str, Meta(pattern=r"\S")]
Id = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
JSONObject = dict[str, Any]


class Strict(Struct, forbid_unknown_fields=True):
    pass


class Asked(NamedTuple):
    """What a request asks for, in nobody's protocol."""

    system: str | None = None
    images: tuple[str, ...] = ()
    """Addresses, or base64."""
    schema: JSONObject | None = None
    thinks: bool = False
    results: tuple[str, ...] = ()
    """Names of the functions whose results it holds."""


class BrokenRule(Exception):
    pass


def hold(rule: object, told: str) -> None:
    if not rule:
        raise BrokenRule(told)


# -- OpenAI --------------------------------------------------------------------------------


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


# -- Anthropic -----------------------------------------------------------------------------


class ASource(Strict):
    type: Literal["base64", "url"]
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"] | None = None
    data: Text | None = None
    url: Text | None = None


class ABlock(Strict, tag_field="type"):
    pass


class AText(ABlock, tag="text"):
    text: Text


class AImage(ABlock, tag="image"):
    source: ASource


class AUse(ABlock, tag="tool_use"):
    id: Id
    name: Text
    input: JSONObject


class AResult(ABlock, tag="tool_result"):
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
    system: Text | None = None
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
    return Asked(body.system, tuple(images), schema, thinks, tuple(results))


# -- Gemini --------------------------------------------------------------------------------


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


# -- Cohere --------------------------------------------------------------------------------


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


RULES = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "cohere": cohere}


def checked(*script: Reply, seen: list[Asked]) -> list[Reply]:
    """Return the replies, each given only to a request that keeps its protocol's rules; others get a 400."""

    def guarded(reply: Reply) -> Reply:
        def answer(request: Received) -> list[Action] | Any:
            try:
                seen.append(RULES[request.shape](request))
            except (BrokenRule, msgspec.DecodeError, KeyError) as error:
                return replies.error(400, f"broken rule: {error}")(request)
            return reply(request)

        return answer

    return [guarded(reply) for reply in script]
