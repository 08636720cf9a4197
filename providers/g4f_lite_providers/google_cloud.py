"""
What the two protocols of Vertex AI share: the address of a location, and tokens from Google's credentials.

Source: Google Cloud's pages on Vertex AI's locations and on application default credentials; litellm 1.106,
`vertex_ai/common_utils.py`; google-genai for the variables.
"""

from __future__ import annotations

import os
import re
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Self

from g4f_lite import ModelUnavailableError, Provider

LOCATION = "{GOOGLE_CLOUD_LOCATION|VERTEXAI_LOCATION|GOOGLE_VERTEX_LOCATION}"
PROJECT = "{GOOGLE_CLOUD_PROJECT|VERTEXAI_PROJECT|GOOGLE_VERTEX_PROJECT}"
API_BASE = f"https://{LOCATION}-aiplatform.googleapis.com/v1/projects/{PROJECT}/locations/{LOCATION}"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class InProject(Provider):
    """What both providers have; it stands before the class with the protocol among the bases."""

    url = "https://cloud.google.com/vertex-ai"
    login_url = "https://cloud.google.com/docs/authentication/provide-credentials-adc"
    api_key_env: tuple[str, ...] = ("GOOGLE_OAUTH_ACCESS_TOKEN", "CLOUDSDK_AUTH_ACCESS_TOKEN")
    notice = "set GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_LOCATION, too"
    error_words = {"not allowed to use publisher model": ModelUnavailableError}  # a FAILED_PRECONDITION

    def replace(self, **attributes: Any) -> Self:
        if "api_base" in attributes:
            attributes["api_base"] = _at_its_host(attributes["api_base"])
        return super().replace(**attributes)

    def key_function(self) -> Credentials | None:
        return credentials()


def _at_its_host(api_base: str) -> str:
    """Return the address with the host of its location, which for `global`, `us` and `eu` has another form."""
    wide = re.match(r"https://([a-z]+)-aiplatform\.googleapis\.com", api_base)
    if wide is None:
        return api_base
    host = "aiplatform" if wide[1] == "global" else f"aiplatform.{wide[1]}.rep"
    return f"https://{host}.googleapis.com{api_base[wide.end() :]}"


class Credentials:
    """Google's application default credentials; a call returns a token that is valid for some minutes at least."""

    def __init__(self) -> None:
        self._found: Any = None

    def __call__(self) -> str:
        import google.auth
        from google.auth.transport.requests import Request

        with _lock:  # one request for a token, however many calls need it
            if self._found is None:
                self._found, _ = google.auth.default(scopes=[SCOPE])
            if not self._found.valid:
                self._found.refresh(Request())
            return str(self._found.token)


def credentials() -> Credentials | None:
    """Return Google's credentials; None if google-auth is not installed. Neither reads nor sends anything."""
    if find_spec("google") is None or find_spec("google.auth") is None:
        return None
    return _credentials(os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""))


@lru_cache(maxsize=16)
def _credentials(file: str) -> Credentials:
    return Credentials()


_lock = threading.Lock()


def _new_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):  # another thread may hold the lock
    os.register_at_fork(after_in_child=_new_lock)
