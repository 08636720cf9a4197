"""A batch file as it is written for OpenAI's batch API, and code that reads what that API returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.bulk import GROQ, MODEL, failures, lines_of
from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion

from g4f_lite.bulk import Job
from g4f_lite.testing import FaultServer, replies


def batch(path: Path, bodies: dict[str, dict[str, Any]], url: str = "/v1/chat/completions") -> Path:
    lines = [{"custom_id": name, "method": "POST", "url": url, "body": body} for name, body in bodies.items()]
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    return path


def read_as_openai_shows_it(out: Path) -> dict[str, str]:
    """The reading part of OpenAI's cookbook example on batches, but for the file's download."""
    results = []
    for text in out.read_text("utf-8").splitlines():
        results.append(json.loads(text.strip()))
    return {res["custom_id"]: res["response"]["body"]["choices"][0]["message"]["content"] for res in results}


def test_a_batch_file_runs_unchanged(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(
        replies.by_prompt(
            lambda prompt: replies.error(400, "no way", code="odd") if "2" in prompt else replies.answer(prompt)
        )
    )
    bodies = {
        f"task-{n}": {"model": MODEL, "messages": [{"role": "user", "content": f"p {n}"}], "max_tokens": 9, "own": n}
        for n in range(4)
    }
    out = tmp_path / "out.jsonl"
    summary = Job(batch(tmp_path / "in.jsonl", bodies), out, **GROQ).run()
    assert (summary.answered, summary.failed) == (3, 1)
    assert read_as_openai_shows_it(out) == {"task-0": "p 0", "task-1": "p 1", "task-3": "p 3"}
    assert {one.json["own"] for one in groq.received} == {0, 1, 2, 3}
    for line in lines_of(out):
        assert line["id"].startswith("batch_req_") and line["error"] is None
        assert line["response"]["status_code"] == 200 and line["response"]["request_id"]
        assert ChatCompletion.model_validate(line["response"]["body"]).usage is not None
    (failed,) = failures(out)
    assert failed["custom_id"] == "task-2" and failed["error"]["code"] == "odd"
    assert failed["response"]["status_code"] == 400 and failed["response"]["body"]["error"]["message"] == "no way"
    assert failed["g4f_lite"]["class"] == "InvalidRequestError" and failed["g4f_lite"]["trail"]["attempts"]


def test_a_run_goes_on_with_a_batch(groq: FaultServer, tmp_path: Path) -> None:
    groq.script(replies.by_prompt(lambda prompt: replies.error(400, "no") if prompt == "2" else replies.answer(prompt)))
    bodies = {f"t{n}": {"model": MODEL, "messages": [{"role": "user", "content": f"{n}"}]} for n in range(9)}
    source, out = batch(tmp_path / "in.jsonl", bodies), tmp_path / "out.jsonl"
    cost = Job(source, out, **GROQ).run().cost
    out.write_bytes(out.read_bytes()[:-30])
    groq.received.clear()
    summary = Job(source, out, **GROQ).run()
    assert (summary.answered, summary.failed, len(groq.received)) == (8, 1, 1)
    assert summary.cost == pytest.approx(cost) and summary.routes == {f"groq:{MODEL}": 8}
    assert sorted(one["custom_id"] for one in [*lines_of(out), *failures(out)]) == sorted(bodies)


def test_the_model_of_the_job_replaces_that_of_the_lines(groq: FaultServer, tmp_path: Path) -> None:
    source = batch(tmp_path / "in.jsonl", {"a": {"model": "gpt-5", "messages": [{"role": "user", "content": "x"}]}})
    Job(source, tmp_path / "out.jsonl", params={"model": f"groq:{MODEL}"}).run()
    assert groq.models == [MODEL]


def test_embeddings(two: dict[str, Any], server: FaultServer, tmp_path: Path) -> None:
    source = batch(tmp_path / "in.jsonl", {"a": {"model": "m", "input": "x"}}, "/v1/embeddings")
    out = tmp_path / "out.jsonl"
    assert Job(source, out, **two).run().answered == 1
    (line,) = lines_of(out)
    assert CreateEmbeddingResponse.model_validate(line["response"]["body"]).data[0].embedding


def test_what_no_batch_can_ask_for_is_the_failure_of_its_row(groq: FaultServer, tmp_path: Path) -> None:
    path = batch(tmp_path / "in.jsonl", {"a": {"model": MODEL, "messages": [{"role": "user", "content": "x"}]}})
    chat = {"method": "POST", "url": "/v1/chat/completions"}
    odd: list[dict[str, Any]] = [
        {"custom_id": "b", "method": "POST", "url": "/v1/responses", "body": {"input": "x"}},
        {"custom_id": "c", **chat, "body": []},
        {"custom_id": "d", **chat, "body": {"messages": [], "stream": True}},
        {"custom_id": "e", **chat, "body": {}},
        {"custom_id": "f", "method": 5, "url": 6, "body": {}},
    ]
    path.write_text(path.read_text("utf-8") + "\n" + "\n".join(map(json.dumps, odd)), "utf-8")
    summary = Job(path, tmp_path / "out.jsonl", **GROQ).run()
    assert (summary.answered, summary.failed) == (1, 5)
    found = {one["custom_id"]: one["error"]["message"] for one in failures(tmp_path / "out.jsonl")}
    assert "POST /v1/responses" in found["b"] and "'messages' is missing" in found["e"] and "stream" in found["d"]
