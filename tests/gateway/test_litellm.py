"""The configuration of LiteLLM's proxy becomes ours, and what does not is told by line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import openai
import pytest
import yaml
from helpers.commands import run, start
from helpers.gateways import MESSAGES
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite import ConfigurationError
from g4f_lite.gateway.litellm.importing import Imported, imported
from g4f_lite.gateway.litellm.services import GUESSED, SERVICES
from g4f_lite.gateway.settings import checked
from g4f_lite.plugins.registry import process_registry
from g4f_lite.testing import FaultServer, replies

FILE = """\
environment_variables:
  REDIS_HOST: there
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://eu.openai.example/
      api_key: os.environ/AZURE_EU
      rpm: 6
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: os.environ/AZURE_CA_BASE
      api_key: os.environ/AZURE_CA
  - model_name: own
    litellm_params: &own
      model: openai/facebook/opt-125m
      api_base: http://127.0.0.1:4000/v1
      api_key: sk-secret-1
    model_info:
      mode: chat
  - model_name: own again
    litellm_params:
      <<: *own
      temperature: 0.5
  - model_name: small
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: small
    litellm_params: {model: gpt-4o-mini, api_key: sk-secret-2}
  - model_name: groq/*
    litellm_params: {model: groq/*}
  - model_name: odd
    litellm_params: {model: nobody/knows}
  - model_name: "*"
    litellm_params: {model: "*"}
litellm_settings:
  drop_params: true
  callbacks: [langfuse]
  num_retries: 3
  fallbacks: [{small: [gpt-4o, none]}, {none: [small]}]
router_settings:
  routing_strategy: latency-based-routing
  timeout: 30
  model_group_alias: {gpt-4: gpt-4o, gpt-3: none}
  redis_host: localhost
  redis_port: 1992
  redis_password: sk-secret-3
  default_fallbacks: [own]
general_settings:
  master_key: sk-secret-4
  database_url: postgresql://user:sk-secret-5@host/db
  unheard_of: {a: 1, b: [2]}
"""
EU, CA = "azure-2:gpt-4o-eu", "azure-3:gpt-4o-ca"
OWN = "openai-2:facebook/opt-125m"


def lines_of(found: Imported, *, carried: bool) -> dict[str, int]:
    return {one.setting: one.line for one in found.remarks if one.carried is carried}


def test_a_file_is_carried_over() -> None:
    found = imported(FILE)
    tables = tomllib.loads(found.toml)
    checked(tables, "test")
    assert {name: table["routes"] for name, table in tables["models"].items()} == {
        "gpt-4o": [[EU, CA], OWN],
        "own": [OWN],
        "own again": [OWN],
        "small": [["openai:gpt-4o-mini", "openai-3:gpt-4o-mini"], [EU, CA], OWN],
        "groq/*": ["groq:*", OWN],
        "gpt-4": [[EU, CA], OWN],
    }
    assert tables["providers"] == {
        "azure-2": {"like": "azure", "base_url": "https://eu.openai.example/openai/v1", "key": {"env": "AZURE_EU"}},
        "azure-3": {"like": "azure", "base_url": "{AZURE_CA_BASE}/openai/v1", "key": {"env": "AZURE_CA"}},
        "openai-2": {"base_url": "http://127.0.0.1:4000/v1", "key": {"env": "OPENAI_KEY"}},
        "openai-3": {"like": "openai", "key": {"env": "OPENAI_KEY_2"}},
    }
    keys = {"openai": {"env": "OPENAI_API_KEY"}}
    assert tables["client"] == {"strategy": "fastest", "retries": 3, "deadline": 30.0, "keys": keys}
    assert tables["server"] == {"shared": "redis://localhost:1992/0", "admin": {"env": "LITELLM_MASTER_KEY"}}


def test_what_is_not_carried_over_is_told_by_line() -> None:
    found = imported(FILE)
    left = lines_of(found, carried=False)
    expected = {
        "environment_variables.REDIS_HOST", "litellm_params.rpm", "model_list.model_info", "litellm_params.temperature",
        "litellm_params.model", "litellm_settings.drop_params", "litellm_settings.callbacks",
        "litellm_settings.fallbacks.small", "litellm_settings.fallbacks.none",
        "router_settings.model_group_alias.gpt-3", "router_settings.redis_password", "general_settings.database_url",
        "general_settings.unheard_of.a", "general_settings.unheard_of.b",
    }  # fmt: skip
    assert set(left) == expected
    text = FILE.splitlines()
    for setting, line in left.items():
        assert setting.split(".")[-1].replace("model_info", "mode") in text[line - 1] or "none" in text[line - 1]
    assert lines_of(found, carried=True)["router_settings.timeout"] == text.index("  timeout: 30") + 1
    assert "sk-secret" not in found.toml + str(found.remarks)


def test_the_services_are_ours() -> None:
    for ours in {*SERVICES.values(), *(to for _, to in GUESSED)}:
        assert process_registry().knows(ours), ours


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{name}'] * 10)}]\n" for name, after in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "model_list: &a [*a]",
        "model_list: " + "[" * 60 + "]" * 60,
        "- " * 5000,
        "model_list: !!python/object/apply:os.system ['true']",
        "model_list: [{model_name: !!python/name:os.system , litellm_params: {model: gpt-4o}}]",
        "model_list: !mine [1]",
        "model_list: !!set {a, b}",
        "model_list: [a",
        "a: 2020-99-99",
        "? [a]\n: 1",
        "--- 1\n--- 2",
        "x" * (1 << 21),
        "\x00",
        "",
        "just text",
        "model_list: 3",
        "model_list: []",
        "model_list: [{model_name: a}]",
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o}}]\nrouter_settings: [1]",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_such_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        imported(text)
    assert len(str(raised.value)) < 500


ODD: Any = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.sampled_from(["os.environ/", "os.environ/A B", "*", "gpt-4o", "openai/*", "http://h/v1", "http://h:x y"]),
)  # fmt: skip
PARAMS = st.dictionaries(st.sampled_from(["model", "api_key", "api_base", "rpm"]), ODD)
ITEM = ODD | st.fixed_dictionaries({"model_name": ODD, "litellm_params": ODD | PARAMS})
GROUPS = ODD | st.lists(ODD | st.dictionaries(st.sampled_from(["a", "*", "gpt-4o"]), ODD | st.lists(ODD)))
SECTION = ODD | st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            ("num_retries", "routing_strategy", "timeout", "request_timeout", "redis_host", "redis_port", "master_key"),
            ODD,
        ),
        **dict.fromkeys(("fallbacks", "default_fallbacks", "model_group_alias"), GROUPS),
    },
)
GOOD = {"model_name": "gpt-4o", "litellm_params": {"model": "gpt-4o"}}


@pytest.mark.no_cover
@settings(max_examples=150, deadline=None)
@given(st.lists(ITEM), SECTION, SECTION, SECTION)
def test_whatever_stands_in_it_the_result_can_be_used(items: Any, litellm: Any, router: Any, general: Any) -> None:
    sections = {"litellm_settings": litellm, "router_settings": router, "general_settings": general}
    try:
        found = imported(yaml.safe_dump({"model_list": [GOOD, *items], **sections}))
    except ConfigurationError as error:
        assert re.match("line [0-9]+: ", str(error)), error
        return
    checked(tomllib.loads(found.toml), "test")


def test_the_command_writes_a_file_that_answers(groq: FaultServer, tmp_path: Path) -> None:
    (file := tmp_path / "litellm.yaml").write_text(
        f"model_list:\n- model_name: ours\n  litellm_params:\n    model: openai/m\n    api_base: {groq.base_url}\n"
        "    api_key: sk-secret\ngeneral_settings:\n  alerting: [slack]\n",
        "utf-8",
    )
    groq.script(replies.answer("hello"))
    output = tmp_path / "gateway.toml"
    ran = run("gateway", "import", str(file), "--output", str(output))
    assert (ran.code, ran.out) == (0, "")
    assert f"{file}:6: litellm_params.api_key: carried over: it stands in the file" in ran.err
    assert f"{file}:8: general_settings.alerting: not carried over: " in ran.err
    assert run("gateway", "import", str(file)).out == output.read_text("utf-8")
    assert run("gateway", "import", str(file), "--output", str(output)).code == 2
    env = {"OPENAI_KEY": "sk-secret"}
    there = run("serve", str(output), "--check", env=env)
    assert (there.code, there.err) == (0, "") and "1. openai-2:m at http://" in there.out
    with start("serve", str(output), "--port", "0", env=env) as process:
        assert process.stderr is not None
        url = re.findall(r"http://127\.0\.0\.1:\d+/v1", process.stderr.readline().decode())[0]
        with openai.OpenAI(base_url=url, api_key="k") as client:
            answer = client.chat.completions.create(model="ours", messages=MESSAGES)
        process.terminate()
        process.communicate(timeout=60)
    assert answer.choices[0].message.content == "hello"
    assert (groq.received[0].model, groq.received[0].headers["authorization"]) == ("m", "Bearer sk-secret")


def test_a_file_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    (file := tmp_path / "litellm.yaml").write_text("model_list: !mine [1]", "utf-8")
    ran = run("gateway", "import", str(file))
    assert ran.code == 2 and "litellm.yaml: line 1: !mine" in ran.err and "Traceback" not in ran.err
