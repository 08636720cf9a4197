"""Settings for the tests of the endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.endpoints import two_providers

from g4f_lite.testing import FaultServer


@pytest.fixture
def two(server: FaultServer) -> dict[str, Any]:
    """Settings of a client with two providers, both on the server."""
    return two_providers(server)
