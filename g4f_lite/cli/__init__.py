"""
The command `g4f-lite`; docs/cli.md describes its use and its exit codes.

Rule: `--version` and `--help` load click and nothing else; a command imports what it needs. Results go to standard
output, everything else to standard error.

    app             the group of commands, and how each of them ends
    ask             one prompt, one answer
    chat            question and answer, until the end of the input
    answering       an answer as it comes, and notes on it
    bulk            many prompts, from a file to a file
    bulk_progress   its progress: a bar, or lines of JSON
    attachments     files that go with a prompt
    call_log        the log of calls, in SQLite
    logs            `logs`, `logs on`, `logs off`
    config          the user's defaults and aliases
    embed           the vector of a text
    names           names that the shell completes
    transcribe      the text of a recording
    explain         the plan of a call, without sending it
    listings        `providers`, `models` and `plugins`
    doctor          what is installed, and which providers can be used
    status          the status of each provider: its key, its address, its problem
    simulate        what would come of a policy
    keys            the stored keys
    plugin          `plugin new`
    plugin_project  the files of a new plugin, made from `plugin_files/`
    options         the options that several commands share
    schema_fit      whether an answer fits the schema of `--schema`
    output          tables, JSON and notes
    wait_notes      notes on standard error before a long wait
    failures        what a failure prints, and its exit code
"""

from __future__ import annotations

import atexit
import signal
import sys
from importlib.util import find_spec

from ..errors.suggestions import install_hint


def main() -> int:
    """Run the command with the arguments of the process and return its exit code."""
    if missing := [name for name in ("click", "rich") if find_spec(name) is None]:
        sys.stderr.write(f"g4f-lite needs {' and '.join(missing)}: {install_hint('cli')}\n")
        return 2
    try:
        from .app import run

        return run()
    except KeyboardInterrupt:
        return 130
    finally:
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # All is written: a Ctrl-C while Python tidies up ends the process, with no traceback and not with success.
            atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)
