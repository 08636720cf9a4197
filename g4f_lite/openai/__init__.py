"""
The client classes of the packages `openai` and `groq`, whose requests this library answers, in this process.

    from g4f_lite.openai import OpenAI

    client = OpenAI(routes=["groq", "cerebras:gpt-oss-120b"])

Rule: a class here is the real class over a transport of ours. Names are imported on first use; those that are not ours
are those of the package `openai`, so that `from g4f_lite import openai` stands in for `import openai`.

    clients          `OpenAI`, `AsyncOpenAI`
    groq             `Groq`, `AsyncGroq`
    choosing         which transport a client gets
    transport        `Transport`, for httpx and httpx2
    async_transport  `AsyncTransport`
    libraries        what differs between httpx and httpx2: whose objects they are
    ways             through the routes of a client, or to one service
    service          one service, asked as the real client asks it
    over_httpx       the connections of one service over the httpx client that a caller gave
    replying         results and errors as responses, with their headers
    mapping/         OpenAI's protocol, from the server's side: pure
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors.suggestions import install_hint

if TYPE_CHECKING:
    from .async_transport import AsyncTransport as AsyncTransport
    from .clients import AsyncOpenAI as AsyncOpenAI
    from .clients import OpenAI as OpenAI
    from .groq import AsyncGroq as AsyncGroq
    from .groq import Groq as Groq
    from .transport import Transport as Transport

_MODULES = {
    "async_transport": "AsyncTransport",
    "clients": "AsyncOpenAI OpenAI",
    "groq": "AsyncGroq Groq",
    "transport": "Transport",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [*sorted(_HOME)]  # noqa: PLE0604  # a list of strings, built


def __getattr__(name: str) -> Any:
    """Return a name of ours, or of the package: to type checkers, the latter may be anything."""
    if name.startswith("__") and name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        if name not in _HOME:
            return getattr(import_module("openai"), name)
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if error.name not in ("openai", "groq", "httpx", "httpx2", "python_multipart"):
            raise
        raise ImportError(f"{error.name} is not installed; run: {install_hint('openai')}") from error
    globals()[name] = value
    return value
