"""
For tests of plugins and of programs that use g4f_lite: real sockets on loopback, no mocks.

    with FaultServer() as server:
        server.script(replies.error(503), replies.answer("Sunday"))
        client = Client(base_urls={"groq": server.base_url}, keys={"groq": "test"})

It speaks as OpenAI, Anthropic, Gemini and Cohere do: `shapes` holds them.
"""

from __future__ import annotations

from . import replies
from .server import FaultServer, Received

__all__ = ["FaultServer", "Received", "replies"]
