"""`g4f-lite simulate`: what would come of a policy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import json_option
from .output import print_json, print_table, printable

if TYPE_CHECKING:
    from ..simulation.figures import Percentiles, PolicyReport
    from ..simulation.report import Report

_EXAMPLES = """\b
Examples:
  g4f-lite simulate scenario.toml
  g4f-lite simulate scenario.toml --against patient.toml --against hedged.toml --svg policies.svg
  g4f-lite simulate scenario.toml --calls trails.jsonl --json
  g4f-lite simulate --learn trails.jsonl -o learnt.toml
"""
_WRITTEN = click.Path(dir_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(epilog=_EXAMPLES)
@click.argument("scenario", metavar="[SCENARIO]", type=_FILE, required=False)
@click.option(
    "--against", metavar="FILE", type=_FILE, multiple=True, help="Another policy, or another scenario. Repeatable."
)
@click.option("--calls", metavar="FILE", type=_FILE, help="Calls as they were made: recorded trails, one a line.")
@click.option("--seed", type=int, metavar="NUMBER", help="Seed of chance, in place of the scenario's.")
@click.option("--svg", metavar="FILE", type=_WRITTEN, help="Write a picture.")
@click.option("--learn", metavar="FILE", type=_FILE, help="Make a scenario of recorded trails, one a line.")
@click.option(
    "-o", "--output", metavar="FILE", type=_WRITTEN, help="Write the scenario of --learn here, not to stdout."
)
@json_option("Print JSON.")
def simulate(
    *,
    scenario: Path | None,
    against: tuple[Path, ...],
    calls: Path | None,
    seed: int | None,
    svg: Path | None,
    learn: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """
    Show what would come of a policy.

    The real router calls modelled services on a virtual clock. SCENARIO is a TOML file with services, traffic and a
    policy; each file of --against has another policy for them.
    With --learn, such a file is made of recorded trails; with -o, its figures are shown beside those of the record.
    """
    if learn is not None:
        if scenario is not None or against or calls is not None:
            raise click.UsageError("--learn makes a scenario: it takes none, and no --against or --calls.")
        _learn(learn, output, seed, svg, as_json=as_json)
        return
    if scenario is None:
        raise click.UsageError("Give a SCENARIO, or trails with --learn.")
    if output is not None:
        raise click.UsageError("-o belongs to --learn.")
    from ..simulation import load, recorded_traffic
    from ..simulation import simulate as run

    first = load(scenario)
    others = [load(path, base=first) for path in against]
    recorded = None if calls is None else recorded_traffic(calls)
    with _shown() as progress:
        report = run(first, others, seed=seed, calls=recorded, progress=progress)
    _show(report, svg, as_json=as_json)


def _learn(trails: Path, output: Path | None, seed: int | None, svg: Path | None, *, as_json: bool) -> None:
    """Write or print the scenario; if it is written, show its figures and those of the record."""
    import msgspec

    from ..simulation import learn, read_trails, recorded_report, to_toml
    from ..simulation import simulate as run

    calls = read_trails(trails)
    learnt = learn(calls)
    if output is None:
        click.echo(to_toml(learnt), nl=False)
        return
    output.write_text(to_toml(learnt), "utf-8")
    with _shown() as progress:
        report = run(learnt, seed=seed, progress=progress)
    policies = (recorded_report(calls, learnt), *report.policies)
    _show(msgspec.structs.replace(report, policies=policies, phases=report.phases * 2), svg, as_json=as_json)


def _show(report: Report, svg: Path | None, *, as_json: bool) -> None:
    if svg is not None:
        svg.write_text(report.svg(), "utf-8")
    if as_json:
        print_json(report.to_dict())
    else:
        names = [printable(one.name) for one in report.policies]
        rows = list(_rows(report))
        print_table(("", *names), rows if sys.stdout.isatty() else [("policy", *names), *rows])


@contextmanager
def _shown() -> Iterator[Callable[[str, int, float], None] | None]:
    """Yield what shows on a terminal how far it is."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.live import Live

    with Live("", console=Console(stderr=True, highlight=False), auto_refresh=False, transient=True) as live:
        yield lambda name, ended, now: live.update(
            f"{printable(name)}: {ended:,} calls, {now:,.0f} s of virtual time", refresh=True
        )


def _rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yield the figures, each with its value for every policy."""
    policies = report.policies

    def row(label: str, value: Callable[[PolicyReport], str]) -> tuple[str, ...]:
        return (label, *map(value, policies))

    yield row("calls", lambda one: f"{one.calls:,}")
    yield row("answered", lambda one: f"{one.answered:,}{_share(one.answered, one.calls)}")
    yield row("refused, nothing sent", lambda one: f"{one.refused:,}")
    yield row("failed", lambda one: f"{one.failed:,}")
    yield row("interrupted", lambda one: f"{one.interrupted:,}")
    for error in sorted({name for one in policies for name in one.errors}):
        yield row(f"  {error}", lambda one, error=error: f"{one.errors.get(error, 0):,}")  # type: ignore[misc]
    yield row("first content, p50 p95 p99", lambda one: _times(one.first_content))
    yield row("end, p50 p95 p99", lambda one: _times(one.end))
    yield row("attempts", lambda one: f"{one.attempts:,}")
    yield row("  wasted", lambda one: f"{one.attempts_wasted:,}{_share(one.attempts_wasted, one.attempts)}")
    if any(one.cost for one in policies):
        yield row("cost", lambda one: f"${one.cost:,.4f}")
        yield row("  wasted", lambda one: f"${one.cost_wasted:,.4f}{_share(one.cost_wasted, one.cost)}")
    for name in dict.fromkeys(name for one in policies for name in one.services):
        yield from _rows_of(name, policies)


def _rows_of(name: str, policies: tuple[PolicyReport, ...]) -> Iterator[tuple[str, ...]]:
    found = [one.services.get(name) for one in policies]
    yield (f"{name}: requests", *("-" if one is None else f"{one.requests:,}" for one in found))
    yield ("  failed", *("-" if one is None else f"{one.failed:,}" for one in found))
    in_flight = (None if one is None else f"{one.mean_in_flight:.3g}, {one.peak_in_flight:,}" for one in found)
    yield ("  in flight, mean and peak", *(one or "-" for one in in_flight))
    if any(one is not None and one.requests_while_failing for one in found):
        yield (
            "  requests while it failed",
            *("-" if one is None else f"{one.requests_while_failing:,}" for one in found),
        )
    for until in sorted({back.until_s for one in policies for back in one.recoveries if back.service == name}):
        backs = [
            next((back for back in one.recoveries if (back.service, back.until_s) == (name, until)), None)
            for one in policies
        ]
        times = (
            "-" if back is None else "never" if back.seconds is None else f"{back.seconds:.3g} s" for back in backs
        )
        yield (f"  back after {until:g} s", *times)


def _share(part: float, whole: float) -> str:
    return f" ({100 * part / whole:.4g} %)" if whole else ""


def _times(found: Percentiles) -> str:
    return "-" if found.p50 is None else f"{found.p50:.3g}, {found.p95:.3g}, {found.p99:.3g} s"
