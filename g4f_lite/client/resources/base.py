"""What the resources of a client share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors.other_names import Explained

if TYPE_CHECKING:
    from ..async_driver import AsyncDriver
    from ..call_factory import CallFactory
    from ..driver import Driver


class Resource(Explained):
    """All methods raise what `chat.completions.create` raises: docs/failover.md."""

    def __init__(self, calls: CallFactory, driver: Driver) -> None:
        self._calls = calls
        self._driver = driver

    def _answer(self, operation: str, params: dict[str, Any]) -> Any:
        return self._driver.answer(self._calls.endpoint_call(operation, params))


class AsyncResource(Explained):
    """As `Resource`."""

    def __init__(self, calls: CallFactory, driver: AsyncDriver) -> None:
        self._calls = calls
        self._driver = driver

    async def _answer(self, operation: str, params: dict[str, Any]) -> Any:
        return await self._driver.answer(self._calls.endpoint_call(operation, params))
