"""
Feeds the library inputs that services, networks and callers should never send, and checks what it promises.

    python -m stress.fuzz --minutes 60
    python -m stress.fuzz --only answers,sse --seed 7 --cases 5000
    python -m stress.fuzz --only errors --case "('groq', 429, {}, b'{}')"

The corpus and the sound cases come first. Without `--minutes`, each target gets `--cases` new cases; with it, batches
follow each other until the time is over. Each promise that is broken is printed once, with its seed, the smallest case
that breaks it, and the command that repeats it; such a case belongs into `corpus/`.
"""

from __future__ import annotations

import argparse
import ast
import random
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from . import answers, callers, errors, events, growth, wire
from .running import Found, Target, explore, kept, plain, replay

TARGETS: dict[str, Target] = {
    "sse": Target(plain(events.check), events.CASES, events.SEEDS),
    "answers": Target(plain(answers.check), answers.CASES, answers.SEEDS),
    "errors": Target(plain(errors.check), errors.CASES, errors.SEEDS),
    "requests": Target(callers.checking, callers.CASES, callers.SEEDS),
    "growth": Target(plain(growth.check), growth.CASES, growth.SEEDS, 0.05),
    "http": Target(wire.checking, wire.CASES, wire.SEEDS, 0.2),
}


def batches(
    names: Sequence[str], cases: int, first: int, end: float | None, broken: Mapping[str, Collection[str]]
) -> Iterator[Found]:
    number = first
    while True:
        for name in names:
            examples = max(1, int(cases * TARGETS[name].share))
            yield from explore(name, TARGETS[name], examples, number, broken[name])
            if end is not None and time.monotonic() > end:
                return
        if end is None:
            return
        number += 1


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m stress.fuzz", description=(__doc__ or "").strip().splitlines()[0]
    )
    arguments.add_argument("--only", default=",".join(TARGETS), help="targets, with commas: " + " ".join(TARGETS))
    arguments.add_argument("--minutes", type=float, help="run for this long")
    arguments.add_argument(
        "--cases", type=int, default=300, help="new cases in each batch; 0: only those that are kept"
    )
    arguments.add_argument("--seed", type=int, help="of the first batch; the next ones count on")
    arguments.add_argument("--case", type=ast.literal_eval, help="repeat this one case")
    given = arguments.parse_args()
    names = given.only.split(",")
    if unknown := set(names) - set(TARGETS):
        arguments.error(f"unknown: {', '.join(unknown)}")
    first = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {first}", flush=True)
    end = None if given.minutes is None else time.monotonic() + 60 * given.minutes
    broken: dict[str, set[str]] = {name: set() for name in names}

    def report(found: Iterable[Found]) -> None:
        for one in found:
            if one.promise not in broken[one.target]:
                broken[one.target].add(one.promise)
                print(one, flush=True)

    for name in names:
        report(replay(name, TARGETS[name], [given.case] if given.case else [*kept(name), *TARGETS[name].sound]))
    if not given.case and given.cases:
        report(batches(names, given.cases, first, end, broken))
    number = sum(map(len, broken.values()))
    print(f"{number} promises are broken" if number else "every promise held")
    sys.exit(bool(number))


if __name__ == "__main__":
    main()
