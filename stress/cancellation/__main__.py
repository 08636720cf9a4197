"""
Interrupts each form of a call at each step, and checks what must hold afterwards.

    python -m stress.cancellation                        one pass: each step of the loop, each point of the library; hours
    python -m stress.cancellation --stride 10            each tenth of them
    python -m stress.cancellation --quick                some of them, the same each time, in less than a minute
    python -m stress.cancellation --minutes 60           at random for so long: any step, any point of any code, any moment
    python -m stress.cancellation --only "hedged stream" --mode "cancelled twice" --step 17     repeats one

A failure prints, when it is found, its form, mode and step, and the command that repeats it.
"""

from __future__ import annotations

import argparse
import faulthandler
import gc
import random
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from unittest import mock

import g4f_lite.failover.tenacity_loop  # noqa: F401  # loading it takes thousands of points
from g4f_lite.health import tracker

from . import interrupting, stepping
from .forms import FORMS, Form
from .interrupting import Windows
from .world import SHORT_S, World

STUCK_S = 60.0
"""After so long in one call, the stacks of all threads are printed, and the program ends."""
LATEST_S = 0.02
"""Until when signals come at random moments."""
MOST_STEPS = 20_000
"""Steps of a call, until it is known that it has fewer."""

QUICK = {
    "cancelled": 3, "cancelled twice": 11, "cancelled three times": 17, "timed out": 13, "failure of a sibling": 13,
    "stream closed by another task": 7, "client closed by another task": 13, "loop stopped": 11, "loop closed": 13,
    "Ctrl-C": 331, "alarm": 661, "stream closed by another thread": 499, "client closed by another thread": 661,
}  # fmt: skip
"""The modes of a quick sweep: how many steps lie between two interruptions."""


class Sweep:
    """
    Args:
        strides: by mode, how many steps lie between two interruptions.
        stride: the same, of the other modes.
    """

    def __init__(self, world: World, strides: dict[str, int], stride: int = 1) -> None:
        self._world = world
        self._strides = strides
        self._stride = stride
        self.tried = 0
        self.problems: list[str] = []

    def cancel(self, form: Form, mode: str) -> None:
        """Cancel an asynchronous call at each step."""
        self._each_step(form, mode, self.cancel_once)

    def signal(self, form: Form, mode: str) -> None:
        """Interrupt a synchronous call at the points in the library's code."""
        self._each_step(form, mode, self.signal_in_library)

    def cancel_once(self, form: Form, mode: str, step: int) -> bool:
        return self.once(form, mode, step, lambda: stepping.interrupt(self._world, form, mode, step))

    def signal_in_library(self, form: Form, mode: str, at: int) -> bool:
        return self.once(form, mode, at, lambda: interrupting.interrupt(self._world, form, mode, at, own=True))

    def signal_once(self, form: Form, mode: str, at: int) -> None:
        """Interrupt a synchronous call at a point in any code."""
        self.once(form, f"{mode}, any code", at, lambda: interrupting.interrupt(self._world, form, mode, at))

    def signal_after(self, form: Form, mode: str, seconds: float) -> None:
        self.once(
            form,
            f"{mode} after {seconds:.6f} s",
            0,
            lambda: interrupting.interrupt(self._world, form, mode, 0, after=seconds),
        )

    def _each_step(self, form: Form, mode: str, interrupt: Callable[[Form, str, int], bool]) -> None:
        stride = self._strides.get(mode, self._stride)
        step = FORMS.index(form) % stride  # other steps for each form
        while interrupt(form, mode, step):
            step += stride

    def once(self, form: Form, mode: str, step: int, interrupt: Callable[[], bool]) -> bool:
        """Return whether the call was interrupted; note what was wrong."""
        self.tried += 1
        faulthandler.dump_traceback_later(STUCK_S, exit=True)
        try:
            return interrupt()
        except Exception as error:
            again = f"python -m stress.cancellation --only {shlex.quote(form.name)} --mode {shlex.quote(mode)}"
            self.problems.append(f"{form.name}, {mode}, step {step}: {error}\n    {again} --step {step}")
            print("PROBLEM:", self.problems[-1], flush=True)
            return len(self.problems) < 20
        finally:
            faulthandler.cancel_dump_traceback_later()


def pairs(only: str = "", mode: str = "") -> Iterator[tuple[str, Form, str]]:
    """Yield what there is to interrupt: the client, the form and the mode."""
    for form in FORMS:
        if only in ("", form.name):
            for client, modes in (("async", stepping.EVERY_MODE), ("sync", interrupting.EVERY_MODE)):
                if form.only in ("", client):
                    yield from ((client, form, one) for one in modes if _is_chosen(one, mode))


def _is_chosen(mode: str, given: str) -> bool:
    return given in ("", mode, f"{mode}, any code") or given.startswith(f"{mode} after ")


def quiet() -> mock._patch[float]:
    """Let calls look at another's probe often, so that waiting for it takes no time."""
    gc.collect()
    gc.freeze()  # what is there already need not be looked at after each call
    return mock.patch.object(tracker, "PROBE_POLL_S", SHORT_S)


def main() -> None:
    parser = argparse.ArgumentParser("python -m stress.cancellation", description="Interrupts calls at each step.")
    parser.add_argument("--quick", action="store_true", help="try some steps only")
    parser.add_argument("--stride", type=int, default=1, help="take every STRIDE-th step only")
    parser.add_argument("--minutes", type=float, default=0.0, help="interrupt at random for this long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", default="", help="the name of a form")
    parser.add_argument("--mode", default="", help="the name of a way to interrupt")
    parser.add_argument("--step", type=int, help="interrupt at this step only")
    given = parser.parse_args()
    end = time.monotonic() + given.minutes * 60
    with World() as world, quiet():
        sweep = Sweep(world, QUICK if given.quick else {}, given.stride)
        chosen = [one for one in pairs(given.only, given.mode) if not given.quick or one[2] in QUICK]
        if given.step is not None:
            for client, form, mode in chosen:
                _repeat(sweep, client, form, given.mode or mode, given.step)
        elif given.minutes:
            _at_random(sweep, chosen, random.Random(given.seed), end)
        else:
            for client, form, mode in chosen:
                (sweep.cancel if client == "async" else sweep.signal)(form, mode)
    print(f"seed: {given.seed}\ntried: {sweep.tried}\nwindows that Python leaves open: {Windows.seen}")
    sys.exit(bool(sweep.problems))


def _at_random(sweep: Sweep, chosen: list[tuple[str, Form, str]], chance: random.Random, end: float) -> None:
    steps = [MOST_STEPS] * len(chosen)
    while chosen and time.monotonic() < end:
        one = chance.randrange(len(chosen))
        client, form, mode = chosen[one]
        step = chance.randrange(steps[one])
        if client == "async":
            went_on = sweep.cancel_once(form, mode, step)
        elif chance.random() < 0.5:
            went_on = sweep.signal_in_library(form, mode, step)
        elif mode in interrupting.SIGNALS and chance.random() < 0.5:
            sweep.signal_after(form, mode, chance.random() * LATEST_S + 1e-6)
            continue
        else:
            sweep.signal_once(form, mode, chance.randrange(5000))
            continue
        if not went_on:  # the call has ended before this step
            steps[one] = max(1, step)


def _repeat(sweep: Sweep, client: str, form: Form, mode: str, step: int) -> None:
    world = sweep._world
    name, _, rest = mode.partition(" after ")
    if client == "async":
        sweep.once(form, mode, step, lambda: stepping.interrupt(world, form, mode, step))
    elif rest:
        sweep.signal_after(form, name, float(rest.split()[0]))
    elif mode.endswith(", any code"):
        sweep.signal_once(form, mode.removesuffix(", any code"), step)
    else:
        sweep.once(form, mode, step, lambda: interrupting.interrupt(world, form, mode, step, own=True))


if __name__ == "__main__":
    main()
