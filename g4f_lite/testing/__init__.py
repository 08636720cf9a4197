"""
Tools for tests of plugins and of programs that use g4f_lite.

    with FaultServer() as server:
        server.script(replies.error(503), replies.answer("Sunday"))
        client = Client(base_urls={"groq": server.base_url}, keys={"groq": "test"})

Rule: real sockets on loopback, no mocks. Public names are imported on first use.

    server         `FaultServer`: HTTP on a loopback socket, with scripted answers and faults
    script         the requests that the server receives, and the actions of its replies
    replies        answers and faults to script, the same ones for every protocol
    choosing       replies that choose among others
    shapes/        the protocols: OpenAI, Anthropic, Gemini, Cohere
    framing        the events of a stream: server-sent events, JSON lines, a JSON array
    wire           the bytes of HTTP/1.1 and of events
    conformance/   `ProviderConformance`: the suites that check a provider
    import_trial   a program that imports a plugin and reports what that did
    scripted       `ScriptedProvider`: answers without a socket
    network        `network_blocked`: no connection beyond this machine
    pytest_plugin  the fixtures
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import replies as replies
    from . import wire as wire
    from .conformance import ERROR_TABLE as ERROR_TABLE
    from .conformance import Exchange as Exchange
    from .conformance import LocalProviderConformance as LocalProviderConformance
    from .conformance import ProviderConformance as ProviderConformance
    from .network import NetworkBlockedError as NetworkBlockedError
    from .network import network_blocked as network_blocked
    from .script import Received as Received
    from .scripted import ScriptedProvider as ScriptedProvider
    from .server import FaultServer as FaultServer
    from .shapes import Failure as Failure
    from .shapes import OpenaiShape as OpenaiShape
    from .shapes import Said as Said
    from .shapes import Shape as Shape

_MODULES = {
    "conformance": "ERROR_TABLE Exchange LocalProviderConformance ProviderConformance",
    "network": "NetworkBlockedError network_blocked",
    "scripted": "ScriptedProvider",
    "script": "Received",
    "server": "FaultServer",
    "shapes": "Failure OpenaiShape Said Shape",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = ["replies", "wire", *sorted(_HOME)]  # noqa: PLE0604  # a list of strings, built

if not TYPE_CHECKING:  # imported on first use, because pytest, which the suites need, may not be installed

    def __getattr__(name: str) -> object:
        if name in ("replies", "wire"):
            return import_module(f".{name}", __name__)
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
        globals()[name] = value
        return value
