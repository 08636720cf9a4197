"""A process that can start no more threads: what needs one fails over, and says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("G4F_LITE_PUBLIC_TRANSPORT")),
    reason="the server, in the same process, has no thread for a further connection",
)

CHILD = """
import asyncio, sys, threading
from g4f_lite import AsyncClient, ChatCompletion, LocalProvider, OpenaiTemplate
from g4f_lite.testing import FaultServer

class Here(LocalProvider):
    name, default_model = "here", "m"
    def complete(self, request, *, cancelled):
        return ChatCompletion.model_validate({}) if False else None
    def stream(self, request, *, cancelled):
        yield from ()

class There(OpenaiTemplate):
    name, default_model = "there", "m"
    default_models = {"transcription": "t"}
    capabilities = frozenset({"streaming", "transcription"})

how, path = sys.argv[1:]
provider = {"local": Here, "local stream": Here}.get(how, There)

async def call(server):
    there = There(api_base=server.base_url, api_key="k")
    if how == "key":
        first = There(name="first", api_base=server.base_url, api_key=lambda: "k")
    elif how == "name":
        first = There(name="first", api_base="http://service.invalid/v1", api_key="k")
    elif how == "upload":
        first = there
    else:
        first = Here()
    async with AsyncClient(routes=[first, there], retries=0) as client:
        await client.chat.completions.create(messages=[{"role": "user", "content": "a"}], provider=there)
        size = threading.stack_size(1 << 46)  # no memory for such a stack: the system refuses the thread
        try:
            if how == "upload":
                print((await client.audio.transcriptions.create(file=path)).text)
                return
            answer = await client.chat.completions.create(
                messages=[{"role": "user", "content": "a"}], stream=how.endswith("stream"))
            if how.endswith("stream"):
                async for _ in answer:
                    pass
                answer = answer.completion
            print(answer.provider, answer.trail)
        finally:
            threading.stack_size(size)

with FaultServer() as server:
    asyncio.run(call(server))
"""


@pytest.mark.parametrize("how", ["local", "local stream", "key", "name"])
def test_a_leg_that_needs_a_thread_fails_over(how: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, how, ""], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("there "), done.stderr[-2000:]
    assert "can't start new thread" in done.stdout


def test_an_upload_goes_on_without_a_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "upload", __file__], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "ok\n", done.stderr[-2000:]
