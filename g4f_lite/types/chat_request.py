"""The request of a chat: immutable, picklable, with the parameters of OpenAI's."""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from ..value import JSONObject, Value

Positive: TypeAlias = Annotated[int, Meta(ge=1)]


class ChatRequest(Value, frozen=True, kw_only=True, omit_defaults=True):
    """
    One chat as a provider gets it: already checked, the model resolved to the provider's id.

    None means that the caller did not set the parameter: it is not sent.
    """

    messages: tuple[JSONObject, ...]
    model: str = ""
    audio: JSONObject | None = None
    frequency_penalty: float | None = None
    function_call: str | JSONObject | None = None
    functions: list[JSONObject] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Positive | None = None
    max_tokens: Positive | None = None
    metadata: JSONObject | None = None
    modalities: list[str] | None = None
    n: Positive | None = None
    parallel_tool_calls: bool | None = None
    prediction: JSONObject | None = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    reasoning_effort: str | None = None
    response_format: JSONObject | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream_options: JSONObject | None = None
    temperature: Annotated[float, Meta(ge=0)] | None = None
    tool_choice: str | JSONObject | None = None
    tools: list[JSONObject] | None = None
    top_logprobs: Annotated[int, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    user: str | None = None
    verbosity: str | None = None
    web_search_options: JSONObject | None = None
    extra_body: Mapping[str, Any] | None = None
    extra_headers: Mapping[str, str] | None = None

    @property
    def choices(self) -> int:
        """How many choices it asks for."""
        own = self.extra_body.get("n") if self.extra_body else None
        return own if type(own) is int and own > 0 else self.n or 1

    def asks_for(self, name: str) -> bool:
        """Return whether a parameter is set to a value that is not the default; `n=1` is the default."""
        value = getattr(self, name)
        return value is not None and value not in _DEFAULTS.get(name, ())

    def to_body(self) -> JSONObject:
        """Return the parameters that are set, as OpenAI's request body; the provider adds `extra_body`."""
        others = msgspec.structs.replace(self, messages=(), extra_body=None, extra_headers=None)
        body: JSONObject
        try:
            body = msgspec.to_builtins(others)  # C code, which omits what is not set
        except TypeError:  # it does not support msgspec.Raw, which can be encoded
            body = {name: value for name, value in msgspec.structs.asdict(others).items() if value is not None}
        body["messages"], body["model"] = self.messages, self.model
        return body


_DEFAULTS: Mapping[str, tuple[object, ...]] = {
    "n": (1,), "logprobs": (False,), "top_logprobs": (0,), "frequency_penalty": (0,), "presence_penalty": (0,),
    "logit_bias": ({},), "modalities": (["text"],), "service_tier": ("auto", "default"), "functions": ([],),
    "parallel_tool_calls": (True,), "verbosity": ("medium",), "function_call": ("none", "auto"), "stop": ([],),
    "store": (False,), "metadata": ({},),
}  # fmt: skip
"""Values that are the same as not setting the parameter."""
