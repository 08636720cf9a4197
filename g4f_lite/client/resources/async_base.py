"""`resources.py` with `await`."""

from __future__ import annotations
