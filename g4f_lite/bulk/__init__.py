"""
Bulk jobs: thousands to millions of prompts, from a file to a file, that end whole whatever breaks.

    from g4f_lite.bulk import Job

    summary = Job("in.jsonl", "out.jsonl", routes=["groq"], max_cost=5.0).run()

Rule: every call is one of `AsyncClient`, so that limits, budgets, hooks and failover are those of the library; here is
only what is asked next, and what is written. Command: `g4f-lite bulk`.

| file | what is in it |
| --- | --- |
| `job` | `Job`: the plan, the run, its progress |
| `settings` | the settings of a job, checked |
| `rows` | the rows of a source: JSON lines, batch lines, CSV, what a program yields |
| `seen` | which rows and ids have been seen, in little memory |
| `journal` | the output, which says what is done: appended, mended, locked |
| `manifest` | `OUT.job.json`: what the job is, and what has changed |
| `running` | one run: which row is asked next, when failures are written, and when it stops |
| `asking` | the call of a row: its keywords, where it would be sent, what it waits for |
| `lines` | how a row has ended, and the line that is written of it |
| `failures` | whose fault a failure is, and when the job stops |
| `pace` | how many calls are made at once |
| `progress` | the numbers of a job |
| `planning` | what is left to do, and what it may cost |
| `ray` | `RayJob` and `Ask`: the same on a cluster of Ray |
| `crew` | the actors of a `RayJob`, as its driver sees them |
| `signals` | Ctrl-C lets calls under way end; a second one does not |
"""

from __future__ import annotations

from .job import Job as Job
from .planning import Plan as Plan
from .progress import Progress as Progress
from .progress import Summary as Summary
