"""A quick sweep in each run of the suite; `python -m stress.cancellation --minutes 60` makes a long one."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from helpers.installing import ROOT, unmeasured

ON_POSIX = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="it sends signals")


@ON_POSIX
def test_a_call_that_is_cancelled_interrupted_or_closed_at_any_step_leaves_nothing_behind() -> None:
    """The sweep runs in a process of its own, because it sends signals, counts files and collects every warning."""
    sweep("--quick")


@ON_POSIX
@pytest.mark.parametrize(
    ("form", "mode"),
    [
        ("over TLS", "loop stopped"),
        ("stream over TLS", "loop stopped"),
        ("large body over TLS", "loop stopped"),
        ("large body over TLS", "cancelled"),
    ],
)
def test_no_tls_connection_is_left_open(form: str, mode: str) -> None:
    sweep("--only", form, "--mode", mode)


@ON_POSIX
@pytest.mark.parametrize("mode", ["cancelled", "loop stopped"])
def test_the_public_way_leaves_nothing_behind_either(mode: str) -> None:
    sweep("--only", "stream over TLS", "--mode", mode, G4F_LITE_PUBLIC_TRANSPORT="1")


def sweep(*arguments: str, **environment: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "stress.cancellation", *arguments],
        cwd=ROOT,
        env=unmeasured(**environment),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "tried: " in ran.stdout
