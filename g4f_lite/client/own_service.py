"""The provider of a client that was given the address of one service: `Client(base_url=…, api_key=…)`."""

from __future__ import annotations

from ..errors.exceptions import ConfigurationError
from ..provider.address import check_base_url, check_is_base
from ..provider.base import Provider
from ..provider.declared_contents import ENDPOINTS
from ..provider.openai_protocol.chat import OpenaiTemplate

NAME = "custom"
CAPABILITIES = OpenaiTemplate.capabilities | {"vision", "audio", *ENDPOINTS}
"""All that OpenAI's protocol has: the service itself says what it lacks."""


def own_service(base_url: object, api_key: object) -> Provider:
    """
    Return the provider of an OpenAI-compatible service.

    Args:
        api_key: a key, or a function that returns one; None if the service needs none.

    Raises:
        ConfigurationError: the URL or the key cannot be used.
    """
    if base_url is None:
        raise ConfigurationError("api_key goes with base_url; for a provider with a name, pass keys={name: key}")
    if api_key is not None and not isinstance(api_key, str) and not callable(api_key):
        raise ConfigurationError(f"api_key must be a key or a function that returns one, not {type(api_key).__name__}")
    if isinstance(api_key, str) and not api_key.strip():
        raise ConfigurationError("api_key is empty; leave it out if the service needs none")
    address = check_base_url(base_url, "base_url")
    check_is_base(address, "base_url")
    return OpenaiTemplate(
        name=NAME, api_base=address, api_key=api_key, needs_auth=api_key is not None, capabilities=CAPABILITIES
    )
