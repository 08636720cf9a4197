"""All bundled providers, and those of them that use OpenAI's protocol."""

from __future__ import annotations

import re
from typing import Any

import pytest

import g4f_lite
from g4f_lite import OpenaiTemplate, Provider
from g4f_lite.provider.address import VARIABLE
from g4f_lite.testing import FaultServer
from g4f_lite_providers import BUNDLED, load


def bundled(name: str) -> Provider:
    registered: list[Any] = []
    plugin: Any = load(name)
    plugin.register_providers(registered.append)
    [one] = registered
    return one() if isinstance(one, type) else one


def completed(one: Provider) -> Provider:
    """Return the provider with the placeholders of its address filled in."""
    starts_with_it = VARIABLE.match(one.api_base)
    return one.replace(api_base=VARIABLE.sub("https://own.example" if starts_with_it else "own", one.api_base))


PROVIDERS = {name: bundled(name) for name in BUNDLED}
SERVICES = {name: completed(one) for name, one in PROVIDERS.items() if isinstance(one, OpenaiTemplate) and one.working}
"""The working providers that use OpenAI's protocol."""
HI = ({"role": "user", "content": "Hi"},)
each_provider = pytest.mark.parametrize("name", PROVIDERS)
each_service = pytest.mark.parametrize("name", SERVICES)


def squeezed(model: str) -> str:
    """Return a model's own name without its owner, its case and its punctuation: `glm53` for `…/glm-5p3`."""
    own = re.sub(r"(?<=\d)p(?=\d)", "", model.rpartition("/")[2].lower().removeprefix("meta-"))
    own = re.sub(r"^openai\.|-\d+:\d+$|-maas$", "", own)  # Bedrock, Vertex AI
    return re.sub(r"[^a-z0-9]", "", own)


def at(name: str, server: FaultServer, **settings: Any) -> dict[str, Any]:
    # Long enough that a slow machine does not look like a silent server.
    calm = g4f_lite.Timeouts(connect=10, first_token=10, stall=10, total=10)
    return {"keys": {name: "k-s3cret"}, "base_urls": {name: server.base_url}, "timeouts": calm, **settings}
