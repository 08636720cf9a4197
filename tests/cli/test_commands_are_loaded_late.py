"""A command loads its own module and no other command's; an unknown one gets the nearest name."""

from __future__ import annotations

from helpers.commands import run
from helpers.imports import python


def test_a_command_loads_no_other() -> None:
    done = python(
        "import sys; from click.testing import CliRunner; from g4f_lite.cli.app import commands\n"
        "assert CliRunner().invoke(commands, ['serve', '--help']).exit_code == 0\n"
        "print(*[name.removeprefix('g4f_lite.cli.') for name in sys.modules])"
    )
    loaded = set(done.stdout.split())
    assert "serve" in loaded, done.stderr
    assert not {"ask", "bulk", "doctor", "listings"} & loaded


def test_a_misspelt_command_gets_the_nearest() -> None:
    ran = run("aks")
    assert ran.code == 2
    assert "Did you mean 'ask'?" in ran.err
