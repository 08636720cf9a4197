"""The answers of the provider `local`, and the requests that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import MODES
from helpers.local_model import CAPITAL, LOCAL, answer, ask, messages

import g4f_lite
from g4f_lite import Client, Timeouts
from g4f_lite_providers.local import Local
from g4f_lite_providers.local_weights import bundled_weights

pytestmark = LOCAL


@pytest.mark.parametrize(
    ("question", "fact"),
    [
        (CAPITAL, "Paris"),
        ("Which day comes after Monday?", "Tuesday"),
        ("2+2", "4"),
    ],
)
def test_it_answers_simple_questions_in_a_few_words(question: str, fact: str) -> None:
    reply = ask(question)
    assert fact.lower() in reply.text.lower()
    assert reply.text == reply.text.strip()
    assert len(reply.text) < 60
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.provider, reply.model) == ("local", "gemma-3-270m")


def test_the_defaults_answer_too() -> None:
    assert "Paris" in g4f_lite.chat(CAPITAL, provider="local", seed=1).text


def test_all_modes_give_the_same_answer() -> None:
    seen = [answer(mode) for mode in MODES]
    assert len({completion.text for _, completion in seen}) == 1
    for pieces, completion in seen:
        assert "".join(pieces) == completion.text
        assert completion.choices[0].finish_reason == "stop"
        assert completion.usage is not None
        assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (177, 5)
        assert completion.usage.total_tokens == 182
    assert all(len([piece for piece in pieces if piece]) > 1 for pieces, _ in (seen[1], seen[3]))


def test_it_follows_the_system_prompt_and_the_conversation() -> None:
    completions = [
        ask([{"role": role, "content": "The secret code is 4711."}, *messages("What is the secret code?")])
        for role in ("system", "developer")
    ]
    assert "4711" in completions[0].text
    assert completions[0].choices == completions[1].choices
    assert "Rome" in ask(messages(CAPITAL, "The capital of France is Paris.", "And of Italy?")).text


def test_content_in_parts_is_read_as_one_text() -> None:
    parts = [{"type": "text", "text": "What is the capital of"}, {"type": "text", "text": "France?"}]
    assert "Paris" in ask([{"role": "user", "content": parts}]).text  # type: ignore[dict-item]  # OpenAI's other form


@pytest.mark.parametrize("stop", [",", [" banana", "zebra"]])
def test_an_answer_ends_before_a_stop_sequence(stop: str | list[str]) -> None:
    reply = ask("Name three fruits.", stop=stop)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.text.startswith("Apple")
    assert "banana" not in reply.text


@pytest.mark.parametrize(("name", "mode"), [("max_tokens", "sync"), ("max_completion_tokens", "async stream")])
def test_a_limit_of_tokens_is_kept_and_reported(name: str, mode: str) -> None:
    _, reply = answer(mode, **{name: 3, "messages": messages("Tell me a story.")})
    assert reply.usage is not None
    assert (reply.usage.completion_tokens, reply.choices[0].finish_reason) == (3, "length")


def test_a_seed_makes_an_answer_repeatable() -> None:
    def describe_entries(seed: int) -> str:
        return ask("Tell me a story.", temperature=1.5, seed=seed, max_tokens=6).text

    first = describe_entries(1)
    assert describe_entries(1) == first
    assert any(describe_entries(seed) != first for seed in (2, 3))


def test_an_answer_can_be_held_to_a_schema() -> None:
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}
    wanted = {"type": "json_schema", "json_schema": {"name": "numbers", "schema": schema}}
    reply = ask("2+2", response_format=wanted, max_tokens=40)
    assert all(isinstance(number, int) for number in json.loads(reply.text))


def test_logprobs_come_for_each_token() -> None:
    reply = ask(CAPITAL, logprobs=True, max_tokens=3)
    assert [one.token for one in reply.choices[0].logprobs.content or ()]


def test_it_is_the_last_resort_of_a_plan() -> None:
    explained = Client().explain()
    assert [str(tier[0]) for tier in explained.tiers] == ["local:gemma-3-270m"]
    settings = {"timeouts": Timeouts(connect=0.5), "retries": 0, "base_urls": {"groq": "http://127.0.0.1:9"}}
    with Client(routes=["groq", "local"], keys={"groq": "gsk_x"}, **settings) as client:  # type: ignore[arg-type]
        reply = client.chat.completions.create(messages=messages(CAPITAL))
    assert [attempt.provider for attempt in reply.attempts] == ["groq", "local"]


def test_it_can_be_used_without_a_client() -> None:
    request = g4f_lite.ChatRequest(messages=tuple(messages(CAPITAL)), model="gemma-3-270m", temperature=0)
    assert "Paris" in Local().complete(request, cancelled=lambda: False).text
    with pytest.raises(g4f_lite.StreamInterruptedError):
        Local().complete(request, cancelled=lambda: True)


# -- refusals ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"n": 2},
        {"response_format": {"type": "nonsense"}},
        {"extra_body": {"min_p": "much"}},
    ],
)
def test_unsupported_parameters_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.UnsupportedParameterError):
        ask(**{"prompt": "hi", **params})


@pytest.mark.parametrize(
    "params",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"prompt": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    ],
)
def test_a_call_that_needs_other_capabilities_goes_to_another_provider(params: dict[str, Any]) -> None:
    with pytest.raises(g4f_lite.NoUsableRouteError, match="is not declared"):
        ask(**{"prompt": "hi", **params})


def test_a_prompt_that_is_far_too_long_is_refused_without_being_read() -> None:
    with pytest.raises(g4f_lite.ContextWindowError, match="400000 characters is longer than 4096 tokens"):
        ask("word\n" * 80_000, timeout=3)


def test_a_prompt_that_is_too_long_is_refused() -> None:
    with pytest.raises(g4f_lite.ContextWindowError, match="4096"):
        ask("word " * 5000)


def test_the_error_for_an_unknown_model_says_what_may_be_named() -> None:
    with pytest.raises(g4f_lite.ModelUnavailableError, match=r"'gemma-3-270m', or the path of a GGUF file"):
        ask("hi", model="gpt-9")
    with pytest.raises(g4f_lite.ModelUnavailableError, match="~nobody-of-this-name/x cannot be read"):
        ask("hi", model="~nobody-of-this-name/x")


def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path) -> None:
    with bundled_weights().open("rb") as file:
        start = file.read(1 << 20)
    for name, content in {"empty": b"", "text": b"hello" * 100, "cut": start}.items():
        (tmp_path / f"{name}.gguf").write_bytes(content)
    (tmp_path / "folder.gguf").mkdir()
    for name, complaint in {
        "empty": "is not a GGUF file",
        "text": "is not a GGUF file",
        "cut": "llama.cpp cannot load",
        "folder": "there is no file",
        "missing": "there is no file",
    }.items():
        with pytest.raises(g4f_lite.ModelUnavailableError, match=complaint) as caught:
            ask("hi", model=str(tmp_path / f"{name}.gguf"))
        assert name in str(caught.value)
    assert "Paris" in ask(CAPITAL).text  # the other engine still works
