"""
Translates an OpenAI-shaped request into a body of Google's generateContent.

Source: ai.google.dev/api/generate-content, …/gemini-api/docs/thinking, …/thought-signatures, …/openai;
recorded requests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

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

SERVICE = "gemini"
MAX_STOPS = 5
RANGES = {"temperature": (0, 2), "seed": (-(2**31), 2**31 - 1)}
BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""Tokens of thinking for Gemini 2.5, as Google's OpenAI-compatible endpoint reads the efforts."""
LEVELS = frozenset({"minimal", "low", "medium", "high"})
"""Levels of Gemini 3 and later."""
NO_SIGNATURE = "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"
"""Google's placeholder for a call of another model, or with a lost signature; without one, it answers 400."""


def generate_body(request: ChatRequest, messages: Sequence[t.JSONObject]) -> t.JSONObject:
    """
    Args:
        messages: of the request, without private fields of other services.

    Raises:
        UnsupportedParameterError: the service or this model does not support the request.
        InvalidRequestError: the request is invalid for every service.
    """
    others = NOWHERE_ELSE - ({"modalities"} if _modalities(request) else set())
    refuse(request, others | ({"parallel_tool_calls"} if request.tools else set()), SERVICE)
    talk = t.read(messages, SERVICE, takes_own_images=True)
    signs = generation_of(request.model) >= 3
    turns = ((_ROLES[turn.role], _parts(turn, signs=signs)) for turn in talk.turns)
    contents = t.joined(turns)
    order = {call.id: number for number, call in enumerate(talk.calls)}
    for _, parts in contents:  # results in the order of their calls: older models go by it
        if any("functionResponse" in part for part in parts):
            parts.sort(key=lambda part: order.get(part.get("functionResponse", {}).get("id"), len(order)))
    body: t.JSONObject = {"contents": [{"role": role, "parts": parts} for role, parts in contents]}
    if talk.system:
        body["systemInstruction"] = {"parts": [{"text": talk.system}]}
    if config := {**_sampling(request), **_format(request), **_thinking(request)}:
        body["generationConfig"] = config
    return body | _tools(request)


_ROLES = {"user": "user", "assistant": "model"}


def generation_of(model: str) -> float:
    """Return 2.5 for `gemini-2.5-flash`; infinity for `gemini-flash-latest` and for names without a number."""
    named = re.search(r"gemini-(\d+(?:\.\d+)?)", model)
    return float(named[1]) if named else float("inf")


# -- parameters ----------------------------------------------------------------------------


def _sampling(request: ChatRequest) -> t.JSONObject:
    stop = stops(request)
    if len(stop) > MAX_STOPS:
        raise UnsupportedParameterError(f"{SERVICE} takes at most {MAX_STOPS} stop sequences")
    refuse_outside(request, RANGES, SERVICE)
    config = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": max_tokens(request),
        "stopSequences": stop or None,
        "candidateCount": request.n,
        "responseModalities": _modalities(request),
        "seed": request.seed,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs or None,
    }
    return {name: value for name, value in config.items() if value is not None}


def _modalities(request: ChatRequest) -> list[str] | None:
    """Return what an answer with images may consist of; None if the request asks for no image, or for sound."""
    asked = request.modalities or ()
    return [one.upper() for one in asked] if "image" in asked and {"text", "image"} >= set(asked) else None


def _format(request: ChatRequest) -> t.JSONObject:
    form = json_format(request, SERVICE)
    if form is None:
        return {}
    schema = {} if form.schema is None else {"responseJsonSchema": form.schema}
    return {"responseMimeType": "application/json", **schema}


def _thinking(request: ChatRequest) -> t.JSONObject:
    effort, generation = request.reasoning_effort, generation_of(request.model)
    if effort is None or (effort == "none" and generation < 2.5):
        return {}
    config: t.JSONObject
    if generation >= 3 and effort in LEVELS:
        config = {"thinkingLevel": effort, "includeThoughts": True}
    elif 2.5 <= generation < 3 and effort in BUDGETS and not (effort == "none" and "pro" in request.model):
        config = {"thinkingBudget": BUDGETS[effort], "includeThoughts": effort != "none"}
    else:
        raise UnsupportedParameterError(f"{request.model} does not support the reasoning_effort {effort!r}")
    return {"thinkingConfig": config}


def _tools(request: ChatRequest) -> t.JSONObject:
    choice = tool_choice(request, SERVICE)
    declared = [
        {
            "name": function.name,
            "description": function.description or "",
            "parametersJsonSchema": function.parameters,
        }
        for function in functions(request, SERVICE)
    ]
    if not declared:
        return {}
    body: t.JSONObject = {"tools": [{"functionDeclarations": declared}]}
    if choice is not None:
        modes = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}
        config: t.JSONObject = {"mode": modes[choice.mode]}
        if choice.name:
            config["allowedFunctionNames"] = [choice.name]
        body["toolConfig"] = {"functionCallingConfig": config}
    return body


# -- messages ------------------------------------------------------------------------------


def _parts(turn: t.Turn, *, signs: bool) -> list[t.JSONObject]:
    parts: list[t.JSONObject] = []
    unsigned_calls = 0
    for part in turn.parts:
        if isinstance(part, t.Call):
            made = {"id": part.id, "name": part.name, "args": t.arguments_of(part, SERVICE)}
            signature = _signature(part.extra)
            if signature is None and signs and not unsigned_calls:  # only the first of parallel calls is signed
                signature = NO_SIGNATURE
            unsigned_calls += 1
            parts.append({"functionCall": made} | ({"thoughtSignature": signature} if signature else {}))
        elif isinstance(part, t.Result):
            parts.append(_result(part))
        elif isinstance(part, t.Text):
            parts.append({"text": part.text})
        else:
            signature = _signature(part.extra)
            parts.append(_media(part) | ({"thoughtSignature": signature} if signature else {}))
    last = max((index for index, part in enumerate(parts) if "text" in part), default=None)
    if (signature := _signature(turn.extra)) is not None and last is not None:
        parts[last]["thoughtSignature"] = signature
    return parts


def _signature(extra: t.JSONObject) -> str | None:
    """Return the signature in an `extra_content`, which has the form of Google's OpenAI-compatible endpoint."""
    own: Any = extra.get("google")
    signature = own.get("thought_signature") if isinstance(own, dict) else None
    return signature if isinstance(signature, str) else None


def _result(result: t.Result) -> t.JSONObject:
    """The service requires an object; any other result goes into its field `output`."""
    if not all(isinstance(part, t.Text) for part in result.parts):
        raise UnsupportedParameterError(f"{SERVICE} takes only text as the result of a tool")
    try:
        answered = msgspec.json.decode(result.text)
    except (msgspec.DecodeError, RecursionError):
        answered = result.text
    response = answered if isinstance(answered, dict) else {"output": answered}
    return {"functionResponse": {"id": result.call_id, "name": result.name, "response": response}}


def _media(media: t.Media) -> t.JSONObject:
    if media.data:
        return {"inlineData": {"mimeType": media.media_type, "data": media.data}}
    named = {"mimeType": media.media_type} if media.media_type else {}
    return {"fileData": {**named, "fileUri": media.url}}
