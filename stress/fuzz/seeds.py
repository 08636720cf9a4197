"""Sound answers, streams and errors, from which the cases are made."""

from __future__ import annotations

import functools
from typing import Any

from g4f_lite import LocalProvider, Provider
from g4f_lite.provider.address import VARIABLE
from g4f_lite.testing import Received
from g4f_lite.testing.shapes import SHAPES, Failure, Said, openai_endpoints
from g4f_lite_providers import BUNDLED, load
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini

CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"a": 1}'}}
SAID = (
    Said(["One ", "two ", "three"]),
    Said(["Yes"], reasoning="hm so", finish="length"),
    Said((), "tool_calls", tool_calls=[CALL, {**CALL, "id": "call_2"}]),
    Said(["Both"], "tool_calls", "think", [CALL]),
    Said(["a \ud83d", "\ude00 b"], "stop"),  # one character, cut in two
)


@functools.cache
def provider(name: str) -> Provider:
    """Return a bundled provider, with the placeholders of its address filled in."""
    registered: list[Any] = []
    plugin: Any = load(name)
    plugin.register_providers(registered.append)
    [one] = registered
    one = one() if isinstance(one, type) else one
    begins_with_it = VARIABLE.match(one.api_base)
    return one.replace(api_base=VARIABLE.sub("https://own.example" if begins_with_it else "own", one.api_base))


PROTOCOLS = {Anthropic: "anthropic", Gemini: "gemini", Cohere: "cohere"}
PROVIDERS = [name for name in BUNDLED if not isinstance(provider(name), LocalProvider)]
FEW = ["openai", "anthropic", "gemini", "cohere", "minimax", "xai", "mistral", "moonshot", "openrouter", "perplexity"]
"""Providers that read answers in different ways."""


def protocol(name: str) -> str:
    return next((known for kind, known in PROTOCOLS.items() if isinstance(provider(name), kind)), "openai")


def _openai() -> list[Any]:
    """Return what services with OpenAI's protocol send besides."""
    plain = SHAPES["openai"].whole("m", SAID[0])
    logprobs = {"content": [{"token": "One", "logprob": -0.1, "bytes": [79], "top_logprobs": []}], "refusal": None}
    details = {"cached_tokens": 2, "audio_tokens": None}

    def message(finish: str = "stop", **fields: Any) -> dict[str, Any]:
        choice = {"index": 0, "message": {"role": "assistant", "content": None, **fields}, "finish_reason": finish}
        return {**plain, "choices": [choice]}

    return [
        {**plain, "choices": [plain["choices"][0], {**plain["choices"][0], "index": 1, "logprobs": logprobs}]},
        {**plain, "usage": {**plain["usage"], "prompt_tokens_details": details, "cost": 0.25, "queue_time": 0.1}},
        {**plain, "citations": ["http://a.invalid"], "service_tier": "flex", "system_fingerprint": "fp"},
        message(
            content=[{"type": "thinking", "thinking": [{"type": "text", "text": "so"}]}, {"type": "text", "text": "ok"}]
        ),
        message(refusal="I will not"),
        message(audio={"id": "a1", "data": "AAAA", "transcript": "ok", "expires_at": 1}),
        message(images=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]),
        message(
            reasoning_content="hm",
            reasoning_details=[{"type": "reasoning.text", "text": "hm", "index": 0}],
            content="ok",
        ),
        message("function_call", function_call={"name": "find", "arguments": "{}"}),
        message(
            content="ok",
            annotations=[{"type": "url_citation"}],
            extra_content={"google": {"thought_signature": "c2ln"}},
        ),
        {"error": {"message": "no", "type": "server_error", "code": 500, "param": None}},
        {"base_resp": {"status_code": 1008, "status_msg": "no"}, "choices": None},
        {"object": "error", "message": [{"loc": ["body"], "msg": "no"}], "code": 3001},
    ]


def _anthropic() -> list[Any]:
    plain = SHAPES["anthropic"].whole("m", SAID[0])
    blocks = [
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "a"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [{"type": "web_search_result", "url": "http://a.invalid"}],
        },
        {"type": "text", "text": "ok", "citations": [{"type": "char_location", "cited_text": "a"}]},
    ]
    used = {
        **plain["usage"],
        "cache_creation": {"ephemeral_5m_input_tokens": 1},
        "server_tool_use": {"web_search_requests": 1},
    }
    return [{**plain, "content": blocks, "usage": used}, {**plain, "content": [], "stop_reason": "refusal"}]


def _gemini() -> list[Any]:
    plain = SHAPES["gemini"].whole("m", SAID[0])
    [candidate] = plain["candidates"]
    parts = [
        {"text": "hm", "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "c2ln"},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
        {"functionCall": {"name": "find", "args": {"a": 1}}},
    ]
    logs = {"chosenCandidates": [{"token": "a", "logProbability": -0.1}], "topCandidates": [{"candidates": []}]}
    grounded = {"webSearchQueries": ["a"], "groundingChunks": [{"web": {"uri": "http://a.invalid"}}]}
    counted = {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}], "cachedContentTokenCount": 2}
    return [
        {**plain, "candidates": [{**candidate, "content": {"role": "model", "parts": parts}, "logprobsResult": logs}]},
        {
            **plain,
            "candidates": [candidate, {**candidate, "index": 1}],
            "usageMetadata": {**plain["usageMetadata"], **counted},
        },
        {**plain, "candidates": [{**candidate, "groundingMetadata": grounded, "safetyRatings": []}]},
        {"promptFeedback": {"blockReason": "SAFETY"}},
    ]


def _cohere() -> list[Any]:
    plain = SHAPES["cohere"].whole("m", SAID[0])
    cited = [{"start": 0, "end": 1, "text": "O", "sources": []}]
    return [
        {**plain, "message": {**plain["message"], "tool_plan": "plan", "citations": cited}},
        {"id": "e", "message": "no"},
    ]


_MORE = {"openai": _openai, "anthropic": _anthropic, "gemini": _gemini, "cohere": _cohere}
WHOLE: dict[str, list[Any]] = {
    name: [*(shape.whole("m", said) for said in SAID), *_MORE[name]()] for name, shape in SHAPES.items()
}
"""By protocol: answers in one piece."""
STREAMS: dict[str, list[list[Any]]] = {
    name: [[*shape.chunks("m", said), *shape.DONE] for said in SAID] for name, shape in SHAPES.items()
}
"""By protocol: the data of the events of streams."""
STREAMS["openai"] += [
    [
        {
            "choices": [
                {"index": 0, "delta": {"role": "assistant", "content": "a"}},
                {"index": 1, "delta": {"content": "b"}},
            ]
        },
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {
            "choices": [
                {"index": 1, "delta": {"reasoning_details": [{"type": "reasoning.text", "text": "c", "index": 0}]}}
            ]
        },
        {
            "choices": [
                {
                    "index": 1,
                    "delta": {},
                    "finish_reason": "length",
                    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
                }
            ]
        },
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}},
        "[DONE]",
    ],
    WHOLE["openai"][:1],
]
ERRORS: list[Any] = [
    *(shape.error(Failure(429, "Please try again in 7.66s")) for shape in SHAPES.values()),
    *(one for answers in (_openai()[-3:], _gemini()[-1:]) for one in answers),
    {"error": "no", "message": "said beside it"},
    {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12s"},
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}},
    {"error": {"message": "Provider returned error", "code": 429, "metadata": {
        "raw": '{"error": "busy"}', "headers": {"X-RateLimit-Reset": "1764396000000"}, "provider_name": "A"}}},
    {"detail": [{"loc": ["body", "top_p"], "msg": "must be one of", "type": "value_error"}]},
    {"success": False, "errors": [{"code": 5007, "message": "No such model"}], "result": None},
    {"fault": {"faultstring": "quota", "detail": {"errorcode": "policies.ratelimit.QuotaViolation"}}},
    {"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}, "code": "content_filter", "param": "prompt", "message": "filtered"}},
    [{"error": {"message": "in a list"}}],
]  # fmt: skip
HEADERS: dict[str, str] = {
    "retry-after": "7", "retry-after-ms": "1500", "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s",
    "x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "577.5ms", "x-ratelimit-reset": "1764396000000",
    "anthropic-ratelimit-requests-remaining": "1", "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
    "ratelimit": '"api";r=0;t=12', "location": "https://a.invalid/", "content-type": "application/json", "x-request-id": "r1",
    "date": "Sun, 29 Nov 2026 05:00:00 GMT",
}  # fmt: skip


def _endpoint(path: str, **body: Any) -> Any:
    import msgspec

    received = Received("POST", f"/v1{path}", {}, msgspec.json.encode(body))
    return msgspec.json.decode(openai_endpoints.whole(received, Said(["One ", "two"]))[0])


HEARD = {"text": "One two", "language": "English", "duration": 1.0, "usage": {"type": "duration", "seconds": 1},
         "segments": [{"id": 0, "start": 0.0, "end": 1.0, "text": "One two", "speaker": "A", "tokens": [1]}],
         "words": [{"word": "One", "start": 0.0, "end": 1.0, "speaker_id": 0}]}  # fmt: skip
ENDPOINTS: dict[str, list[Any]] = {
    "embeddings": [
        _endpoint("/embeddings", input=["a", "b"]),
        _endpoint("/embeddings", input=["a", "b"], encoding_format="base64"),
    ],
    "transcription": [HEARD, {"text": "One"}],
    "translation": [HEARD],
    "speech": [{"error": {"message": "no"}}],
    "images": [
        _endpoint("/images/generations"),
        {"data": [{"b64_json": openai_endpoints.PIXEL, "revised_prompt": "a"}], "usage": {"input_tokens": 1, "output_tokens": 2}},
    ],
    "models": [_endpoint("/models"), {"data": [{"id": "a", "context_length": 8192, "pricing": {"prompt": "0.1"}}], "models": [
        {"name": "a", "capabilities": ["completion"]}]}],
}  # fmt: skip
"""By operation: answers of the endpoints other than chat, in OpenAI's protocol."""
OTHERS: dict[tuple[str, str], list[Any]] = {
    **{(operation, "openai"): answers for operation, answers in ENDPOINTS.items()},
    ("embeddings", "gemini"): [
        {"embeddings": [{"values": [0.5]}, {"values": [0.25]}], "usageMetadata": {"promptTokenCount": 2}}
    ],
    ("embeddings", "cohere"): [
        {"id": "e", "embeddings": {"float": [[0.5], [0.25]]}, "meta": {"billed_units": {"input_tokens": 2}}}
    ],
    ("models", "anthropic"): [
        {"data": [{"type": "model", "id": "a", "display_name": "A"}], "has_more": False, "first_id": "a"}
    ],
    ("models", "gemini"): [{"models": [{"name": "models/a", "supportedGenerationMethods": ["generateContent"]}]}],
    ("models", "cohere"): [{"models": [{"name": "a", "endpoints": ["chat"], "context_length": 8}]}],
    ("models", "mistral"): [{"data": [{"id": "a", "capabilities": {"completion_chat": True}}]}],
    ("transcription", "mistral"): [HEARD],
}
"""By operation and provider."""
