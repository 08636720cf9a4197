"""Runs targets: what is kept in the corpus first, then new cases."""

from __future__ import annotations

import ast
import contextlib
import shlex
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from .promises import PromiseBrokenError

CORPUS = Path(__file__).with_name("corpus")
Case: TypeAlias = tuple[Any, ...]
Check: TypeAlias = Callable[..., None]


class Target(NamedTuple):
    """What is fed, and how it is checked."""

    check: Callable[[], AbstractContextManager[Check]]
    """Opens what the check needs."""
    cases: SearchStrategy[Case]
    sound: Sequence[Case]
    """Cases that are checked in each run, as those of the corpus are."""
    share: float = 1.0
    """How many new cases it gets, compared with others: less if each is slow."""


class Found(NamedTuple):
    """A case that breaks a promise, as small as it was found."""

    target: str
    promise: str
    case: Case
    trace: str
    seed: int | None

    def __str__(self) -> str:
        origin = "kept case" if self.seed is None else f"seed {self.seed}"
        return (
            f"{self.trace}\nBROKEN ({self.target}, {origin}): {self.promise}\ncase: {self.case!r}\n"
            f"repeat: python -m stress.fuzz --only {self.target} --case {shlex.quote(repr(self.case))}"
        )


def plain(check: Check) -> Callable[[], AbstractContextManager[Check]]:
    """Return the opener of a check that needs nothing."""
    return lambda: contextlib.nullcontext(check)


def kept(name: str) -> list[Case]:
    """Return the cases of the corpus: one on each line, after its comment."""
    path = CORPUS / f"{name}.txt"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [ast.literal_eval(line) for line in lines if line and not line.startswith("#")]


def replay(name: str, target: Target, cases: Sequence[Case]) -> Iterator[Found]:
    """Check these cases, and yield those that break a promise."""
    with target.check() as check:
        for case in cases:
            try:
                check(*case)
            except Exception as error:
                yield _found(name, error, case, None)


def explore(name: str, target: Target, examples: int, number: int, known: Collection[str] = ()) -> Iterator[Found]:
    """
    Check this many new cases, the same for the same number; yield one that breaks a promise, as small as possible.

    Args:
        known: promises that are broken anyway; others are looked for.
    """
    failing: list[Case] = []
    with target.check() as check:

        @seed(number)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(target.cases)
        def once(case: Case) -> None:
            try:
                check(*case)
            except Exception as error:
                if promise_of(error) not in known:
                    failing.append(case)
                    raise

        try:
            once()
        except Exception as error:
            if not failing:
                raise
            yield _found(name, error, failing[-1], number)


def promise_of(error: Exception) -> str:
    """Return which promise an error breaks."""
    if isinstance(error, PromiseBrokenError):
        return error.promise
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"only the library's errors are raised: {type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def _found(name: str, error: Exception, case: Case, number: int | None) -> Found:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "hypothesis" not in frame.filename]
    trace = "".join(traceback.format_list(frames[-6:])) + f"{type(error).__name__}: {error}"
    return Found(name, promise_of(error), case, trace[:6000], number)
