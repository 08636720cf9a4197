"""What `g4f-lite serve --check` says of keys, teams and names."""

from __future__ import annotations

from pathlib import Path

import pytest

from g4f_lite.gateway.key_store import KeyStore
from g4f_lite.gateway.keys import hash_of
from g4f_lite.gateway.overview import overview
from g4f_lite.gateway.settings import KeySettings, checked

CONFIGURATION = {
    "models": {"fast": {"routes": ["groq", "local"]}},
    "teams": {"search": {"budget": {"usd": 200, "per": "month"}}},
    "keys": {
        "team-a": {"hash": hash_of("a"), "models": ["fast"], "rpm": 600, "parallel": 20, "team": "search"},
        "old": {"hash": hash_of("b"), "disabled": True},
    },
}


def test_each_key_with_its_limits_and_its_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    store = KeyStore(tmp_path / "gateway.db")
    store.new("made", KeySettings(tpm=9000))
    lines = overview(checked(CONFIGURATION, "gateway.toml"), store).splitlines()
    assert lines[:6] == [
        "listens on 127.0.0.1:8080",
        "key team-a: fast (600 requests a minute, 20 at once)",
        "  of team search (200 USD a month)",
        "key old: disabled",
        "key made: * (9000 tokens a minute)",
        "model fast:",
    ]
    assert any(line.startswith("  -  groq") and "key" in line for line in lines)
