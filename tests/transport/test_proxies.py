"""Which proxy a connection goes through, the same in both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, eventually, run

import g4f_lite
from g4f_lite.testing import FaultServer, replies
from g4f_lite.transport.common import proxy_for
from g4f_lite.transport.no_proxy import bypasses_proxy


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:99999", "http://[::bad:1"])
def test_a_malformed_proxy_address_is_a_connection_error(proxy: str, mode: str, groq: FaultServer) -> None:
    outcome = run(mode, {"proxy": proxy}, {"provider": "groq", "fallback_models": []})
    assert isinstance(outcome.error, g4f_lite.ConnectionFailedError)


# -- which hosts NO_PROXY names ------------------------------------------------------------

DESKTOP = "localhost,127.0.0.0/8,::1"
NAMED = [
    (DESKTOP, "localhost 127.0.0.1 127.8.9.10 ::1 ::ffff:127.0.0.1 LOCALHOST", "128.0.0.1 ::2 localhost.example"),
    ("*", "api.example 10.1.2.3 ::1", ""),
    (" a.example , * ", "api.test", ""),
    ("", "", "localhost 127.0.0.1"),
    (",", "", "localhost 127.0.0.1"),
    ("example.com", "example.com API.example.com a.b.example.com example.com.", "badexample.com example.com.evil.test"),
    (".example.com", "example.com api.example.com", "badexample.com"),
    ("*.example.com", "example.com api.example.com", "badexample.com"),
    ("example.com.", "example.com api.example.com", "example.org"),
    ("EXAMPLE.com", "example.com", ""),
    ("a.test b.test\tc.test,\nd.test", "a.test b.test c.test d.test", "e.test"),
    ("10.0.0.0/8,192.168.1.7", "10.255.0.1 192.168.1.7", "11.0.0.1 192.168.1.8 10.example"),
    ("172.16.5.9/12", "172.31.255.1", "172.32.0.1"),  # not the first address of the range
    ("192.168.0.0/255.255.0.0", "192.168.200.1", "192.169.0.1"),
    ("fc00::/7,fe80::/10", "fd12:3456::1 fe80::1", "2001:db8::1 10.0.0.1"),
    ("[::1],[fc00::]/7", "::1 0:0:0:0:0:0:0:1 fd00::1", "::2"),
    ("0.0.1,.0.1,1", "", "127.0.0.1"),  # an address has no parent domains
    ("10.0.0.0/99,nonsense/8,[::1,http://b.test", "", "10.0.0.1 b.test"),
]


@pytest.mark.parametrize(("no_proxy", "named", "others"), NAMED)
def test_no_proxy_names_hosts(no_proxy: str, named: str, others: str) -> None:
    found = {host: bypasses_proxy(no_proxy, host, 443) for host in f"{named} {others}".split()}
    assert found == {**dict.fromkeys(named.split(), True), **dict.fromkeys(others.split(), False)}


@pytest.mark.parametrize(
    ("entry", "host"),
    [("example.com:8080", "api.example.com"), ("127.0.0.1:8080", "127.0.0.1"), ("[::1]:8080", "::1")],
)
def test_an_entry_may_name_a_port(entry: str, host: str) -> None:
    assert [bypasses_proxy(entry, host, port) for port in (8080, 80, 18080)] == [True, False, False]


# -- which proxy ---------------------------------------------------------------------------

PROXY = "http://127.0.0.1:3128"


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"https_proxy": PROXY}, "https://api.test/v1", PROXY),
        ({"HTTPS_PROXY": PROXY}, "https://api.test/v1", PROXY),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, "https://api.test/v1", PROXY),
        ({"http_proxy": PROXY}, "https://api.test/v1", None),
        ({"ALL_PROXY": PROXY}, "https://api.test/v1", PROXY),
        ({"all_proxy": PROXY}, "http://api.test/v1", PROXY),
        ({"all_proxy": "socks5://127.0.0.1:1080", "https_proxy": PROXY}, "https://api.test/v1", PROXY),
        ({"all_proxy": "socks5://127.0.0.1:1080", "no_proxy": "api.test"}, "https://api.test/v1", None),
        ({"https_proxy": "127.0.0.1:3128"}, "https://api.test/v1", PROXY),
        ({"https_proxy": PROXY, "no_proxy": "api.test:443"}, "https://api.test/v1", None),
        ({"http_proxy": PROXY, "no_proxy": "api.test:443"}, "http://api.test/v1", PROXY),
        ({"http_proxy": PROXY, "NO_PROXY": "::1"}, "http://[::1]:11434/v1", None),
        ({"http_proxy": PROXY, "no_proxy": "127.0.0.0/8", "NO_PROXY": ""}, "http://127.0.0.1:11434/v1", None),
    ],
)
def test_the_environment_says_which_proxy(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url, None) == proxy


def test_a_proxy_of_a_kind_that_is_not_supported_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(g4f_lite.ConnectionFailedError, match=r"only http and https proxies .*pass proxy="):
        proxy_for("https://api.test/v1", None)


@pytest.fixture
def proxy() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.script(replies.answer("through the proxy"))
        yield running


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("no_proxy", "text"),
    [(DESKTOP, "direct"), ("127.0.0.1", "direct"), ("*", "direct"), ("10.0.0.0/8", "through the proxy")],
)
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_both_clients_go_where_the_environment_says(
    variable: str, no_proxy: str, text: str, mode: str, server: FaultServer, proxy: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    server.script(replies.answer("direct"))
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", no_proxy)
    outcome = run(mode, {"base_urls": {"ollama": server.base_url}}, {"provider": "ollama", "model": "qwen3"})
    assert (outcome.error, outcome.text) == (None, text)
    assert [len(server.received), len(proxy.received)] == ([1, 0] if text == "direct" else [0, 1])


@pytest.mark.parametrize("mode", MODES)
def test_the_clients_own_proxy_is_for_all_hosts(
    mode: str, server: FaultServer, proxy: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    settings = {"base_urls": {"ollama": server.base_url}, "proxy": f"http://127.0.0.1:{proxy.port}"}
    assert run(mode, settings, {"provider": "ollama", "model": "qwen3"}).text == "through the proxy"


def test_no_local_variable_of_a_call_has_the_password(groq: FaultServer) -> None:
    """Whoever catches an exception may show it with the variables of all frames."""
    groq.script(replies.silence())
    settings: dict[str, Any] = {
        "base_urls": {"groq": "http://service.example/v1"}, "proxy": groq.origin.replace("//", "//me:password@"),
    }  # fmt: skip

    async def main() -> list[str]:
        async with g4f_lite.AsyncClient(**settings) as client:
            call: Any = client.chat.completions.create(messages=MESSAGES, provider="groq")
            task = asyncio.ensure_future(call)
            assert await asyncio.to_thread(eventually, lambda: bool(groq.received))
            seen = []
            while call is not None and hasattr(call, "cr_frame"):
                code = call.cr_frame.f_code
                if "g4f_lite" in code.co_filename:
                    seen.append(code.co_name)
                    assert "password" not in repr(call.cr_frame.f_locals), code.co_qualname
                call = call.cr_await
            task.cancel()
            return seen

    assert asyncio.run(main())[-1] == "_request"
