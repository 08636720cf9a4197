"""`OpenAI` and `AsyncOpenAI`: the classes of the package `openai`, over a transport of ours."""

from __future__ import annotations

import openai

from .choosing import OverRoutes


class _HTTPClient(openai.DefaultHttpxClient):
    """Closes itself when nobody holds it any more, as that of the real client does."""

    def __del__(self) -> None:
        if not getattr(self, "is_closed", True):
            self.close()


class OpenAI(OverRoutes, openai.OpenAI):
    """`openai.OpenAI`, whose chats, embeddings, audio, images and models are called through this library."""

    service = "openai"
    http_classes = (_HTTPClient, openai.DefaultHttpxClient)


class AsyncOpenAI(OverRoutes, openai.AsyncOpenAI):
    """As `OpenAI`, for asyncio; `client` is a `g4f_lite.AsyncClient`."""

    service = "openai"
    http_classes = (openai.DefaultAsyncHttpxClient, openai.DefaultAsyncHttpxClient)
