"""The files of the page as they are served: small, from nowhere else, and kept by the browser."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from helpers.admin import ADMIN, Administrator, Events, administrated
from helpers.driving import eventually

from g4f_lite.gateway.admin.live import MOST_LISTENERS
from g4f_lite.gateway.admin.site import FILES
from g4f_lite.gateway.quoting import texts_of, without_quotes


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administrator]:
    with administrated(tmp_path_factory.mktemp("gateway")) as one:
        yield one


def fetched(admin: Administrator) -> dict[str, requests.Response]:
    return {path: requests.get(f"{admin.gateway.url}{path}", timeout=20) for path in FILES}


def test_it_is_small_and_needs_no_key(admin: Administrator) -> None:
    found = fetched(admin)
    assert {answer.status_code for answer in found.values()} == {200}
    assert sum(len(answer.content) for answer in found.values()) <= 60_000
    assert found["/"].headers["Content-Type"] == "text/html; charset=utf-8"


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(admin: Administrator) -> None:
    found = fetched(admin)
    for path, answer in found.items():
        policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["connect-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert set(re.findall(r"https?://[\w.]+", answer.text)) <= {"http://www.w3.org"}, path
    html = found["/"].text
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html, re.DOTALL) == [""]
    assert set(re.findall(r'(?:src|href)="(/[^"]*)"', html)) == {"/page/page.js", "/page/page.css"}
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", found["/page/page.js"].text
    )


def test_the_browser_keeps_it(admin: Administrator) -> None:
    for path, answer in fetched(admin).items():
        tag = answer.headers["ETag"]
        again = requests.get(f"{admin.gateway.url}{path}", headers={"If-None-Match": f"W/{tag}"}, timeout=20)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        head = requests.head(f"{admin.gateway.url}{path}", timeout=20)
        assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["/page", "/page/", "/page/../server.py", "/index.html", "/admin", "/page/page.py"])
def test_there_is_nothing_else(admin: Administrator, path: str) -> None:
    host, _, port = admin.gateway.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 20) as one:
        one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: one.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ") and b'"code":"not_found"' in answer


def test_a_listener_that_does_not_read_is_dropped_and_told(admin: Administrator) -> None:
    gateway = admin.gateway
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    live = gateway.gateway.views._live
    with socket.create_connection((host, int(port)), 20) as slow:
        request = f"GET /admin/api/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN}\r\n\r\n"
        slow.sendall(request.encode())
        assert eventually(lambda: bool(live), 20)

        def flood() -> None:
            for _ in range(2000):
                live.tell("call", {"filler": "x" * 20_000})

        gateway.loop.call_soon_threadsafe(flood)
        answer = b"".join(iter(lambda: slow.recv(1 << 20), b""))
    assert b"event: dropped\n" in answer[-500:] and len(answer) < 2000 * 20_000
    assert eventually(lambda: not live, 20)


def test_there_are_only_so_many_listeners(admin: Administrator) -> None:
    events = [Events(admin) for _ in range(MOST_LISTENERS)]
    assert admin.refusal("GET", "live")[0] == 503
    for one in events:
        one.close()
    assert eventually(lambda: admin.raw("GET", "live", stream=True).status_code == 200, 20)


QUOTED: list[tuple[Any, str, str]] = [
    ([{"role": "user", "content": "my password is hunter2"}], "bad: my password is hunter2!", "bad: […]!"),
    ([{"role": "user", "content": "hello there"}], "'hello there' is refused", "'[…]' is refused"),
    (
        [{"role": "user", "content": [{"type": "text", "text": "a long text of the caller"}]}],
        "no: a long text of",
        "no: […]",
    ),
    ([{"role": "user", "content": "hi"}], "hi is this the model?", "hi is this the model?"),
    ([{"role": "user", "content": "x" * 500_000 + "the end of the text"}], "see the end of the text", "see […]"),
    (
        [{"role": "assistant", "tool_calls": [{"function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}}]}],
        'the assistant\'s get_weather has {"city": "Rome"}',
        "the assistant's get_weather has […]",
    ),
    ([{"role": "user", "content": "other words"}], "m" * 3000, "m" * 500),
]


@pytest.mark.parametrize(("messages", "message", "told"), QUOTED)
def test_what_is_quoted_of_a_prompt_is_left_out(messages: Any, message: str, told: str) -> None:
    assert without_quotes(message, texts_of({"model": "is this the model?", "messages": messages})) == told
