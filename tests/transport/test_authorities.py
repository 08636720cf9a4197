"""Which authorities are trusted: the context of the client, else those of the environment, in both clients."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
from helpers.driving import MODES, Outcome, run
from helpers.tls import CERTIFICATE, KEY, NAME_IN_FOLDER, tls_before

import g4f_lite
from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer, replies

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
OTHERS = certifi.where()
"""Authorities that have not signed the certificate of the tests."""


@pytest.fixture
def port(server: FaultServer) -> Iterator[int]:
    """The port of a server behind TLS."""
    with tls_before(server.port) as port:
        yield port


def ask(mode: str, port: int, **settings: Any) -> Outcome:
    settings["base_urls"] = {"ollama": f"https://127.0.0.1:{port}/v1"}
    return run(mode, settings, {"provider": "ollama", "model": "qwen3"})


def trusting(path: Path | str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=path)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variable", [*BUNDLES, "SSL_CERT_FILE"])
def test_a_file_of_the_environment_is_trusted(
    variable: str, mode: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ask(mode, port).error
    assert isinstance(refused, g4f_lite.ConnectionFailedError)
    assert refused.kind == "tls"
    monkeypatch.setenv(variable, str(CERTIFICATE))
    assert ask(mode, port).text == "ok"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("variable", [*BUNDLES, "SSL_CERT_DIR"])
def test_a_folder_of_the_environment_is_trusted(
    variable: str, mode: str, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(CERTIFICATE, tmp_path / NAME_IN_FOLDER)
    monkeypatch.setenv(variable, str(tmp_path))
    assert ask(mode, port).text == "ok"


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("environment", "trusted"),
    [
        ({"REQUESTS_CA_BUNDLE": OTHERS, "CURL_CA_BUNDLE": str(CERTIFICATE)}, False),
        ({"REQUESTS_CA_BUNDLE": str(CERTIFICATE), "CURL_CA_BUNDLE": OTHERS}, True),
        ({"CURL_CA_BUNDLE": OTHERS, "SSL_CERT_FILE": str(CERTIFICATE)}, False),
        ({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": str(CERTIFICATE)}, True),
    ],
)
def test_a_bundle_replaces_all_other_authorities(
    environment: dict[str, str], trusted: bool, mode: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (ask(mode, port).error is None) is trusted


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(("own", "bundle"), [(str(CERTIFICATE), OTHERS), (OTHERS, str(CERTIFICATE))])
def test_the_clients_own_context_comes_before_the_environment(
    own: str, bundle: str, mode: str, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    outcome = ask(mode, port, ssl_context=trusting(own))
    assert (outcome.error is None) is (own == str(CERTIFICATE))


@pytest.mark.parametrize(
    ("mode", "to_service"),
    # With asyncio, a connection over TLS that a proxy refuses may be closed only after its loop.
    [*((mode, "http") for mode in MODES), ("sync", "https"), ("sync stream", "https")],
)
def test_the_authorities_count_for_a_proxy_behind_tls(
    to_service: str, mode: str, server: FaultServer, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if to_service == "https":
        server.script(replies.error(403, "no tunnels here"))
    settings = {"base_urls": {"ollama": f"{to_service}://service.test/v1"}, "proxy": f"https://127.0.0.1:{port}"}
    call = {"provider": "ollama", "model": "qwen3"}
    assert isinstance(run(mode, settings, call).error, g4f_lite.ConnectionFailedError)
    assert server.received == []
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    outcome = run(mode, settings, call)
    assert server.received
    assert outcome.text == ("ok" if to_service == "http" else "")


@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize("variable", [*BUNDLES, "SSL_CERT_FILE"])
def test_a_file_that_is_missing_is_a_mistake_of_configuration(
    variable: str, client: type[Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, missing := str(tmp_path / "no.pem"))
    with pytest.raises(g4f_lite.ConfigurationError) as caught:
        client()
    assert str(caught.value) == f"{variable} names {missing!r}, which does not exist: correct or unset it"
    client(ssl_context=trusting(OTHERS))


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_file_without_certificates_is_a_mistake_of_configuration(
    client: type[Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(KEY))
    with pytest.raises(g4f_lite.ConfigurationError, match=r"REQUESTS_CA_BUNDLE names .*, which cannot be used: "):
        client()


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_is_missing_by_the_time_of_a_call_ends_it_before_any_connection(
    mode: str, server: FaultServer, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Path(shutil.copy(CERTIFICATE, tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    class Vanishing:
        @g4f_lite.hookimpl
        def attempt_started(self, attempt: object) -> None:
            bundle.unlink(missing_ok=True)

    outcome = ask(mode, port, plugins=[Vanishing()])
    assert isinstance(outcome.error, g4f_lite.ConfigurationError)
    assert server.received == []
