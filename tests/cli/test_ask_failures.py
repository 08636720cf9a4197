"""A failed command says why on stderr, and its exit code says who caused the failure."""

from __future__ import annotations

import re

import pytest
from helpers.commands import KEY, NOT_FOUND, A, B, Cli, in_terminal, run

from g4f_lite.testing import FaultServer, replies

REFUSED = replies.error(401, "Invalid API Key", code="invalid_api_key")


def test_a_providers_failure_is_one_short_message(groq: FaultServer) -> None:
    groq.on(A, NOT_FOUND).on(B, replies.error(429, "slow\x07 down", retry_after="30"))
    ran = run("ask", "hi", "-p", "groq", "--fallback", B, "--timeout", "20")
    assert ran[:2] == (1, "")
    first, *rest = ran.err.splitlines()
    assert first == "Error: no answer from 2 legs:"
    assert rest[:2] == [f"  groq:{A}: 404 The model does not exist", f"  groq:{B}: 429 slow down"]
    assert re.fullmatch(r"It may work again in (29|30) s\.", rest[2])
    assert len(rest) == 3


def test_a_refused_key_points_to_the_doctor_and_v_shows_each_attempt(cli: Cli, groq: FaultServer) -> None:
    groq.script(REFUSED)
    ran = cli("ask", "hi", "-p", "groq", "-v")
    assert ran[:2] == (1, "")
    assert "g4f-lite doctor" in ran.err
    assert f"groq:{B} skipped: has the key of groq:{A}, which failed" in ran.err
    assert KEY not in ran.err


def test_attempts_that_are_not_shown_are_counted(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.body(b""))  # malformed: tried twice
    assert "It took 4 attempts; -v shows each of them." in cli("ask", "hi", "-p", "groq", "--fallback", B).err


def test_an_interrupted_answer_prints_what_arrived_and_fails(groq: FaultServer) -> None:
    groq.script(replies.cut(2))
    ran = run("ask", "hi", "-p", "groq")
    assert ran[:2] == (1, "word0 word1 \n")
    assert "the stream was interrupted" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "hi", "--nosuch"], "No such option"),
        (["aks"], "No such command"),
        (["ask", "hi", "-p", "grok"], "did you mean 'groq' or 'xai'?"),
        (["ask", "hi", "-m", "gpt-oss-121b"], "did you mean 'gpt-oss-120b'"),
        (["ask", "hi", "-p", "groq", "-t", "-1"], "temperature"),
        (["ask", "hi", "-p", "groq", "-t", "hot"], "temperature"),
        (["ask", "hi", "-p", "groq", "--max-tokens", "0"], "--max-tokens"),
        (["ask", "hi", "-p", "groq", "--timeout", "0"], "timeout"),
        (["ask", "hi", "-p", "groq", "--base-url", "http://127.0.0.1"], "PROVIDER=URL"),
        (["ask", "hi", "-p", "groq", "--base-url", "grok=http://127.0.0.1"], "did you mean 'groq' or 'xai'?"),
        (["ask", "hi", "-p", "groq", "--base-url", "groq=here"], "must be an address"),
        (["ask", "hi", "--fallback", "a", "--no-fallback"], "exclude each other"),
        (["ask", "hi", "--on-interrupt", "retry"], "'raise', 'restart', 'continue'"),
        (["ask"], "There is no prompt"),
        (["ask", " "], "There is no prompt"),
        (["ask", "hi", "-p", "claude"], "there is no provider 'claude'; did you mean 'anthropic'?"),
        (["ask", "hi", "-p", "Google"], "there is no provider 'google'; did you mean 'gemini' or 'vertex'?"),
        (["models", "grok"], "did you mean 'groq' or 'xai'?"),
        (["keys", "remove", "groq"], "No key is stored for 'groq'"),
    ],
)
def test_a_users_mistake_is_reported_and_nothing_is_sent(
    cli: Cli, groq: FaultServer, arguments: list[str], message: str
) -> None:
    ran = cli(*arguments)
    assert (ran.code, ran.out, groq.received) == (2, "", [])
    assert message in ran.err


def test_exit_code_2_without_a_traceback_in_a_real_process(groq: FaultServer) -> None:
    ran = run("ask", "hi", "-p", "grok")
    assert ran[:2] == (2, "")
    assert ran.err.startswith("Error: there is no provider 'grok'")
    assert len(ran.err.splitlines()) == 1


def test_input_that_is_not_text_is_refused(cli: Cli, groq: FaultServer) -> None:
    ran = cli("ask", stdin=b"\xff\xfe\x00")
    assert (ran.code, groq.received) == (2, [])
    assert "not UTF-8" in ran.err


def test_without_a_prompt_a_terminal_is_not_read(groq: FaultServer) -> None:
    ran = in_terminal("ask", "-p", "groq")
    assert ran.code == 2
    assert "There is no prompt" in ran.out


def test_an_invalid_request_that_the_service_refused_is_a_failed_provider(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.error(400, "messages are odd"))
    assert cli("ask", "hi", "-p", "groq").code == 1


def test_a_missing_key_is_exit_code_3_and_says_where_to_get_one() -> None:
    ran = run("ask", "hi", "-p", "groq")
    assert ran[:2] == (3, "")
    assert "GROQ_API_KEY" in ran.err
    assert "https://console.groq.com/keys" in ran.err


def test_a_bug_shows_its_traceback(cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("g4f_lite.client.call_factory.tokens_of", breaks)
    with pytest.raises(ZeroDivisionError):
        cli("ask", "hi", "-p", "groq")
