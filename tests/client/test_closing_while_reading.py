"""A stream that one thread closes while another one wants its next chunk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from helpers.driving import MESSAGES

from g4f_lite import ChatCompletion, ChatCompletionChunk, ChatRequest, ChunkChoice, Client, Delta, LocalProvider
from g4f_lite.transport.in_process import SyncChunkStream


class Slow(LocalProvider):
    name = "slow"
    default_model = "slow"

    def complete(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> ChatCompletion:
        raise AssertionError

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        while True:
            yield ChatCompletionChunk(choices=(ChunkChoice(delta=Delta(content="word ")),))


def test_a_chunk_wanted_while_another_thread_closes_the_stream_is_the_end_of_it() -> None:
    closing, asked = threading.Event(), threading.Event()
    with Client(routes=[Slow()]) as client:
        stream = client.chat.completions.create(messages=MESSAGES, stream=True)
        next(stream)
        source = stream._reading.source
        assert isinstance(source, SyncChunkStream)
        close = source.close

        def wait_and_close() -> None:
            closing.set()
            asked.wait(10)
            close()

        source.close = wait_and_close  # type: ignore[method-assign]
        thread = threading.Thread(target=stream.close)
        thread.start()
        assert closing.wait(10)
        rest = list(stream)
        asked.set()
        thread.join()
        assert rest == []
