"""The sources of a key; only its owner can read it, and it is never shown."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from helpers.providers import Alpha, Beta, Keyless

import g4f_lite
from g4f_lite import Client
from g4f_lite.provider import keys
from g4f_lite.provider.keys import Key, find_keys


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


NO_KEYS = [
    ("'gsk_x'", "stands in quotation marks; remove them"),
    ('"gsk_x"', "stands in quotation marks; remove them"),
    ("YOUR_API_KEY", "no key but a placeholder"),
    ("your-api-key-here", "no key but a placeholder"),
    ("<key>", "no key but a placeholder"),
    ("INSERT_YOUR_KEY", "no key but a placeholder"),
    ("api-key-here", "no key but a placeholder"),
    ("changeme", "no key but a placeholder"),
    ("sk-...", "no key but a placeholder"),
    ("$ALPHA_API_KEY", "no key but a placeholder"),
    ("${ALPHA_API_KEY}", "no key but a placeholder"),
    ("ALPHA_API_KEY=sk-1234", "no key but a placeholder"),
]


def test_a_placeholder_does_not_hide_a_real_key(monkeypatch: pytest.MonkeyPatch) -> None:
    several = Alpha(api_key_env=("FIRST_KEY", "SECOND_KEY"))
    monkeypatch.setenv("FIRST_KEY", "your-api-key")
    monkeypatch.setenv("SECOND_KEY", "real")
    assert [key.value for key in find_keys(several, None)] == ["real"]
    assert [key.value for key in find_keys(several, ["<key>", "other"])] == ["other"]


@pytest.mark.parametrize(("value", "reason"), NO_KEYS)
def test_what_stands_in_the_place_of_a_key_is_not_sent(
    value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHA_API_KEY", value)
    monkeypatch.setenv("BETA_API_KEY", "k")
    with Client(plugins=[Alpha, Beta]) as client:
        with pytest.raises(g4f_lite.MissingKeyError, match=reason) as raised:
            client.explain(provider="alpha", fallback_models=[])
        assert "ALPHA_API_KEY" in str(raised.value)
        assert "1234" not in str(raised.value)
        plan = client.explain(provider=["alpha", "beta"], fallback_models=[])
        assert [leg.provider for tier in plan.tiers for leg in tier] == ["beta"]
    with pytest.raises(g4f_lite.ConfigurationError, match=reason):
        keys.store_key("alpha", value)
    monkeypatch.delenv("ALPHA_API_KEY")
    with (
        pytest.raises(g4f_lite.ConfigurationError, match=reason),
        Client(plugins=[Alpha], keys={"alpha": value}) as client,
    ):
        client.explain(provider="alpha")


@pytest.mark.parametrize("value", ["EMPTY", "none", "sk-no-key-required", "your-key", "YWJj=", "lm-studio"])
def test_a_server_that_needs_no_key_may_be_given_anything(value: str) -> None:
    with Client(plugins=[Keyless], keys={"keyless": value}) as client:
        assert client.explain(provider="keyless").tiers[0][0].key == keys.fingerprint(value)


def test_a_variable_with_nearly_the_right_name_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(plugins=[Alpha]) as client:
        for name in ("ALPHA_KEY", "alpha_api_key", "ALPHA_TOKEN"):
            with monkeypatch.context() as patch:
                patch.setenv(name, "k")
                with pytest.raises(g4f_lite.MissingKeyError, match=f"; {name} is set, but is not read"):
                    client.explain(provider="alpha")
        with pytest.raises(g4f_lite.MissingKeyError) as raised:
            client.explain(provider="alpha")
        assert "is not read" not in str(raised.value)


def test_bytes_are_no_key() -> None:
    with pytest.raises(g4f_lite.ConfigurationError, match=r"must be a key, a function .*, not bytes"):
        Client(plugins=[Alpha], keys={"alpha": b"k"})  # type: ignore[dict-item]
