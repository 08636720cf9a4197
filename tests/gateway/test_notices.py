"""What processes tell each other of routes."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import pytest
from helpers.gateways import running, tables

from g4f_lite.gateway.admin.file import AdminFile
from g4f_lite.gateway.admin.notices import Notice, Notices
from g4f_lite.testing import FaultServer


def test_who_comes_later_hears_of_no_rest_that_has_been_ended(tmp_path: Path) -> None:
    file, until = AdminFile(tmp_path / "spend.db"), time.time() + 3600
    teller, listener = Notices(file), Notices(file)
    told = [Notice("groq:one", until), Notice("groq:two", until), Notice("groq:one", 0.0)]
    for notice in told[:2]:
        teller.tell(notice)
    assert listener.heard() == told[:2]
    teller.tell(told[2])
    assert listener.heard() == told[2:] and teller.heard() == []
    assert Notices(file).heard() == told[1:]
    teller.tell(told[0])
    assert listener.heard() == told[:1]
    assert Notices(file).heard() == [*told[1:], told[0]]


def test_a_file_that_cannot_be_read_is_told_once(
    groq: FaultServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Notices(AdminFile(tmp_path / "missing" / "spend.db"))
    with caplog.at_level(logging.WARNING, "g4f_lite.gateway"), running(tables(groq)) as gateway:
        for _ in range(3):
            asyncio.run_coroutine_threadsafe(gateway.gateway.views._hear(broken), gateway.loop).result(30)
    assert caplog.text.count("what other workers tell of routes cannot be read") == 1
