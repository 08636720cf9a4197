"""`g4f-lite bulk`: many prompts, from a file to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .config import read_config
from .options import check_names, json_option, question_options, question_params
from .output import note, print_json, printable

if TYPE_CHECKING:
    from ..bulk.job import Job
    from ..bulk.progress import Summary
    from ..types.declared_limits import Limits, UnknownPrice

SOME_FAILED, CAP, FAILURES = 4, 5, 6
"""Exit codes, besides those of all commands; docs/cli.md lists them."""
_EXAMPLES = """\b
Examples:
  g4f-lite bulk prompts.jsonl answers.jsonl -p groq --max-cost 5
  g4f-lite bulk reviews.csv answers.jsonl --template "Which mood has this? {text}" --dry-run
  g4f-lite bulk prompts.jsonl answers.jsonl -p groq --retry-failed
"""


def _template(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    """Return the template itself, which may be in a file."""
    if given is None or "{" in given:
        return given
    try:
        return Path(given).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise click.BadParameter(f"it has no field in braces, and is no file: {given} ({reason})") from None


def _at_once(ctx: click.Context, param: click.Parameter, given: str) -> int | str:
    if given == "auto":
        return given
    if not given.isdecimal() or not int(given):
        raise click.BadParameter(f"{given!r} is neither auto nor a number above 0")
    return int(given)


@click.command(epilog=_EXAMPLES)
@click.argument("source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@question_options(prompt=False)
@click.option(
    "--template", metavar="TEXT", callback=_template, help="Prompt with a row's fields in {braces}, or a file with it."
)
@click.option("--at-once", metavar="N|auto", default="auto", callback=_at_once, help="Calls made at once. [auto]")
@click.option(
    "--max-cost", type=click.FloatRange(0, min_open=True), metavar="USD", help="The most that all runs may cost."
)
@click.option(
    "--unknown-price",
    type=click.Choice(["refuse", "allow"]),
    default="refuse",
    help="With --max-cost: whether routes whose price is not known are used. [refuse]",
)
@click.option("--max-failures", metavar="N|N%", help="Stop if more rows fail.")
@click.option("--rpm", type=click.IntRange(1), metavar="N", help="Requests a minute, to each provider.")
@click.option("--tpm", type=click.IntRange(1), metavar="N", help="Tokens a minute, of each provider.")
@click.option("--dry-run", is_flag=True, help="Print what is left and what it may cost; send nothing.")
@click.option("--retry-failed", is_flag=True, help="Ask the rows again that have failed.")
@click.option(
    "--ray",
    "cluster",
    metavar="[ADDRESS]",
    is_flag=False,
    flag_value="",
    help="Make the calls on a Ray cluster: that one, or that of the environment, or a new one here.",
)
@json_option("Print the summary, or the plan, as JSON.")
@click.pass_context
def bulk(
    ctx: click.Context,
    /,
    *,
    source: Path,
    out: Path,
    base_urls: dict[str, str],
    template: str | None,
    rpm: int | None,
    tpm: int | None,
    dry_run: bool,
    as_json: bool,
    at_once: Any,
    max_cost: float | None,
    unknown_price: UnknownPrice,
    max_failures: str | None,
    retry_failed: bool,
    cluster: str | None,
    **options: Any,
) -> None:
    """
    Answer each row of the file IN.

    The answers are appended to the file OUT. IN has JSON lines with "prompt" or "messages", lines of OpenAI's batch
    API, or, with --template, CSV. A run that was interrupted goes on where it ended if the command is given again.
    OUT.failed.jsonl has the rows that failed.
    """
    params = question_params(None, **read_config().fill(options))
    system = next((one["content"] for one in params.pop("messages")), None)
    check_names(base_urls)
    settings: dict[str, Any] = {"base_urls": base_urls}
    make = _kind(cluster, settings)
    if rpm or tpm:
        settings["limits"] = _limits(rpm, tpm)
    job = make(
        source,
        out,
        params=params,
        system=system,
        template=template,
        at_once=at_once,
        max_cost=max_cost,
        unknown_price=unknown_price,
        max_failures=max_failures,
        retry_failed=retry_failed,
        **settings,
    )
    if dry_run:
        plan = job.plan()
        if as_json:
            print_json(plan.to_dict())
        else:
            click.echo(printable(str(plan)))
        return
    from .bulk_progress import shown

    for one in job.left_out():
        note(f"{one.route} is left out: {one.reason}. Other routes answer in its place.")
    with shown(source, out) as show:
        summary = job.run(show)
    if as_json:
        print_json(summary.to_dict())
    else:
        _tell(summary, out)
    ctx.exit(_exit_code(summary))


def _kind(cluster: str | None, settings: dict[str, Any]) -> type[Job]:
    """Return the kind of job, and add to its settings where its calls are made."""
    from ..bulk.job import Job

    if cluster is None:
        return Job
    try:
        from ..bulk.ray import RayJob
    except ImportError as error:
        raise click.UsageError(str(error)) from None
    settings["address"] = cluster or None
    return RayJob


def _limits(rpm: int | None, tpm: int | None) -> dict[str, Limits]:
    from ..plugins.registry import process_registry
    from ..types.declared_limits import Limits

    return dict.fromkeys(process_registry().names(), Limits(rpm=rpm, tpm=tpm))


def _tell(summary: Summary, out: Path) -> None:
    from ..bulk.journal import failures_of
    from .bulk_progress import duration, money

    words = [f"{summary.answered:,} answered", f"{summary.failed:,} failed"]
    if summary.left:
        words.append(f"{summary.left:,} left")
    tokens = summary.prompt_tokens + summary.completion_tokens
    words += [f"{tokens:,} tokens", f"{money(summary.cost)}", f"in {duration(summary.elapsed_s)}"]
    click.echo(", ".join(words))
    if summary.answered:
        routes = [f"{route} {rows:,}" for route, rows in summary.routes.items()]
        click.echo(printable(f"routes:   {', '.join(routes)}"))
        click.echo(f"answers:  {out}")
    if summary.failed:
        click.echo(f"failures: {failures_of(out)}")
        if summary.last_error is not None:
            click.echo(printable(f"last error: {' '.join(map(str.strip, summary.last_error.splitlines()[:2]))}"))
        note("--retry-failed asks the rows again that failed.")
    if summary.reason is not None:
        why = {"cap": "the money is spent", "failures": "too many fail", "interrupted": "interrupted"}[summary.ending]
        click.echo(printable(f"Stopped, {why}: {summary.reason}"), err=True)
        note("the same command goes on where this run ended.")


def _exit_code(summary: Summary) -> int:
    from .failures import INTERRUPTED

    stopped = {"cap": CAP, "failures": FAILURES, "interrupted": INTERRUPTED}
    return stopped.get(summary.ending, SOME_FAILED if summary.failed else 0)
