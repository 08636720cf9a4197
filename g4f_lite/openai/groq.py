"""
`Groq` and `AsyncGroq`: the classes of the package `groq`, over a transport of ours.

All other names are those of `groq`, so that `from g4f_lite.openai import groq` stands in for `import groq`.
"""

from __future__ import annotations

from typing import Any

import groq

from .choosing import OverRoutes


class _HTTPClient(groq.DefaultHttpxClient):
    """Closes itself when nobody holds it any more, as that of the real client does."""

    def __del__(self) -> None:
        if not getattr(self, "is_closed", True):
            self.close()


class Groq(OverRoutes, groq.Groq):
    """`groq.Groq`, as `g4f_lite.openai.OpenAI` is `openai.OpenAI`."""

    service = "groq"
    http_classes = (_HTTPClient, groq.DefaultHttpxClient)


class AsyncGroq(OverRoutes, groq.AsyncGroq):
    """As `Groq`, for asyncio; `client` is a `g4f_lite.AsyncClient`."""

    service = "groq"
    http_classes = (groq.DefaultAsyncHttpxClient, groq.DefaultAsyncHttpxClient)


def __getattr__(name: str) -> Any:
    return getattr(groq, name)
