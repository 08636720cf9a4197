"""
What a call through the gateway costs, beside a bare aiohttp proxy, Portkey and LiteLLM's proxy.

    python -m benchmarks.gateway            writes GATEWAY.md
    python -m benchmarks.gateway --quick    the proxy and ours alone, within a minute; prints the table

All are started in turn, each a process of its own, between the same service and the same callers: nginx, which has its
answers in files, and wrk. Ours has a key with limits and a budget, counts cost, and writes its log and metrics; the
proxy copies bytes. What is not here and cannot be installed is left out, and the page says so. Needs Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .gateway_load import Held, bodies, leave, open_streams, wrk
from .gateway_servers import Contender, Origins, Running, contenders, running
from .nginx import binary, nginx
from .nginx import version as nginx_version
from .rounds import ROOT
from .spread import Spread, figure
from .upstream import CHUNKS

PROXY, OURS = "bare aiohttp proxy", "g4f_lite"
SLOW = "LiteLLM's proxy"
STREAMS, LEAVE = 400, 60


class Found(NamedTuple):
    """What was measured of one server."""

    calls: list[float]
    """CPU seconds of a call, by round."""
    streams: list[float]
    start_s: float
    start_cpu_s: float
    memory: int
    open_stream: float
    cancelled: list[float]


def run(found: Sequence[Contender], rounds: int, absent: list[str]) -> dict[str, Found]:
    """Measure these, in turn; what cannot be measured is put among the absent."""
    loop, lost = asyncio.new_event_loop(), dict[int, asyncio.Future[float]]()
    held = loop.run_until_complete(loop.create_server(lambda: Held(lost), "127.0.0.1", 0, backlog=1024))
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        origins = Origins(stack.enter_context(nginx(*bodies())), f"http://127.0.0.1:{held.sockets[0].getsockname()[1]}")
        servers: list[Running] = []
        for one in found:
            with _noted(one.name, "does not start", absent):
                servers.append(stack.enter_context(running(one, origins, folder)))
                print(f"{one.name} has started after {servers[-1].start_s:.1f} s", flush=True)
        results = {one.name: Found([], [], one.start_s, one.start_cpu_s, one.memory(), 0.0, []) for one in servers}
        for server in servers:
            with _noted(server.name, "open streams fail", absent):
                taken = loop.run_until_complete(open_streams(server, STREAMS))
                cancelled = loop.run_until_complete(leave(server, lost, LEAVE))
                results[server.name] = results[server.name]._replace(open_stream=taken, cancelled=cancelled)
        _load(servers, results, rounds, folder, absent)
    held.close()
    loop.close()
    return results


def _load(servers: list[Running], results: dict[str, Found], rounds: int, folder: Path, absent: list[str]) -> None:
    fail: set[tuple[str, str]] = set()
    for number in range(rounds + 1):  # the first one warms up
        for server in servers[number % len(servers) :] + servers[: number % len(servers)]:
            slow, found = server.name == SLOW, results[server.name]
            for kind, at_once, seconds, values in (
                ("answer", 16, 3, found.calls),
                ("piece", 2 if slow else 4, 10 if slow else 3, found.streams),
            ):
                if (server.name, kind) in fail:
                    continue
                fail.add((server.name, kind))
                with _noted(server.name, f"its {'streams' if kind == 'piece' else 'calls'} fail", absent):
                    cpu = wrk(server, kind, folder, at_once=at_once, seconds=seconds)
                    fail.discard((server.name, kind))
                    if number:
                        values.append(cpu)
        print(f"round {number} of {rounds}", flush=True)


@contextmanager
def _noted(name: str, what: str, absent: list[str]) -> Iterator[None]:
    """Let one measurement fail, and say so on the page."""
    try:
        yield
    except (OSError, RuntimeError, TimeoutError, asyncio.IncompleteReadError) as error:
        absent.append(f"{name}: {what}")
        print(f"{name}: {what}: {error}", flush=True)


# -- the page ------------------------------------------------------------------------------


def _ratio(of: list[float], to: list[float]) -> Spread | None:
    return None if not of else Spread.of([one / other for one, other in zip(of, to, strict=True)])


def _met(value: float, most: float) -> str:
    return "yes" if value <= most else "**no**"


def bars(results: dict[str, Found]) -> list[str]:
    """Return the table of the bars."""
    proxy, ours = results[PROXY], results[OURS]
    rows = []

    def row(what: str, bar: str, shown: object, value: float, most: float) -> None:
        rows.append(f"| {what} | {bar} | {shown} | {_met(value, most)} |")

    call = Spread.of([one / other for one, other in zip(ours.calls, proxy.calls, strict=True)])
    row("CPU of a call / bare aiohttp proxy", "≤ 1.5", call, call.middle, 1.5)
    for peer, most in (("Portkey", 6), (SLOW, 50)):
        if peer in results and (times := _ratio(results[peer].calls, ours.calls)) is not None:
            row(f"the same / {peer}", f"≤ 1/{most}", f"1/{times}", 1 / times.middle, 1 / most)
    stream = Spread.of(ours.streams) * 1e3
    row(f"CPU of a stream of {CHUNKS} chunks in one burst", "≤ 3 ms", f"{stream} ms", stream.middle, 3.0)
    row("an open stream", "≤ 45 kB", f"{ours.open_stream / 1e3:.1f} kB", ours.open_stream, 45e3)
    share = len(ours.cancelled) / LEAVE
    slowest = max(ours.cancelled, default=float("inf"))
    row("upstream cancelled after the caller left", "100 %", f"{share:.0%}", 1 - share, 0.0)
    row("… after", "≤ 50 ms", _milliseconds(ours.cancelled), slowest, 0.05)
    shown = f"{ours.start_s:.2f} s, of which {ours.start_cpu_s:.2f} s of CPU"
    row("start to first answer", "≤ 0.7 s", shown, ours.start_s, 0.7)
    row("memory once it answers", "≤ 60 MB", f"{ours.memory / 1e6:.0f} MB", ours.memory, 60e6)
    return ["| what | bar | measured | met |", "| --- | --- | --- | --- |", *rows]


def _milliseconds(seconds: list[float]) -> str:
    if not seconds:
        return ""
    return f"{median(seconds) * 1e3:.0f} ms, at most {max(seconds) * 1e3:.0f} ms"


def _cancelled(one: Found) -> str:
    return f"{len(one.cancelled) / LEAVE:.0%}, {_milliseconds(one.cancelled)}" if one.open_stream else ""


def table(results: dict[str, Found]) -> list[str]:
    """Return what was measured of each."""
    columns: list[tuple[str, Callable[[Found], str]]] = [
        ("a call", lambda one: f"{Spread.of(one.calls) * 1e6} µs" if one.calls else ""),
        ("/ proxy", lambda one: str(_ratio(one.calls, results[PROXY].calls) or "")),
        (f"{CHUNKS} chunks", lambda one: f"{Spread.of(one.streams) * 1e3} ms" if one.streams else ""),
        ("/ proxy", lambda one: str(_ratio(one.streams, results[PROXY].streams) or "")),
        ("open stream", lambda one: f"{one.open_stream / 1e3:.0f} kB" if one.open_stream else ""),
        ("cancelled", _cancelled),
        ("start", lambda one: f"{one.start_s:.1f} s"),
        ("memory", lambda one: f"{one.memory / 1e6:.0f} MB"),
    ]
    return [
        f"|  | {' | '.join(name for name, _ in columns)} |",
        f"|{' --- |' * (len(columns) + 1)}",
        *(f"| {name} | {' | '.join(show(one) for _, show in columns)} |" for name, one in results.items()),
    ]


def page(results: dict[str, Found], found: Sequence[Contender], absent: list[str], rounds: int) -> str:
    wrk_version = subprocess.run(["wrk", "-v"], stdout=subprocess.PIPE, text=True, check=False).stdout.split(" [")[0]
    node = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    versions = [f"aiohttp {version('aiohttp')}", *(f"{one.name} {one.version}" for one in found if one.version)]
    if any(one.name == "Portkey" for one in found):
        versions.append(f"Node.js {node}")
    ours, proxy = results[OURS], results[PROXY]
    lines = [
        "# What a call through the gateway costs",
        "",
        f"Made by `python -m benchmarks.gateway`, with Python {platform.python_version()}, "
        f"{platform.system()} on {platform.machine()} with {os.cpu_count()} CPUs. The service is {nginx_version()}, "
        f"the load {wrk_version.strip()}.",
        "",
        "- Figures are CPU time of the processes of a gateway, from `/proc`, by the calls that wrk has counted, with",
        "  16 connections (streams: 4; LiteLLM's 2). Ours has a key with limits and a budget, counts cost, and writes",
        "  its log and metrics; the proxy copies bytes; the peers are as they come, without a database.",
        f"- A run has {rounds} rounds. In a round all are measured in turn, and ratios are of the same round. Each",
        "  figure is the median of its rounds, in brackets the middle 90 % of them.",
        "- Absolute figures depend on the machine and its load; ratios hardly do.",
        f"- Open streams are {STREAMS} that have sent one event. {LEAVE} callers leave: half of them while they read a",
        "  stream, half while they wait for a whole answer; it counts when the service loses the connection.",
        f"- Absent: {'; '.join(absent) if absent else 'nothing'}.",
        "",
        f"Versions: {', '.join(versions)}.",
        "",
        "## The bars",
        "",
        *bars(results),
        "",
        f"A call through the proxy takes {figure(median(proxy.calls) * 1e6)} µs of CPU here, and one through the",
        f"gateway {figure((median(ours.calls) - median(proxy.calls)) * 1e6)} µs more.",
        "",
        "## Beside the peers",
        "",
        *table(results),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gateway", description="Measure what the gateway costs.")
    parser.add_argument("--quick", action="store_true", help="only the proxy and this gateway; writes nothing")
    parser.add_argument("--rounds", type=int, help="measurements of each (7; 2 with --quick)")
    parser.add_argument("--folder", type=Path, default=ROOT / "benchmarks", help="where GATEWAY.md goes")
    given = parser.parse_args()
    for program in (binary(), shutil.which("wrk")):
        if program is None:
            sys.exit("nginx and wrk are needed; install them with your system's packages")
    rounds = given.rounds or (2 if given.quick else 7)
    found, absent = contenders(ours_alone=given.quick)
    results = run(found, rounds, absent)
    if given.quick:
        print("\n".join(bars(results)))
    else:
        (given.folder / "GATEWAY.md").write_text(page(results, found, absent, rounds), "utf-8")


if __name__ == "__main__":
    main()
