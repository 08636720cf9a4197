"""What was spent is counted once, also while its file cannot be used."""

from __future__ import annotations

import asyncio
import logging
from contextlib import closing
from pathlib import Path

import pytest

from g4f_lite import Attempt, Trail, Usage
from g4f_lite.gateway.admin.file import AdminFile
from g4f_lite.gateway.admin.spend import Spend
from g4f_lite.gateway.records import Record


def record(cost: float | None = 0.25, outcome: str = "ok", *, key: str | None = "ab12") -> Record:
    usage = Usage(prompt_tokens=5, completion_tokens=2, total_tokens=7)
    attempt = Attempt(
        provider="groq", model="one", key=key, index=1, outcome=outcome, usage=usage, known_route="groq:one"
    )
    found = Record("g4f-1", "team-a", "chat", "fast", team="search")
    found.trail, found.cost = Trail(entries=(attempt,), outcome=outcome), cost
    return found


def test_nothing_is_lost_while_the_file_cannot_be_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        spend = Spend(AdminFile(tmp_path / "later" / "spend.db"))
        for _ in range(2):
            spend.add(record())
            await spend.flush()
        assert len(caplog.records) == 1 and caplog.records[0].levelno == logging.WARNING
        (tmp_path / "later").mkdir()
        spend.add(record())
        assert (await spend.report(1))["total"]["calls"] == 3
        assert (await spend.report(1))["total"]["usd"] == pytest.approx(0.75)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (record(), {"calls": 1, "failed": 0, "usd": 0.25, "unpriced": 0}),
        (record(None), {"calls": 1, "failed": 0, "usd": 0.0, "unpriced": 1}),
        (record(None, key=None), {"calls": 1, "unpriced": 0}),  # without a key, nobody bills it
        (record(None, "ServerError"), {"calls": 1, "failed": 1, "unpriced": 0, "prompt_tokens": 5}),
        (record(0.25, "closed"), {"calls": 1, "failed": 0, "usd": 0.25}),
        (Record("g4f-1", "team-a", "chat", "fast"), {"calls": 0}),  # refused
    ],
)
def test_what_counts(one: Record, told: dict[str, float]) -> None:
    async def main() -> dict[str, float]:
        with closing(AdminFile(None)) as file:
            spend = Spend(file)
            spend.add(one)
            total: dict[str, float] = (await spend.report(30))["total"]
            return total

    assert told.items() <= asyncio.run(main()).items()
