"""
The names of OpenTelemetry's conventions for generative AI, and our own beside them. Data only.

Source: open-telemetry/semantic-conventions-genai v0.1.0; the old names are those of open-telemetry/semantic-conventions
v1.36.0. tests/observability/test_conventions.py compares them with tables.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

# -- attributes of the conventions ---------------------------------------------------------

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
OUTPUT_TYPE = "gen_ai.output.type"
DIMENSIONS = "gen_ai.embeddings.dimension.count"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
MODALITY = "gen_ai.token.modality"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
STATUS_CODE = "http.response.status_code"

REQUEST_PARAMETERS = {
    "n": "gen_ai.request.choice.count",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "reasoning_effort": "gen_ai.request.reasoning.level",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
}
"""By the parameter of a chat."""
OUTPUT_TYPES = {"images": "image", "speech": "speech"}
"""By the operation."""
PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "vertex": "gcp.vertex_ai",
    "vertex-openai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""Our name of a provider, if the conventions have another one for it."""

# -- our own -------------------------------------------------------------------------------

OUTCOME = "g4f_lite.outcome"
CALL_ID = "g4f_lite.call.id"
COST = "g4f_lite.cost.usd"
TAG = "g4f_lite.metadata."
ATTEMPT_NUMBER = "g4f_lite.attempt.number"
ATTEMPT_REASON = "g4f_lite.attempt.reason"
ATTEMPT_WAIT = "g4f_lite.attempt.wait"
REQUEST_ID = "g4f_lite.request.id"
MESSAGE = "g4f_lite.error.message"
WAIT_EVENT = "g4f_lite.wait"
WAIT_SECONDS = "g4f_lite.wait.seconds"
WAIT_REASON = "g4f_lite.wait.reason"
SKIPPED_EVENT = "g4f_lite.skipped"
SKIPPED_LEGS = "g4f_lite.skipped.legs"

# -- metrics -------------------------------------------------------------------------------

OTHER = "other"


class Definition(NamedTuple):
    """One metric."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    labels: tuple[str, ...]
    text: str
    buckets: tuple[float, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    """Further labels, whose value is always this one."""

    @property
    def prometheus_name(self) -> str:
        """The name as OpenTelemetry's exporters for Prometheus write it; that of a counter without `_total`."""
        return self.name.replace(".", "_") + ("_seconds" if self.unit == "s" else "")


LEG = (OPERATION, PROVIDER, REQUEST_MODEL)
SECONDS = tuple(0.01 * 2**power for power in range(14))
TOKENS = tuple(float(4**power) for power in range(14))
_UNKNOWN = ((MODALITY, "unknown"),)
_USAGE = "gen_ai.client.inference.usage."


def _duration(name: str) -> Definition:
    return Definition(name, "histogram", "s", (*LEG, ERROR_TYPE), "Duration of a call, with all attempts.", SECONDS)


def _tokens(name: str, text: str) -> Definition:
    return Definition(_USAGE + name, "counter", "{token}", LEG, text, fixed=_UNKNOWN)


DURATIONS = {
    "chat": _duration("gen_ai.client.inference.duration"),
    "embeddings": _duration("gen_ai.client.embeddings.duration"),
}
OTHER_DURATION = _duration("gen_ai.client.operation.duration")
"""Of operations that are not in `DURATIONS`."""
TIME_TO_FIRST_CHUNK = Definition(
    "gen_ai.client.inference.time_to_first_chunk",
    "histogram",
    "s",
    LEG,
    "Time to the first content of a stream, from the beginning of its attempt.",
    SECONDS,
)
INPUT = _tokens("input_tokens", "Tokens of prompts, cached ones included.")
OUTPUT = _tokens("output_tokens", "Tokens of answers, those for reasoning included.")
READ = _tokens("cache_read.input_tokens", "Tokens of prompts that came from the service's cache.")
WRITTEN = _tokens("cache_write.input_tokens", "Tokens of prompts that were written into the service's cache.")
REASONED = _tokens("reasoning.output_tokens", "Tokens of answers for reasoning.")
EMBEDDED = Definition(
    "gen_ai.client.embeddings.operation.input_tokens", "histogram", "{token}", LEG, "Tokens of an embedding.", TOKENS
)
SPENT = Definition("g4f_lite.cost.usd", "counter", "{USD}", LEG, "Cost of answers, as far as it is known.")
CALLS = Definition("g4f_lite.calls", "counter", "{call}", (OPERATION, OUTCOME), "Calls by outcome.")
ATTEMPTS = Definition("g4f_lite.attempts", "counter", "{attempt}", (*LEG, OUTCOME), "Attempts by leg and outcome.")
IN_FLIGHT = Definition("g4f_lite.leg.in_flight", "gauge", "{attempt}", LEG, "Attempts under way.")
HELD_UNTIL = Definition("g4f_lite.leg.held_until", "gauge", "s", LEG, "Unix time until which a leg is not used.")
OVERHEAD = Definition(
    "g4f_lite.gateway.overhead",
    "histogram",
    "s",
    (),
    "Time that the gateway adds to a call.",
    tuple(0.0001 * 2**power for power in range(14)),
)
REFUSED = Definition(
    "g4f_lite.gateway.refused", "counter", "{request}", (ERROR_TYPE,), "Requests that the gateway itself has refused."
)
STORE_UP = Definition("g4f_lite.store.up", "gauge", "", (), "Whether the shared store answers: 1 or 0.")

# -- the old names -------------------------------------------------------------------------

OLD_ATTRIBUTES = {
    PROVIDER: "gen_ai.system",
    CACHE_WRITE: "gen_ai.usage.cache_creation.input_tokens",
}
OLD_PROVIDERS = {"azure.ai.openai": "az.ai.openai", "x_ai": "xai"}
_OLD_LEG = tuple(OLD_ATTRIBUTES.get(name, name) for name in LEG)
_OLD_TOKENS = "gen_ai.client.token.usage"


def _old_tokens(kind: str) -> Definition:
    fixed = (("gen_ai.token.type", kind),)
    return Definition(_OLD_TOKENS, "histogram", "{token}", _OLD_LEG, "Tokens of a call.", TOKENS, fixed)


_OLD = {
    **dict.fromkeys([one.name for one in DURATIONS.values()], "gen_ai.client.operation.duration"),
    TIME_TO_FIRST_CHUNK.name: "gen_ai.client.operation.time_to_first_chunk",
}
_OLD_DEFINITIONS = {INPUT: _old_tokens("input"), OUTPUT: _old_tokens("output"), EMBEDDED: _old_tokens("input")}


def old(definition: Definition) -> Definition | None:
    """Return a metric under its old name; None if there was none like it."""
    if (found := _OLD_DEFINITIONS.get(definition)) is not None:
        return found
    if definition.fixed:
        return None
    labels = tuple(OLD_ATTRIBUTES.get(name, name) for name in definition.labels)
    return definition._replace(name=_OLD.get(definition.name, definition.name), labels=labels)
