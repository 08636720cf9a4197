"""
Translates an OpenAI-shaped request into a body of Cohere's chat, version 2.

Source: docs.cohere.com/reference/chat, …/docs/tool-use, …/docs/structured-outputs, …/docs/reasoning.
"""

from __future__ import annotations

from collections.abc import Sequence

from g4f_lite import ChatRequest, UnsupportedParameterError

from ..translation import turns as t
from ..translation.parameters import (
    NOWHERE_ELSE,
    functions,
    json_format,
    max_tokens,
    refuse,
    refuse_outside,
    stops,
    tool_choice,
)

SERVICE = "cohere"
UNSUPPORTED = NOWHERE_ELSE | {"n", "logprobs", "top_logprobs"}
MAX_STOPS = 5
RANGES = {"temperature": (0, 1), "frequency_penalty": (0, 1), "presence_penalty": (0, 1), "seed": (0, 2**64 - 1)}
TOP_P = (0.01, 0.99)
"""Its range; OpenAI's begins at 0 and ends at 1, which mean the same: next to the best token, and every token."""
BUDGETS = {"minimal": 512, "low": 1024, "medium": 4096, "high": None}
"""Tokens of thinking; None: no limit."""


def chat_body(request: ChatRequest, messages: Sequence[t.JSONObject]) -> t.JSONObject:
    """
    Args:
        messages: of the request, without private fields of other services.

    Raises:
        UnsupportedParameterError: the service does not support the request.
        InvalidRequestError: the request is invalid for every service.
    """
    refuse(request, UNSUPPORTED | ({"parallel_tool_calls"} if request.tools else frozenset()), SERVICE)
    talk = t.read(messages, SERVICE)
    sent: list[t.JSONObject] = [{"role": "system", "content": talk.system}] if talk.system else []
    for turn in talk.turns:
        sent += [_assistant(turn)] if turn.role == "assistant" else _user(turn)
    body = {"model": request.model, "messages": sent, **_sampling(request), **_tools(request)}
    if (form := json_format(request, SERVICE)) is not None:
        schema = {} if form.schema is None else {"json_schema": form.schema}
        body["response_format"] = {"type": "json_object", **schema}
    return body


# -- parameters ----------------------------------------------------------------------------


def _sampling(request: ChatRequest) -> t.JSONObject:
    stop = stops(request)
    if len(stop) > MAX_STOPS:
        raise UnsupportedParameterError(f"{SERVICE} takes at most {MAX_STOPS} stop sequences")
    refuse_outside(request, RANGES, SERVICE)
    low, high = TOP_P
    config = {
        "temperature": request.temperature,
        "p": None if request.top_p is None else min(max(request.top_p, low), high),
        "max_tokens": max_tokens(request),
        "stop_sequences": stop or None,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "thinking": _thinking(request),
    }
    return {name: value for name, value in config.items() if value is not None}


def _thinking(request: ChatRequest) -> t.JSONObject | None:
    effort = request.reasoning_effort
    if effort is None:
        return None
    if effort == "none":
        return {"type": "disabled"}
    if effort not in BUDGETS:
        raise UnsupportedParameterError(f"{SERVICE} does not support the reasoning_effort {effort!r}")
    budget = BUDGETS[effort]
    return {"type": "enabled"} if budget is None else {"type": "enabled", "token_budget": budget}


def _tools(request: ChatRequest) -> t.JSONObject:
    asked = functions(request, SERVICE)
    tools = [
        {
            "type": "function",
            "function": {
                "name": function.name,
                "description": function.description or "",
                "parameters": function.parameters,
            },
        }
        for function in asked
    ]
    choice = tool_choice(request, SERVICE)
    if choice is not None and choice.mode == "named":
        raise UnsupportedParameterError(f"{SERVICE} cannot be told which tool to call")
    if not tools:
        return {}
    strict = {"strict_tools": True} if any(function.strict for function in asked) else {}
    forced = {"none": "NONE", "required": "REQUIRED"}.get(choice.mode if choice is not None else "auto")
    return {"tools": tools, **strict, **({"tool_choice": forced} if forced else {})}


# -- messages ------------------------------------------------------------------------------


def _assistant(turn: t.Turn) -> t.JSONObject:
    message: t.JSONObject = {"role": "assistant"}
    if text := "".join(part.text for part in turn.parts if isinstance(part, t.Text)):
        message["content"] = text
    calls = [part for part in turn.parts if isinstance(part, t.Call)]
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
        if turn.reasoning:  # the plan that the model wrote before its call, which it needs back
            message["tool_plan"] = turn.reasoning
    if any(isinstance(part, t.Media) for part in turn.parts):
        raise UnsupportedParameterError(f"{SERVICE} takes images from users only")
    return message


def _user(turn: t.Turn) -> list[t.JSONObject]:
    messages: list[t.JSONObject] = []
    for part in turn.parts:
        if isinstance(part, t.Result):
            if not all(isinstance(inner, t.Text) for inner in part.parts):
                raise UnsupportedParameterError(f"{SERVICE} takes only text as the result of a tool")
            messages.append({"role": "tool", "tool_call_id": part.call_id, "content": part.text})
    own = [part for part in turn.parts if isinstance(part, (t.Text, t.Media))]
    if any(isinstance(part, t.Media) for part in own):
        return [*messages, {"role": "user", "content": [_part(part) for part in own]}]
    text = t.text_of(own)
    return [*messages, {"role": "user", "content": text}] if text else messages


def _part(part: t.Text | t.Media) -> t.JSONObject:
    if isinstance(part, t.Text):
        return {"type": "text", "text": part.text}
    if part.kind != "image":
        raise UnsupportedParameterError(f"{SERVICE} takes text and images, no {part.kind}")
    url = part.url or f"data:{part.media_type};base64,{part.data}"
    return {"type": "image_url", "image_url": {"url": url, **({"detail": part.detail} if part.detail else {})}}
