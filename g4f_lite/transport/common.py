"""What both HTTP transports share: TLS contexts, proxies, headers and size limits."""

from __future__ import annotations

import os
import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import certifi

from ..errors.exceptions import ConfigurationError, ConnectionFailedError, MalformedResponseError
from ..errors.reply import MAX_ERROR_BODY
from ..types.json_values import is_encodable
from ..types.size_limits import beyond
from ..version import __version__
from .no_proxy import bypasses_proxy

DEFAULT_HEADERS = {"user-agent": f"g4f_lite/{__version__}", "accept-encoding": "identity"}

PIECE = 1 << 16
"""Bytes of a body that are read at once: between two pieces, the limit is checked and other tasks may run."""
DECODED_PIECE = 1 << 14
"""As `PIECE`, for decompressed bytes: a service can send them faster than they can be read."""
STREAM_PIECE = 1 << 14
"""Bytes of a stream that become chunks while an event loop runs nothing else: the smallest events take 10 ms."""
MOST_LATE = 2
"""
Pieces of an answer that are still read after the limit, if they are there: it may have come in time, while the program
was held up. None are if the reader was not waiting: then the service sends more than can be read in time.
"""
GRACE = 0.05
"""Seconds that a finished stream may take to end its body, so that its connection can be kept."""
ELSEWHERE = "a stream can be read only in the event loop in which it was asked for"
MOST_ORIGINS = 64
"""Origins whose idle connections are kept; with one more, all are closed."""

inherited_connections: list[object] = []
"""
A forked child's copies of its parent's connections. Kept alive on purpose: closing them in the child could block on a
lock held by the parent.
"""


def unreachable(place: str, error: BaseException | None) -> str:
    """Return that there is no connection to `host:port`, and why, for a message."""
    refused = not isinstance(error, OSError) or not error.errno or isinstance(error, ConnectionRefusedError)
    reason = "it refuses the connection" if refused else os.strerror(error.errno).lower()  # type: ignore[union-attr]
    return f"{place} cannot be reached: {reason}"


def default_ssl_context() -> ssl.SSLContext:
    """
    Return the context that trusts the authorities that the environment names, else the system's and certifi's.

    It is created once, when needed.

    Raises:
        ConfigurationError: what the environment names cannot be used.
    """
    named = _named_authorities()
    return _ssl_context(*named, *map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))


def _named_authorities() -> tuple[str, str]:
    """
    Return the variable that names the only authorities to trust, and their file or folder; "" if there is none.

    `SSL_CERT_FILE` replaces the system's authorities in OpenSSL, which ignores a file that is missing.

    Raises:
        ConfigurationError: the file is missing.
    """
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):  # in this order, as in requests
        if path := os.environ.get(variable):
            if not Path(path).exists():
                raise ConfigurationError(f"{variable} names {path!r}, which does not exist: correct or unset it")
            return ("", "") if variable == "SSL_CERT_FILE" else (variable, path)
    return "", ""


@cache
def _ssl_context(variable: str, path: str, *of_openssl: str | None) -> ssl.SSLContext:
    """
    Create a context.

    Args:
        of_openssl: what OpenSSL reads itself: here for the cache.
    """
    if not path:
        context = ssl.create_default_context()
        context.load_verify_locations(certifi.where())
        return context
    try:
        if Path(path).is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:  # not to be read, or no certificates
        raise ConfigurationError(f"{variable} names {path!r}, which cannot be used: {error}") from None


_WHERE = "; change the variable of the environment (or the system's setting) that names it, or pass proxy="
"""A `proxy=` has been checked before."""


def proxy_for(url: str, given: str | None) -> str | None:
    """
    Return the proxy for a URL: `given`, else `HTTP(S)_PROXY` or `ALL_PROXY`, unless `NO_PROXY` names the host.

    Without any of these in the environment, the settings of Windows or macOS count.

    Raises:
        ConnectionFailedError: the proxy is no address, or of a kind that is not supported.
    """
    proxy = given
    if proxy is None:
        parts = urlsplit(url)
        environment = urllib.request.getproxies_environment()
        proxies = environment or urllib.request.getproxies()
        found = (proxies.get(parts.scheme) or proxies.get("all") or "").strip()
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if not found:
            return None
        if environment:
            bypass = bypasses_proxy(environment.get("no", ""), host, port)
        else:
            bypass = bool(urllib.request.proxy_bypass(host))
        if not bypass:
            proxy = found if "://" in found else f"http://{found}"
    if proxy is None:
        return None
    if not proxy.startswith(("http://", "https://")):
        raise ConnectionFailedError(f"only http and https proxies are supported{_WHERE}", kind="proxy")
    try:
        parts = urlsplit(proxy)
        fits = bool(parts.hostname) and parts.port != 0 and proxy.isprintable() and " " not in proxy
    except ValueError:
        fits = False
    if not fits:
        raise ConnectionFailedError(f"the proxy is not an address{_WHERE}", kind="proxy")
    return proxy


def check_proxy(proxy: object) -> str | None:
    """
    Return the proxy.

    Raises:
        ConfigurationError: it is not an http or https address.
    """
    if proxy is None or (isinstance(proxy, str) and proxy.startswith(("http://", "https://")) and is_encodable(proxy)):
        return proxy
    raise ConfigurationError("proxy must be an address like http://host:port, or None")


def check_ssl_context(context: object) -> ssl.SSLContext | None:
    """
    Return the context.

    Raises:
        ConfigurationError: it is none, or the environment names authorities in its place that cannot be used.
    """
    if context is None:
        if _named_authorities()[1]:
            default_ssl_context()  # for its errors, which are to come before any I/O
        return None
    if isinstance(context, ssl.SSLContext):
        return context
    raise ConfigurationError(f"ssl_context must be an ssl.SSLContext or None, not {type(context).__name__}")


def body_cap(status: int, limit: int) -> int:
    """
    Return how many bytes of a body are read at most.

    Args:
        limit: `max_response_bytes`.
    """
    return limit if 200 <= status < 300 else MAX_ERROR_BODY


def too_large(status: int, limit: int) -> MalformedResponseError:
    return beyond("the answer", limit, status)


class RequestHeaders(dict[str, str]):
    """Headers to send. The repr omits them: they hold the key, and tracebacks may be shown with local variables."""

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"


def request_headers(headers: Mapping[str, str]) -> RequestHeaders:
    """Return the headers to send: the defaults, replaced by a provider's own."""
    return RequestHeaders({**DEFAULT_HEADERS, **{name.lower(): value for name, value in headers.items()}})
