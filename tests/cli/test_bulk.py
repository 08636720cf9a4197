"""`g4f-lite bulk` as a real command: what it prints, how it ends, and what signals do to it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import MODEL, echo, failures, faults_of, lines_of, write_rows
from helpers.commands import Cli, in_terminal, start

from g4f_lite.testing import FaultServer, replies

COMMON = ("-p", "groq", "-m", MODEL, "--no-fallback", "--max-tokens", "20")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_rows(Path("in.jsonl"), 30)
    return tmp_path


def fails_at(*ends: str) -> Any:
    """Return a reply that refuses prompts with one of these ends."""
    return replies.by_prompt(
        lambda prompt: replies.error(400, "no way") if prompt.endswith(ends) else replies.answer(f"to {prompt}")
    )


def test_all_rows_are_answered(cli: Cli, groq: FaultServer, folder: Path) -> None:
    groq.script(echo())
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON)
    assert ran.code == 0
    assert re.match(
        rf"30 answered, 0 failed, \d+ tokens, \$0.00\d\d, in \d s\nroutes:   groq:{MODEL} 30\nanswers:  out.jsonl\n$",
        ran.out,
    )
    (*_, last) = map(json.loads, ran.err.splitlines())
    assert (last["rows"], last["answered"], last["left"]) == (30, 30, 0)
    assert faults_of(folder / "out.jsonl", range(1, 31)) == []


def test_the_way_from_a_table(cli: Cli, groq: FaultServer, folder: Path) -> None:
    Path("in.csv").write_text("id,text,lang\na,Bonjour,fr\nb,Hallo,de\n", "utf-8")
    Path("prompt.txt").write_text("Translate from {lang}: {text}", "utf-8")
    groq.script(echo())
    options = ("bulk", "in.csv", "out.jsonl", *COMMON, "--template", "prompt.txt", "-s", "Brief.")
    dry = cli(*options, "--dry-run", "--max-cost", "1")
    assert dry.code == 0 and "rows: 2, of which 0 are answered" in dry.out and "cost: about $0.00" in dry.out
    assert groq.received == [] and not list(folder.glob("out.jsonl*"))
    plan = json.loads(cli(*options, "--dry-run", "--json").out)
    assert (plan["rows"], plan["left"], plan["completion_tokens"]) == (2, 2, 40) and plan["prompt_tokens"] > 5
    ran = cli(*options, "--json", "--rpm", "100", "--at-once", "2", "--max-cost", "1")
    assert json.loads(ran.out)["ending"] == "complete"
    assert {line["id"]: line["answer"] for line in lines_of(Path("out.jsonl"))} == {
        "a": "to Translate from fr: Bonjour", "b": "to Translate from de: Hallo",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["-m", "gpt-oss-12b", "--max-cost", "1"], 0, "Note: groq:gpt-oss-12b is left out: the price of groq:gpt-oss"),
        (["-m", "gpt-oss-12b"], 0, ""),
        (["--max-cost", "1"], 0, ""),
        (["-m", MODEL], 0, ""),
    ],
)
def test_a_route_that_was_asked_for_and_is_left_out_is_told(
    options: list[str], code: int, said: str, cli: Cli, groq: FaultServer, folder: Path
) -> None:
    groq.script(echo())
    ran = cli("bulk", "in.jsonl", "out.jsonl", "-p", "groq", "--max-tokens", "20", *options)
    assert ran.code == code and "30 answered" in ran.out
    first = ran.err.splitlines()[0]
    assert said in first if said else first.startswith("{")
    model = "openai/gpt-oss-20b" if said else "gpt-oss-12b" if "gpt-oss-12b" in options else MODEL
    assert f"routes:   groq:{model} 30\n" in ran.out


def test_some_rows_fail(cli: Cli, groq: FaultServer, folder: Path) -> None:
    groq.script(fails_at("7", "8"))
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON)
    assert ran.code == 4 and "24 answered, 6 failed" in ran.out
    assert "failures: out.jsonl.failed.jsonl\nlast error: " in ran.out and "no way" in ran.out
    groq.script(echo())
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON, "--retry-failed")
    assert ran.code == 0 and "30 answered, 0 failed" in ran.out


def test_the_money_is_spent(cli: Cli, groq: FaultServer, folder: Path) -> None:
    groq.script(echo())
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON, "--max-cost", "0.00005")
    assert ran.code == 5 and "Stopped, the money is spent: " in ran.err and "goes on where this run ended" in ran.err


@pytest.mark.parametrize("most", ["2", "5%"])
def test_too_many_rows_fail(most: str, cli: Cli, groq: FaultServer, folder: Path) -> None:
    groq.script(fails_at("7", "8"))
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON, "--max-failures", most, "--at-once", "1")
    assert ran.code == 6 and "Stopped, too many fail: " in ran.err and "no way" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("none.jsonl", "out.jsonl"), "'none.jsonl' does not exist"),
        (("in.jsonl", "in.jsonl"), "in.jsonl is the input"),
        (("in.jsonl", "out.jsonl", "--at-once", "many"), "'many' is neither auto nor a number above 0"),
        (("in.jsonl", "out.jsonl", "--max-failures", "x"), "Error: --max-failures must be"),
        (("in.jsonl", "out.jsonl", "--template", "no field"), "it has no field in braces, and is no file"),
        (("in.jsonl", "out.jsonl", "--base-url", "grok=http://x"), "did you mean 'groq'"),
        (("in.jsonl", "out.jsonl", "-t", "hot"), "'hot' is not a valid float"),
    ],
)
def test_a_mistake_in_the_command(
    options: tuple[str, ...], said: str, cli: Cli, groq: FaultServer, folder: Path
) -> None:
    ran = cli("bulk", *options)
    assert ran.code == 2 and said in ran.err and groq.received == []


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("-p", "gorq"), 2, "did you mean 'groq'"),
        (("-m", "nonsense-model"), 2, "no provider lists the model 'nonsense-model'"),
        (("-p", "groq"), 3, "no key: set GROQ_API_KEY"),
    ],
)
def test_a_route_that_cannot_work_keeps_no_corrected_command_from_its_output(
    options: tuple[str, ...], code: int, said: str, cli: Cli, folder: Path
) -> None:
    write_rows(Path("in.jsonl"), 1)
    for more in ((), ("--dry-run",)):
        ran = cli("bulk", "in.jsonl", "out.jsonl", *options, *more)
        assert (ran.code, ran.out) == (code, "") and said in ran.err
    assert [path.name for path in folder.iterdir()] == ["in.jsonl"]
    assert cli("bulk", "in.jsonl", "out.jsonl", "-p", "local").code == 0


def test_another_job_is_refused(cli: Cli, groq: FaultServer, folder: Path) -> None:
    cli("bulk", "in.jsonl", "out.jsonl", *COMMON)
    ran = cli("bulk", "in.jsonl", "out.jsonl", *COMMON, "-t", "0.5")
    assert ran.code == 2 and "params.temperature was null and is 0.5" in ran.err


def test_a_terminal_shows_a_bar(groq: FaultServer, folder: Path) -> None:
    groq.script(replies.delayed(0.2, fails_at("7")))
    ran = in_terminal("bulk", "in.jsonl", "out.jsonl", *COMMON, "--at-once", "2")
    assert ran.code == 4
    for part in ("━", "/30", " left", "rows/s", "tokens/s", "2 at once", "of about $", f"groq:{MODEL}"):
        assert part in ran.out, part
    assert "27 answered, 3 failed" in ran.out


def holding(server: FaultServer, count: int) -> threading.Event:
    """Let the server hold its answers from now on, until the event is set."""
    go = threading.Event()

    def reply(request: Any) -> Any:
        go.wait(30)
        return echo()(request)

    server.script(*[echo()] * count, reply)
    return go


def wait_for(server: FaultServer, count: int, out: Path | None = None, lines: int = 0) -> None:
    """Wait until so many requests have come, and so many lines have been written."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if len(server.received) >= count and (out is None or out.read_bytes().count(b"\n") >= lines):
            return
        time.sleep(0.01)
    raise AssertionError(f"{len(server.received)} requests have come")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_calls_under_way_end(number: signal.Signals, groq: FaultServer, folder: Path) -> None:
    go = holding(groq, 5)
    with start("bulk", "in.jsonl", "out.jsonl", *COMMON, "--at-once", "4") as process:
        wait_for(groq, 9)
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None
        go.set()
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "9 answered, 0 failed, 21 left" in out.decode() and "Stopped, interrupted" in err.decode()
    assert len(lines_of(folder / "out.jsonl")) == 9


def test_a_signal_ends_calls_that_only_wait_for_a_service_that_fails(groq: FaultServer, folder: Path) -> None:
    groq.script(replies.error(500, "out of order"))
    with start("bulk", "in.jsonl", "out.jsonl", *COMMON) as process:
        assert process.stderr is not None
        while (told := json.loads(process.stderr.readline()))["waiting"] < 8:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "0 answered, 0 failed, 30 left" in out.decode()
    assert "out of order" in told["last_error"] and list(told["resting"]) == [f"groq:{MODEL}"]


def test_a_second_signal_does_not_wait(groq: FaultServer, folder: Path) -> None:
    go = holding(groq, 5)
    with start("bulk", "in.jsonl", "out.jsonl", *COMMON, "--at-once", "4") as process:
        wait_for(groq, 9)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)  # or the two would be one
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err.decode()
    assert "5 answered" in out.decode()
    go.set()


def test_a_job_that_is_killed_goes_on(groq: FaultServer, folder: Path) -> None:
    go = holding(groq, 7)
    with start("bulk", "in.jsonl", "out.jsonl", *COMMON, "--at-once", "4", stderr=subprocess.DEVNULL) as process:
        wait_for(groq, 11, folder / "out.jsonl", 7)
        process.kill()
        process.wait(30)
    assert len(lines_of(folder / "out.jsonl")) == 7
    with (folder / "out.jsonl").open("ab") as file:
        file.write(b'{"row":8,"id":"row-8","answ')
    go.set()
    groq.script(echo())
    with start("bulk", "in.jsonl", "out.jsonl", *COMMON) as process:
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert faults_of(folder / "out.jsonl", range(1, 31)) == [] and failures(folder / "out.jsonl") == []
    assert len(groq.received) == 11 + 23
