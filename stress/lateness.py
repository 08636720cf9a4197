"""
How late calls end: each odd message of `tests/helpers/odd_messages.py`, after which the service is silent, or which it
sends byte by byte. `PYTHONPATH=tests python -m stress.lateness [--seconds 0.25]` prints the latest calls; on an idle
machine, none is more than 50 ms late.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Iterator
from typing import Any

from helpers.driving import MESSAGES, MODES
from helpers.judging import Plain
from helpers.odd_messages import ROWS
from helpers.odd_row import SILENT, Row

from g4f_lite import AsyncClient, Client, G4FLiteError, Timeouts
from g4f_lite.testing import FaultServer
from g4f_lite.testing.replies import completion
from g4f_lite.testing.script import Action, Pause, Received

HOW = ("silent after it", "silent before its last byte", "byte by byte")
ALLOWED = 0.05


def sent(row: Row, request: Received, how: str) -> Iterator[Action]:
    import json

    whole = json.dumps(completion(request, "word")).encode()
    body = b"data: " + whole.replace(b'"message"', b'"delta"') + b"\n\n" if request.stream else whole
    for action in row.actions(body):
        if not isinstance(action, bytes):
            continue
        if how == "byte by byte":
            for place in range(len(action)):
                yield action[place : place + 1]
                yield Pause(0.02)
        else:
            yield action[:-1] if how == "silent before its last byte" else action
    yield SILENT


def ask(mode: str, settings: dict[str, Any], params: dict[str, Any]) -> float:
    """Return the seconds that the call takes, without those of its client."""

    async def ask_async() -> float:
        async with AsyncClient(**settings) as client:
            started = time.monotonic()
            try:
                result = await client.chat.completions.create(**params)
                if "stream" in mode:
                    async for _ in result:
                        pass
            except G4FLiteError:
                pass
            return time.monotonic() - started

    if mode.startswith("async"):
        return asyncio.run(ask_async())
    with Client(**settings) as client:
        started = time.monotonic()
        try:
            result = client.chat.completions.create(**params)
            for _ in result if "stream" in mode else ():
                pass
        except G4FLiteError:
            pass
        return time.monotonic() - started


def main() -> None:
    parser = argparse.ArgumentParser(description="Print how late calls end.")
    parser.add_argument("--seconds", type=float, default=0.25, help="the limit of each call")
    parser.add_argument("--rows", default="", help="only rows with this in their name")
    chosen = parser.parse_args()
    late: list[tuple[float, str]] = []
    for row in ROWS:
        for how in HOW if chosen.rows in row.name else ():
            for mode in MODES:
                with FaultServer() as server:
                    server.script(lambda request, row=row, how=how: sent(row, request, how))
                    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0}
                    params = {"provider": "plain", "messages": MESSAGES, "timeout": chosen.seconds}
                    took = ask(mode, {**settings, "timeouts": Timeouts()}, {**params, "stream": "stream" in mode})
                late.append((took - chosen.seconds, f"{row.name}, {how}, {mode}"))
    late.sort(reverse=True)
    for seconds, name in late[:10]:
        print(f"{seconds * 1000:7.1f} ms  {name}")
    print(f"{len(late)} calls, {sum(seconds > ALLOWED for seconds, _ in late)} more than {ALLOWED * 1000:.0f} ms late")


if __name__ == "__main__":
    main()
