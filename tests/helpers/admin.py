"""A gateway over a fault server, and its administrator."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.testing import FaultServer

from .gateways import MESSAGES, Running, running

ADMIN = "g4f-admin-of-the-tests"
PAID = "openai:gpt-5.6-luna"
"""A route with a price."""


class Administrator:
    """Asks `/admin/api/`, and calls as a caller does."""

    def __init__(self, gateway: Running, upstream: FaultServer, folder: Path) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.folder = folder

    def raw(self, method: str, path: str, key: str | None = ADMIN, **more: Any) -> requests.Response:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return requests.request(method, f"{self.gateway.url}/admin/api/{path}", headers=headers, timeout=30, **more)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        answer = self.raw(method, path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Return the status and the message of an answer that is OpenAI's error object."""
        answer = self.raw(method, path, json=body)
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"} and answer.status_code >= 400
        return answer.status_code, error["message"]

    def call(self, model: str = "fast", key: str = ADMIN, **more: Any) -> requests.Response:
        body = {"model": model, "messages": MESSAGES, **more}
        headers = {"Authorization": f"Bearer {key}"}
        return requests.post(f"{self.gateway.base_url}/chat/completions", json=body, headers=headers, timeout=30)

    def route(self, name: str) -> Any:
        return next(row for row in self.ask("routes")["routes"] if row["route"] == name)


class Events:
    """The events that one who watches gets."""

    def __init__(self, admin: Administrator) -> None:
        self._answer = admin.raw("GET", "live", stream=True)
        assert self._answer.headers["Content-Type"].startswith("text/event-stream")
        self._lines = self._answer.iter_lines(chunk_size=1)

    def next(self, wanted: str, fits: Callable[[Any], bool] = lambda found: True) -> Any:
        """Return the data of the next event of a name that fits; None for a comment."""
        name, end = "", time.monotonic() + 30
        for line in self._lines:
            assert time.monotonic() < end
            if line.startswith(b"event: "):
                name = line[len("event: ") :].decode()
            elif line.startswith(b"data: ") and name == wanted:
                if fits(found := json.loads(line[len("data: ") :])):
                    return found
            elif line == f": {wanted}".encode():
                return None
        raise AssertionError(f"the events have ended without {wanted!r}")

    def close(self) -> None:
        self._answer.close()


@contextmanager
def administrated(folder: Path, **tables: Any) -> Iterator[Administrator]:
    """Run a gateway with the names `fast` (groq:one, then one with a price), `solo` and `paid` (one of them each)."""
    secret, admin = folder / "upstream-key", folder / "admin-key"
    secret.write_text("gsk_secret_of_the_tests", "utf-8")
    admin.write_text(ADMIN, "utf-8")
    with FaultServer() as upstream:
        found = {
            "server": {"listen": "127.0.0.1:0", "drain_timeout": 5.0, "admin": {"file": str(admin)},
                       **tables.pop("server", {})},
            "client": {"base_urls": {"groq": upstream.base_url, "openai": upstream.base_url}, "retries": 0,
                       "keys": {"groq": {"file": str(secret)}, "openai": {"file": str(secret)}},
                       **tables.pop("client", {})},
            "models": {"fast": {"routes": ["groq:one", PAID]}, "solo": {"routes": ["groq:one"]},
                       "paid": {"routes": [PAID]}},
            **tables,
        }  # fmt: skip
        store = KeyStore(folder / "gateway.db")
        with running(found, store=store, usage=folder / "gateway-usage.db") as gateway:
            yield Administrator(gateway, upstream, folder)
