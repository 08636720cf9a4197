"""`g4f-lite ask` prints the answer on stdout and everything else on stderr."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.commands import NOT_FOUND, A, B, C, Cli, in_terminal, run, start

import g4f_lite
from g4f_lite.provider.keys import stored_keys_path
from g4f_lite.testing import FaultServer, replies


def says(text: str, finish: str | None = "stop", **delta: str) -> replies.Reply:
    """Stream one piece, then the finish reason."""
    return replies.stream([{"choices": [{"delta": {"content": text, **delta}, "finish_reason": finish}]}])


def test_only_the_answer_is_on_stdout(groq: FaultServer) -> None:
    groq.script(replies.answer("It is Sunday"))
    assert run("ask", "Which day is it?", "-p", "groq") == (0, "It is Sunday\n", "")
    assert groq.received[0].json["messages"] == [{"role": "user", "content": "Which day is it?"}]
    assert groq.received[0].stream


def test_piped_text_comes_after_the_prompt(groq: FaultServer) -> None:
    assert run("ask", "-p", "groq", "Sum this up", stdin=b"\xef\xbb\xbfone\ntwo\r\n").code == 0
    assert run("ask", "-p", "groq", stdin="привет\n".encode()).code == 0
    asked = [request.json["messages"][0]["content"] for request in groq.received]
    assert asked == ["Sum this up\n\none\ntwo", "привет"]


def test_who_pipes_in_nothing_is_told_what_the_command_waits_for(groq: FaultServer) -> None:
    with start("ask", "-p", "groq", "hi", stdin=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"Note: waiting for the end of standard input; ")
        out, err = process.communicate(b"there", timeout=20)
    assert (process.returncode, out, err) == (0, b"ok\n", b"")
    assert groq.received[0].json["messages"] == [{"role": "user", "content": "hi\n\nthere"}]


def test_options_of_ask_reach_the_service(cli: Cli, groq: FaultServer) -> None:
    assert cli("ask", "hi", "-p", "groq", "-m", "gpt-oss-20b", "-s", "be brief", "-t", "0.5", "--max-tokens", "9",
               "--timeout", "5", "--no-stream") == (0, "ok\n", "")  # fmt: skip
    assert groq.received[0].json == {
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "model": B,
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_the_base_url_option_takes_precedence_over_the_environment(cli: Cli, groq: FaultServer) -> None:
    with FaultServer() as other:
        other.script(replies.answer("from the other"))
        assert cli("ask", "hi", "-p", "groq", "--base-url", f"groq={other.base_url}").out == "from the other\n"
    assert groq.received == []


def test_fallbacks_replace_the_providers_list(cli: Cli, groq: FaultServer) -> None:
    groq.script(NOT_FOUND).on(C, replies.answer("from c"))
    ran = cli("ask", "hi", "-p", "groq", "--fallback", "nowhere", "--fallback", f"groq:{C}", "-v")
    assert groq.models == [A, "nowhere", C]
    assert ran[:2] == (0, "from c\n")
    assert [line.split()[:2] for line in ran.err.splitlines()] == [
        [f"groq:{A}", "404"],
        ["groq:nowhere", "404"],
        [f"groq:{C}", "200"],
    ]


def test_a_provider_named_twice_is_asked_once(cli: Cli, groq: FaultServer) -> None:
    ran = cli("ask", "hi", "-p", "groq", "-p", "groq", "--fallback", B, "-v")
    assert (ran.code, ran.out, ran.err.count("200 in")) == (0, "ok\n", 1)


def test_json_is_openais_answer_with_provider_and_trail(groq: FaultServer) -> None:
    groq.on(A, NOT_FOUND).on(B, replies.answer("héllo"))
    ran = run("ask", "hi", "-p", "groq", "--json")
    answer = json.loads(ran.out)
    assert (ran.code, ran.err, answer["provider"], answer["object"]) == (0, "", "groq", "chat.completion")
    assert answer["choices"][0]["message"]["content"] == "héllo"
    assert [attempt["outcome"] for attempt in answer["trail"]["attempts"]] == ["ModelUnavailableError", "ok"]


def test_an_answer_ends_with_one_newline(cli: Cli, groq: FaultServer) -> None:
    groq.script(says("line\n"))
    assert cli("ask", "hi", "-p", "groq").out == "line\n"


def test_notes_on_stderr_say_what_the_text_does_not_show(cli: Cli, groq: FaultServer) -> None:
    groq.script(says("It is Sun", "length"))
    assert cli("ask", "hi", "-p", "groq") == (
        0,
        "It is Sun\n",
        "Note: the answer is incomplete (finish reason: length).\n",
    )
    groq.script(says("", refusal="I must not."))
    assert cli("ask", "hi", "-p", "groq") == (0, "", "Note: the model refused: I must not.\n")


def test_an_answer_is_piped_unchanged_but_cannot_control_a_terminal(groq: FaultServer) -> None:
    groq.script(says("\x1b[31mred\x1b[0m\a"))
    assert run("ask", "hi", "-p", "groq").out == "\x1b[31mred\x1b[0m\a\n"
    assert in_terminal("ask", "hi", "-p", "groq", env={"TERM": "dumb"}) == (0, "red\n", "")


def test_characters_that_the_output_cannot_encode_are_escaped(groq: FaultServer) -> None:
    groq.script(replies.answer("é 😀"))
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run("ask", "hi", "-p", "groq", env=ascii_only).out == "\\xe9 \\U0001f600\n"
    printed = json.loads(run("ask", "hi", "-p", "groq", "--json", env={"PYTHONIOENCODING": "latin-1"}).out)
    assert printed["choices"][0]["message"]["content"] == "é 😀"


def test_a_long_wait_is_announced_when_it_begins(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.error(429, "slow down", retry_after="1.0"), replies.answer("ok"))
    ran = cli("ask", "hi", "-p", "groq", "--no-fallback")
    assert ran == (0, "ok\n", f"Note: groq:{A} failed (slow down); retrying in 1 s.\n")


def test_an_interrupted_answer_can_be_restarted(cli: Cli, groq: FaultServer) -> None:
    groq.on(A, replies.cut(2)).on(B, replies.answer("whole"))
    ran = cli("ask", "hi", "-p", "groq", "--fallback", B, "--on-interrupt", "restart")
    assert ran == (
        0,
        "whole\n",  # a pipe gets no half answer
        "Note: the answer was interrupted; groq starts again from its beginning\n",
    )
    shown = in_terminal("ask", "hi", "-p", "groq", "--fallback", B, "--on-interrupt", "restart", env={"TERM": "dumb"})
    assert shown.out.startswith("word0 word1 \nNote: the answer was interrupted") and shown.out.endswith("\nwhole\n")


def test_no_fallback_disables_all_fallbacks(cli: Cli, groq: FaultServer) -> None:
    groq.script(NOT_FOUND)
    assert cli("ask", "hi", "-p", "groq", "--no-fallback").code == 1
    assert groq.models == [A]


@pytest.mark.filterwarnings("ignore:.*is shadowed by")
def test_an_answer_by_the_small_model_is_noted_unless_it_was_asked_for(
    cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(g4f_lite.LocalProvider):
        name = default_model = "local"
        automatic = True

        def complete(self, request: Any, *, cancelled: Any) -> g4f_lite.ChatCompletion:
            raise AssertionError("it streams")

        def stream(self, request: Any, *, cancelled: Any) -> Iterator[g4f_lite.ChatCompletionChunk]:
            delta = g4f_lite.Delta(content="Sunday")
            yield g4f_lite.ChatCompletionChunk(choices=(g4f_lite.ChunkChoice(delta=delta, finish_reason="stop"),))

    g4f_lite.register(Small)
    groq.script(replies.error(402, "no money"))
    ran = cli("ask", "hi")
    assert (ran.code, ran.out) == (0, "Sunday\n")
    assert "small local model because groq failed (QuotaExceededError)" in ran.err
    monkeypatch.delenv("GROQ_API_KEY")
    small = "Note: answered by a very small model in this process, often wrong: "
    assert cli("ask", "hi").err == f"{small}no key was found (see `g4f-lite doctor`).\n"
    assert cli("ask", "hi", "-p", "local") == (0, "Sunday\n", "")
    for key, why in {
        '"gsk_x"': "the key from GROQ_API_KEY stands in",
        "<key>": "what GROQ_API_KEY holds is no",
    }.items():
        monkeypatch.setenv("GROQ_API_KEY", key)
        assert cli("ask", "hi").err.startswith(small + why)
    monkeypatch.delenv("GROQ_API_KEY")
    stored = stored_keys_path()
    assert stored is not None
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_text("{", "utf-8")
    said = cli("ask", "hi").err
    assert said.startswith(small) and str(stored) in said


def test_names_of_providers_may_have_capitals(cli: Cli, groq: FaultServer) -> None:
    assert cli("ask", "hi", "-p", "Groq", "--base-url", f"GROQ={groq.base_url}").out == "ok\n"


def test_explain_takes_the_options_of_ask(cli: Cli, groq: FaultServer) -> None:
    same = ["hi", "-p", "groq", "-m", B, "-s", "be brief", "-t", "0.5", "--max-tokens", "9", "--timeout", "5"]
    ran = cli("explain", *same, "--on-interrupt", "restart")
    assert (ran.code, ran.err, ran.out.splitlines()[0].split()[:2]) == (0, "", ["1.", f"groq:{B}"])
    plan = json.loads(cli("explain", *same, "--json").out)
    assert (plan["tiers"][0][0]["provider"], plan["tiers"][0][0]["model"]) == ("groq", B)
    assert cli("explain", "-p", "groq", "-t", "-1").code == 2
    assert groq.received == []


def test_a_failure_is_json_too(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.error(401, "Invalid API Key", code="invalid_api_key"))
    ran = cli("ask", "hi", "-p", "groq", "--no-fallback", "--json")
    failure = json.loads(ran.out)
    assert (ran.code, failure["error"]["type"], failure["error"]["status"]) == (1, "AuthenticationError", 401)
    assert failure["error"]["message"] in ran.err
    assert failure["trail"]["attempts"][0]["outcome"] == "AuthenticationError"
    nothing_sent = json.loads(cli("ask", "hi", "-p", "grok", "--json").out)
    assert nothing_sent["error"]["type"] == "UnknownProviderError"


def test_tools_that_the_model_calls_are_told(cli: Cli, groq: FaultServer) -> None:
    call = {"index": 0, "id": "c", "function": {"name": "search", "arguments": '{"q": "x\x1b[31m"}'}}
    groq.script(replies.stream([{"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}]))
    ran = cli("ask", "hi", "-p", "groq")
    assert (ran.code, ran.out, ran.err) == (0, "", 'Note: the model calls the tool search({"q": "x"})\n')
