"""Contenders measured in turn and repeatedly, A B A B, so that other load on the machine affects all of them alike."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from .cases import OWN, Case
from .nginx import KINDS, binary, nginx
from .processor import give_way
from .spread import Spread

ROOT = Path(__file__).parents[1]
QUIET = {"G4F_LITE_LOAD_PLUGINS": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""Keeps plugins that are installed here from being loaded, and litellm from fetching a price list on import."""

BUDGET_S = 1.0
"""CPU time of a peer for one case or import in one sweep. A peer that has spent it waits for the next sweep."""

Round = dict[str, dict[str, Any]]
"""The figures of each contender, by name."""


class Worker:
    """A contender's process."""

    def __init__(self, python: Path, module: str) -> None:
        self.module = module
        environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        environment |= {"PYTHONPATH": str(ROOT), **QUIET}
        if python == Path(sys.executable):
            environment["PYTHONPATH"] += f"{os.pathsep}{ROOT / 'providers'}"
        self._log = TemporaryFile("w+")  # noqa: SIM115  # closed in __exit__; a pipe would fill up during a run
        self._process = subprocess.Popen(
            [str(python), "-m", "benchmarks.worker", module],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, cwd="/", env=environment,
        )  # fmt: skip

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()
        self._log.close()

    def can(self, call: str) -> bool:
        return self._process.poll() is None and hasattr(importlib.import_module(self.module), call)

    def wait(self) -> Any:
        """Return its next answer; the first one says that it has started."""
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            self._process.wait()
            self._log.seek(0)
            raise RuntimeError(f"{self.module} has ended: {self._log.read()[-2000:]}")
        return json.loads(answer)

    def ask(self, *question: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.wait()


@contextmanager
def upstream() -> Iterator[dict[str, str]]:
    """Run the service and yield the base URL for each kind of answer: nginx's if it is installed, else our own."""
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, str(ROOT / "benchmarks" / "upstream.py")], stdout=subprocess.PIPE, text=True
            )
        )
        stack.callback(process.terminate)
        give_way(process.pid)
        assert process.stdout is not None
        origins = dict.fromkeys(("answer", "piece", "burst", "packets", "held"), int(process.stdout.readline()))
        bases = {kind: f"http://127.0.0.1:{port}" for kind, port in origins.items()}
        if binary():
            bases |= dict.fromkeys(KINDS, stack.enter_context(nginx()))
        yield {kind: f"{base}/{kind}/openai/v1" for kind, base in bases.items()}


def measure(case: Case, workers: Mapping[str, Worker], rounds: int, bases: Mapping[str, str]) -> list[Round]:
    """Return the figures of the base and of each contender that has this call. A peer that fails is left out."""
    calls = {name: case.call for name, worker in workers.items() if worker.can(case.call)} | {case.base: case.base_call}
    taken: list[Round] = [{} for _ in range(rounds)]
    spent: Counter[str] = Counter()
    for row in taken:
        for name, call in list(calls.items()):
            if spent[name] > BUDGET_S and name not in OWN:
                continue
            try:
                row[name] = measured = workers[name].ask("measure", call, bases[case.kind], case.parallel)
            except RuntimeError as error:
                if name in OWN:
                    raise
                print(f"{name} is left out of {case.name} from now on: {error}", file=sys.stderr)
                del calls[name]
                continue
            spent[name] += measured["cpu"] * len(measured["walls"])
    return taken


def ratio(rounds: Sequence[Round], name: str, base: str, what: str = "cpu") -> Spread:
    """Return the ratio of this figure to that of the base, round by round."""
    return Spread.of([row[name][what] / row[base][what] for row in rounds if name in row])


def figures(rounds: Sequence[Round], name: str, what: str = "cpu") -> Spread:
    return Spread.of([row[name][what] for row in rounds if name in row])
