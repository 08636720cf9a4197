"""
Measures the memory that single calls take, whatever a server sends.

    python -m stress.memory [--limit MIB] [--only WORD] [--quick]

Prints, for each case: the peak of the process's memory above what it was before the call, as a share of
`max_response_bytes`; the same for `.raw`, which decodes the answer again; the seconds; for `AsyncClient` the longest
time in which no other task could run, in milliseconds; and how the call ended. Exits with 1 if a call took more than
three times the setting, and `SLACK` for what does not depend on it: modules, sockets, headers. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from g4f_lite.types.size_limits import MAX_RESPONSE_BODY

from .cases import CASES, Case
from .operations import OPERATIONS
from .servers import Server
from .streams import STREAMS

MOST = 3.0
SLACK = 16 << 20
"""Bytes that a call may take whatever the setting is."""


QUICK = (
    "text",
    "text with an emoji at its end",
    "text with half a surrogate",
    "objects with a field",
    "numbers",
    "log probabilities",
    "a gzip bomb",
    "an error inside an answer",
    "an error of nested objects",
    "stream: content in large pieces with emoji",
    "stream: large events without content",
    "stream: empty log probabilities",
    "stream: large events of log probabilities",
    "stream: large events of empty log probabilities before content",
    "stream: fields of sound",
    "stream: five legs that start over, content in large pieces",
    "stream: five legs that continue, content in large pieces",
    "stream: five legs that continue, short content and reasoning in large pieces",
    "five legs, text that is to be corrected",
    "five legs, a broken answer",
    "embeddings of short numbers",
    "embeddings of whole numbers",
    "segments of a transcription",
    "speech",
    "many images",
    "models as texts",
    "models that are looked up for a chat",
    "Anthropic: blocks",
    "Anthropic: stream of tools",
    "Gemini: parts",
    "Gemini: text in objects with nulls",
    "Gemini: text beside odd counts",
    "Gemini: numbers, as much as is taken",
)
"""Cases that took the most before there was a bound."""


class Caller:
    """A process for the calls of one case: glibc keeps up to 64 MiB of what earlier calls have freed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stress.memory.caller"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def measure(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        report: dict[str, Any] = json.loads(self._process.stdout.readline())
        return report

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()


def ways(case: Case) -> Iterator[tuple[str, bool]]:
    for client in ("sync", "async"):
        if case.ask != "chat":
            yield client, case.ask in ("stream", "start over", "continue")
        else:
            yield client, False
            if case.streams:
                yield client, True


def measure_all(limit: int, word: str, *, quick: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the name of each case, the way of the call, and what `caller` has measured."""
    cases = {**CASES, **{f"stream: {name}": case for name, case in STREAMS.items()}, **OPERATIONS}
    with Server(cases, limit) as server:
        for name, case in cases.items():
            if word not in name or (quick and name not in QUICK):
                continue
            with Caller() as caller:
                for client, stream in ways(case):
                    order: dict[str, Any] = {"url": server.url(name), "ask": case.ask, "provider": case.provider}
                    order |= {"stream": stream, "limit": limit, "client": client}
                    way = f"{client} stream" if stream else client
                    yield name, way, {**caller.measure(order), "more": case.more}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stress.memory")
    parser.add_argument("--limit", type=float, default=MAX_RESPONSE_BODY >> 20, help="max_response_bytes, in MiB")
    parser.add_argument("--only", default="", help="cases with this word in their names")
    parser.add_argument("--quick", action="store_true", help="the cases that took the most before they were bounded")
    given = parser.parse_args()
    limit = int(given.limit * (1 << 20))
    beyond = []
    for name, way, report in measure_all(limit, given.only, quick=given.quick):
        share = report["peak"] / limit
        raw = f"{report['raw'] / limit:5.2f}" if "raw" in report else "     "
        mark = "!" if report["peak"] > MOST * limit + SLACK + report["more"] else " "
        print(
            f"{mark}{share:6.2f} {raw} {report['seconds']:6.2f} s {report['blocked'] * 1000:6.0f} ms"
            f"  {way:12} {name:55} {report['outcome']}",
            flush=True,
        )
        if mark == "!":
            beyond.append(f"{name} ({way})")
    print(f"{len(beyond)} cases took more than {MOST:g} times {limit} bytes:", *beyond, sep="\n  ")
    sys.exit(bool(beyond))


if __name__ == "__main__":
    main()
