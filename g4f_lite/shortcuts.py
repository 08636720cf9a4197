"""One-line calls. They share one client per process."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Sequence
from typing import Unpack

from .client import Client, Stream
from .params import CreateParams, MessageParam
from .types import ChatCompletion

_client: Client | None = None
_lock = threading.Lock()


def shared_client() -> Client:
    """Return the client of this process; it is closed at exit."""
    global _client
    if _client is None:
        with _lock:
            if _client is None:
                _client = Client()
                atexit.register(_client.close)
    return _client


def as_messages(prompt: str | Sequence[MessageParam]) -> Sequence[MessageParam]:
    """Return a prompt as the user's message; a list of messages as it is."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def chat(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> ChatCompletion:
    """Answer a prompt, or a list of messages. Arguments and errors are those of `create`."""
    return shared_client().chat.completions.create(messages=as_messages(prompt), **params)


def stream(prompt: str | Sequence[MessageParam], **params: Unpack[CreateParams]) -> Stream:
    """As `chat`, in pieces."""
    chunks: Stream = shared_client().chat.completions.create(messages=as_messages(prompt), stream=True, **params)
    return chunks
