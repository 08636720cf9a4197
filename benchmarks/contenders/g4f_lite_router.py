"""This library as in production: with deadlines, trail, breakers and an observer."""

import g4f_lite  # the only import at the top: the observer needs the marker

from . import KEY, MESSAGES

LABEL = "g4f_lite"
REQUIREMENTS = ["."]
IMPORT = "import g4f_lite"
FIRST_ANSWER = """
from g4f_lite import Client
client = Client(keys={"groq": "gsk_benchmark"}, base_urls={"groq": BASE})
assert client.chat.completions.create(messages=MESSAGES, provider="groq").text
"""


class Observer:
    """The least that a plugin for metrics does."""

    def __init__(self):
        self.attempts = self.calls = 0

    @g4f_lite.hookimpl
    def attempt_finished(self, attempt):
        self.attempts += 1

    @g4f_lite.hookimpl
    def call_finished(self, trail):
        self.calls += 1


def settings(base):
    return {"keys": {"groq": KEY}, "base_urls": {"groq": base}, "plugins": [Observer()]}


def sync_call(base):
    client = g4f_lite.Client(**settings(base))
    return lambda: client.chat.completions.create(messages=MESSAGES, provider="groq").text


def async_call(base):
    client = g4f_lite.AsyncClient(**settings(base))

    async def call():
        return (await client.chat.completions.create(messages=MESSAGES, provider="groq")).text

    return call, client.aclose


def sync_stream(base):
    client = g4f_lite.Client(**settings(base))

    def stream():
        return sum(
            len(chunk.text) for chunk in client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True)
        )

    return stream


def async_stream(base):
    client = g4f_lite.AsyncClient(**settings(base))

    async def stream():
        size = 0
        async for chunk in await client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True):
            size += len(chunk.text)
        return size

    return stream, client.aclose


def async_held(base):
    client = g4f_lite.AsyncClient(**settings(base))

    async def hold():
        stream = await client.chat.completions.create(messages=MESSAGES, provider="groq", stream=True)
        await anext(stream)
        return stream, stream.aclose

    return hold, client.aclose
