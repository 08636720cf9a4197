"""A job in this process, at a real server: what it reads, what it writes, and when it stops."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, MODEL, echo, failures, faults_of, lines_of, write_rows

from g4f_lite import (
    AsyncClient,
    Budget,
    ConfigurationError,
    Limits,
    MissingKeyError,
    UnknownModelError,
    UnknownProviderError,
    hookimpl,
)
from g4f_lite.bulk import Job, Progress, Summary
from g4f_lite.testing import FaultServer, replies


@pytest.fixture
def echoing(groq: FaultServer) -> FaultServer:
    return groq.script(echo())


def job(tmp_path: Path, source: Any, **more: Any) -> Job:
    params = {"fallback_models": [], **more.pop("params", {})}
    return Job(source, tmp_path / "out.jsonl", params=params, **{**GROQ, **more})


def test_each_row_has_its_answer(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 50)
    summary = job(tmp_path, source, params={"max_tokens": 9}).run()
    assert (summary.ending, summary.answered, summary.failed, summary.left) == ("complete", 50, 0, 0)
    assert summary.routes == {f"groq:{MODEL}": 50} and summary.cost and summary.prompt_tokens == 250
    assert faults_of(tmp_path / "out.jsonl", range(1, 51)) == []
    line = next(line for line in lines_of(tmp_path / "out.jsonl") if line["row"] == 7)
    assert (line["id"], line["answer"], line["provider"], line["model"]) == ("row-7", "to prompt 7", "groq", MODEL)
    assert line["finish_reason"] == "stop" and line["usage"]["prompt_tokens"] == 5 and line["cost"] > 0
    assert {one.json["max_tokens"] for one in echoing.received} == {9}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "out.jsonl.job.json"]


def yielded() -> Iterator[dict[str, str]]:
    for number in range(1, 31):
        yield {"id": f"row-{number}", "prompt": f"prompt {number}"}


async def yielded_later() -> AsyncIterator[dict[str, str]]:
    for one in yielded():
        await asyncio.sleep(0)
        yield one


@pytest.mark.parametrize(
    "rows", [yielded, yielded_later, lambda: list(yielded()), lambda: [one["prompt"] for one in yielded()]]
)
def test_a_program_yields_rows_and_a_later_run_knows_them_again(
    rows: Any, echoing: FaultServer, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    assert job(tmp_path, rows()).run().answered == 30
    assert faults_of(out, range(1, 31)) == []
    whole = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(whole[:20]))
    echoing.received.clear()
    assert job(tmp_path, rows()).run().answered == 30
    assert faults_of(out, range(1, 31)) == [] and len(echoing.received) == 10


def test_rows_with_ids_may_come_in_another_order(echoing: FaultServer, tmp_path: Path) -> None:
    rows = list(yielded())
    job(tmp_path, iter(rows)).run()
    echoing.received.clear()
    more = [{"id": "new", "prompt": "prompt new"}, *reversed(rows)]
    assert job(tmp_path, iter(more)).run().answered == 31
    assert len(echoing.received) == 1


@pytest.mark.parametrize("name", ["in.jsonl.gz", "in.csv", "in.csv.gz", "in.tsv"])
def test_files_of_other_kinds(name: str, echoing: FaultServer, tmp_path: Path) -> None:
    lines = '\ufefftext;more\r\n"prompt 1";a\r\nprompt 2;"b\r\nc"\r\n\r\nprompt 3;{d}\r\n'
    if "tsv" in name:
        lines = lines.replace(";", "\t")
    if "jsonl" in name:
        lines = '{"text":"prompt 1"}\n\n{"text":"prompt 2"}\r\n{"text":"prompt 3"}'
    path = tmp_path / name
    path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
    made = job(tmp_path, path, template="{text}", system="Be brief.")
    assert made.plan().rows == 3
    assert made.run().answered == 3
    assert faults_of(tmp_path / "out.jsonl", [1, 2, 3]) == []
    assert all(one.json["messages"][0] == {"role": "system", "content": "Be brief."} for one in echoing.received)


def test_a_row_has_parameters_and_messages_of_its_own(echoing: FaultServer, tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "system", "content": "Own."}, {"role": "user", "content": "a"}], "temperature": 1},
        {"prompt": "b", "seed": 4},
    ]
    assert job(tmp_path, rows, params={"temperature": 0}, system="Ours.").run().answered == 2
    first, second = sorted((one.json for one in echoing.received), key=lambda body: body["messages"][-1]["content"])
    assert (first["temperature"], first["messages"][0]["content"]) == (1, "Own.")
    assert (second["temperature"], second["seed"], second["messages"][0]["content"]) == (0, 4, "Ours.")


def test_an_answer_that_is_more_than_a_text_is_there_whole(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.answer("", tool_calls=[{"id": "call_1", "function": {"name": "add", "arguments": "{}"}}]))
    job(tmp_path, ["prompt 1"]).run()
    (line,) = lines_of(tmp_path / "out.jsonl")
    assert line["response"]["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "add"


# -- failures ------------------------------------------------------------------------------


def test_a_bad_line_is_the_failure_of_its_row(echoing: FaultServer, tmp_path: Path) -> None:
    bad = [
        "{not json",
        "[1]",
        '{"id": [1], "prompt": "a"}',
        '{"prompt": "a", "messages": []}',
        "{}",
        '{"prompt": "a", "x": 1}',
    ]
    bad += ['{"prompt": "a", "stream": true}', '{"messages": 5}', '{"prompt": "a", "temperature": "hot"}']
    path = tmp_path / "in.jsonl"
    path.write_text('{"prompt": "prompt 1"}\n' + "\n".join(bad) + "\n", "utf-8")
    summary = job(tmp_path, path, at_once=1).run()
    assert (summary.ending, summary.answered, summary.failed) == ("complete", 1, len(bad))
    found = failures(tmp_path / "out.jsonl")
    assert [one["row"] for one in found] == list(range(2, len(bad) + 2))
    assert all(one["error"]["class"] and one["error"]["message"] for one in found)
    assert "row 2 is not JSON" in found[0]["error"]["message"]
    assert len(echoing.received) == 1


def test_a_failure_has_class_message_and_trail(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo()).script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no way", code="odd") if "2" in prompt else replies.answer("to prompt 1")
        )
    )
    assert job(tmp_path, ["prompt 1", "prompt 2"], at_once=1).run().failed == 1
    (line,) = failures(tmp_path / "out.jsonl")
    assert (line["row"], line["error"]["class"], line["error"]["status"], line["error"]["code"]) == (
        2,
        "InvalidRequestError",
        400,
        "odd",
    )
    assert "no way" in line["error"]["message"] and line["trail"]["attempts"][0]["provider"] == "groq"
    assert "gsk_secret" not in json.dumps(line)


def test_the_first_twenty_failures_of_twenty_stop_the_job_and_are_asked_again(
    groq: FaultServer, tmp_path: Path
) -> None:
    groq.script(replies.error(400, "no way"))
    source = write_rows(tmp_path / "in.jsonl", 100)
    summary = job(tmp_path, source, at_once=4).run()
    assert (summary.ending, summary.answered, summary.failed) == ("failures", 0, 0)
    assert (
        summary.reason and "all of the 20 rows that ended have failed" in summary.reason and "no way" in summary.reason
    )
    assert 20 <= len(groq.received) <= 24 and failures(tmp_path / "out.jsonl") == []
    groq.script(echo())
    assert job(tmp_path, source).run().answered == 100
    assert faults_of(tmp_path / "out.jsonl", range(1, 101)) == []


def test_fewer_failures_than_twenty_are_written(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.error(400, "no way"))
    summary = job(tmp_path, write_rows(tmp_path / "in.jsonl", 19)).run()
    assert (summary.ending, summary.failed) == ("complete", 19)
    assert len(failures(tmp_path / "out.jsonl")) == 19


def test_a_service_that_goes_away_stops_the_job_and_loses_no_row(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(*[echo()] * 30, replies.error(503, "gone"))
    source = write_rows(tmp_path / "in.jsonl", 100)
    summary = job(tmp_path, source, at_once=4, deadline=1.0, retries=0).run()
    assert summary.ending == "failures" and "in a row" in str(summary.reason)
    assert failures(tmp_path / "out.jsonl") == []
    groq.script(echo())
    assert job(tmp_path, source).run().answered == 100
    assert faults_of(tmp_path / "out.jsonl", range(1, 101)) == []


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replies.error(401, "bad key"), "bad key"),
        (replies.error(402, "no credit"), "no credit"),
        (replies.error(404, "no such model", code="model_not_found"), "no such model"),
    ],
)
def test_a_fault_of_all_stops_at_once(reply: Any, said: str, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(reply)
    summary = job(tmp_path, write_rows(tmp_path / "in.jsonl", 100), at_once=2).run()
    assert summary.ending == "failures" and said in str(summary.reason)
    assert len(groq.received) <= 2 and failures(tmp_path / "out.jsonl") == []


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"provider": "gorq"}, UnknownProviderError),
        ({"model": "nonsense-model"}, UnknownModelError),
        ({"model": "openai:nothing"}, MissingKeyError),
    ],
)
def test_a_route_that_cannot_work_is_refused_before_anything_is_written(
    params: Any, error: type[Exception], echoing: FaultServer, tmp_path: Path
) -> None:
    source, out = write_rows(tmp_path / "in.jsonl", 9), tmp_path / "out"
    for rows in (source, [{"prompt": "x"}]):
        wrong = Job(rows, out, params=params)
        for run in (wrong.plan, wrong.run):
            with pytest.raises(error):
                run()
        assert [one.name for one in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_key_that_is_gone_is_told_when_a_job_goes_on(
    echoing: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_rows(tmp_path / "in.jsonl", 9)
    job(tmp_path, source).run()
    whole = (tmp_path / "out.jsonl").read_bytes()
    (tmp_path / "out.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:4]))
    monkeypatch.delenv("GROQ_API_KEY")
    with pytest.raises(MissingKeyError):
        job(tmp_path, source).run()
    (tmp_path / "out.jsonl").write_bytes(whole)
    assert job(tmp_path, source).run().answered == 9


def test_rows_that_can_be_read_once_are_not_read_before_the_run(echoing: FaultServer, tmp_path: Path) -> None:
    class Queue:
        """Iterable again and again, and a row is gone once it is read."""

        def __init__(self) -> None:
            self.rows = iter(["a", "b", "c"])

        def __iter__(self) -> Iterator[str]:
            yield from self.rows

    assert job(tmp_path, Queue()).run().answered == 3


def test_an_output_without_a_row_keeps_no_other_job_from_it(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.error(401, "bad key"))
    source = write_rows(tmp_path / "in.jsonl", 9)
    assert job(tmp_path, source, params={"temperature": 1}).run().ending == "failures"
    groq.script(echo())
    assert job(tmp_path, source, params={"temperature": 0}).run().answered == 9


def test_a_model_that_only_a_row_names_is_the_fault_of_the_row(echoing: FaultServer, tmp_path: Path) -> None:
    echoing.on("none", replies.error(404, "no such model", code="model_not_found"))
    rows = [{"prompt": "prompt 1"}, {"prompt": "prompt 2", "model": "groq:none"}, {"prompt": "prompt 3"}]
    summary = job(tmp_path, rows, at_once=1).run()
    assert (summary.ending, summary.answered, summary.failed) == ("complete", 2, 1)


@pytest.mark.parametrize(
    ("most", "ends"),
    [
        (None, "complete"),
        (6, "complete"),
        (3, "failures"),
        ("3", "failures"),
        ("0.05", "failures"),
        ("5%", "failures"),
        ("50%", "complete"),
    ],
)
def test_more_failures_than_max_failures_stop_the_job(most: Any, ends: str, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no") if prompt.endswith("5") else replies.answer("to " + prompt)
        )
    )
    source = write_rows(tmp_path / "in.jsonl", 60)
    summary = job(tmp_path, source, at_once=1, max_failures=most).run()
    assert summary.ending == ends
    assert summary.failed == (6 if ends == "complete" else 4)


def test_rows_that_failed_are_asked_again_if_that_is_wanted(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no") if prompt.endswith("5") else replies.answer("to " + prompt)
        )
    )
    source = write_rows(tmp_path / "in.jsonl", 40)
    assert job(tmp_path, source).run().failed == 4
    groq.script(echo())
    groq.received.clear()
    assert job(tmp_path, source).run().failed == 4 and groq.received == []
    assert job(tmp_path, source, retry_failed=True).plan().left == 4
    summary = job(tmp_path, source, retry_failed=True).run()
    assert (summary.answered, summary.failed, len(groq.received)) == (40, 0, 4)
    assert faults_of(tmp_path / "out.jsonl", range(1, 41)) == []
    assert not (tmp_path / "out.jsonl.failed.jsonl").exists()


# -- limits, budgets, hooks ----------------------------------------------------------------


def test_the_job_waits_for_what_is_limited(groq: FaultServer, tmp_path: Path) -> None:
    """A call does not wait beyond its deadline, and fails at once; the row is asked again when it may be answered."""
    groq.script(*[echo()] * 5, replies.error(429, "slow down", retry_after="3.2"), echo())
    source = write_rows(tmp_path / "in.jsonl", 20)
    summary = job(tmp_path, source, at_once=4, deadline=3.0, retry_wait=None).run()
    assert (summary.answered, summary.failed) == (20, 0) and summary.elapsed_s > 3
    assert faults_of(tmp_path / "out.jsonl", range(1, 21)) == []
    assert len(groq.received) == 21


def test_declared_limits_hold(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 30)
    most = 0
    under_way: list[int] = []

    class Watching:
        @hookimpl
        def attempt_started(self, attempt: Any) -> None:
            nonlocal most
            under_way.append(1)
            most = max(most, len(under_way))

        @hookimpl
        def attempt_finished(self, attempt: Any) -> None:
            under_way.pop()

    limits = {"groq": Limits(parallel=3)}
    assert job(tmp_path, source, at_once=16, limits=limits, plugins=[Watching()]).run().answered == 30
    assert most == 3


def test_a_client_of_the_caller_makes_the_calls_and_stays_open(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 20)

    async def main() -> tuple[list[Progress], str]:
        async with AsyncClient(routes=[f"groq:{MODEL}"], budget=Budget(usd=1.0)) as client:
            found = [one async for one in Job(source, tmp_path / "out.jsonl", client=client)]
            return found, str(client.explain())

    found, explained = asyncio.run(main())
    assert isinstance(found[-1], Summary) and found[-1].answered == 20
    assert "is left of the budget of $1 a day" in explained and "$1 is left" not in explained


@pytest.mark.parametrize("at_once", [1, 8])
def test_the_cap_holds_over_all_runs(at_once: int, groq: FaultServer, tmp_path: Path) -> None:
    groq.script(echo())
    source = write_rows(tmp_path / "in.jsonl", 40)
    settings: dict[str, Any] = {"at_once": at_once, "params": {"max_tokens": 20}, "max_cost": 0.0001}
    first = job(tmp_path, source, **settings).run()
    assert first.ending == "cap" and 0 < first.answered < 40 and first.cost and first.cost <= 0.0001
    assert "the budget of $0.0001 in all is spent" in str(first.reason)
    second = job(tmp_path, source, **settings).run()
    assert second.ending == "cap" and second.cost and second.cost <= 0.0001
    assert job(tmp_path, source, **{**settings, "max_cost": 1.0}).run().ending == "complete"
    assert faults_of(tmp_path / "out.jsonl", range(1, 41)) == []
    assert not list(tmp_path.glob("*.state.db*"))


# -- refusals ------------------------------------------------------------------------------


def test_rows_with_the_same_id_are_refused(echoing: FaultServer, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "prompt": "x"}\n{"id": 7, "prompt": "x"}\n{"id": "7", "prompt": "x"}\n', "utf-8")
    with pytest.raises(ConfigurationError, match="rows 2 and 3 have the same id '7'"):
        job(tmp_path, path).run()
    with pytest.raises(ConfigurationError, match="row 3 has the id '7', which an earlier row has, too"):
        job(tmp_path, map(json.loads, path.read_text().splitlines())).run()
    (table := tmp_path / "in.csv").write_text("id,text\na,x\na,y\n", "utf-8")
    with pytest.raises(ConfigurationError, match="rows 1 and 2 have the same id 'a'"):
        Job(table, tmp_path / "other.jsonl", template="{text}").run()


def test_another_job_is_refused_with_what_has_changed(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 5)
    params = {"temperature": 0, "extra_headers": {"X-Own": "secret"}}
    job(tmp_path, source, params=params).run()
    assert (
        "secret" not in (tmp_path / "out.jsonl.job.json").read_text()
        and "X-Own" in str(echoing.received[0].headers).title()
    )
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigurationError, match=r'params.temperature was 0 and is 1; system was null and is "Hi"'):
        job(tmp_path, source, params={**params, "temperature": 1}, system="Hi").run()
    with pytest.raises(ConfigurationError, match=r"routes was .* and is "):
        job(tmp_path, source, params=params, routes=["groq"]).plan()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write_rows(source, 6)
    with pytest.raises(ConfigurationError, match=r"source.rows was 5 and is 6; source.sha256 was"):
        job(tmp_path, source, params=params).run()


def test_what_may_change_between_runs(echoing: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 5)
    job(tmp_path, source, params={"timeout": 30}).run()
    moved = source.rename(tmp_path / "moved.jsonl")
    more: dict[str, Any] = {"at_once": 3, "max_cost": 2.0, "retries": 5, "base_urls": {"groq": echoing.base_url}}
    assert job(tmp_path, moved, **more).run().answered == 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda d: Job(d / "none", d / "o"), "there is no file"),
        (lambda d: Job(5, d / "o"), "a job takes a path or rows"),  # type: ignore[arg-type]
        (lambda d: Job(d / "in.jsonl", d / "in.jsonl"), "is the input"),
        (lambda d: Job(d / "in.jsonl", d / "o.gz"), "compress it when it is done"),
        (lambda d: Job(d / "in.jsonl", d), "is a folder"),
        (lambda d: Job(d / "in.jsonl", d / "none" / "o"), "there is no folder"),
        (lambda d: Job(d / "in.jsonl", d / "o", at_once=0), "at_once must be 'auto' or"),
        (lambda d: Job(d / "in.jsonl", d / "o", max_failures="many"), "max_failures must be"),
        (lambda d: Job(d / "in.jsonl", d / "o", max_failures=1.5), "max_failures must be"),
        (lambda d: Job(d / "in.jsonl", d / "o", max_cost=0), "max_cost must be"),
        (lambda d: Job(d / "in.jsonl", d / "o", max_cost=1, budget=Budget(usd=1)), "one of max_cost and budget"),
        (lambda d: Job(d / "in.jsonl", d / "o", max_cost=1, client=AsyncClient()), "max_cost is its budget"),
        (lambda d: Job(d / "in.jsonl", d / "o", client="x"), "client must be an AsyncClient"),  # type: ignore[arg-type]
        (lambda d: Job(d / "in.jsonl", d / "o", params={"stream": True}), "params cannot have 'stream'"),
        (lambda d: Job(d / "in.jsonl", d / "o", params={"temperature": "hot"}), "temperature must be"),
        (lambda d: Job(d / "in.csv", d / "o"), "needs a template for its prompts, such as '…{text}…'"),
        (lambda d: Job(d / "in.csv", d / "o", template="{txt}"), "no column 'txt'; did you mean 'text'?"),
        (lambda d: Job(d / "bad.gz", d / "o").run(), "bad.gz cannot be read"),
        (lambda d: Job(d / "in.jsonl", d / "other").run(), "exists and is none of a bulk job"),
        (lambda d: Job(d / "in.jsonl", d / "mine").run(), "mine.failed.jsonl exists and is none of a bulk job"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_before_anything_is_sent(make: Any, said: str, groq: FaultServer, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", 2)
    (tmp_path / "in.csv").write_text("text,b\n1,2\n", "utf-8")
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:30])
    (tmp_path / "other").write_text("something else\n", "utf-8")
    (tmp_path / "mine.failed.jsonl").write_text("something else", "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        make(tmp_path)
    assert said in str(raised.value) and groq.received == []


def test_a_misspelt_keyword_is_refused_at_once(tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 2)
    with pytest.raises(TypeError, match="'temprature'; did you mean 'temperature'"):
        Job(source, tmp_path / "o", params={"temprature": 1})
    with pytest.raises(TypeError, match=r"Job\(\) has no parameter 'rout'; did you mean 'routes'"):
        Job(source, tmp_path / "o", rout=["groq"])  # type: ignore[call-arg]
    with pytest.raises(
        TypeError, match=r"Job\(\) has no parameter 'max_tokens'; it goes into params={'max_tokens': …}"
    ):
        Job(source, tmp_path / "o", max_tokens=3)  # type: ignore[call-arg]
    (table := tmp_path / "in.csv").write_text("text\nHello\n", "utf-8")
    with pytest.raises(TypeError, match="did you mean 'template'"):
        Job(table, tmp_path / "o", tmplate="{text}")  # type: ignore[call-arg]


def test_run_in_an_event_loop_says_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        Job(["x"], tmp_path / "out").run()

    with pytest.raises(ConfigurationError, match="use `async for progress in job`"):
        asyncio.run(main())
    assert not list(tmp_path.iterdir())


# -- stopping ------------------------------------------------------------------------------


def test_stop_lets_calls_under_way_end(groq: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 50)
    came, go = threading.Semaphore(0), threading.Event()

    def hold(request: Any) -> Any:
        came.release()
        go.wait(20)
        return echo()(request)

    groq.script(hold)
    made = job(tmp_path, source, at_once=4)

    async def main() -> Summary:
        async def watch() -> Progress:
            return [progress async for progress in made][-1]

        task = asyncio.ensure_future(watch())
        for _ in range(4):
            await asyncio.to_thread(came.acquire, timeout=20)
        made.stop("enough")
        go.set()
        summary = await task
        assert isinstance(summary, Summary)
        return summary

    summary = asyncio.run(main())
    assert (summary.ending, summary.reason, summary.answered, summary.left) == ("interrupted", "enough", 4, 46)
    groq.script(echo())
    assert job(tmp_path, source).run().answered == 50
    assert faults_of(tmp_path / "out.jsonl", range(1, 51)) == []


def test_to_leave_the_loop_ends_the_run(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(*[echo()] * 5, replies.silence())
    source = write_rows(tmp_path / "in.jsonl", 30)

    async def main() -> None:
        made = job(tmp_path, source, at_once=4)
        progresses = aiter(made)
        await anext(progresses)
        await progresses.aclose()  # type: ignore[attr-defined]
        with pytest.raises(StopAsyncIteration):
            await anext(progresses)

    asyncio.run(main())
    assert len(lines_of(tmp_path / "out.jsonl")) == 5
    groq.script(echo())
    assert job(tmp_path, source).run().answered == 30
    assert faults_of(tmp_path / "out.jsonl", range(1, 31)) == []


def test_what_a_source_raises_comes_after_the_calls_under_way(echoing: FaultServer, tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield from (f"prompt {number}" for number in range(1, 11))
        raise ValueError("the cursor is closed")

    with pytest.raises(ValueError, match="the cursor is closed"):
        job(tmp_path, broken(), at_once=4).run()
    assert faults_of(tmp_path / "out.jsonl", range(1, 11)) == []


def test_two_runs_cannot_write_the_same_output(groq: FaultServer, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "in.jsonl", 5)
    groq.script(replies.silence())

    async def main() -> None:
        first = aiter(job(tmp_path, source))
        await anext(first)
        with pytest.raises(ConfigurationError, match="another run writes"):
            async for _ in job(tmp_path, source):
                pass
        await first.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_full_disk_stops_the_job_and_the_output_is_whole(
    echoing: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource
    import signal

    source = write_rows(tmp_path / "in.jsonl", 200)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(OSError) as raised:
            job(tmp_path, source, at_once=4).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert raised.value.errno == errno.EFBIG and str(raised.value.filename).endswith("out.jsonl")
    out = tmp_path / "out.jsonl"
    assert out.read_bytes().endswith(b"}\n") and 0 < len(lines_of(out)) < 200
    assert job(tmp_path, source).run().answered == 200
    assert faults_of(out, range(1, 201)) == []


def test_one_job_may_run_again(echoing: FaultServer, tmp_path: Path) -> None:
    made = job(tmp_path, write_rows(tmp_path / "in.jsonl", 5))
    assert made.run().answered == made.run().answered == made.progress.answered == 5
    assert len(echoing.received) == 5
