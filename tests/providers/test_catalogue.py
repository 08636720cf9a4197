"""
Every bundled provider keeps the contract: one table of checks, run over the whole catalogue.

What differs from provider to provider stands in the tables `SENT` and `REFUSED` (requests) and
`ERRORS` (errors), as documented or reported for each service; docs/providers.md names the sources.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import msgspec
import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.imports import loaded_by

import g4f_lite
import g4f_lite_providers
from g4f_lite import ChatRequest, Client, OpenaiTemplate, Provider, UnsupportedParameterError
from g4f_lite.http import ErrorReply, HTTPResponse, ServerSentEvent
from g4f_lite.provider import NAME, VARIABLE
from g4f_lite.testing import FaultServer, replies
from g4f_lite_providers import BUNDLED, load
from g4f_lite_providers.row import Row


def bundled(name: str) -> Provider:
    registered: list[Any] = []
    plugin: Any = load(name)
    plugin.register_providers(registered.append)
    [one] = registered
    return one() if isinstance(one, type) else one


def completed(one: Provider) -> Provider:
    """Return it at an address that the environment might complete."""
    starts_with_it = VARIABLE.match(one.api_base)
    return one.replace(api_base=VARIABLE.sub("https://own.example" if starts_with_it else "own", one.api_base))


PROVIDERS = {name: bundled(name) for name in BUNDLED}
SERVICES = {name: completed(one) for name, one in PROVIDERS.items() if isinstance(one, OpenaiTemplate) and one.working}
"""Those that speak OpenAI's protocol and are alive."""

PARAMETERS = set(ChatRequest.__struct_fields__) - {"messages", "model", "extra_body", "extra_headers"}
CAPABILITIES = {
    "streaming", "tools", "json_schema", "vision", "audio", "embeddings", "prefill", "stream_usage",
    "transcription", "translation", "speech", "images",
}  # fmt: skip

each_provider = pytest.mark.parametrize("name", PROVIDERS)
each_service = pytest.mark.parametrize("name", SERVICES)


def listed(one: Provider) -> list[str]:
    return [model for model in (one.default_model, *one.fallback_models) if model]


# -- what the catalogue says ---------------------------------------------------------------


@each_provider
def test_its_attributes_can_work(name: str) -> None:
    one = PROVIDERS[name]
    assert NAME.fullmatch(name) and one.name == name
    assert one.label and one.url.startswith("https://")
    assert one.capabilities <= CAPABILITIES
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", variable) for variable in one.api_key_env)
    assert not one.notice.endswith(".")
    assert one.working or (one.notice and not one.automatic), "a user is told why"
    if one.needs_auth and one.working:
        assert one.api_key_env and one.login_url.startswith("https://")
    if one.automatic:
        assert one.default_model, "there is nobody to name a model"
        assert one.needs_auth or name == "local", "no prompt goes to a stranger by default"


@each_provider
def test_its_models_are_listed_once_and_its_aliases_lead_to_an_id(name: str) -> None:
    one = PROVIDERS[name]
    models = listed(one)
    assert len(set(models)) == len(models) and one.default_model in [*models[:1], ""]
    for alias, model in one.model_aliases.items():
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", alias) and alias != model
        assert one.get_model_name(alias) == one.get_model_name(model) == model
        assert squeezed(model).startswith(squeezed(alias)), "an alias says what the id says"
    assert one.get_model_name(None) == one.default_model


def squeezed(model: str) -> str:
    """Return a model's own name without its owner, its case and its punctuation: `glm53` for `…/glm-5p3`."""
    own = re.sub(r"(?<=\d)p(?=\d)", "", model.rpartition("/")[2].lower().removeprefix("meta-"))
    return re.sub(r"[^a-z0-9]", "", own)


VOCABULARY = sorted({alias for one in PROVIDERS.values() for alias in one.model_aliases}, key=len, reverse=True)


@each_provider
def test_one_model_has_one_name_with_all_who_serve_it(name: str) -> None:
    one = PROVIDERS[name]
    for model in listed(one):
        alias = next((alias for alias in VOCABULARY if squeezed(model).startswith(squeezed(alias))), model)
        assert one.get_model_name(alias) in one.models(), f"{model} is {alias} elsewhere"


@each_service
def test_its_address_is_encrypted_unless_it_is_here(name: str) -> None:
    one = SERVICES[name]
    here = name in ("ollama", "lmstudio", "vllm", "llamacpp")
    assert re.match(r"http://127\.0\.0\.1:\d+/" if here else r"https://[^/]+(/|$)", one.api_base)
    assert one.needs_auth or not one.automatic
    if here:
        assert (one.default_model, one.fallback_models) == ("", ())


@each_service
def test_its_quirks_name_parameters_that_there_are(name: str) -> None:
    one = SERVICES[name]
    assert isinstance(one, OpenaiTemplate)
    quirks = (one.unsupported_parameters, one.allowed_values, one.renamed_parameters, one.renamed_values)
    assert set().union(*map(set, quirks)) <= PARAMETERS
    assert not one.unsupported_parameters & {"stream_options", *one.renamed_parameters}


# -- what is sent --------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "audio": {"voice": "alloy"}, "frequency_penalty": 0.5, "function_call": "auto", "functions": [{"name": "f"}],
    "logit_bias": {"1": 1.0}, "logprobs": True, "max_completion_tokens": 9, "metadata": {"a": "b"},
    "modalities": ["text"], "n": 2, "parallel_tool_calls": False, "prediction": {"type": "content"},
    "presence_penalty": 0.5, "prompt_cache_key": "k", "reasoning_effort": "none", "response_format": {"type": "json_object"},
    "safety_identifier": "s", "seed": 7, "service_tier": "flex", "stop": ["x"], "store": True, "temperature": 0.5,
    "tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f", "strict": True}}],
    "top_logprobs": 2, "top_p": 0.5, "user": "u", "verbosity": "low", "web_search_options": {},
}  # fmt: skip
HI = ({"role": "user", "content": "Hi"},)


def sent(name: str, *, stream: bool = False, **params: Any) -> dict[str, Any]:
    request = ChatRequest(**{"messages": HI, "model": "m", **params})
    body: dict[str, Any] = json.loads(SERVICES[name].build_request(request, key="k", stream=stream).body)
    return body


def test_everything_is_everything() -> None:
    assert set(EVERYTHING) == PARAMETERS - {"max_tokens", "stream_options"}


@each_service
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_goes_to_its_address_with_its_key(name: str, stream: bool) -> None:
    one = SERVICES[name]
    model = one.default_model or "m"
    request = one.build_request(ChatRequest(messages=HI, model=model), key="s3cret", stream=stream)
    assert (request.method, request.url) == ("POST", f"{one.api_base}/chat/completions")
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.headers["content-type"] == "application/json"
    body = {"model": model, "messages": list(HI)}
    if stream:
        body["stream"] = True
        if "stream_usage" in one.capabilities:
            body["stream_options"] = {"include_usage": True}
    assert json.loads(request.body) == body


@each_service
def test_what_it_refuses_is_never_sent_to_it_and_all_else_is(name: str) -> None:
    one = SERVICES[name]
    assert isinstance(one, OpenaiTemplate)
    refused = {*one.unsupported_parameters, *one.allowed_values}
    for parameter in refused:
        if not ChatRequest(messages=(), **{parameter: EVERYTHING[parameter]}).asks_for(parameter):
            assert parameter not in sent(name, **{parameter: EVERYTHING[parameter]})
            continue
        with pytest.raises(UnsupportedParameterError, match=rf"{name} .*{parameter}"):
            sent(name, **{parameter: EVERYTHING[parameter]})
    for parameter in one.allowed_values:
        for value in one.allowed_values[parameter]:
            assert sent(name, **{parameter: value})[parameter] == value
    taken = {parameter: value for parameter, value in EVERYTHING.items() if parameter not in refused}
    body = sent(name, **taken)
    assert set(body) == {
        "messages",
        "model",
        *(one.renamed_parameters.get(parameter, parameter) for parameter in taken),
    }
    assert not set(one.renamed_parameters) & set(body)


MAX = {"max_completion_tokens": 9}
NO_TOOLS: dict[str, Any] = {"tools": []}
PARTS = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}
STRICT_TOOL = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {}}}
PLAIN_TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
REASONED = {
    "role": "assistant",
    "name": "a",
    "content": "x",
    "reasoning": "r",
    "reasoning_content": "c",
    "refusal": None,
}


def answered(**kept: str) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": "x", **kept}]}


SENT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("openai", {"max_tokens": 9}, {"max_completion_tokens": 9}),
    ("openai", {"max_tokens": 9, "max_completion_tokens": 5}, {"max_completion_tokens": 5}),
    ("openai", {"model": "gpt-4o", "temperature": 0.5}, {"temperature": 0.5}),
    ("openai", {"model": "gpt-5-chat-latest", "temperature": 0.5}, {"temperature": 0.5}),
    ("openai", {"model": "gpt-6-luna", "temperature": 1}, {"temperature": 1}),
    ("openai", {"model": "gpt-6-luna", "temperature": 0.5, "reasoning_effort": "none"}, {"temperature": 0.5}),
    ("openai", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "developer", "content": "x"}]}),
    ("openai", {"messages": (REASONED,)}, answered(name="a")),
    ("mistral", {"seed": 7}, {"random_seed": 7}),
    ("mistral", MAX, {"max_tokens": 9}),
    ("mistral", {"tool_choice": "required"}, {"tool_choice": "any"}),
    ("mistral", {"tool_choice": "auto"}, {"tool_choice": "auto"}),
    ("mistral", NO_TOOLS, {}),
    ("mistral", {"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
    ("mistral", {"stream_options": {"include_usage": True}}, {}),
    ("mistral", {"messages": (REASONED,)}, answered()),
    ("mistral", {"messages": ({"role": "assistant", "content": "x", "tool_calls": None},)}, answered()),
    ("mistral", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "system", "content": "x"}]}),
    ("deepseek", {"messages": (REASONED,)}, answered(name="a", reasoning_content="c")),
    ("deepseek", {"messages": ({"role": "developer", "content": "x"},)}, {"messages": [{"role": "system", "content": "x"}]}),
    ("cerebras", {"messages": (REASONED,)}, answered(name="a", reasoning="r")),
    ("groq", {"messages": (REASONED,)}, answered()),
    ("groq", {"n": 1}, {"n": 1}),
    ("xai", {"tools": [STRICT_TOOL]}, {"tools": [PLAIN_TOOL]}),
    ("xai", {"tools": [PLAIN_TOOL, {"type": "live_search"}]}, {"tools": [PLAIN_TOOL, {"type": "live_search"}]}),
    ("xai", {"messages": ({"role": "user", "name": "ann", "content": "x"},)}, {"messages": [{"role": "user", "content": "x"}]}),
    ("fireworks", {"tool_choice": "required"}, {"tool_choice": "any"}),
    ("sambanova", {"messages": ({"role": "user", "content": PARTS},)}, {"messages": [{"role": "user", "content": "one\ntwo"}]}),
    ("sambanova", {"messages": ({"role": "user", "content": [*PARTS, IMAGE]},)},
     {"messages": [{"role": "user", "content": [*PARTS, IMAGE]}]}),
    ("sambanova", MAX, {"max_tokens": 9}),
    ("nebius", MAX, {"max_tokens": 9}),
    ("openrouter", {"stream": True, "stream_options": {"include_usage": False}},
     {"stream": True, "stream_options": {"include_usage": False}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "expected"), SENT, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(SENT)])
def test_a_request_is_said_in_the_words_of_the_service(
    name: str, params: dict[str, Any], expected: dict[str, Any]
) -> None:
    given = {"model": "m", "messages": HI, **params}
    body = sent(name, **given)
    rest = {field: given[field] for field in ("model", "reasoning_effort") if field in given}
    assert body == {"messages": [dict(one) for one in HI], **rest, **expected}


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("openai", {"model": "gpt-6-luna", "temperature": 0.5}, "takes no temperature while it reasons"),
    ("openai", {"model": "gpt-5-mini", "top_p": 0.5}, "takes no top_p"),
    ("openai", {"model": "o3", "logprobs": True}, "takes no logprobs"),
    ("openai", {"model": "ft:gpt-5:org::x", "temperature": 0, "reasoning_effort": "low"}, "takes no temperature"),
    ("groq", {"n": 2}, "groq takes n=1 only"),
    ("groq", {"logprobs": True}, "groq does not support the parameter 'logprobs'"),
    ("cerebras", {"frequency_penalty": 0.5}, "frequency_penalty"),
    ("cerebras", {"service_tier": "flex"}, "service_tier"),
    ("mistral", {"metadata": {"a": "b"}}, "metadata"),
    ("mistral", {"user": "u"}, "user"),
    ("xai", {"stop": "x"}, "stop"),
    ("deepinfra", {"tool_choice": "required"}, "takes tool_choice='auto' or 'none' only"),
    ("deepinfra", {"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ("moonshot", {"functions": [{"name": "f"}]}, "functions"),
]


@pytest.mark.parametrize(("name", "params", "told"), REFUSED, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(REFUSED)])
def test_a_request_that_the_service_would_refuse_goes_elsewhere(name: str, params: dict[str, Any], told: str) -> None:
    with pytest.raises(UnsupportedParameterError, match=told):
        sent(name, **params)


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_one_would_refuse_is_answered_by_the_next(mode: str, server: FaultServer) -> None:
    names = ["mistral", "openai", "groq"]
    settings = {"keys": dict.fromkeys(names, "k"), "base_urls": dict.fromkeys(names, server.base_url)}
    seen = run(mode, settings, {"provider": names, "temperature": 0.5, "user": "u"})
    assert (seen.text, server.models) == ("ok", [PROVIDERS["groq"].default_model])
    assert [attempt.outcome for attempt in seen.trail.attempts] == ["UnsupportedParameterError"] * 2 + ["ok"]


def test_the_callers_messages_are_the_next_legs_too() -> None:
    message = {"role": "developer", "name": "a", "content": PARTS, "tool_calls": None}
    before = json.dumps(message)
    for name in SERVICES:
        sent(name, messages=(message,))
    assert json.dumps(message) == before


# -- what comes back -----------------------------------------------------------------------


def at(name: str, server: FaultServer, **settings: Any) -> dict[str, Any]:
    # Nothing here is silent: a slow machine is not to look like it.
    calm = g4f_lite.Timeouts(connect=10, first_token=10, stall=10, total=10)
    return {"keys": {name: "k-s3cret"}, "base_urls": {name: server.base_url}, "timeouts": calm, **settings}


@each_service
@pytest.mark.parametrize("mode", MODES)
def test_it_answers(name: str, mode: str, server: FaultServer) -> None:
    server.script(replies.answer("It is Sunday"))
    model = PROVIDERS[name].default_model or "m"
    seen = run(mode, at(name, server), {"provider": name, "model": model})
    assert (seen.error, seen.text) == (None, "It is Sunday")
    assert seen.completion is not None and (seen.completion.provider, seen.completion.model) == (name, model)
    [asked] = server.received
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer k-s3cret"
    assert asked.model == model


class Failing(NamedTuple):
    """A reply, and the exception that it is."""

    reply: replies.Reply
    error: type[g4f_lite.G4FLiteError]


FAILING = {
    "context": Failing(replies.error(400, "too long", code="context_length_exceeded"), g4f_lite.ContextWindowError),
    "invalid": Failing(replies.error(400, "messages are odd"), g4f_lite.InvalidRequestError),
    "parameter": Failing(replies.error(400, "no", param="seed"), g4f_lite.UnsupportedParameterError),
    "blocked": Failing(replies.error(400, "no", code="content_policy_violation"), g4f_lite.ContentFilterError),
    "money": Failing(replies.error(402, "Insufficient Balance"), g4f_lite.QuotaExceededError),
    "forbidden": Failing(replies.error(403, "not you"), g4f_lite.PermissionDeniedError),
    "gone": Failing(replies.error(404, "no such model"), g4f_lite.ModelUnavailableError),
    "large": Failing(replies.error(413, "too large"), g4f_lite.RequestTooLargeError),
    "often": Failing(replies.error(429, "slow down", retry_after="60"), g4f_lite.RateLimitError),
    "server": Failing(replies.error(500, "oops"), g4f_lite.ServerError),
    "page": Failing(replies.html(), g4f_lite.MalformedResponseError),
    "broken": Failing(replies.cut(), g4f_lite.StreamInterruptedError),
    "key": Failing(replies.error(401, "Incorrect API key provided: k-s3cret"), g4f_lite.AuthenticationError),
}


@each_service
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_each_failure_is_its_exception_and_shows_no_key(name: str, mode: str, server: FaultServer) -> None:
    for model, failing in FAILING.items():
        server.on(model, failing.reply)
        params = {"provider": name, "model": model, "fallback_models": [], "retries": 0, "deadline": 20.0}
        error = run(f"{mode} stream" if model == "broken" else mode, at(name, server), params).error
        assert type(error) is failing.error, (model, error)
        assert "s3cret" not in f"{error!r} {error} {error.trail}"


ERRORS: list[tuple[str, int, Any, type[g4f_lite.G4FLiteError]]] = [
    ("openai", 429, {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}, g4f_lite.QuotaExceededError),
    ("openai", 400, {"error": {"message": "Unsupported value: 'temperature' does not support 0.5 with this model.",
     "param": "temperature", "code": "unsupported_value"}}, g4f_lite.UnsupportedParameterError),
    ("together", 404, {"error": "Unable to access model gpt-4", "request_id": "x"}, g4f_lite.ModelUnavailableError),
    ("fireworks", 404, {"fault": {"faultstring": "Model not found, inaccessible, and/or not deployed",
     "detail": {"errorcode": "NOT_FOUND"}}}, g4f_lite.ModelUnavailableError),
    ("deepinfra", 422, {"detail": [{"loc": ["body", "top_p"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
     g4f_lite.UnsupportedParameterError),
    ("deepseek", 402, {"error": {"message": "Insufficient Balance"}}, g4f_lite.QuotaExceededError),
    ("mistral", 422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "metadata"],
     "msg": "Extra inputs are not permitted"}]}, "type": "invalid_request_error"}, g4f_lite.UnsupportedParameterError),
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***."}, g4f_lite.AuthenticationError),
    ("xai", 403, {"code": "The caller does not have permission", "error": "Your newly created team doesn't have any credits yet."},
     g4f_lite.QuotaExceededError),
    ("openrouter", 402, {"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens"}}, g4f_lite.QuotaExceededError),
    ("nvidia", 404, {"status": 404, "title": "Not Found", "detail": "Function 'x': Not found for account 'y'"}, g4f_lite.ModelUnavailableError),
    ("nvidia", 429, {"status": 429, "title": "Too Many Requests"}, g4f_lite.RateLimitError),
    ("sambanova", 410, {"error": {"message": "Model x has been removed", "type": "x"}, "request_id": "r"}, g4f_lite.ModelUnavailableError),
    ("huggingface", 401, {"error": "Invalid username or password."}, g4f_lite.AuthenticationError),
    ("cloudflare", 400, {"success": False, "errors": [{"code": 5007, "message": "No such model @cf/x or task"}]}, g4f_lite.ModelUnavailableError),
    ("cloudflare", 429, {"success": False, "errors": [{"code": 3036, "message": "you have used up your daily free allocation of 10,000 neurons"}]},
     g4f_lite.QuotaExceededError),
    ("llamacpp", 400, {"error": {"code": 400, "message": "the request exceeds the available context size",
     "type": "exceed_context_size_error", "n_ctx": 4096}}, g4f_lite.ContextWindowError),
    ("ollama", 404, {"error": {"message": "model 'x' not found, try pulling it first", "type": "not_found_error"}}, g4f_lite.ModelUnavailableError),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "body", "error"), ERRORS, ids=[f"{name}-{status}" for name, status, _, _ in ERRORS]
)
def test_its_own_way_to_say_no_is_understood(
    name: str, status: int, body: Any, error: type[g4f_lite.G4FLiteError]
) -> None:
    read = SERVICES[name].classify_error(ErrorReply(status=status, body=json.dumps(body).encode()))
    assert type(read) is error, read
    assert read.message


def test_xai_counts_reasoning_as_part_of_the_answer() -> None:
    usage = {
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }  # fmt: skip
    xai = SERVICES["xai"]

    def whole(**changes: int) -> int:
        body = {"choices": [{"message": {"content": "x"}}], "usage": {**usage, **changes}}
        read = xai.parse_response(HTTPResponse(status=200, body=json.dumps(body).encode())).usage
        assert read is not None
        return read.completion_tokens

    assert whole() == 105
    assert whole(completion_tokens=105) == 105  # should they change their mind
    stream = xai.new_stream(ChatRequest(messages=HI))
    events = [{"choices": [{"delta": {"content": "x"}}]}, {"choices": [], "usage": usage}]
    chunks = [chunk for event in events for chunk in stream.feed(ServerSentEvent(data=json.dumps(event).encode()))]
    assert [chunk.usage and chunk.usage.completion_tokens for chunk in chunks] == [None, 105]
    assert list(stream.feed(ServerSentEvent(data=b"[DONE]"))) == [] and stream.done  # type: ignore[attr-defined]
    assert whole(total_tokens=15) == 5
    nothing = xai.parse_response(HTTPResponse(status=200, body=b'{"choices": [{"message": {"content": "x"}}]}'))
    assert nothing.usage is None


# -- how it is found -----------------------------------------------------------------------

SERVING = """
    groq cerebras openrouter together deepinfra sambanova nvidia huggingface nebius novita cloudflare
""".split()


def test_a_model_finds_everybody_who_serves_it_whatever_it_is_called_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "a1")
    with Client(keys=dict.fromkeys(BUNDLED, "k")) as client:
        [tier] = client.explain(model="gpt-oss-120b").tiers
        assert [leg.provider for leg in tier] == SERVING
        assert {squeezed(leg.model) for leg in tier} == {"gptoss120b"}
        assert [leg.base_url for leg in tier][-1] == "https://api.cloudflare.com/client/v4/accounts/a1/ai/v1"
        named = client.explain(model="gpt-oss-120b", provider="ovhcloud").tiers
        assert str(named[0][0]).startswith("ovhcloud:gpt-oss-120b at https://")
    with Client() as client, pytest.raises(g4f_lite.MissingKeyError, match="GROQ_API_KEY") as caught:
        client.explain(model="gpt-oss-120b")
    assert [one.provider for one in caught.value.trail.skipped] == SERVING
    assert "and 8 more" in str(caught.value) and len(str(caught.value)) < 500


def test_a_call_that_names_none_tries_all_with_a_key_in_the_order_of_the_catalogue() -> None:
    keyed = ["openrouter", "mistral", "groq", "azure", "hyperbolic", "perplexity", "ollama"]
    with Client(keys=dict.fromkeys(keyed, "k")) as client:
        plan = client.explain()
    first_of_each = dict.fromkeys(leg.provider for tier in plan.tiers for leg in tier)
    assert [name for name in first_of_each if name != "local"] == ["groq", "mistral", "openrouter"]
    left_out = {one.provider for one in plan.skipped}
    assert not left_out & {"azure", "hyperbolic", "ollama", "perplexity", "github", "groq"} and "cerebras" in left_out


def test_those_without_a_key_are_all_in_the_trail_and_few_in_its_text(
    groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(g4f_lite_providers, "BUNDLED", {name: BUNDLED[name] for name in BUNDLED if name != "local"})
    groq.script(replies.error(404, "gone"))
    with Client() as client:
        plan = client.explain()
        with pytest.raises(g4f_lite.RoutesExhaustedError) as caught:
            client.chat.completions.create(messages=MESSAGES)
    keyless = [one.provider for one in caught.value.trail.skipped if one.lacks_key]
    assert len(keyless) > 10 and {"cerebras", "openai", "pollinations"} <= set(keyless)
    for text in (str(caught.value), str(caught.value.trail), str(plan)):
        assert text.count("skipped: no key: set ") == 3
        assert f"{len(keyless) - 3} others skipped: no key: {', '.join(keyless[3:])}" in text


@pytest.mark.parametrize(("name", "told"), [("github", "retired on 2026-07-30"), ("perplexity", "ended its chat")])
def test_one_that_is_gone_says_so(name: str, told: str) -> None:
    with Client(keys={"groq": "k"}) as client:
        for params in ({"provider": name}, {"provider": name, "model": "x"}, {"model": f"{name}:x"}):
            with pytest.raises(g4f_lite.NoUsableRouteError, match=told):
                client.explain(**params)
        plan = client.explain(provider=[name, "groq"])
    assert [told in one.reason for one in plan.skipped] == [True]
    assert plan.tiers[0][0].provider == "groq"


@pytest.mark.parametrize("name", ["azure"])
def test_without_a_default_model_one_must_be_named(name: str, server: FaultServer) -> None:
    with Client(**at(name, server)) as client:
        with pytest.raises(g4f_lite.UnknownModelError, match=f"{name} has no default model; name one with model="):
            client.chat.completions.create(messages=MESSAGES, provider=name)
    assert server.received == []


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"AZURE_OPENAI_ENDPOINT": " https://r.openai.azure.com/ "}, "https://r.openai.azure.com/openai/v1"),
        ({"AZURE_API_BASE": "http://127.0.0.1:9/v1"}, "http://127.0.0.1:9/v1"),
    ],
)
def test_an_address_is_completed_from_the_environment(
    given: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(keys={"azure": "k"}) as client:
        with pytest.raises(g4f_lite.NoUsableRouteError, match="no address: set AZURE_OPENAI_ENDPOINT"):
            client.explain(provider="azure", model="d")
        for variable, value in given.items():
            monkeypatch.setenv(variable, value)
        assert client.explain(provider="azure", model="d").tiers[0][0].base_url == address
        monkeypatch.setenv(next(iter(given)), "no address")
        with pytest.raises(g4f_lite.ConfigurationError, match="must be an address"):
            client.explain(provider="azure", model="d")


def test_a_misspelt_provider_before_a_model_is_noticed() -> None:
    with Client() as client, pytest.raises(g4f_lite.UnknownModelError, match="did you mean 'groq:foo'"):
        client.explain(model="grok:foo")


# -- what it costs to have so many ---------------------------------------------------------


def test_the_catalogue_is_data_and_one_provider_does_not_load_the_others() -> None:
    assert not loaded_by("import g4f_lite_providers") & {"msgspec", "pluggy", "requests", "aiohttp", "g4f_lite"}
    code = "import sys; from g4f_lite import Client; Client().explain(provider='{}'); print([n for n in sys.modules if 'g4f_lite_providers.' in n])"
    data = {"catalogue", "row"}
    for name, own in {"groq": {"groq"}, "cerebras": {"config_only"}, "xai": {"xai"}}.items():
        program = f"import os; os.environ['{name.upper()}_API_KEY'] = 'k'; {code.format(name)}"
        assert own_modules(program) == own | data


def own_modules(program: str) -> set[str]:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
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
    [info] = [one for one in g4f_lite.plugins.process_registry().plugins() if one.name == "acme"]
    assert (info.source, info.providers, info.error) == ("bundled", ("acme",), None)


def test_a_row_with_a_mistake_hurts_only_its_own_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUNDLED, "acme", {"label": "Acme", "api_bse": "https://acme.example"})  # type: ignore[typeddict-item]
    with Client(keys={"groq": "k"}) as client:
        with pytest.raises(g4f_lite.PluginLoadError, match="did you mean 'api_base'"):
            client.explain(provider="acme")
        assert client.explain().tiers[0][0].provider == "groq"


def test_instances_made_of_rows_are_frozen_and_survive_pickle() -> None:
    import pickle

    again = pickle.loads(pickle.dumps(PROVIDERS["cerebras"]))
    assert (again.name, again.default_model) == ("cerebras", "gpt-oss-120b")
    with pytest.raises(AttributeError, match="frozen"):
        again.name = "x"
    assert msgspec.json.encode(PROVIDERS["mistral"].models())
