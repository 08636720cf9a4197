"""
The group of all commands, and how each of them ends.

Rule: an exception of a command becomes a short message and an exit code here, and nowhere else.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Any

import click

from ..version import __version__
from . import failures

_MODULES = {
    **{
        name: name
        for name in (
            "ask", "bulk", "chat", "doctor", "embed", "explain", "gateway", "keys", "logs", "plugin", "serve",
            "simulate", "transcribe",
        )
    },
    **dict.fromkeys(("models", "plugins", "providers"), "listings"),
}  # fmt: skip
"""The commands, each with the module that it is in."""

_EXAMPLES = """\b
Examples:
  g4f-lite ask "Which day is it?"
  git diff | g4f-lite ask "Write a commit message" -p groq
  g4f-lite doctor
"""


_WITH_FILES = ("serve", "gateway", "simulate")
"""The commands whose settings are in a file: their names there are not those of options."""


class _Commands(click.Group):
    """Import a command when it is needed; turn any exception of it into a short message and an exit code."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        command: click.Command = getattr(import_module(f".{_MODULES[cmd_name]}", __package__), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except KeyboardInterrupt:
            code = failures.INTERRUPTED
        except Exception as error:
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):  # which an exceeded deadline is
                code = failures.cannot_write(error)
            else:
                code = failures.report(
                    error,
                    verbose=ctx.meta.get(failures.VERBOSE, False),
                    as_json=ctx.meta.get(failures.AS_JSON, False),
                    of_file=ctx.invoked_subcommand in _WITH_FILES,
                )
        raise click.exceptions.Exit(code)


@click.group(
    cls=_Commands,
    commands={name: click.Command(name) for name in _MODULES},  # their names alone
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """Send a chat to whichever LLM provider can answer it."""


def run() -> int:
    """Run the command with the process's arguments and return its exit code."""
    if sys.stdout is None:  # `>&-`: nobody would see the answer
        return failures.no_output()
    failures.prepare_streams()
    warnings.showwarning = failures.show_warning
    try:
        return commands.main(prog_name="g4f-lite", standalone_mode=False) or 0
    except click.ClickException as error:
        failures.with_hint(error).show()
        return error.exit_code
    except click.Abort:
        return failures.INTERRUPTED
    except OSError as error:
        return failures.cannot_write(error)
