"""A provider without a key, a call through it, and its entry in the list of plugins."""

from __future__ import annotations

from typing import Any

import g4f_lite_providers
from g4f_lite import Client, OpenaiTemplate, PluginInfo, Provider
from g4f_lite.plugins.registry import process_registry
from g4f_lite.testing import FaultServer

from .driving import MESSAGES

BUNDLED = list(g4f_lite_providers.BUNDLED)


def make(name: str, server: FaultServer | None = None, **attributes: Any) -> Provider:
    """Return a provider without a key."""

    class Made(OpenaiTemplate):
        needs_auth = False
        default_model = f"model-of-{name}"

    base = server.base_url if server is not None else "http://127.0.0.1:9/v1"
    return Made(name=name, api_base=base, **attributes)


def info(name: str, source: str = "third-party") -> PluginInfo:
    [found] = [one for one in process_registry().plugins() if (one.name, one.source) == (name, source)]
    return found


def ask(client: Client, **params: Any) -> str:
    return client.chat.completions.create(messages=MESSAGES, **params).text
