"""Vertex AI in both protocols: its addresses, its keys, and tokens that google-auth gets from a server on loopback."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, run
from helpers.imports import loaded_by, python

from g4f_lite import AuthenticationError, ChatRequest, Client, MissingKeyError
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Received
from g4f_lite_providers import google_cloud
from g4f_lite_providers.vertex import Vertex
from g4f_lite_providers.vertex_openai import VertexOpenai

BOTH = pytest.mark.parametrize("name", ["vertex", "vertex-openai"])
EMAIL = "robot@p1.iam.example"


@pytest.fixture(autouse=True)
def no_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for variable in ("LOCATION", "PROJECT"):
        for name in (f"GOOGLE_CLOUD_{variable}", f"VERTEXAI_{variable}", f"GOOGLE_VERTEX_{variable}"):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # else google-auth asks for a metadata server
    google_cloud._credentials.cache_clear()
    yield
    google_cloud._credentials.cache_clear()


@pytest.fixture
def tokens() -> Iterator[FaultServer]:
    """Google's token endpoint: each request gets a new token."""
    with FaultServer() as running:
        running.script(*(_token(number) for number in range(1, 5)))
        yield running


def _token(number: int, expires_in: int = 3600) -> replies.Reply:
    return replies.body(
        json.dumps({"access_token": f"ya29.token-{number}", "expires_in": expires_in, "token_type": "Bearer"}).encode(),
        **{"content-type": "application/json"},
    )


@pytest.fixture(scope="module")
def private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.fixture
def account(tmp_path: Path, tokens: FaultServer, private_key: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key file of a service account, found through the environment."""
    file = tmp_path / "account.json"
    file.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "p1",
                "private_key_id": "k1",
                "private_key": private_key,
                "client_email": EMAIL,
                "token_uri": f"{tokens.origin}/token",
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    return file


def where(name: str, server: FaultServer) -> dict[str, Any]:
    return {"base_urls": {name: server.base_url}}


def authorizations(server: FaultServer) -> list[str | None]:
    return [request.headers.get("authorization") for request in server.received]


@BOTH
@pytest.mark.parametrize("mode", MODES)
def test_google_auth_gets_one_token_for_many_calls(
    name: str, mode: str, server: FaultServer, tokens: FaultServer, account: Path
) -> None:
    for _ in range(2):
        assert run(mode, where(name, server), {"provider": name}).text == "ok"
    assert authorizations(server) == ["Bearer ya29.token-1"] * 2
    assert len(tokens.received) == 1
    path = server.received[0].path
    if name == "vertex":
        method = "streamGenerateContent?alt=sse" if "stream" in mode else "generateContent"
        assert path == f"/v1/models/gemini-3.8-flash:{method}"
    else:
        assert (path, server.received[0].model) == ("/v1/chat/completions", "google/gemini-3.8-flash")


def test_threads_that_begin_together_get_one_token(server: FaultServer, tokens: FaultServer, account: Path) -> None:
    start = threading.Barrier(8)

    def ask(_: int) -> str:
        start.wait(30)
        return client.chat.completions.create(messages=MESSAGES, provider="vertex").text

    with Client(**where("vertex", server)) as client, ThreadPoolExecutor(8) as pool:  # type: ignore[arg-type]
        assert list(pool.map(ask, range(8))) == ["ok"] * 8
    assert len(tokens.received) == 1


def test_a_token_that_expires_is_renewed_before_the_next_call(
    server: FaultServer, tokens: FaultServer, account: Path
) -> None:
    tokens.script(_token(1, expires_in=60), _token(2))  # google-auth renews it some minutes before it expires
    with Client(**where("vertex", server)) as client:  # type: ignore[arg-type]
        for _ in range(3):
            client.chat.completions.create(messages=MESSAGES, provider="vertex")
    assert authorizations(server) == ["Bearer ya29.token-1", "Bearer ya29.token-2", "Bearer ya29.token-2"]


@pytest.mark.parametrize("mode", MODES)
def test_credentials_that_are_refused_or_absent_are_an_error_of_the_leg(
    mode: str, server: FaultServer, tokens: FaultServer, account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
    tokens.script(replies.body(json.dumps(refused).encode(), status=400))
    params = {"provider": "vertex", "fallback_models": []}
    error = run(mode, where("vertex", server), params).error
    assert isinstance(error, AuthenticationError)
    assert "the function of vertex's credentials failed: RefreshError" in str(error)
    assert "PRIVATE KEY" not in str(error)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    error = run(mode, where("vertex", server), params).error
    assert isinstance(error, AuthenticationError)
    assert "DefaultCredentialsError" in str(error)
    assert server.received == []


@BOTH
@pytest.mark.parametrize("mode", MODES)
def test_a_token_of_the_callers_own_needs_no_google_auth(
    name: str, mode: str, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(["ya29.old", "ya29.new"])

    def reply(request: Received) -> Any:
        old = request.headers["authorization"] == "Bearer ya29.old"
        return (replies.error(401, "invalid credentials") if old else replies.answer("ok"))(request)

    server.script(reply)
    settings = {**where(name, server), "keys": {name: lambda: next(given)}}
    assert run(mode, settings, {"provider": name}).text == "ok"
    assert authorizations(server) == ["Bearer ya29.old", "Bearer ya29.new"]


def test_an_api_key_of_vertex_ai_goes_into_the_header_for_keys(server: FaultServer) -> None:
    for key in ("AIzaSyExample", "AQ.Ab8example"):
        with Client(**where("vertex", server), keys={"vertex": key}) as client:  # type: ignore[arg-type]
            client.chat.completions.create(messages=MESSAGES, provider="vertex")
        assert server.received[-1].headers["x-goog-api-key"] == key
        assert authorizations(server)[-1] is None


@BOTH
@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
def test_the_address_is_that_of_the_location(
    name: str, location: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(keys={name: "ya29.x"}) as client:
        for prefix in ("GOOGLE_VERTEX", "VERTEXAI", "GOOGLE_CLOUD"):
            monkeypatch.setenv(f"{prefix}_LOCATION", location)
            monkeypatch.setenv(f"{prefix}_PROJECT", f"p-{len(prefix)}")
            own = "publishers/google" if name == "vertex" else "endpoints/openapi"
            expected = f"https://{host}/v1/projects/p-{len(prefix)}/locations/{location}/{own}"
            assert client.explain(provider=name).tiers[0][0].base_url == expected


@BOTH
def test_an_incomplete_address_says_what_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    with (
        Client() as client,
        pytest.raises(
            MissingKeyError,
            match=r"set GOOGLE_OAUTH_ACCESS_TOKEN.*no address: set GOOGLE_CLOUD_LOCATION or VERTEXAI_LOCATION",
        ),
    ):
        client.explain(provider=name)


@BOTH
def test_without_google_auth_it_lacks_a_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "global")
    with Client() as client:
        assert client.explain(provider=name).tiers[0][0].key == "function"
    monkeypatch.setattr(google_cloud, "find_spec", lambda name: None)
    with Client() as client, pytest.raises(MissingKeyError, match="GOOGLE_OAUTH_ACCESS_TOKEN"):
        client.explain(provider=name)


def test_it_is_used_without_being_named_if_it_is_set_up(
    account: Path, monkeypatch: pytest.MonkeyPatch, server: FaultServer
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p1")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "global")
    with Client() as client:
        first_of_each = dict.fromkeys(leg.provider for tier in client.explain().tiers for leg in tier)
    assert list(first_of_each)[:2] == ["vertex", "vertex-openai"]


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TALK = (
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "{}"},
)


@pytest.mark.parametrize(("model", "sent"), [("gemini-3.8-flash", 2), ("gemini-2.5-flash", 0)])
def test_the_ids_of_calls_are_sent_only_to_models_that_take_them(model: str, sent: int) -> None:
    request = Vertex(api_base="https://x.example/v1").build_request(
        ChatRequest(messages=TALK, model=model), key="k", stream=False
    )
    assert isinstance(request.body, bytes)
    assert request.body.count(b'"id":"c1"') == sent


def test_parameters_that_the_openai_endpoint_ignores_are_refused() -> None:
    from g4f_lite import UnsupportedParameterError

    with pytest.raises(UnsupportedParameterError, match="logit_bias"):
        VertexOpenai(api_base="https://x.example/v1").build_request(
            ChatRequest(messages=TALK[:1], model="m", logit_bias={"1": 1.0}), key="k", stream=False
        )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_does_not_wait_for_a_token_that_its_parent_gets() -> None:
    program = """
import os
from g4f_lite_providers import google_cloud
google_cloud._lock.acquire()
if (child := os.fork()) == 0:
    os._exit(0 if google_cloud._lock.acquire(timeout=20) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert python(program).returncode == 0


def test_google_auth_is_loaded_only_when_its_token_is_needed() -> None:
    assert not loaded_by("import g4f_lite_providers.vertex, g4f_lite_providers.vertex_openai") & {"google"}
