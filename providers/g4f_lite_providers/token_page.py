"""
Asks a provider's `login_url` for a token, as the original Groq module did.

A web page for people does not answer with a token; each such response is an AuthenticationError that
names the page and the variable. No token is stored or shown.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

from g4f_lite import AuthenticationError, Provider

_TIMEOUT_S = 5.0
_FIELDS = ("token", "access_token", "api_key")
_LARGEST_ANSWER = 1 << 16
_REDIRECTS = 3


def ask_for_token(provider: Provider) -> str:
    """
    Return the token that `provider.login_url` answers with.

    No credentials are sent, and redirects are followed on the same host only.

    Raises:
        AuthenticationError: there is none; with a `status` of 429 or 5xx, trying again may help.
    """
    import requests

    url = provider.login_url
    until = time.monotonic() + _TIMEOUT_S
    with requests.Session() as session:
        session.trust_env = False  # send neither .netrc nor a proxy's password
        session.headers.update({"accept": "application/json", "user-agent": "g4f_lite"})
        for _ in range(_REDIRECTS + 1):
            try:
                reply = session.get(url, timeout=_TIMEOUT_S, allow_redirects=False, stream=True)
                with reply:
                    body = _read(reply, until)
            except (requests.RequestException, OSError, ValueError) as error:
                raise _no_token(provider, f"did not answer ({type(error).__name__}); trying again may help") from None
            except Exception as error:  # urllib3's own exceptions while the body is read
                raise _no_token(provider, f"broke off its answer ({type(error).__name__})") from None
            target = urljoin(url, reply.headers.get("location", ""))
            if not reply.is_redirect or urlsplit(target)[:2] != urlsplit(url)[:2]:
                return _token(provider, reply.status_code, body)
            url = target
    raise _no_token(provider, "redirects without end")


def _read(reply: Any, until: float) -> bytes:
    """Return the part of a body that arrives in time, up to the size limit."""
    body = b""
    while len(body) < _LARGEST_ANSWER and time.monotonic() < until:
        if not (piece := reply.raw.read1(_LARGEST_ANSWER, decode_content=True)):
            break
        body += piece
    return body


def _token(provider: Provider, status: int, body: bytes) -> str:
    if 300 <= status < 400:
        raise _no_token(
            provider, "redirects to another host: it is a web page for people, not a token endpoint", status
        )
    if status == 429 or status >= 500:
        raise _no_token(provider, f"answered {status}; trying again may help", status)
    if status >= 400:
        raise _no_token(provider, f"answered {status}", status)
    answer = _json(body)
    if answer is None:
        raise _no_token(provider, "is a web page for people, not a token endpoint", status)
    if isinstance(answer, dict):
        for field in _FIELDS:
            token = answer.get(field)
            if isinstance(token, str) and token.strip():
                return token.strip()
        held = ", ".join(sorted(map(str, answer))[:10]) or "nothing"
        raise _no_token(provider, f"answered JSON without a token (it has: {held})", status)
    raise _no_token(provider, "answered JSON that is not an object", status)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _no_token(provider: Provider, reason: str, status: int | None = None) -> AuthenticationError:
    variable = provider.api_key_env[0] if provider.api_key_env else f"{provider.name.upper()}_API_KEY"
    return AuthenticationError(
        f"no key for {provider.name}, and {provider.login_url} {reason}. "
        f"Open {provider.login_url}, create a key, and set {variable}",
        status=status,
    )
