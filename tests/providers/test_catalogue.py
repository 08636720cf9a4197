"""
Every bundled provider keeps the contract: one table of checks for the whole catalogue.

What differs from provider to provider is in the tables `SENT` and `REFUSED` (test_catalogue_requests.py) and
`ERRORS` (test_catalogue_answers.py), as documented or reported for each service; docs/providers.md names the sources.
"""

from __future__ import annotations

import re

import msgspec
import pytest
from helpers.catalogue import PROVIDERS, SERVICES, bundled, each_provider, each_service, squeezed
from helpers.imports import loaded_by, python

import g4f_lite
from g4f_lite import ChatRequest, Client, OpenaiTemplate, Provider
from g4f_lite.provider.base import NAME
from g4f_lite.testing import FaultServer
from g4f_lite_providers import BUNDLED
from g4f_lite_providers.row import Row

PARAMETERS = set(ChatRequest.__struct_fields__) - {"messages", "model", "extra_body", "extra_headers"}
CAPABILITIES = {
    "streaming", "tools", "json_schema", "vision", "audio", "embeddings", "prefill", "stream_usage",
    "transcription", "translation", "speech", "images", "image_edits",
}  # fmt: skip


# -- the content of the catalogue ---------------------------------------------------------------


def listed(one: Provider) -> list[str]:
    return [model for model in (one.default_model, *one.fallback_models) if model]


@each_provider
def test_its_attributes_are_valid(name: str) -> None:
    one = PROVIDERS[name]
    assert NAME.fullmatch(name) and one.name == name
    assert one.label and one.url.startswith("https://")
    assert one.capabilities <= CAPABILITIES
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", variable) for variable in one.api_key_env)
    assert not one.notice.endswith(".")
    assert one.working or (one.notice and not one.automatic), "its notice must say why"
    if one.needs_auth and one.working:
        assert one.api_key_env and one.login_url.startswith("https://")
    if one.automatic:
        assert one.default_model, "nobody would name a model"
        assert one.needs_auth or name == "local", "no prompt goes to a stranger by default"


OTHER_NAMES = {
    "azure": ["AZURE_OPENAI_AD_TOKEN", "AZURE_API_KEY"],
    "cloudflare": ["CLOUDFLARE_API_KEY", "CF_API_TOKEN"],
    "cohere": ["CO_API_KEY"],
    "deepinfra": ["DEEPINFRA_TOKEN", "DEEPINFRA_API_TOKEN"],
    "gemini": ["GOOGLE_API_KEY", "GOOGLE_GENAI_API_KEY"],
    "huggingface": [
        "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN", "HUGGINGFACE_API_KEY",
    ],
    "llamacpp": ["LLAMA_API_KEY"],
    "lmstudio": ["LM_API_TOKEN", "LM_STUDIO_API_KEY"],
    "moonshot": ["KIMI_API_KEY"],
    "nvidia": ["NVIDIA_NIM_API_KEY", "NGC_API_KEY"],
    "ollama": ["OLLAMA_API_KEY"],
    "ovhcloud": ["OVH_AI_ENDPOINTS_ACCESS_TOKEN"],
    "together": ["TOGETHERAI_API_KEY"],
    "vllm": ["VLLM_API_KEY"],
    "zai": ["ZHIPUAI_API_KEY", "ZHIPU_API_KEY", "Z_AI_API_KEY"],
}  # fmt: skip
"""Variables that a service's own tools and pages, or widespread libraries, read its key from."""


@pytest.mark.parametrize(("name", "variable"), [(name, one) for name, ones in OTHER_NAMES.items() for one in ones])
def test_a_key_is_found_under_the_names_in_use(name: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "k-elsewhere")
    [key] = g4f_lite.find_keys(PROVIDERS[name], None)
    assert (key.value, key.source) == ("k-elsewhere", variable)


def test_a_token_of_cloudflare_precedes_a_key_of_the_older_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_KEY", "needs-an-address")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "k-token")
    assert g4f_lite.find_keys(PROVIDERS["cloudflare"], None)[0].value == "k-token"


@each_provider
def test_its_models_are_listed_once_and_its_aliases_stand_for_an_id(name: str) -> None:
    one = PROVIDERS[name]
    models = listed(one)
    assert len(set(models)) == len(models) and one.default_model in [*models[:1], ""]
    for alias, model in one.model_aliases.items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", alias) and alias != model
        assert one.get_model_name(alias) == one.get_model_name(model) == model
        assert squeezed(model).startswith(squeezed(alias)), "an alias says what the id says"
    assert one.get_model_name(None) == one.default_model


VOCABULARY = sorted({alias for one in PROVIDERS.values() for alias in one.model_aliases}, key=len, reverse=True)


@each_provider
def test_a_model_has_the_same_name_at_every_provider_that_serves_it(name: str) -> None:
    one = PROVIDERS[name]
    for model in listed(one):
        alias = next((alias for alias in VOCABULARY if squeezed(model).startswith(squeezed(alias))), model)
        assert one.get_model_name(alias) in one.models(), f"{model} is {alias} elsewhere"


@each_service
def test_its_address_is_https_unless_it_is_on_this_machine(name: str) -> None:
    one = SERVICES[name]
    here = name in ("ollama", "lmstudio", "vllm", "llamacpp")
    assert re.match(r"http://127\.0\.0\.1:\d+/" if here else r"https://[^/]+(/|$)", one.api_base)
    assert one.needs_auth or not one.automatic
    if here:
        assert (one.default_model, one.fallback_models) == ("", ())


@each_service
def test_its_quirks_name_existing_parameters(name: str) -> None:
    one = SERVICES[name]
    assert isinstance(one, OpenaiTemplate)
    quirks = (one.unsupported_parameters, one.allowed_values, one.renamed_parameters, one.renamed_values)
    assert set().union(*map(set, quirks)) <= PARAMETERS
    assert not one.unsupported_parameters & {"stream_options", *one.renamed_parameters}


# -- the cost of many providers ---------------------------------------------------------


def test_the_catalogue_is_data_and_one_provider_does_not_load_the_others() -> None:
    assert not loaded_by("import g4f_lite_providers") & {"msgspec", "pluggy", "requests", "aiohttp", "g4f_lite"}
    code = "import sys; from g4f_lite import Client; Client().explain(provider='{}'); print([n for n in sys.modules if 'g4f_lite_providers.' in n])"
    data = {"catalogue", "row"}
    for name, own in {"groq": {"groq"}, "cerebras": {"config_only"}, "xai": {"xai"}}.items():
        program = f"import os; os.environ['{name.upper()}_API_KEY'] = 'k'; {code.format(name)}"
        assert own_modules(program) == own | data


def own_modules(program: str) -> set[str]:
    done = python(program)
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"g4f_lite_providers\.(\w+)", done.stdout))


def test_a_row_is_all_that_a_new_provider_needs(monkeypatch: pytest.MonkeyPatch, server: FaultServer) -> None:
    row = Row(
        label="Acme",
        url="https://acme.example",
        api_base=server.base_url,
        api_key_env=("ACME_API_KEY",),
        default_model="acme/gpt-oss-120b",
        model_aliases={"gpt-oss-120b": "acme/gpt-oss-120b"},
        renamed_parameters={"seed": "random_seed"},
    )
    monkeypatch.setitem(BUNDLED, "acme", row)
    monkeypatch.setenv("ACME_API_KEY", "k")
    reply = g4f_lite.chat("Hi", model="gpt-oss-120b", seed=7)
    assert (reply.provider, reply.model, server.received[0].json["random_seed"]) == ("acme", "acme/gpt-oss-120b", 7)
    [info] = [one for one in g4f_lite.plugins.registry.process_registry().plugins() if one.name == "acme"]
    assert (info.source, info.providers, info.error) == ("bundled", ("acme",), None)


def test_a_row_names_the_exceptions_of_its_error_codes_and_words(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(label="Acme", url="https://acme.example", api_base="https://acme.example")
    row["error_codes"] = {"1302": "RateLimitError"}
    row["error_words"] = {"plan has ended": "QuotaExceededError"}
    monkeypatch.setitem(BUNDLED, "acme", row)
    acme = bundled("acme")
    assert acme.error_codes == {"1302": g4f_lite.RateLimitError}
    assert acme.error_words == {"plan has ended": g4f_lite.QuotaExceededError}
    row["error_codes"] = {"1302": "RateLimit"}
    with pytest.raises(g4f_lite.ConfigurationError, match="'1302': 'RateLimit'"):
        bundled("acme")


def test_a_row_with_a_mistake_disables_only_its_own_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUNDLED, "acme", {"label": "Acme", "api_bse": "https://acme.example"})  # type: ignore[typeddict-item]
    with Client(keys={"groq": "k"}) as client:
        with pytest.raises(g4f_lite.PluginLoadError, match="did you mean 'api_base'"):
            client.explain(provider="acme")
        assert client.explain().tiers[0][0].provider == "groq"


def test_instances_made_from_rows_are_frozen_and_survive_pickle() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(PROVIDERS["cerebras"]))
    assert (again.name, again.default_model) == ("cerebras", "gpt-oss-120b")
    with pytest.raises(AttributeError, match="frozen"):
        again.name = "x"
    assert msgspec.json.encode(PROVIDERS["mistral"].models())
