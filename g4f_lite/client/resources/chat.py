"""`client.chat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from ...types.chat import ChatCompletion
from ..params import CreateParams, MessageParam

if TYPE_CHECKING:
    from ..async_client import AsyncClient, AsyncStream
    from ..client import Client, Stream


class Chat:
    def __init__(self, client: Client) -> None:
        self.completions = Completions(client)


class Completions:
    def __init__(self, client: Client) -> None:
        self._client = client

    @overload
    def create(
        self, *, messages: Sequence[MessageParam], stream: Literal[False] = False, **params: Unpack[CreateParams]
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, *, messages: Sequence[MessageParam], stream: Literal[True], **params: Unpack[CreateParams]
    ) -> Stream: ...
    @overload
    def create(
        self, *, messages: Sequence[MessageParam], stream: bool, **params: Unpack[CreateParams]
    ) -> ChatCompletion | Stream: ...

    def create(self, **params: Any) -> ChatCompletion | Stream:
        """
        Answer a chat.

        With `stream=True` it returns once content has arrived; failures before that are handled
        like any other, later ones raise from the iteration.

        Raises:
            TypeError: an unknown keyword.
            ConfigurationError, InvalidRequestError: before anything is sent.
            ProviderError: the only leg failed, or an error that no other leg would mend.
            RoutesExhaustedError: all legs failed.
        """
        client = self._client
        call = client._core.start(params)
        if call.plan.stream:
            from ..client import Stream

            return Stream(client, call, client._run(call, client._open))
        completion: ChatCompletion = client._answer(call)
        return completion


class AsyncChat:
    def __init__(self, client: AsyncClient) -> None:
        self.completions = AsyncCompletions(client)


class AsyncCompletions:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @overload
    async def create(
        self, *, messages: Sequence[MessageParam], stream: Literal[False] = False, **params: Unpack[CreateParams]
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, messages: Sequence[MessageParam], stream: Literal[True], **params: Unpack[CreateParams]
    ) -> AsyncStream: ...
    @overload
    async def create(
        self, *, messages: Sequence[MessageParam], stream: bool, **params: Unpack[CreateParams]
    ) -> ChatCompletion | AsyncStream: ...

    async def create(self, **params: Any) -> ChatCompletion | AsyncStream:
        """Answer a chat; as `Client`'s."""
        client = self._client
        call = client._core.start(params)
        if call.plan.stream:
            from ..async_client import AsyncStream

            return AsyncStream(client, call, await client._run(call, client._open))
        completion: ChatCompletion = await client._answer(call)
        return completion
