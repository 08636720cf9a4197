"""What `Client` offers beside chats, named as in OpenAI's library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...types.endpoint import OperationName
from ..endpoint_calls import start_operation

if TYPE_CHECKING:
    from ..async_client import AsyncClient

if TYPE_CHECKING:
    from ..client import Client


class Resource:
    """All raise what `chat.completions.create` raises: docs/failover.md."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def _ask(self, operation: OperationName, params: dict[str, Any]) -> Any:
        client = self._client
        return client._answer(start_operation(client._core, operation, params))


class AsyncResource:
    """All raise what `chat.completions.create` raises: docs/failover.md."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def _ask(self, operation: OperationName, params: dict[str, Any]) -> Any:
        client = self._client
        return await client._answer(start_operation(client._core, operation, params))
