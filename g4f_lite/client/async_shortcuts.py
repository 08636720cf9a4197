"""One-line calls for asyncio. Each opens and closes what it uses."""

from __future__ import annotations
