"""
The command `g4f-lite`, as scripts and people meet it.

Exit codes, signals, pipes and terminals are proved with real processes (`start`, `in_terminal`); what only depends
on arguments runs in this process (`cli`). Either way the provider is a real server on loopback.
"""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest

import g4f_lite
import g4f_lite_providers
from g4f_lite.cli import main
from g4f_lite.cli.doctor import DEPENDENCIES, EXTRAS
from g4f_lite.cli.transcribe import FORMATS
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.server import Pause

A, B, C = "openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"
KEY = "gsk_secret_of_the_tests"
NOT_FOUND = replies.error(404, "The model does not exist", code="model_not_found")
REFUSED = replies.error(401, "Invalid API Key", code="invalid_api_key")


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Free(g4f_lite.OpenaiTemplate):
    """A provider that needs no key."""

    name, api_base, needs_auth = "free", "http://127.0.0.1:9/v1", False


def says(text: str, finish: str | None = "stop", **delta: str) -> replies.Reply:
    """Stream one piece, then the finish reason."""
    return replies.stream([{"choices": [{"delta": {"content": text, **delta}, "finish_reason": finish}]}])


# -- running it ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes buffer and encode as they do outside of tests, and find what this one imports."""
    for name in ("PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@contextmanager
def start(*arguments: str, env: dict[str, str] | None = None, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start the real command; it is killed if it outlives the block."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    with subprocess.Popen(
        [sys.executable, "-m", "g4f_lite.cli", *arguments],
        env={**os.environ, **(env or {})},
        start_new_session=True,  # the developer's terminal is not its terminal
        **streams,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def run(*arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None) -> Ran:
    """Run the real command to its end."""
    piped = {} if stdin is None else {"stdin": subprocess.PIPE}
    with start(*arguments, env=env, **piped) as process:
        out, err = process.communicate(stdin, timeout=20)
    return Ran(process.returncode, out.decode(), err.decode())


def in_terminal(
    *arguments: str, typed: bytes | signal.Signals = b"", after: bytes = b"", env: dict[str, str] | None = None
) -> Ran:
    """Run the real command in a terminal; `typed` is typed, or sent, once `after` is on the screen: `out`."""
    ours, its = pty.openpty()
    with start(*arguments, env={"TERM": "xterm", **(env or {})}, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        screen = b""
        try:
            while piece := os.read(ours, 65536):
                screen += piece
                if typed and after in screen:
                    if isinstance(typed, bytes):
                        os.write(ours, typed)
                    else:
                        process.send_signal(typed)
                    typed = b""
        except OSError:
            pass  # the other side is closed
        process.wait(20)
    os.close(ours)
    return Ran(process.returncode, screen.decode().replace("\r\n", "\n"), "")


Cli = Callable[..., Ran]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command in this process."""

    def call(*arguments: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["g4f-lite", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main()
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A background shell ignores SIGINT for all its children; ours must not inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


# -- ask: the answer -----------------------------------------------------------------------


def test_an_answer_is_all_there_is_on_stdout(groq: FaultServer) -> None:
    groq.script(replies.answer("It is Sunday"))
    assert run("ask", "Which day is it?", "-p", "groq") == (0, "It is Sunday\n", "")
    assert groq.received[0].json["messages"] == [{"role": "user", "content": "Which day is it?"}]
    assert groq.received[0].stream


def test_what_is_piped_in_comes_after_the_prompt(groq: FaultServer) -> None:
    assert run("ask", "-p", "groq", "Sum this up", stdin=b"\xef\xbb\xbfone\ntwo\r\n").code == 0
    assert run("ask", "-p", "groq", stdin="привет\n".encode()).code == 0
    asked = [request.json["messages"][0]["content"] for request in groq.received]
    assert asked == ["Sum this up\n\none\ntwo", "привет"]


def test_options_of_ask_reach_the_service(cli: Cli, groq: FaultServer) -> None:
    assert cli("ask", "hi", "-p", "groq", "-m", "gpt-oss-20b", "-s", "be brief", "-t", "0.5", "--max-tokens", "9",
               "--timeout", "5", "--no-stream") == (0, "ok\n", "")  # fmt: skip
    assert groq.received[0].json == {
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "model": B,
        "temperature": 0.5,
        "max_tokens": 9,
    }


def test_the_base_url_option_wins_over_the_environment(cli: Cli, groq: FaultServer) -> None:
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


def test_what_the_text_does_not_show_is_noted_on_stderr(cli: Cli, groq: FaultServer) -> None:
    groq.script(says("It is Sun", "length"))
    assert cli("ask", "hi", "-p", "groq") == (
        0,
        "It is Sun\n",
        "Note: the answer is not whole (finish reason: length).\n",
    )
    groq.script(says("", refusal="I must not."))
    assert cli("ask", "hi", "-p", "groq") == (0, "", "Note: the model refused: I must not.\n")


def test_an_answer_is_piped_as_it_is_but_cannot_steer_a_terminal(groq: FaultServer) -> None:
    groq.script(says("\x1b[31mred\x1b[0m\a"))
    assert run("ask", "hi", "-p", "groq").out == "\x1b[31mred\x1b[0m\a\n"
    assert in_terminal("ask", "hi", "-p", "groq") == (0, "red\n", "")


def test_characters_that_the_output_lacks_do_no_harm(groq: FaultServer) -> None:
    groq.script(replies.answer("é 😀"))
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert run("ask", "hi", "-p", "groq", env=ascii_only).out == "\\xe9 \\U0001f600\n"
    whole = json.loads(run("ask", "hi", "-p", "groq", "--json", env={"PYTHONIOENCODING": "latin-1"}).out)
    assert whole["choices"][0]["message"]["content"] == "é 😀"


def test_a_long_wait_is_told_when_it_begins(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.error(429, "slow down", retry_after="1.0"), replies.answer("ok"))
    ran = cli("ask", "hi", "-p", "groq", "--no-fallback")
    assert ran == (0, "ok\n", f"Note: groq:{A} failed (slow down); it is tried again in 1 s.\n")


def test_an_answer_that_breaks_off_can_be_started_over(cli: Cli, groq: FaultServer) -> None:
    groq.on(A, replies.cut(2)).on(B, replies.answer("whole"))
    ran = cli("ask", "hi", "-p", "groq", "--fallback", B, "--on-interrupt", "restart")
    assert ran == (0, "word0 word1 \nwhole\n", "Note: the answer broke off; groq starts it over\n")


def test_no_fallback_means_none(cli: Cli, groq: FaultServer) -> None:
    groq.script(NOT_FOUND)
    assert cli("ask", "hi", "-p", "groq", "--no-fallback").code == 1
    assert groq.models == [A]


@pytest.mark.filterwarnings("ignore:.*is shadowed by")
def test_an_answer_by_the_small_model_after_a_failure_is_noted(cli: Cli, groq: FaultServer) -> None:
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
    assert "small local model, as groq failed (QuotaExceededError)" in ran.err


# -- ask: the failures ---------------------------------------------------------------------


def test_a_providers_failure_is_one_short_story(groq: FaultServer) -> None:
    groq.on(A, NOT_FOUND).on(B, replies.error(429, "slow\x07 down", retry_after="30"))
    ran = run("ask", "hi", "-p", "groq", "--fallback", B, "--timeout", "20")
    assert ran[:2] == (1, "")
    first, *rest = ran.err.splitlines()
    assert first == "Error: no answer from 2 legs:"
    assert rest[:2] == [f"  groq:{A}: 404 The model does not exist", f"  groq:{B}: 429 slow down"]
    assert re.fullmatch(r"It may work again in (29|30) s\.", rest[2])
    assert len(rest) == 3


def test_a_refused_key_points_to_the_doctor_and_v_tells_all(cli: Cli, groq: FaultServer) -> None:
    groq.script(REFUSED)
    ran = cli("ask", "hi", "-p", "groq", "-v")
    assert ran[:2] == (1, "")
    assert "g4f-lite doctor" in ran.err
    assert f"groq:{B} skipped: has the key of groq:{A}, which failed" in ran.err
    assert KEY not in ran.err


def test_attempts_that_are_not_told_are_counted(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.body(b""))  # malformed: tried twice
    assert "It took 4 attempts; -v tells of each." in cli("ask", "hi", "-p", "groq", "--fallback", B).err


def test_an_answer_that_is_cut_shows_what_came_and_fails(groq: FaultServer) -> None:
    groq.script(replies.cut(2))
    ran = run("ask", "hi", "-p", "groq")
    assert ran[:2] == (1, "word0 word1 \n")
    assert "cut after it had begun" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ask", "hi", "--nosuch"], "No such option"),
        (["aks"], "No such command"),
        (["ask", "hi", "-p", "grok"], "did you mean 'groq'?"),
        (["ask", "hi", "-m", "gpt-oss-121b"], "did you mean 'gpt-oss-120b'"),
        (["ask", "hi", "-p", "groq", "-t", "-1"], "temperature"),
        (["ask", "hi", "-p", "groq", "-t", "hot"], "temperature"),
        (["ask", "hi", "-p", "groq", "--max-tokens", "0"], "max_tokens"),
        (["ask", "hi", "-p", "groq", "--timeout", "0"], "timeout"),
        (["ask", "hi", "-p", "groq", "--base-url", "http://127.0.0.1"], "PROVIDER=URL"),
        (["ask", "hi", "-p", "groq", "--base-url", "grok=http://127.0.0.1"], "did you mean 'groq'?"),
        (["ask", "hi", "-p", "groq", "--base-url", "groq=here"], "must be an address"),
        (["ask", "hi", "--fallback", "a", "--no-fallback"], "exclude each other"),
        (["ask", "hi", "--on-interrupt", "retry"], "'raise', 'restart', 'continue'"),
        (["ask"], "There is no prompt"),
        (["ask", " "], "There is no prompt"),
        (["models", "grok"], "did you mean 'groq'?"),
        (["keys", "remove", "groq"], "No key is stored for 'groq'"),
    ],
)
def test_a_users_mistake_is_told_and_nothing_is_sent(
    cli: Cli, groq: FaultServer, arguments: list[str], told: str
) -> None:
    ran = cli(*arguments)
    assert (ran.code, ran.out, groq.received) == (2, "", [])
    assert told in ran.err


def test_exit_code_2_without_a_traceback_in_a_real_process(groq: FaultServer) -> None:
    ran = run("ask", "hi", "-p", "grok")
    assert ran[:2] == (2, "")
    assert ran.err.startswith("Error: there is no provider 'grok'")
    assert len(ran.err.splitlines()) == 1


def test_input_that_is_no_text_is_refused(cli: Cli, groq: FaultServer) -> None:
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


def test_a_bug_shows_its_traceback(cli: Cli, groq: FaultServer) -> None:
    class Odd(g4f_lite.OpenaiTemplate):
        name, api_base, needs_auth = "odd", groq.base_url, False

        def get_model_name(self, model: str | None = None) -> str:
            raise ZeroDivisionError

    g4f_lite.register(Odd)
    with pytest.raises(ZeroDivisionError):
        cli("ask", "hi", "-p", "odd", "-m", "x")


# -- signals and pipes ---------------------------------------------------------------------


def test_pieces_come_as_they_are_said_and_ctrl_c_ends_cleanly_midway(groq: FaultServer, interruptible: None) -> None:
    groq.script(replies.silence("stream", 2))
    with start("ask", "hi", "-p", "groq") as process:
        assert process.stdout is not None
        began = b""
        while len(began) < len("word0 word1 "):
            began += os.read(process.stdout.fileno(), 100)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, began + out, err) == (130, b"word0 word1 \n", b"")


def test_ctrl_c_ends_cleanly_before_the_answer(groq: FaultServer, interruptible: None) -> None:
    groq.script(replies.silence())
    with start("ask", "hi", "-p", "groq", "-v") as process:
        until(lambda: groq.received)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=10) == (b"", b"")
    assert process.returncode == 130


def test_ctrl_c_and_ctrl_d_instead_of_a_key_store_nothing(interruptible: None, tmp_path: Path) -> None:
    ctrl_c = in_terminal("keys", "set", "groq", after=b"not shown", typed=signal.SIGINT)
    assert (ctrl_c.code, "Traceback" in ctrl_c.out) == (130, False)
    ctrl_d = in_terminal("keys", "set", "groq", after=b"not shown", typed=b"\x04")
    assert ctrl_d.code == 2
    assert "nothing was stored" in ctrl_d.out
    assert not list(tmp_path.rglob("keys.json"))


def test_a_reader_that_goes_away_ends_it_quietly(groq: FaultServer) -> None:
    groq.script(replies.stream([{"choices": [{"delta": {"content": "x" * 4000}}]}] * 100 + [Pause(60)]))
    with start("ask", "hi", "-p", "groq") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(5) == b"xxxxx"
        process.stdout.close()
        assert process.wait(10) == 141
        assert process.stderr.read() == b""


def test_a_full_disk_is_told() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    for command in (["models", "groq"], ["--help"]):
        with open("/dev/full", "wb") as full, start(*command, stdout=full) as process:
            assert process.communicate(timeout=20)[1] == b"Error: No space left on device\n"
        assert process.returncode == 1


def test_closed_standard_streams_are_survived(groq: FaultServer) -> None:
    command = f'"{sys.executable}" -m g4f_lite.cli ask hi -p groq'
    for closed in ("<&-", ">&- </dev/null", "2>&- </dev/null"):
        ran = subprocess.run(f"{command} {closed}", shell=True, capture_output=True, timeout=20)
        assert (ran.returncode, ran.stderr) == (0, b"")


# -- what there is -------------------------------------------------------------------------


def test_providers_tells_key_and_default_model(cli: Cli, groq: FaultServer) -> None:
    line = cli("providers").out.splitlines()[0].split("\t")
    assert line == ["groq", "ready", "GROQ_API_KEY", A]
    status = json.loads(cli("providers", "--json").out)[0]
    assert (status["label"], status["key"], status["state"]) == ("Groq", g4f_lite.keys.fingerprint(KEY), "ready")
    assert (status["name"], status["key_from"], status["usable"]) == ("groq", "GROQ_API_KEY", True)
    assert (status["base_url"], status["base_url_from"]) == (groq.base_url, "GROQ_API_BASE")


def test_providers_tells_which_key_is_missing_and_what_else_to_know(cli: Cli) -> None:
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in cli("providers").out.splitlines()}
    assert rows["groq"] == ["no key", "GROQ_API_KEY", A]
    assert rows["ollama"] == ["when named", "", "a server on this computer"]
    assert rows["github"] == ["not working", "", "GitHub Models was retired on 2026-07-30"]
    assert rows["azure"][:2] == ["no key", "AZURE_OPENAI_API_KEY"]


def test_an_address_that_is_not_complete_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_KEY", "cf_x")
    assert "cloudflare\tnot working\tCLOUDFLARE_API_KEY\tno address: set CLOUDFLARE_ACCOUNT_ID" in cli("providers").out
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "a1")
    assert "cloudflare\tready\tCLOUDFLARE_API_KEY\t@cf/" in cli("providers").out


def test_the_providers_fit_a_narrow_terminal(groq: FaultServer) -> None:
    screen = in_terminal("providers", env={"NO_COLOR": "1", "COLUMNS": "80"}).out
    lines = re.sub(r"\x1b\[[01]?m", "", screen).splitlines()
    assert max(map(len, lines)) <= 80
    started = {line.split()[0] for line in lines if not line.startswith(" ")}
    assert started > set(g4f_lite_providers.BUNDLED)
    assert len(lines) < 1.4 * len(started)


def test_a_terminal_gets_a_table_and_no_colour_when_asked(groq: FaultServer) -> None:
    screen = in_terminal("models", "groq", env={"NO_COLOR": "1"}).out
    head, *rows = [re.sub(r"\x1b\[[01]?m", "", line).split() for line in screen.splitlines()]
    assert head == ["provider", "id", "aliases"]
    assert rows[0] == ["groq", A, "gpt-oss-120b"]
    assert "\x1b[3" not in screen


def test_models_lists_ids_and_aliases(cli: Cli) -> None:
    assert cli("models", "groq").out.splitlines()[1] == f"groq\t{B}\tgpt-oss-20b"
    listed = json.loads(cli("models", "--json").out)
    assert {"provider": "groq", "id": A, "aliases": ["gpt-oss-120b"], "default": True} in listed


def test_explain_prints_the_plan_and_sends_nothing(cli: Cli, groq: FaultServer) -> None:
    ran = cli("explain", "-p", "groq", "-m", "gpt-oss-20b", "--fallback", "other")
    lines = ran.out.splitlines()
    assert [line.split()[:2] for line in lines] == [["1.", f"groq:{B}"], ["2.", "groq:other"]]
    assert groq.received == []
    assert KEY not in ran.out


def test_models_can_be_asked_for(cli: Cli, groq: FaultServer) -> None:
    groq.script(replies.models("m-1", "m-2"))
    assert cli("models", "groq", "--live") == (0, "groq\tm-1\tyes\ngroq\tm-2\tyes\n", "")
    assert json.loads(cli("models", "--live", "--json").out)[0] == {"provider": "groq", "id": "m-1", "live": True}
    groq.script(replies.error(401, "no"))
    ran = cli("models", "groq", "--live")
    assert ran.code == 0
    assert ran.out.startswith("groq\topenai/gpt-oss-120b\tno\n")
    assert ran.err == "Warning: groq 401 AuthenticationError (no) → no leg is left\n"


def test_models_of_a_service_without_a_key_are_its_own_list(cli: Cli) -> None:
    ran = cli("models", "groq", "--live")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "groq\topenai/gpt-oss-120b\tno")
    assert ran.err.startswith("Warning: groq skipped: no key: set GROQ_API_KEY")
    assert cli("models", "--live").code == 3


def test_transcribe_prints_what_is_said(cli: Cli, groq: FaultServer, tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(b"RIFF")
    groq.script(replies.answer("\x1b[31mhello\x07 there"))
    ran = cli("transcribe", str(file), "-l", "en", "-v")
    assert (ran.code, ran.out) == (0, "hello there\n")
    assert "groq:whisper-large-v3-turbo 200" in ran.err
    assert groq.received[0].form["language"] == [b"en"]
    told = json.loads(cli("transcribe", str(file), "--english", "--format", "verbose_json", "--json").out)
    assert (told["provider"], told["segments"][0]["start"]) == ("groq", 0.0)
    assert groq.received[1].path == "/v1/audio/translations"
    assert cli("transcribe", str(tmp_path / "missing.wav")).code == 2
    assert cli("transcribe", str(file), "--english", "-l", "de").code == 2
    ran = cli("transcribe", str(file), "--format", "xml")
    assert (ran.code, "'xml' is not one of 'json', 'text', 'srt', 'vtt', 'verbose_json'" in ran.err) == (2, True)
    taken, _ = get_args(get_type_hints(g4f_lite.TranscriptionRequest)["response_format"])
    assert set(get_args(taken)) == set(FORMATS)


def test_every_command_has_help_with_an_example(cli: Cli) -> None:
    for command in ("", "ask", "transcribe", "providers", "models", "plugins", "explain", "doctor", "keys", "keys set", "keys list",
                    "keys remove"):  # fmt: skip
        for flag in ("-h", "--help"):
            ran = cli(*command.split(), flag)
            assert (ran.code, ran.err) == (0, "")
            assert "Example" in ran.out
    assert cli("--version").out == f"g4f-lite {g4f_lite.__version__}\n"


# -- plugins -------------------------------------------------------------------------------


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed plugins: one that works, one broken, one shadowed, and a broken hook."""
    folder = tmp_path / "site"
    info = folder / "odd_plugins-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugins\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[g4f_lite]\nfree = odd_free\nbroken = odd_broken\ngroq = odd_free\n[g4f_lite.hooks]\nwatcher = odd_broken\n"
    )
    (folder / "odd_broken.py").write_text("import surely_not_installed\n")
    (folder / "odd_free.py").write_text(
        "import g4f_lite\n\n\n"
        "class Free(g4f_lite.OpenaiTemplate):\n"
        "    name, label, api_base, needs_auth = 'free', 'Free', 'http://127.0.0.1:9/v1', False\n"
        "    default_model = 'small'\n\n\n"
        "@g4f_lite.hookimpl\ndef register_providers(register):\n    register(Free)\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    monkeypatch.setenv("G4F_LITE_LOAD_PLUGINS", "odd-plugins")
    monkeypatch.setitem(sys.modules, "odd_free", None)
    monkeypatch.delitem(sys.modules, "odd_free")  # and again afterwards


expect_shadow = pytest.mark.filterwarnings("ignore:.* is shadowed by:g4f_lite.PluginWarning")


@pytest.mark.usefixtures("plugged")
def test_a_shadowed_plugin_is_one_clean_line(groq: FaultServer) -> None:
    ran = run("ask", "hi", "-p", "groq")
    assert ran[:2] == (0, "ok\n")
    assert re.fullmatch(
        r"Warning: the provider 'groq' of the distribution odd-plugins 1.2 is shadowed by .*\n", ran.err
    )


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_plugins_lists_all_and_why_some_are_broken(cli: Cli) -> None:
    rows = [line.split("\t") for line in cli("plugins").out.splitlines()]
    [free] = [row for row in rows if row[0] == "free"]
    assert free[:7] == ["free", "third-party", "odd-plugins", "1.2", "free", "", "register_providers"]
    assert re.fullmatch(r"\d+\.\d\d s", free[7])
    assert free[8] == ""
    broken = [row for row in rows if "surely_not_installed" in row[8]]
    assert [row[0] for row in broken] == ["broken", "watcher"]
    assert any(row[0] == "groq" and row[8].startswith("shadowed by") for row in rows)
    infos = json.loads(cli("plugins", "--json").out)
    assert {info["name"] for info in infos} >= {"groq", "free", "broken", "watcher"}
    assert "pip uninstall odd-plugins" in cli("plugins").err


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_plugins_load_says_the_same_without_importing_any_of_them_here(cli: Cli) -> None:
    loaded = {(row["name"], row["source"]): row for row in json.loads(cli("plugins", "--load", "--json").out)}
    assert "odd_free" not in sys.modules
    here = {(row["name"], row["source"]): row for row in json.loads(cli("plugins", "--json").out)}
    assert list(loaded) == list(here)
    for place, row in here.items():
        for column in ("providers", "strategies", "hooks", "error", "shadowed_by", "distribution", "version"):
            if (place, column) != (("groq", "third-party"), "error"):  # nobody loads it here, as it is shadowed
                assert loaded[place][column] == row[column], (place, column)


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_a_broken_plugin_is_exit_code_3_when_named_and_else_hurts_nobody(cli: Cli) -> None:
    named = cli("ask", "hi", "-p", "broken")
    assert named[:2] == (3, "")
    assert "surely_not_installed" in named.err
    assert cli("models", "broken").code == 3
    listed = cli("models")
    assert "free\tsmall\t\n" in listed.out
    assert "Warning: the provider 'broken'" in listed.err


@expect_shadow
@pytest.mark.usefixtures("plugged")
def test_the_doctor_names_broken_plugins_and_keyless_providers(cli: Cli, groq: FaultServer) -> None:
    ran = cli("doctor")
    assert ran.code == 0
    rows = {tuple(line.split("\t")[:2]): line.split("\t")[2] for line in ran.out.splitlines()}
    assert rows["provider", "broken"] == "not working: its plugin is broken"
    assert rows["provider", "free"] == "ok; needs no key; used only when named"
    assert rows["plugin", "watcher"].startswith("broken (odd-plugins 1.2): ModuleNotFoundError")
    assert "broken\tbroken\t\tthe provider 'broken'" in cli("providers").out


# -- keys ----------------------------------------------------------------------------------


def test_a_key_is_piped_in_used_listed_and_removed_and_never_shown(
    cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROQ_API_KEY")
    stored = cli("keys", "set", "groq", stdin=b"gsk_stored_one\n")
    assert stored[:2] == (0, "")
    assert cli("ask", "hi", "-p", "groq").code == 0
    assert groq.received[0].headers["authorization"] == "Bearer gsk_stored_one"
    listed = cli("keys", "list")
    assert listed.out.split("\t")[:2] == ["groq", g4f_lite.keys.fingerprint("gsk_stored_one")]
    assert listed.out.rstrip().endswith("keys.json")
    assert "groq\tready\tstored\t" in cli("providers").out
    assert cli("keys", "remove", "groq").code == 0
    nothing = cli("keys", "list")
    assert (nothing.code, nothing.out) == (0, "")
    assert "No key is stored" in nothing.err
    assert "gsk_stored" not in stored.err + listed.out + listed.err


def test_a_key_is_typed_unseen() -> None:
    ran = in_terminal("keys", "set", "groq", after=b"not shown", typed=b"gsk_typed_unseen\n")
    assert ran.code == 0
    assert "https://console.groq.com/keys" in ran.out
    assert "gsk_typed" not in ran.out
    assert run("keys", "list").out.startswith(f"groq\t{g4f_lite.keys.fingerprint('gsk_typed_unseen')}\t")


def test_a_key_as_argument_is_refused_and_not_repeated(cli: Cli) -> None:
    ran = cli("keys", "set", "groq", "gsk_in_the_history")
    assert (ran.code, ran.out) == (2, "")
    assert "history" in ran.err
    assert "gsk_" not in ran.err


def test_a_stored_key_that_the_environment_hides_is_noted(cli: Cli, groq: FaultServer) -> None:
    assert "GROQ_API_KEY is set in the environment" in cli("keys", "set", "groq", stdin=b"gsk_other").err


def test_keys_that_make_no_sense_are_refused(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    g4f_lite.register(Free)
    assert cli("keys", "set", "free", stdin=b"x").err.endswith("free takes no key.\n")
    assert cli("keys", "set", "groq", stdin=b"\n").code == 2
    assert cli("keys", "set", "groq", stdin=b"two words").code == 2
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("G4F_LITE_CONFIG_DIR", str(tmp_path / "a file" / "below"))
    ran = cli("keys", "set", "groq", stdin=b"gsk_x")
    assert ran.code == 1
    assert ran.err.startswith("Error: ") and "a file" in ran.err


# -- doctor --------------------------------------------------------------------------------


@pytest.fixture
def only_groq(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation whose only provider is Groq."""
    monkeypatch.setattr(g4f_lite_providers, "BUNDLED", {"groq": g4f_lite_providers.BUNDLED["groq"]})


def test_the_doctor_finds_a_usable_provider(cli: Cli, groq: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pa/ss@proxy:3128")
    monkeypatch.setitem(EXTRAS, "future", ("surely-not-installed",))
    ran = cli("doctor")
    assert ran.code == 0
    rows = {tuple(line.split("\t")[:2]): line.split("\t")[2] for line in ran.out.splitlines()}
    assert rows["provider", "groq"].startswith("ok; key ")
    assert rows["provider", "groq"].endswith(f"address {groq.base_url} from GROQ_API_BASE")
    assert rows["proxy", "https"] == "http://…@proxy:3128"
    assert ("package", "msgspec") in rows
    assert rows["extra", "future"] == "missing: pip install 'g4f_lite[future]'"
    assert KEY not in ran.out
    report = json.loads(cli("doctor", "--json").out)
    assert report["usable"] is True
    assert report["extras"]["cli"]["click"]
    assert groq.received == []


@pytest.mark.usefixtures("only_groq")
def test_the_doctor_fails_when_nothing_can_be_used(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    g4f_lite.register(Free)  # used only when named
    ran = cli("doctor")
    assert ran.code == 3
    assert "provider\tfree\tok; needs no key; used only when named\n" in ran.out
    assert "provider\tgroq\tnot usable; no key; get one at https://console.groq.com/keys\n" in ran.out
    assert "no provider can be used" in ran.err
    assert json.loads(cli("doctor", "--json").out)["usable"] is False
    monkeypatch.setenv("GROQ_API_KEY", "gsk_x")
    monkeypatch.setenv("GROQ_API_BASE", "nonsense")
    assert "provider\tgroq\tnot working: GROQ_API_BASE must be an address" in cli("doctor").out


def test_the_doctor_counts_those_that_only_lack_a_key(cli: Cli, groq: FaultServer) -> None:
    rows = [line.split("\t") for line in cli("doctor").out.splitlines() if line.startswith("provider")]
    keyless = [name for _, name, state in rows if state.startswith("not usable; no key; get one at https://")]
    assert len(keyless) == 3
    [(others, told)] = [(name, told) for _, name, told in rows if name.endswith(" others")]
    assert int(others.split()[0]) == told.partition(";")[0].count(",") + 1 > 10


def test_the_doctor_knows_the_same_dependencies_as_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    def names(requirements: list[str]) -> tuple[str, ...]:
        return tuple(re.split(r"[<>=\[]", one)[0] for one in requirements)

    extras = {name: names(some) for name, some in project["optional-dependencies"].items() if name != "dev"}
    assert names(project["dependencies"]) == DEPENDENCIES
    assert extras == EXTRAS


# -- starting up ---------------------------------------------------------------------------


def test_version_and_help_load_click_and_nothing_else() -> None:
    code = (
        "import sys; from g4f_lite.cli import main; main(); "
        "heavy = {'requests', 'aiohttp', 'msgspec', 'rich', 'pluggy', 'urllib3', 'tenacity', 'asyncio'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)))"
    )
    for argument in ("--version", "--help"):
        ran = subprocess.run([sys.executable, "-c", code, argument], capture_output=True)
        assert ran.stderr.strip() == b""
        assert b"g4f-lite" in ran.stdout


def test_without_click_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "g4f_lite").symlink_to(Path(g4f_lite.__file__).parent)
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "g4f_lite.cli", "ask", "hi"],  # -S: without site-packages
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "g4f-lite needs click and rich: pip install 'g4f_lite[cli]'\n"
