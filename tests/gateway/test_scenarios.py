"""The scenarios of the clients, through the gateway, with the openai package as the caller: the same verdicts."""

from __future__ import annotations

from functools import partial
from typing import Any

import openai
import pytest
from helpers.driving import MESSAGES, QUICK, eventually, run
from helpers.gateways import running, tables
from helpers.scenarios import SCENARIOS, STREAMS, TWO, A, B, Scenario

import g4f_lite
from g4f_lite.gateway import from_settings
from g4f_lite.testing import FaultServer

SAID = "invalid_request_error"
"""The code of the fault server's errors, unless a scenario has another."""
VERDICTS: dict[type[g4f_lite.G4FLiteError], tuple[type[openai.APIStatusError], int, str | None]] = {
    g4f_lite.InvalidRequestError: (openai.BadRequestError, 400, SAID),
    g4f_lite.ContentFilterError: (openai.BadRequestError, 400, "content_filter"),
    g4f_lite.ModelUnavailableError: (openai.NotFoundError, 404, "model_not_found"),
    g4f_lite.RateLimitError: (openai.RateLimitError, 429, "rate_limit_exceeded"),
    g4f_lite.ServerError: (openai.InternalServerError, 502, SAID),
    g4f_lite.ConnectionFailedError: (openai.InternalServerError, 502, None),
    g4f_lite.ProviderTimeoutError: (openai.InternalServerError, 504, "timeout"),
    g4f_lite.DeadlineExceededError: (openai.InternalServerError, 504, "timeout"),
}
EXHAUSTED = {
    "a refused key": (openai.InternalServerError, 502, "upstream_auth"),
    "no credit": (openai.InternalServerError, 502, "upstream_auth"),
    "a daily limit": (openai.InternalServerError, 502, "upstream_auth"),
    "all legs are down": (openai.InternalServerError, 502, SAID),
}
"""What the caller is told of several legs depends on them."""
ROWS = [(one, streamed) for one in SCENARIOS for streamed in (False, True)] + [(one, True) for one in STREAMS]


def configuration(groq: FaultServer, scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what a file can say of a scenario."""
    params, settings = scenario.params or TWO, dict(scenario.settings)
    client: dict[str, Any] = {"routes": None, "retries": params.get("retries", 2)}
    if "patience" in settings:
        client["patience"] = settings.pop("patience")
    for number, key in enumerate(settings.pop("keys", {}).get("groq", ())):
        monkeypatch.setenv(f"POOL_{number}", key)
        client.setdefault("keys", {"groq": []})["groq"].append({"env": f"POOL_{number}"})
    # Short waits and limits of attempts, which a file cannot ask for.
    monkeypatch.setattr(from_settings, "AsyncClient", partial(g4f_lite.AsyncClient, **{**QUICK, **settings}))
    routes = [f"groq:{A}"] + [f"groq:{B}"] * bool(params["fallback_models"])
    return tables(groq, client=client, models={"fast": {"routes": routes}})


def asked_for(scenario: Scenario) -> dict[str, Any]:
    params = scenario.params or TWO
    own = {name: params[name] for name in ("timeout", "deadline") if name in params}
    return {"extra_body": {"g4f_lite": own}} if own else {}


@pytest.mark.no_cover
@pytest.mark.parametrize(("scenario", "streamed"), ROWS, ids=lambda one: getattr(one, "name", str(one)))
def test_the_verdict_is_that_of_the_library(
    scenario: Scenario, streamed: bool, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    groq.on(A, *scenario.a).on(B, *scenario.b)
    through_library = run("async stream" if streamed else "async", scenario.settings, scenario.params or TWO)
    asked = list(groq.models)
    groq.received.clear()
    groq.on(A, *scenario.a).on(B, *scenario.b)
    text, told, failed = "", [], None
    with running(configuration(groq, scenario, monkeypatch)) as gateway:
        with openai.OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0, timeout=30) as client:
            create: Any = partial(client.chat.completions.create, model="fast", messages=MESSAGES)
            try:
                if streamed:
                    for chunk in create(stream=True, **asked_for(scenario)):
                        told.extend(choice.finish_reason for choice in chunk.choices)
                        text += "".join(choice.delta.content or "" for choice in chunk.choices)
                else:
                    answer = create(**asked_for(scenario))
                    text, told = answer.choices[0].message.content or "", [answer.choices[0].finish_reason]
            except openai.APIError as error:
                failed = error
        assert eventually(lambda: gateway.under_way == 0, 30)
    assert (text, groq.models) == (through_library.text, asked)
    expected = (scenario.stream_error if streamed else None) or scenario.error
    if expected is None:
        assert failed is None and any(told)
    elif expected is g4f_lite.StreamInterruptedError:
        assert type(failed) is openai.APIError and failed.code == "stream_interrupted"
        assert text and not any(told)
    else:
        verdict = EXHAUSTED[scenario.name] if expected is g4f_lite.RoutesExhaustedError else VERDICTS[expected]
        assert isinstance(failed, openai.APIStatusError)
        assert (type(failed), failed.status_code, failed.code) == verdict, failed
        assert failed.response.headers["x-g4f-attempts"] == str(len(asked))
    assert "gsk_secret" not in str(failed)
