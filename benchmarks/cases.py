"""The cases that are measured, as tables."""

from __future__ import annotations

from typing import NamedTuple

OURS, ROUTING = "g4f_lite_router", "routing"
OWN = (OURS, "bare_requests", "bare_aiohttp", "bare_urllib3", ROUTING)
"""The contenders of every round, in a new process in each sweep; the others are peers."""
ROUTES = (1, 10, 100, 1000)
STREAMS = (100, 1000, 2000)
"""Numbers of streams open at once, to measure their memory."""


class Case(NamedTuple):
    """A call, and the call that its figures are divided by."""

    name: str
    call: str
    """A function of a contender's module."""
    kind: str
    """How the upstream answers."""
    parallel: int
    base: str
    """The contender that the others are divided by."""
    base_call: str


CALLS = (
    Case("sync call", "sync_call", "answer", 1, "bare_requests", "sync_call"),
    Case("async call, 32 in flight", "async_call", "answer", 32, "bare_aiohttp", "async_call"),
    Case("async stream, one piece", "async_stream", "piece", 1, "bare_aiohttp", "async_stream"),
    Case("sync stream, one piece", "sync_stream", "piece", 1, "bare_aiohttp", "async_stream"),
    Case("async stream, one burst", "async_stream", "burst", 1, "bare_aiohttp", "async_stream"),
    Case("sync stream, one burst", "sync_stream", "burst", 1, "bare_aiohttp", "async_stream"),
    Case("async stream, packets", "async_stream", "packets", 1, "bare_aiohttp", "async_stream"),
    Case("sync stream, packets", "sync_stream", "packets", 1, "bare_aiohttp", "async_stream"),
)
"""All streams have 1000 chunks and are divided by aiohttp's, the sync ones too."""

ROUTED = {
    what: {
        routes: Case(f"{what}, {routes} routes", f"{what}_{routes}", "answer", 1, "bare_requests", "sync_call")
        for routes in ROUTES
    }
    for what in ("at_once", "after_failure")
}
"""Routing alone, measured in turn with a bare call."""

IN_FLIGHT = {
    number: Case(f"{number} in flight", "async_call", "answer", number, "bare_aiohttp", "async_call")
    for number in (1, 8, 32, 128, 512)
}
THREADS = {
    number: Case(f"{number} threads", "sync_call", "answer", number, "bare_requests", "sync_call")
    for number in (1, 8, 64)
}
