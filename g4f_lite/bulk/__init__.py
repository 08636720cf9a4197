"""
Bulk jobs: thousands to millions of prompts, from a file to a file, that end whole whatever breaks.

    from g4f_lite.bulk import Job

    summary = Job("in.jsonl", "out.jsonl", routes=["groq"], max_cost=5.0).run()

Rule: every call is one of `AsyncClient`, so that limits, budgets, hooks and failover are those of the library; here is
only what is asked next, and what is written. Names are imported on first use. Command: `g4f-lite bulk`.

| file | what is in it |
| --- | --- |
| `job` | `Job`: the plan, the run, its progress |
| `settings` | the settings of a job, checked |
| `rows` | the rows of a source: JSON lines, batch lines, CSV, what a program yields |
| `seen` | which rows and ids have been seen, in little memory |
| `journal` | the output, which says what is done: appended, mended, locked |
| `manifest` | `OUT.job.json`: what the job is, and what has changed |
| `asking` | one row, from its keywords to the line that is written |
| `failures` | whose fault a failure is, and when the job stops |
| `pace` | how many calls are made at once |
| `progress` | the numbers of a job |
| `planning` | what is left to do, and what it may cost |
| `ray` | `RayJob` and `Ask`: the same on a cluster of Ray |
| `signals` | Ctrl-C lets calls under way end; a second one does not |
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import Job as Job
    from .planning import Plan as Plan
    from .progress import Progress as Progress
    from .progress import Summary as Summary

_MODULES = {"job": "Job", "planning": "Plan", "progress": "Progress Summary"}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [*sorted(_HOME)]  # noqa: PLE0604  # a list of strings, built


if not TYPE_CHECKING:  # a checker must not believe that every name exists

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
        globals()[name] = value
        return value
