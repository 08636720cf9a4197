"""The chunks of all rounds of `run_tools`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Self

from ...types.chunks import ChatCompletionChunk
from ...types.tool_run import ToolRun
from .loop import ToolLoop


class _Base:
    def __init__(self, loop: ToolLoop) -> None:
        self._loop = loop

    @property
    def run(self) -> ToolRun:
        """The rounds that have ended; after the last chunk, all of them."""
        return self._loop.run()


class ToolStream(_Base):
    """The chunks of all rounds, as they arrive. Between two rounds, the functions are called."""

    def __init__(self, loop: ToolLoop, chunks: Generator[ChatCompletionChunk]) -> None:
        super().__init__(loop)
        self._chunks = chunks

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatCompletionChunk:
        return next(self._chunks)

    def close(self) -> None:
        """Stop here and free the connection; another thread that reads gets no more chunks."""
        self._loop.closed = True
        if self._loop.chunks is not None:
            self._loop.chunks.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AsyncToolStream(_Base):
    """As `ToolStream`."""

    def __init__(self, loop: ToolLoop, chunks: AsyncGenerator[ChatCompletionChunk]) -> None:
        super().__init__(loop)
        self._chunks = chunks

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        if self._loop.closed:
            raise StopAsyncIteration
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """Stop here and free the connection; another task that reads gets no more chunks."""
        self._loop.closed = True
        if self._loop.chunks is not None:
            await self._loop.chunks.aclose()
        if not self._chunks.ag_running:  # type: ignore[attr-defined]  # an async generator has it
            await self._chunks.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()
