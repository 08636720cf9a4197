"""The keywords of all calls, and those of `chat.completions.create`: one list for both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypedDict

from ..failover.policy import OnInterrupt
from ..types.chat import Message
from ..types.timeouts import Timeouts

if TYPE_CHECKING:
    from ..provider.base import Provider
    from ..routing.strategies import Strategy


class Dumped(Protocol):
    """A message of a library that is built on pydantic."""

    def model_dump(self) -> dict[str, Any]: ...


class ToDict(Protocol):
    """A message of another library."""

    def to_dict(self) -> dict[str, Any]: ...


MessageParam: TypeAlias = Mapping[str, Any] | Message | Dumped | ToDict


class RoutingParams(TypedDict, total=False):
    """Keywords of every call: which legs, how long and how often."""

    model: str | None
    provider: str | Provider | type[Provider] | Sequence[str | Provider | type[Provider]] | None
    fallback_models: Sequence[str] | None
    timeout: float | None
    deadline: float | None
    retries: int | None
    timeouts: Timeouts | None
    max_response_bytes: int | None
    strategy: str | Strategy | None


class UntypedParams(RoutingParams, total=False):
    """Keywords of `create` besides `messages`, `stream` and `response_model`; only those that are set are sent."""

    on_interrupt: OnInterrupt | None
    max_price: float | Mapping[str, float] | None
    # OpenAI's own
    audio: Mapping[str, Any] | None
    frequency_penalty: float | None
    function_call: str | Mapping[str, Any] | None
    functions: Sequence[Mapping[str, Any]] | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    metadata: Mapping[str, Any] | None
    modalities: Sequence[str] | None
    n: int | None
    parallel_tool_calls: bool | None
    prediction: Mapping[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    reasoning_effort: str | None
    response_format: Mapping[str, Any] | None
    safety_identifier: str | None
    seed: int | None
    service_tier: str | None
    stop: str | Sequence[str] | None
    store: bool | None
    stream_options: Mapping[str, Any] | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any] | Callable[..., Any]] | None
    top_logprobs: int | None
    top_p: float | None
    user: str | None
    verbosity: str | None
    web_search_options: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None


class CreateParams(UntypedParams, total=False):
    """Keywords of `create` besides `messages` and `stream`."""

    response_model: type[Any] | UnionType | None


class ExplainParams(CreateParams, total=False):
    """Keywords of `explain`: all those of `create`."""

    messages: Sequence[MessageParam]
    stream: bool


ROUTING = tuple(RoutingParams.__annotations__)
