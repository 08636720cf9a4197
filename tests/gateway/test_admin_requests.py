"""The requests of the administrator as HTTP: other methods, a body that does not come, and calls beside an open door."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests
from helpers.admin import ADMIN, Administrator, administrated
from helpers.gateways import MESSAGES, running, tables

from g4f_lite.testing import FaultServer


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with administrated(tmp_path_factory.mktemp("gateway"), server={"client_stall": 0.5}) as one:
        yield one


@pytest.mark.parametrize("path", ["status", "routes", "calls", "spend", "keys", "config"])
def test_head_is_get_without_its_body(admin: Administrator, path: str) -> None:
    answer = admin.raw("HEAD", path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == admin.raw("GET", path).headers["Content-Type"]
    assert admin.raw("HEAD", path, key="wrong").status_code == 401


def test_head_is_get_of_callers_too(admin: Administrator) -> None:
    for path in ("models", "models/solo"):
        answer = requests.head(f"{admin.gateway.base_url}/{path}", timeout=30)
        assert (answer.status_code, answer.content) == (200, b""), path
    assert requests.head(f"{admin.gateway.base_url}/chat/completions", timeout=30).status_code == 404


@pytest.mark.parametrize("path", ["live", "routes/groq:one/rest"])
def test_head_changes_nothing_and_does_not_last(admin: Administrator, path: str) -> None:
    assert admin.raw("HEAD", path).status_code == 404
    assert admin.route("groq:one")["state"] == "ready"


def test_a_body_that_does_not_come_is_given_up(admin: Administrator) -> None:
    host, _, port = admin.gateway.url.removeprefix("http://").partition(":")
    head = f"POST /admin/api/keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\nContent-Length: 99\r\n\r\n{{"
    with socket.create_connection((host, int(port)), 30) as one:
        one.sendall(head.encode())
        answer = one.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408 ") and b"nothing of the request's body has come" in answer


def test_the_administrator_has_a_name_while_there_are_no_keys(admin: Administrator) -> None:
    def caller(key: str) -> str:
        call_id = admin.call("solo", key).headers["x-request-id"]
        return str(admin.ask(f"calls/{call_id}")["call"]["key"])

    assert [caller(key) for key in (ADMIN, "whatever", "")] == ["admin", "anybody", "anybody"]


def test_an_unknown_model_is_told_in_the_words_of_a_request(groq: FaultServer) -> None:
    with running(tables(groq, client={"routes": None})) as gateway:
        body = {"model": "nonesuch", "messages": MESSAGES}
        answer = requests.post(f"{gateway.base_url}/chat/completions", json=body, timeout=30)
    assert answer.status_code == 404
    assert "name the provider too: 'PROVIDER:nonesuch'" in answer.json()["error"]["message"]
