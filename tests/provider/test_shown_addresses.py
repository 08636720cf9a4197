"""No message shows what may be a key or a password in an address: of a service, or of a proxy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.driving import MODES, run
from helpers.providers import Keyless
from helpers.tracebacks import leaks, linked

import g4f_lite
from g4f_lite import AsyncClient, Client
from g4f_lite.provider.address import check_base_url, shown_url
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("https://api.example.com/v1?key=s3cret", "'https://api.example.com/v1?…'"),
        ("https://user:s3cret@api.example.com/v1", "'https://…@api.example.com/v1'"),
        ("https://user:s3/cr@et@api.example.com/v1", "'https://…@api.example.com/v1'"),
        ("user:s3cret@api.example.com", "'…@api.example.com'"),
        ("https://api.example.com/v1#s3cret", "'https://api.example.com/v1#…'"),
        ("gsk_s3cretZx81bQp4TnV7rLw2", "'…'"),
        ("https://x y/gsk_s3cretZx81bQp4TnV7rLw2/v1", "'https://x y/…/v1'"),
        ("localhost:8080/v1", "'localhost:8080/v1'"),
        ("htps://api.example.com", "'htps://api.example.com'"),
        (b"https://user:s3cret@x", "a value of type bytes"),
        (None, "a value of type NoneType"),
    ],
)
def test_a_wrong_address_is_shown_without_secrets(given: Any, shown: str) -> None:
    assert shown_url(given) == shown
    assert "s3cret" not in shown
    with pytest.raises(g4f_lite.ConfigurationError) as caught:
        check_base_url(given, "base_urls['x']")
    assert "s3cret" not in str(caught.value)


def test_no_setting_shows_them_either(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (
        lambda url: Client(base_urls={"groq": url}),
        lambda url: AsyncClient(base_urls={"groq": url}),
        lambda url: Keyless(api_base=url),
        lambda url: Client(proxy=url.replace("https", "socks5")),
    ):
        for url in ("https://x/v1?key=s3cret", "https://u:s3cret@x/v1"):
            with pytest.raises(g4f_lite.ConfigurationError) as caught:
                make(url)
            assert "s3cret" not in str(caught.value) + repr(caught.value)
    monkeypatch.setenv("KEYLESS_API_BASE", "https://x/v1?key=s3cret")
    with Client(plugins=[Keyless]) as client, pytest.raises(g4f_lite.ConfigurationError) as caught:
        client.explain(provider="keyless")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("where", ["argument", "environment"])
def test_a_proxy_that_fails_is_shown_without_its_password(
    where: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {"routes": [Keyless(api_base="http://service.invalid/v1")], "retries": 0}
    proxy = "http://user:s3cret@127.0.0.1:9"
    if where == "argument":
        settings["proxy"] = proxy
    else:
        monkeypatch.setenv("HTTP_PROXY", proxy)
    error = run(mode, settings, {"fallback_models": []}).error
    assert isinstance(error, g4f_lite.ConnectionFailedError)
    for one in linked(error):
        assert "s3cret" not in f"{one} {one!r} {vars(one)} {getattr(one, 'trail', '')!r}"
    assert not leaks(error, "s3cret")


def test_a_call_that_is_cancelled_at_a_proxy_shows_no_password(server: FaultServer) -> None:
    server.script(replies.silence())
    proxy = server.base_url.replace("http://", "http://user:s3cret@").removesuffix("/v1")

    async def call() -> None:
        async with (
            AsyncClient(routes=[Keyless(api_base="http://service.invalid/v1")], proxy=proxy) as client,
            asyncio.timeout(1),
        ):
            await client.chat.completions.create(messages=[{"role": "user", "content": "a"}])

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(call())
    assert server.received
    assert not leaks(caught.value, "s3cret")
