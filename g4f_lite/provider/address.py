"""The address of a service: how it is checked and split, and what the environment fills in."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted

VARIABLE = re.compile(r"\{([A-Z][A-Z0-9_]*(?:\|[A-Z][A-Z0-9_]*)*)\}", re.ASCII)
"""A placeholder in `api_base` that is filled from the environment: `{A}`, or `{A|B}`, where the first one set wins."""
_OF_A_REQUEST = re.compile(
    r"/chat/completions$|/models/[^/]+:\w*[gG]enerateContent$"
    r"|(?<=/v[123])/(?:messages|chat|completions|responses|embeddings|models)$"
)


def check_base_url(url: object, source: str) -> str:
    """
    Return a base URL without its trailing slash.

    Args:
        source: where it was set, for the message.

    Raises:
        ConfigurationError: it is not an http or https address, or contains a user or password.
    """
    if not isinstance(url, str) or not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", url.strip()):
        raise ConfigurationError(f"{source} must be an address like https://host/v1; got {shown_url(url)}")
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        fits = bool(parts.hostname) and url.isascii() and url.isprintable() and parts.port != 0
    except ValueError:  # an unclosed bracket, a port that is not a number
        fits = False
    if not fits:
        raise ConfigurationError(f"{source} must be an address like https://host/v1; got {shown_url(url)}")
    if "@" in url.split("/")[2]:
        raise ConfigurationError(
            f"{source} must not hold a user or password; give keys through keys= or the environment"
        )
    return url


def check_is_base(url: str, source: str, declared: str = "") -> None:
    """
    Check that a checked base URL is not that of one request, which providers add.

    Args:
        declared: the provider's own base URL. If it is of a request, its code adds nothing.

    Raises:
        ConfigurationError: it is.
    """
    if (path := _OF_A_REQUEST.search(url)) is not None and _OF_A_REQUEST.search(declared) is None:
        raise ConfigurationError(
            f"{source} must end before {quoted(path[0])}, which is added to it; got {shown_url(url)}"
        )


def shown_url(url: object) -> str:
    """Return what a message shows of something given as an address: no user, password or query, which may be keys."""
    if not isinstance(url, str):
        return f"a value of type {type(url).__name__}"
    shown = re.sub("^([A-Za-z+.-]*://)?.*@", r"\1…@", url.strip(), flags=re.DOTALL)
    shown = re.sub("[?#].*", lambda found: f"{found[0][0]}…", shown, flags=re.DOTALL)
    parts = re.split("([./:@])", shown)  # a part that is long and has digits is rather a key than a name
    return quoted("".join("…" if len(part) > 15 and re.search("[0-9]", part) else part for part in parts))


def is_loopback(url: str) -> bool:
    """Tell whether an address is one of this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def split_url(url: str) -> tuple[str, str]:
    """Split a checked URL into its origin (scheme, host and port) and its target (path and query)."""
    parts = url.split("/", 3)
    return "/".join(parts[:3]), f"/{parts[3]}" if len(parts) > 3 else "/"
