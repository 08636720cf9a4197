"""Answers in OpenAI's protocol, well formed and odd, and a provider that reads them."""

from __future__ import annotations

import json
from typing import Any

from g4f_lite.provider.openai_protocol.chat import OpenaiTemplate
from g4f_lite.types.chat import ChatCompletion
from g4f_lite.types.http import HTTPResponse
from g4f_lite_providers.groq import Groq


class Example(OpenaiTemplate):
    name = "example"
    api_base = "https://api.example.com/v1"
    unsupported_parameters = frozenset({"seed"})


MESSAGES = ({"role": "user", "content": "Which day is it?"},)
EXAMPLE = Example()
GROQ = Groq()
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": None},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "queue_time": 0.02,
}
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm, "}, {"type": "text", "text": "so."}]}


def whole(message: object, finish: object = "stop", **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {"id": "c1", "object": "chat.completion", "created": 7, "model": "m-1", "choices": [choice], **more}


def parse(body: object, status: int = 200) -> ChatCompletion:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return EXAMPLE.parse_response(HTTPResponse(status=status, headers={"x-request-id": "1"}, body=encoded))


def mistral(*parts: object) -> dict[str, Any]:
    return {"role": "assistant", "content": list(parts)}


FAILED_CHOICE = {"index": 0, "message": {"content": "Mon"}, "finish_reason": "error"}
ERRORS = [
    {"error": {"message": "no", "code": 429}},
    {**whole({"content": "a"}), "error": {"message": "no"}},  # next to choices
    {"error": "no Unexpected endpoint"},  # LM Studio
    [{"error": {"message": "no"}}],  # Google
    {"status": 404, "title": "Not Found", "detail": "no"},  # NVIDIA
    {"object": "error", "message": "no"},  # vLLM
    {"object": "Error", "message": [{"msg": "no"}], "code": 3001},  # Mistral
    {"success": False, "errors": [{"code": 5007, "message": "no"}], "result": None},  # Cloudflare
    {"choices": [{**FAILED_CHOICE, "error": {"message": "no"}}]},  # a gateway that lost the service behind it
    {"choices": [{**FAILED_CHOICE, "error": {"message": "no"}, "finish_reason": "stop"}]},
    {"code": 401, "msg": "no"},
    {"code": "500", "message": "no", "data": None},
    {"code": "Throttling", "message": "no", "request_id": "1"},  # DashScope
    {"error_code": 18, "error_msg": "no"},  # Qianfan
    {"errorCode": 401, "errorMessage": "no"},
    {"err": "no"},
    {"status": 429, "title": "no"},  # NVIDIA
    {"status": "fail", "message": "no"},
]
