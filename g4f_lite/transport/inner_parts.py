"""
The inner parts of aiohttp, urllib3 and http.client on which the fast transports are built, in one table.

Any minor version may change them. Before the first use, what is installed is compared with the table; where it does
not fit, the transport takes the public way: slower, with the same results.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import CO_VARKEYWORDS
from types import CodeType, FunctionType
from typing import Any, NamedTuple

SWITCH = "G4F_LITE_PUBLIC_TRANSPORT"
"""The environment variable that forces the public way, if it is set."""

log = logging.getLogger("g4f_lite")


class Part(NamedTuple):
    """
    Attributes:
        owner: module and class.
        kind: "member": of the class; "field": of its objects, used by its methods; else the parameters that are passed.
        why: what the transport does with it.
    """

    owner: str
    name: str
    kind: str
    why: str


PARTS = {
    "aiohttp": (
        Part("aiohttp:ClientRequest", "__init__", "method url ssl loop session", "says to the pool where to connect"),
        Part("aiohttp:ClientRequest", "connection_key", "member", "finds the idle connections of an origin"),
        Part("aiohttp:TCPConnector", "connect", "req traces timeout", "gets a connection of the pool"),
        Part("aiohttp:TCPConnector", "_create_connection", "req traces timeout", "bounds connecting"),
        Part("aiohttp:TCPConnector", "_get", "key traces", "looks at an idle connection before it is used again"),
        Part(
            "aiohttp:TCPConnector",
            "_wrap_create_connection",
            "addr_infos req timeout client_error",
            "connects before it begins TLS",
        ),
        Part(
            "aiohttp:TCPConnector",
            "_start_tls_connection",
            "underlying_transport req timeout client_error",
            "begins TLS",
        ),
        Part("aiohttp:TCPConnector", "_factory", "field", "makes protocols of our class"),
        Part("aiohttp:TCPConnector", "_loop", "field", "gives them their loop"),
        Part("aiohttp:TCPConnector", "_conns", "field", "closes idle connections"),
        Part("aiohttp.connector:Connection", "protocol", "member", "reads the answer"),
        Part("aiohttp.connector:Connection", "transport", "member", "sends the request"),
        Part("aiohttp.connector:Connection", "release", "", "gives the connection back"),
        Part("aiohttp.connector:Connection", "close", "", "closes it"),
        Part("aiohttp.client_proto:ResponseHandler", "__init__", "loop", "reads an answer that came too early"),
        Part("aiohttp.client_proto:ResponseHandler", "_payload", "field", "knows the body of the answer"),
        Part("aiohttp.client_proto:ResponseHandler", "_loop", "field", "gives the body its loop"),
        Part("aiohttp.client_proto:ResponseHandler", "transport", "field", "closes the connection"),
        Part("aiohttp.client_proto:ResponseHandler", "should_close", "member", "tells whether it can be used again"),
        Part("aiohttp.client_proto:ResponseHandler", "_should_close", "field", "keeps the connection out of the pool"),
        Part("aiohttp.client_proto:ResponseHandler", "data_received", "data", "gets the answer"),
        Part("aiohttp.client_proto:ResponseHandler", "close", "", "closes the connection at once"),
        Part("aiohttp.client_proto:ResponseHandler", "connection_lost", "exc", "gets its end"),
        Part("aiohttp.client_proto:ResponseHandler", "feed_data", "data size", "hands out the head"),
        Part("aiohttp.client_proto:ResponseHandler", "read", "", "waits for the head"),
        Part("aiohttp.client_proto:ResponseHandler", "set_exception", "exc", "ends a wait at the limit"),
        Part("aiohttp.client_proto:ResponseHandler", "set_response_params", "member", "prepares for an answer"),
        Part(
            "aiohttp.http:RawResponseMessage",
            "__new__",
            "version code reason headers raw_headers should_close compression upgrade chunked",
            "is the head",
        ),
        Part("aiohttp:StreamReader", "__init__", "protocol limit loop", "is the body"),
        Part("aiohttp:StreamReader", "feed_eof", "", "tells aiohttp the end of the body"),
        Part("aiohttp:StreamReader", "is_eof", "", "tells it whether that has come"),
        Part("aiohttp:StreamReader", "set_exception", "exc", "tells it that none will come"),
    ),
    "urllib3": (
        Part("urllib3.connection:HTTPConnection", "_new_conn", "", "tries all addresses within one limit"),
        Part("urllib3.connection:HTTPConnection", "_dns_host", "field", "says which address is tried"),
        Part("urllib3.connection:HTTPConnection", "response_class", "member", "makes responses of our class"),
        Part("http.client:HTTPResponse", "fp", "field", "reads from the socket until the limit"),
        Part("http.client:HTTPResponse", "begin", "", "reads the head"),
        Part("http.client:HTTPResponse", "read1", "n", "reads the body"),
        Part("http.client:HTTPResponse", "_close_conn", "", "ends the answer"),
        Part("http.client:HTTPResponse", "will_close", "field", "tells whether the connection can be used again"),
    ),
}
_COSTS = {
    "aiohttp": "each call makes a connection of its own",
    "urllib3": "each answer is read twice",
}


@cache
def fit(library: str) -> bool:
    """Return whether the transport may use the inner parts of a library; once a process, with a warning if not."""
    if os.environ.get(SWITCH):
        return False
    odd = next((part for part in PARTS[library] if not _fits(part)), None)
    if odd is not None:
        report(library, f"{odd.owner.partition(':')[2]}.{odd.name}")
    return odd is None


def report(library: str, part: str) -> None:
    """Log that the public way is taken."""
    version = getattr(import_module(library), "__version__", "of unknown version")
    log.warning(
        "%s %s is not what g4f_lite is built for: %s has changed; its public interface is used instead, so %s",
        library,
        version,
        part,
        _COSTS[library],
    )


def _fits(part: Part) -> bool:
    module, _, name = part.owner.partition(":")
    try:
        owner = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    if part.kind == "field":
        return any(part.name in code.co_names for one in owner.__mro__ for code in _codes(one))
    if part.kind == "member":
        return hasattr(owner, part.name)
    return _takes(getattr(owner, part.name, None), set(part.kind.split()))


def _codes(owner: type) -> Iterator[CodeType]:
    for one in vars(owner).values():
        function = one.fget if isinstance(one, property) else one
        if isinstance(function, FunctionType):
            yield function.__code__


def _takes(function: Any, passed: set[str]) -> bool:
    """Return whether a method can be called with these parameters."""
    if not callable(function):
        return False
    code = getattr(function, "__code__", None)
    if code is None:  # compiled: it does not tell
        return True
    names = code.co_varnames[1 : code.co_argcount]
    only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    needed = {*names[: len(names) - len(function.__defaults__ or ())], *only} - {*(function.__kwdefaults__ or ())}
    return needed <= passed and (passed <= {*names, *only} or bool(code.co_flags & CO_VARKEYWORDS))
