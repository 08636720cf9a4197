"""Makes one call with each of our classes that stand in for those of `openai` and `groq`."""

from __future__ import annotations

import asyncio
from inspect import isawaitable
from operator import attrgetter
from types import ModuleType
from typing import Any, NamedTuple

import groq
import openai

from g4f_lite.openai import AsyncGroq, AsyncOpenAI, Groq, OpenAI
from g4f_lite.testing import FaultServer

KEY = "sk-test-0123456789"
M: Any = [{"role": "user", "content": "Which day is it?"}]


class Asker(NamedTuple):
    """One of the four classes."""

    kind: type[Any]
    package: ModuleType

    def __str__(self) -> str:
        return self.kind.__name__

    def __call__(
        self, server: FaultServer, method: str, *arguments: Any, settings: dict[str, Any] | None = None, **keywords: Any
    ) -> Any:
        """Return the result of a method of a new client; of a stream, the list of its chunks; of speech, its bytes."""
        given = {"api_key": KEY, "base_url": server.base_url, **(settings or {})}
        if self.kind in (AsyncOpenAI, AsyncGroq):
            return asyncio.run(self._await(given, method, arguments, keywords))
        with self.kind(**given) as client:
            result = attrgetter(method)(client)(*arguments, **keywords)
            if method == "audio.speech.create":
                return result.read()
            return list(result) if keywords.get("stream") and "response" not in method else result

    async def _await(self, given: dict[str, Any], method: str, arguments: tuple[Any, ...], keywords: Any) -> Any:
        async with self.kind(**given) as client:
            result = await attrgetter(method)(client)(*arguments, **keywords)
            if method == "audio.speech.create":
                content = result.read()  # of AsyncGroq, a coroutine
                return await content if isawaitable(content) else content
            return [one async for one in result] if keywords.get("stream") and "response" not in method else result


ASKERS = (Asker(OpenAI, openai), Asker(AsyncOpenAI, openai), Asker(Groq, groq), Asker(AsyncGroq, groq))
