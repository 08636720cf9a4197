"""The first failure of a process imports tenacity; a Ctrl-C in the middle of that must not spoil later failures."""

from __future__ import annotations

import pytest
from helpers.imports import python

PROGRAM = """
import sys
from g4f_lite import Client, RateLimitError
from g4f_lite.testing import ScriptedProvider

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            raise KeyboardInterrupt

def ask():
    service = ScriptedProvider(RateLimitError("slow down", retry_after=0.001), "Sunday")
    with Client(routes=[service]) as client:
        return client.chat.completions.create(messages=[{{"role": "user", "content": "Which day is it?"}}])

sys.meta_path.insert(0, CtrlC())
try:
    ask()
except KeyboardInterrupt:
    print(ask().text)
"""


@pytest.mark.parametrize("module", ["tenacity.nap", "tenacity.wait", "tenacity.asyncio", "tenacity.asyncio.retry"])
def test_a_call_can_be_retried_after_ctrl_c_in_the_import_of_tenacity(module: str) -> None:
    done = python(PROGRAM.format(module=module))
    assert done.stdout.strip() == "Sunday", done.stderr
