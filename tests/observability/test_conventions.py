"""
The names are those of the conventions' own tables.

Source of the tables: semantic-conventions-genai v0.1.0, docs/gen-ai/client-inference.md, client-embeddings.md,
gen-ai-token-metrics.md and gen-ai-metrics.md; of the old names: semantic-conventions v1.36.0.
"""

from __future__ import annotations

import pytest

from g4f_lite.observability import conventions as names

ATTRIBUTES = set(
    """
    gen_ai.operation.name gen_ai.provider.name error.type gen_ai.output.type gen_ai.request.choice.count
    gen_ai.request.model gen_ai.request.seed gen_ai.request.stream server.port gen_ai.request.frequency_penalty
    gen_ai.request.max_tokens gen_ai.request.presence_penalty gen_ai.request.reasoning.level
    gen_ai.request.stop_sequences gen_ai.request.temperature gen_ai.request.top_p gen_ai.response.finish_reasons
    gen_ai.response.id gen_ai.response.model gen_ai.response.time_to_first_chunk
    gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_write.input_tokens gen_ai.usage.input_tokens
    gen_ai.usage.output_tokens gen_ai.usage.reasoning.output_tokens server.address gen_ai.input.messages
    gen_ai.output.messages gen_ai.token.modality gen_ai.embeddings.dimension.count http.response.status_code
    """.split()
)
SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
INFERENCE = {"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"}
METRICS = {  # name: instrument, unit, required and conditionally required attributes, buckets
    "gen_ai.client.inference.duration": ("histogram", "s", {*INFERENCE, "error.type"}, SECONDS),
    "gen_ai.client.embeddings.duration": ("histogram", "s", {*INFERENCE, "error.type"}, SECONDS),
    "gen_ai.client.operation.duration": ("histogram", "s", {*INFERENCE, "error.type"}, SECONDS),
    "gen_ai.client.inference.time_to_first_chunk": ("histogram", "s", INFERENCE, SECONDS),
    **{
        f"gen_ai.client.inference.usage.{kind}": ("counter", "{token}", {*INFERENCE, "gen_ai.token.modality"}, ())
        for kind in (
            "input_tokens",
            "output_tokens",
            "cache_read.input_tokens",
            "cache_write.input_tokens",
            "reasoning.output_tokens",
        )
    },
    "gen_ai.client.embeddings.operation.input_tokens": ("histogram", "{token}", INFERENCE, TOKENS),
}
OLD_METRICS = {
    "gen_ai.client.operation.duration": ("histogram", "s"),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s"),
    "gen_ai.client.token.usage": ("histogram", "{token}"),
}
PROVIDERS = set(
    """
    anthropic aws.bedrock azure.ai.inference azure.ai.openai cohere deepseek gcp.gemini gcp.gen_ai gcp.vertex_ai groq
    ibm.watsonx.ai mistral_ai moonshot_ai openai perplexity x_ai
    """.split()
)
TEXTS = [value for name, value in vars(names).items() if name.isupper() and name[0] != "_" and isinstance(value, str)]
DEFINED = [value for value in vars(names).values() if isinstance(value, names.Definition)]
DEFINED += list(names.DURATIONS.values())


@pytest.mark.parametrize("name", [*filter(lambda one: "." in one, TEXTS), *names.REQUEST_PARAMETERS.values()])
def test_attributes_are_of_the_conventions_or_ours(name: str) -> None:
    assert name in ATTRIBUTES or name.startswith("g4f_lite.")


@pytest.mark.parametrize("definition", DEFINED, ids=lambda one: one.name)
def test_metrics_are_of_the_conventions_or_ours(definition: names.Definition) -> None:
    if definition.name.startswith("g4f_lite."):
        assert {*definition.labels} <= {*INFERENCE, names.OUTCOME, names.ERROR_TYPE}
        return
    labels = {*definition.labels, *(name for name, _ in definition.fixed)}
    assert METRICS[definition.name] == (definition.kind, definition.unit, labels, definition.buckets)


def test_each_metric_of_the_table_is_there() -> None:
    assert METRICS.keys() <= {one.name for one in DEFINED}


@pytest.mark.parametrize("definition", DEFINED, ids=lambda one: one.name)
def test_old_metrics_have_the_old_names(definition: names.Definition) -> None:
    old = names.old(definition)
    if old is not None and not old.name.startswith("g4f_lite."):
        assert OLD_METRICS[old.name] == (old.kind, old.unit)
        assert names.PROVIDER not in old.labels


def test_providers_are_named_as_the_conventions_name_them() -> None:
    import g4f_lite

    known = set(g4f_lite.provider_names())
    assert names.PROVIDERS.keys() <= known
    assert set(names.PROVIDERS.values()) <= PROVIDERS
    assert {one for one in PROVIDERS if one.replace(".", "_").partition("_")[0] in known} <= {
        names.PROVIDERS.get(name, name) for name in known
    } | {"azure.ai.inference"}
    assert set(names.OLD_PROVIDERS) <= set(names.PROVIDERS.values())
