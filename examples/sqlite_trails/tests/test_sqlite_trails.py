"""Once installed, it observes every client and writes its attempts."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from g4f_lite import AsyncClient, Client, RateLimitError
from g4f_lite.testing import ScriptedProvider

MESSAGES = [{"role": "user", "content": "Which day is it?"}]


def rows(path: Path) -> list[tuple[str, str, int]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("select provider, outcome, number from attempts order by provider, number").fetchall()


def providers() -> list[ScriptedProvider]:
    return [ScriptedProvider(RateLimitError("later", retry_after=60), name="a"), ScriptedProvider("Sunday", name="b")]


def test_each_attempt_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trails.sqlite3"
    monkeypatch.setenv("G4F_LITE_TRAILS", str(path))
    with Client(routes=providers()) as client:
        client.chat.completions.create(messages=MESSAGES)
    assert rows(path) == [("a", "RateLimitError", 1), ("b", "ok", 2)]


def test_threads_and_event_loops_write_to_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trails.sqlite3"
    monkeypatch.setenv("G4F_LITE_TRAILS", str(path))

    async def ask() -> None:
        async with AsyncClient() as client:
            await client.chat.completions.create(messages=MESSAGES, provider=ScriptedProvider())

    threads = [Thread(target=asyncio.run, args=[ask()]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows(path) == [("scripted", "ok", 1)] * 4


def test_nothing_is_written_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("G4F_LITE_TRAILS", raising=False)
    monkeypatch.chdir(tmp_path)
    with Client(routes=providers()) as client:
        client.chat.completions.create(messages=MESSAGES)
    assert list(tmp_path.iterdir()) == []
