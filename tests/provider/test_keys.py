"""The sources of a key; only its owner can read it, and it is never shown."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from helpers.providers import Alpha, Beta, Keyless

import g4f_lite
from g4f_lite import Client
from g4f_lite.provider import keys
from g4f_lite.provider.keys import Key


def test_keys_come_from_argument_environment_and_store_in_this_order(monkeypatch: pytest.MonkeyPatch) -> None:
    keys.store_key("alpha", "stored")
    found = []
    for settings in ({}, {"keys": {"alpha": " "}}, {"keys": {"alpha": "given"}}):
        with Client(plugins=[Alpha], **settings) as client:  # type: ignore[arg-type]
            found.append(client.explain(provider="alpha").tiers[0][0].key)
            monkeypatch.setenv("ALPHA_API_KEY", "environment")
            found.append(client.explain(provider="alpha").tiers[0][0].key)
            monkeypatch.delenv("ALPHA_API_KEY")
    names = ["stored", "environment", "stored", "environment", "given", "given"]
    assert found == [keys.fingerprint(name) for name in names]
    assert keys.remove_key("alpha")
    assert not keys.remove_key("alpha")
    with Client(plugins=[Alpha]) as client, pytest.raises(g4f_lite.MissingKeyError):
        client.explain(provider="alpha")


def test_only_the_owner_can_read_stored_keys() -> None:
    path = keys.store_key("groq", "gsk_x")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [child.name for child in path.parent.iterdir()] == ["keys.json"]
    path.write_text("[]")
    with pytest.raises(g4f_lite.ConfigurationError, match="cannot be read"):
        keys.load_stored()
    with pytest.raises(g4f_lite.ConfigurationError, match="empty"):
        keys.store_key("groq", "  ")


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (b"{", ["alpha", "at-will"]),
        (b"[]", ["alpha", "at-will"]),
        (b'{"alpha": "two words", "at-will": "k"}', ["alpha"]),
    ],
)
def test_stored_keys_that_cannot_be_read_stop_only_the_providers_that_need_them(
    content: bytes, left_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class AtWill(Keyless):
        name = "at-will"
        api_key_env = ("AT_WILL_API_KEY",)

    path = keys.store_key("alpha", "stored")
    with Client(plugins=[Alpha, Beta, Keyless, AtWill], keys={"beta": "given"}) as client:
        wanted: dict[str, Any] = {"provider": ["alpha", "beta", "keyless", "at-will"], "fallback_models": []}
        assert [leg.provider for leg in client.explain(**wanted).tiers[0]] == wanted["provider"]
        path.write_bytes(content)
        explained = client.explain(**wanted)
        assert [leg.provider for leg in explained.tiers[0]] == [
            one for one in wanted["provider"] if one not in left_out
        ]
        assert [skipped.provider for skipped in explained.skipped] == left_out
        assert all(skipped.lacks_key and str(path) in skipped.reason for skipped in explained.skipped)
        with pytest.raises(g4f_lite.MissingKeyError, match=r"alpha: no key: set ALPHA_API_KEY, .*; the .*keys\.json"):
            client.explain(provider="alpha")
        monkeypatch.setenv("ALPHA_API_KEY", "environment")
        assert client.explain(provider="alpha").tiers[0][0].key == keys.fingerprint("environment")
        monkeypatch.delenv("ALPHA_API_KEY")
        keys.stored_keys_path().unlink()
        keys.store_key("alpha", "mended")
        assert client.explain(**wanted).tiers[0][0].key == keys.fingerprint("mended")


def test_a_key_is_never_shown() -> None:
    with Client(plugins=[Alpha], keys={"alpha": "s3cret-key"}) as client:
        assert "s3cret" not in repr(client.explain()) + str(client.explain())
    key = Key("s3cret-key", "argument")
    assert "s3cret" not in repr(key)
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(key)


def test_a_user_without_a_home_has_no_stored_keys(homeless: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(plugins=[Alpha]) as client:
        with pytest.raises(g4f_lite.MissingKeyError):
            client.explain(provider="alpha")
        monkeypatch.setenv("ALPHA_API_KEY", "environment")
        assert client.explain(provider="alpha").tiers[0][0].key == keys.fingerprint("environment")
    with pytest.raises(g4f_lite.ConfigurationError, match="no home folder; set G4F_LITE_CONFIG_DIR"):
        keys.store_key("alpha", "x")
