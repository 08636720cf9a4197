"""Each test ends without a thread that still generates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.local_model import generating


@pytest.fixture(autouse=True)
def nothing_goes_on_afterwards() -> Iterator[None]:
    yield
    assert not generating()
