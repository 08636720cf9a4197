"""Which way the transports take in this run: see `g4f_lite/transport/inner_parts.py`."""

from __future__ import annotations

import os

import pytest

from g4f_lite.transport.inner_parts import SWITCH

PUBLIC = bool(os.environ.get(SWITCH))
"""This run is without inner parts: `AsyncClient` makes a connection for each call, and loses answers that come early."""
needs_inner_parts = pytest.mark.skipif(PUBLIC, reason="the public way cannot do it")


def without_inner_parts(mode: str) -> bool:
    return PUBLIC and mode.startswith("async")
