"""What the checks of providers that are reached over HTTP share."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from ...errors.exceptions import UnsupportedParameterError
from ...provider.address import VARIABLE
from ...provider.base import Provider
from ...provider.local import LocalProvider
from ...types.chat_request import ChatRequest
from ..shapes import Shape, ShapeName
from . import contract
from .common import Conformance
from .contract import fail
from .operations import endpoints_of
from .service import SECRET, Service


class HTTPConformance(Conformance):
    """The base of the checks: the provider, and the service that answers it."""

    shape: ClassVar[ShapeName | Shape] = "openai"
    ignored_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters that the service ignores, according to its documentation."""

    def made(self, **attributes: Any) -> Provider:
        one = super().made(**attributes)
        if isinstance(one, LocalProvider):
            fail(contract.NAME, f"{one.name!r} answers in-process: subclass LocalProviderConformance")
        if not one.working:  # the contract also holds for a provider that is switched off
            one = one.replace(working=True)
        if "{" in one.api_base:  # placeholders that the environment fills
            base = VARIABLE.sub(lambda found: "x" if found.start() else "https://conformance.example", one.api_base)
            one = one.replace(api_base=base)
        return one

    def chatting(self) -> Provider:
        """Return an instance for a check of chats; the check is skipped if the provider answers other requests only."""
        one = self.made()
        if not (one.get_model_name() or _accepts_a_chat(one)) and endpoints_of(one).keys() - {"models"}:
            pytest.skip(f"{one.name!r} does not chat")
        return one

    @property
    def service(self) -> Service:
        one = self.made()
        return Service(type(self).shape, one.stream_framing, one.error_fields)


def _accepts_a_chat(one: Provider) -> bool:
    request = ChatRequest(messages=({"role": "user", "content": "Hello"},), model="conformance-model")
    try:
        one.build_request(request, key=SECRET, stream=False)
    except UnsupportedParameterError:
        return False
    except Exception:  # the check finds out
        return True
    return True


def streams(one: Provider) -> tuple[bool, ...]:
    """Return whether to stream, for each way in which a provider is asked: one that does not stream is not asked to."""
    return (False, True) if "streaming" in one.capabilities else (False,)
