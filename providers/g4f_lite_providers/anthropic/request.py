"""
Translates an OpenAI-shaped request into a body of Anthropic's Messages.

Source: docs.claude.com/en/api/messages, …/structured-outputs, …/extended-thinking; recorded requests.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from g4f_lite import ChatRequest, UnsupportedParameterError

from ..translation import turns as t
from ..translation.parameters import (
    NOWHERE_ELSE,
    Choice,
    functions,
    json_format,
    max_tokens,
    refuse,
    refuse_outside,
    stops,
    tool_choice,
)
from .models import Traits, traits

SERVICE = "anthropic"
UNSUPPORTED = NOWHERE_ELSE | {"frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "n", "seed"}
RANGES = {"temperature": (0, 1)}
IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 24_576, "max": 24_576}
"""Tokens of thinking for models that need a budget; the service requires at least 1024."""


def body_as_asked(request: ChatRequest, messages: Sequence[t.JSONObject]) -> t.JSONObject | None:
    """
    Return the body of a request that was made in this protocol: nothing of it changes but what each attempt sets.

    None if it was not, or if messages were added to it since.
    """
    extra: Any = messages[0].get("extra_content") if messages else None
    own = extra.get(SERVICE) if isinstance(extra, dict) else None
    if not isinstance(own, dict) or own.get("messages") != len(messages):
        return None
    asked = own.get("request")
    if not isinstance(asked, dict):
        return None
    limit = max_tokens(request) or traits(request.model).max_tokens
    return {**asked, "model": request.model, "max_tokens": limit}


def messages_body(request: ChatRequest, messages: Sequence[t.JSONObject]) -> t.JSONObject:
    """
    Args:
        messages: of the request, without private fields of other services.

    Raises:
        UnsupportedParameterError: the service or this model does not support the request.
        InvalidRequestError: the request is invalid for every service.
    """
    refuse(request, UNSUPPORTED, SERVICE)
    model = traits(request.model)
    talk = t.read(messages, SERVICE)
    limit = max_tokens(request) or model.max_tokens
    body: t.JSONObject = {"model": request.model, "messages": _messages(talk), "max_tokens": limit}
    if system := _system(talk):
        body["system"] = system
    if user := request.safety_identifier or request.user:
        body["metadata"] = {"user_id": user}
    if stop := stops(request):
        if not all(map(str.strip, stop)):
            raise UnsupportedParameterError(f"{SERVICE} takes no stop sequence of white space alone")
        body["stop_sequences"] = stop
    body |= _thinking(request, model, limit, talk)
    body |= _sampling(request, model, thinks=body.get("thinking", {}).get("type") in ("adaptive", "enabled"))
    body |= _tools(request, model, talk, has_budget="budget_tokens" in body.get("thinking", {}))
    if (form := json_format(request, SERVICE)) is not None:
        if form.schema is None:
            raise UnsupportedParameterError(f"{SERVICE} gives JSON only by a JSON Schema")
        format = {"type": "json_schema", "schema": form.schema}
        body["output_config"] = {**body.get("output_config", {}), "format": format}
    return body | _container(request, talk)


# -- parameters ----------------------------------------------------------------------------


def _thinking(request: ChatRequest, model: Traits, limit: int, talk: t.Conversation) -> t.JSONObject:
    effort = request.reasoning_effort
    if effort is None:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}} if model.thinks else {}
    if effort not in EFFORTS or not model.thinks:
        raise UnsupportedParameterError(f"{request.model} does not support the reasoning_effort {effort!r}")
    if model.adapts:
        level = "max" if effort == "xhigh" and not model.takes_xhigh else EFFORTS[effort]
        # Newer models omit the text of their thinking unless it is requested.
        shown = {"display": "summarized"} if model.hides_thinking else {}
        return {"thinking": {"type": "adaptive", **shown}, "output_config": {"effort": level}}
    budget = min(BUDGETS[effort], max(1024, limit * 3 // 4))  # the rest is for the answer
    if budget >= limit:
        raise UnsupportedParameterError(f"{request.model} thinks only with more than {budget} max_tokens")
    last = next((turn for turn in reversed(talk.turns) if turn.role == "assistant"), None)
    if last is not None and any(isinstance(part, t.Call) for part in last.parts) and not _as_written(last):
        raise UnsupportedParameterError(
            f"{request.model} cannot think on from calls that were made without its thinking"
        )
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _sampling(request: ChatRequest, model: Traits, *, thinks: bool) -> t.JSONObject:
    asked = {
        name: value
        for name, value in (("temperature", request.temperature), ("top_p", request.top_p))
        if value is not None and value != 1  # 1 is the default, and the only value that some models accept
    }
    refuse_outside(request, RANGES, SERVICE)
    if asked and (thinks or not model.takes_sampling):
        raise UnsupportedParameterError(
            f"{request.model} does not support {' and '.join(asked)}" + (" while it thinks" if thinks else "")
        )
    if len(asked) == 2:
        raise UnsupportedParameterError(f"{SERVICE} does not support temperature and top_p together")
    return asked


def _tools(request: ChatRequest, model: Traits, talk: t.Conversation, *, has_budget: bool) -> t.JSONObject:
    tools: list[t.JSONObject] = []
    for function in functions(request, SERVICE):
        tool: t.JSONObject = {"name": function.name, "input_schema": function.parameters}
        if function.description:
            tool["description"] = function.description
        if function.strict:
            tool["strict"] = True
        if function.cache is not None:
            tool["cache_control"] = function.cache
        tools.append(tool)
    choice = tool_choice(request, SERVICE)
    if not tools:
        # The service refuses a conversation with calls but no tools: declare them, and forbid calling any.
        named = dict.fromkeys(call.name for call in talk.calls)
        old = [{"name": name, "input_schema": {"type": "object"}} for name in named]
        return {"tools": old, "tool_choice": {"type": "none"}} if old else {}
    if choice is not None and choice.forces and (has_budget or not model.can_be_forced):
        raise UnsupportedParameterError(f"{request.model} cannot be made to call a tool" + " here" * has_budget)
    alone = request.parallel_tool_calls is False
    if choice is None and not alone:
        return {"tools": tools}
    return {"tools": tools, "tool_choice": _choice(choice or Choice("auto"), alone=alone)}


def _container(request: ChatRequest, talk: t.Conversation) -> t.JSONObject:
    """Return where the programs of the conversation ran last; the service refuses it without a tool that runs them."""
    tools = (request.extra_body or {}).get("tools")
    kinds = [str(tool.get("type")) for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []
    if not any(kind.startswith("code_execution") for kind in kinds):
        return {}
    owned = [turn.extra.get(SERVICE) for turn in talk.turns]
    used = [own["container"] for own in owned if isinstance(own, dict) and isinstance(own.get("container"), dict)]
    return {"container": used[-1]["id"]} if used and "id" in used[-1] else {}


def _choice(choice: Choice, *, alone: bool) -> t.JSONObject:
    if choice.mode == "none":
        return {"type": "none"}
    kinds = {"auto": "auto", "required": "any", "named": "tool"}
    chosen: t.JSONObject = {"type": kinds[choice.mode]}
    if choice.name:
        chosen["name"] = choice.name
    if alone:
        chosen["disable_parallel_tool_use"] = True
    return chosen


# -- messages ------------------------------------------------------------------------------


def _system(talk: t.Conversation) -> str | list[t.JSONObject]:
    """Return the system prompt: a text, or blocks if one is marked for the cache."""
    if any(part.cache is not None for part in talk.system_parts):
        return [_block(part) for part in talk.system_parts if part.text.strip()]
    return talk.system if talk.system.strip() else ""


def _messages(talk: t.Conversation) -> list[t.JSONObject]:
    turns = [(turn.role, blocks) for turn in talk.turns if (blocks := _not_blank(_blocks(turn)))]
    if not turns or turns[0][0] != "user":
        raise UnsupportedParameterError(f"{SERVICE} needs a conversation that begins with words of a user")
    messages: list[t.JSONObject] = []
    for role, blocks in t.joined(turns):
        if role == "user":  # the results of tools must come first
            blocks.sort(key=lambda block: block["type"] != "tool_result")
        messages.append({"role": role, "content": blocks})
    if role == "assistant" and blocks[-1]["type"] == "text":  # it is refused if it ends with white space
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"].rstrip()}
    return messages


def _blocks(turn: t.Turn) -> list[t.JSONObject]:
    written = _as_written(turn)
    if not written:
        return [_block(part) for part in turn.parts]
    mark = next((part.cache for part in reversed(turn.parts) if part.cache is not None), None)
    if mark is None or written[-1]["type"] not in ("text", "tool_use"):
        return written
    return [*written[:-1], {**written[-1], "cache_control": mark}]


def _not_blank(blocks: list[t.JSONObject]) -> list[t.JSONObject]:
    """Omit text that is only white space: the service refuses it, though Claude writes it."""
    return [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def _block(part: t.Part) -> t.JSONObject:
    block: t.JSONObject
    if isinstance(part, t.Text):
        block = {"type": "text", "text": part.text}
    elif isinstance(part, t.Call):
        block = {"type": "tool_use", "id": part.id, "name": part.name, "input": t.arguments_of(part, SERVICE)}
    elif isinstance(part, t.Result):
        content = _not_blank([_block(inner) for inner in part.parts])
        block = {"type": "tool_result", "tool_use_id": part.call_id, "content": content}
    else:
        block = _media(part)
    return block if part.cache is None else {**block, "cache_control": part.cache}


def _media(media: t.Media) -> t.JSONObject:
    if media.kind == "audio":
        raise UnsupportedParameterError(f"{SERVICE} cannot listen to audio")
    if media.url:
        source: t.JSONObject = {"type": "url", "url": media.url}
    elif media.media_type == "text/plain":
        text = base64.b64decode(media.data).decode("utf-8", "replace")
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        source = {"type": "base64", "media_type": media.media_type, "data": media.data}
    if media.kind == "image":
        if media.media_type and media.media_type not in IMAGES:
            raise UnsupportedParameterError(f"{SERVICE} cannot look at {media.media_type}")
        return {"type": "image", "source": source}
    if media.media_type not in ("application/pdf", "text/plain"):
        raise UnsupportedParameterError(f"{SERVICE} cannot read {media.media_type or 'this file'}")
    return {"type": "document", "source": source}


def _as_written(turn: t.Turn) -> list[t.JSONObject]:
    """
    Return the blocks as Claude wrote them, with thinking and signatures; [] if there are none.

    The service refuses changed blocks, so a message that was edited since is sent without them.
    """
    own: Any = turn.extra.get(SERVICE)
    blocks = own.get("content") if isinstance(own, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) and "type" in block for block in blocks):
        return []
    said = "".join(str(block.get("text")) for block in blocks if block["type"] == "text")
    called = [(block.get("id"), block.get("name")) for block in blocks if block["type"] == "tool_use"]
    now = "".join(part.text for part in turn.parts if isinstance(part, t.Text))
    calls = [(part.id, part.name) for part in turn.parts if isinstance(part, t.Call)]
    return blocks if (said, called) == (now, calls) else []
