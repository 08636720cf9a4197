"""What both HTTP transports share: TLS contexts, proxies, headers and size limits."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Mapping
from functools import cache
from urllib.parse import urlsplit

import certifi

from ..errors.exceptions import ConfigurationError, ConnectionFailedError, MalformedResponseError
from ..errors.reply import MAX_ERROR_BODY
from ..types.size_limits import MAX_RESPONSE_BODY
from ..version import __version__
from .no_proxy import bypasses_proxy

DEFAULT_HEADERS = {"user-agent": f"g4f_lite/{__version__}", "accept-encoding": "identity"}

PIECE = 1 << 16
"""Bytes of a body that are read at once: between two pieces, the limit is checked and other tasks may run."""
GRACE = 0.05
"""Seconds that a finished stream may take to end its body, so that its connection can be kept."""
MOST_PROVISIONAL = 100
"""Provisional answers (1xx) before the real one."""

inherited_connections: list[object] = []
"""
A forked child's copies of its parent's connections. Kept alive on purpose: closing them in the child could block on a
lock held by the parent.
"""


@cache
def default_ssl_context() -> ssl.SSLContext:
    """Return the context that trusts the system's authorities and certifi's; created once, when needed."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def proxy_for(url: str, given: str | None) -> str | None:
    """
    Return the proxy for a URL: `given`, else `HTTP(S)_PROXY` or `ALL_PROXY`, unless `NO_PROXY` names the host.

    Without any of these in the environment, the settings of Windows or macOS count.

    Raises:
        ConnectionFailedError: the proxy is of a kind that is not supported.
    """
    proxy = given
    if proxy is None:
        parts = urlsplit(url)
        environment = urllib.request.getproxies_environment()
        proxies = environment or urllib.request.getproxies()
        found = proxies.get(parts.scheme) or proxies.get("all")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        if not found:
            return None
        if environment:
            bypass = bypasses_proxy(environment.get("no", ""), host, port)
        else:
            bypass = bool(urllib.request.proxy_bypass(host))
        if not bypass:
            proxy = found if "://" in found else f"http://{found}"
    if proxy is not None and not proxy.startswith(("http://", "https://")):
        raise ConnectionFailedError("only http and https proxies are supported", kind="proxy")
    return proxy


def check_proxy(proxy: object) -> str | None:
    """
    Return the proxy.

    Raises:
        ConfigurationError: it is not an http or https address.
    """
    if proxy is None or (isinstance(proxy, str) and proxy.startswith(("http://", "https://"))):
        return proxy
    raise ConfigurationError("proxy must be an address like http://host:port, or None")


def check_ssl_context(context: object) -> ssl.SSLContext | None:
    """
    Return the context.

    Raises:
        ConfigurationError: it is none.
    """
    if context is None or isinstance(context, ssl.SSLContext):
        return context
    raise ConfigurationError(f"ssl_context must be an ssl.SSLContext or None, not {type(context).__name__}")


def body_cap(status: int) -> int:
    """Return how many bytes of a body are read at most."""
    return MAX_RESPONSE_BODY if 200 <= status < 300 else MAX_ERROR_BODY


def too_large(status: int) -> MalformedResponseError:
    return MalformedResponseError(f"the answer is larger than {MAX_RESPONSE_BODY >> 20} MiB", status=status)


def request_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers to send: the defaults, replaced by a provider's own."""
    return {**DEFAULT_HEADERS, **{name.lower(): value for name, value in headers.items()}}
