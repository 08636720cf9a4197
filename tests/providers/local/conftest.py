"""After each test, no thread is generating."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from helpers.local_model import generating


@pytest.fixture(autouse=True)
def nothing_is_generating_afterwards() -> Iterator[None]:
    yield
    assert not generating()
