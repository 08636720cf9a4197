"""A program that ends in the middle of a stream prints nothing about it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from g4f_lite.testing import FaultServer

PROGRAM = """
import sys
from g4f_lite.openai import {kind}
client = {kind}(api_key="k", base_url=sys.argv[1])
stream = client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "hi"}}], stream=True)
print(next(stream).object)
"""


@pytest.mark.parametrize("kind", ["OpenAI", "Groq"])
def test_an_abandoned_stream_is_silent(kind: str, server: FaultServer) -> None:
    address = server.base_url if kind == "OpenAI" else server.origin
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(kind=kind), address], capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == ("chat.completion.chunk\n", "")
