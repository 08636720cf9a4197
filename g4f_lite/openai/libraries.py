"""httpx and httpx2, its successor with the same interface: whichever has made a request gets its own objects back."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import exceptions as e
from .mapping.answers import Response
from .mapping.errors import leading_error
from .ways import Incoming, announced

NAMES = ("httpx", "httpx2")

if TYPE_CHECKING:
    import httpx
    import httpx2

    class BaseTransport(httpx.BaseTransport, httpx2.BaseTransport):
        """A transport for both libraries."""

        def handle_request(self, request: Any) -> Any: ...
        def __enter__(self) -> Any: ...

    class BaseAsyncTransport(httpx.AsyncBaseTransport, httpx2.AsyncBaseTransport):
        """A transport for both libraries."""

        async def handle_async_request(self, request: Any) -> Any: ...
        async def __aenter__(self) -> Any: ...
else:
    _INSTALLED = [import_module(name) for name in NAMES if find_spec(name) is not None]
    BaseTransport = type("BaseTransport", tuple(one.BaseTransport for one in _INSTALLED), {})
    BaseAsyncTransport = type("BaseAsyncTransport", tuple(one.AsyncBaseTransport for one in _INSTALLED), {})


def library_of(request: Any) -> Any:
    """
    Return the module that a request or a client belongs to.

    Raises:
        TypeError: it is of neither library.
    """
    for kind in type(request).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in NAMES:
            return sys.modules[name]
    raise TypeError(f"expected an object of {' or '.join(NAMES)}, not {type(request).__name__}")


def incoming(request: Any, body: bytes) -> Incoming:
    """Return what a request of either library says."""
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    timeout = announced(request.extensions.get("timeout"))
    return Incoming(request.method, str(request.url), headers, body, timeout)


def path_of(request: Any) -> str:
    """Return the path of a request as it is sent, without the query."""
    path: str = request.url.raw_path.decode("ascii").partition("?")[0]
    return path


def response_for(request: Any, response: Response) -> Any:
    """Return a whole response as an object of the request's library; like one of a server, it is read later."""
    library = library_of(request)
    headers = {**response.headers, "content-length": str(len(response.body))}
    return library.Response(response.status, headers=list(headers.items()), stream=library.ByteStream(response.body))


def connection_failure(request: Any, error: e.G4FLiteError) -> Exception | None:
    """Return the library's exception for a failure without any response; None if there is something to answer."""
    library, leading = library_of(request), leading_error(error)
    if isinstance(leading, e.ProviderTimeoutError) and leading.phase == "connect":
        kind = library.ConnectTimeout
    elif isinstance(leading, (e.DeadlineExceededError, e.ProviderTimeoutError)):
        kind = library.ReadTimeout
    elif isinstance(leading, e.ConnectionFailedError) and not isinstance(leading, e.RedirectError):
        kind = library.ReadError if leading.kind == "reset" else library.ConnectError
    else:
        return None
    failure: Exception = kind(str(error), request=request)
    return failure


@cache
def stream_class(library: ModuleType, base: type, name: str) -> type:
    """Return a class of event streams that is also the library's own class of streams, of this name."""
    # The package looks this up wherever a stream is finalized, also while Python exits, when nothing can be imported.
    getattr(sys.modules.get("anyio"), "EndOfStream", None)
    return type(base.__name__, (base, getattr(library, name)), {})
