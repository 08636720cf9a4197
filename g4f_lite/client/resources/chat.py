"""`client.chat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from ...errors.other_names import Explained
from ...types.chat import ChatCompletion
from ..params import CreateParams, MessageParam, UntypedParams
from .base import AsyncResource, Resource

if TYPE_CHECKING:
    from ...types.tool_run import ToolRun
    from ..async_driver import AsyncDriver
    from ..async_stream import AsyncStream
    from ..call_factory import CallFactory
    from ..driver import Driver
    from ..stream import Stream
    from ..tools.streams import AsyncToolStream, ToolStream

T = TypeVar("T")


class Chat(Explained):
    def __init__(self, calls: CallFactory, driver: Driver) -> None:
        self.completions = Completions(calls, driver)

    @overload
    def run_tools(
        self,
        *,
        messages: Sequence[MessageParam],
        max_rounds: int = 10,
        stream: Literal[False] = False,
        **params: Unpack[CreateParams],
    ) -> ToolRun: ...
    @overload
    def run_tools(
        self,
        *,
        messages: Sequence[MessageParam],
        max_rounds: int = 10,
        stream: Literal[True],
        **params: Unpack[CreateParams],
    ) -> ToolStream: ...

    def run_tools(self, *, max_rounds: int = 10, stream: bool = False, **params: Any) -> ToolRun | ToolStream:
        """
        Ask a model that may call functions; call them, send it the results, and ask again, until it answers.

        If a function raises an exception, its message goes to the model. `timeout` bounds the whole conversation.

        Args:
            max_rounds: answers of the model, at most.
            params: the keywords of `create`. `tools` holds typed functions, `def weather(city: str) -> str`. A call of
                a tool that is given as a mapping ends the conversation: the caller answers it.

        Raises:
            ToolLoopError: the model still calls tools after the last round.
            G4FLiteError: as `create`; `.tool_run` has what was reached.
        """
        from .tools import run_tools

        return run_tools(self.completions.create, params, max_rounds, stream=stream)


class Completions(Resource):
    @overload
    def create(
        self,
        *,
        messages: Sequence[MessageParam],
        response_model: type[T],
        stream: Literal[False] = False,
        **params: Unpack[UntypedParams],
    ) -> ChatCompletion[T]: ...
    @overload
    def create(
        self,
        *,
        messages: Sequence[MessageParam],
        response_model: type[T],
        stream: Literal[True],
        **params: Unpack[UntypedParams],
    ) -> Stream[T]: ...
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
        Return the completion of a chat.

        With `stream=True`, return the stream once content has arrived: failures before that are retried like any
        other, later ones raise from the iteration.

        Raises:
            TypeError: an unknown keyword.
            ConfigurationError, InvalidRequestError: before anything is sent.
            ProviderError: the only leg failed, or failed in a way that no other leg would change.
            RoutesExhaustedError: all legs failed.
        """
        call = self._calls.chat_call(params)
        if call.plan.stream:
            from ..stream import Stream

            with call:
                return Stream(self._driver, call, self._driver.open(call))
        completion: ChatCompletion = self._driver.answer(call)
        return completion


class AsyncChat(Explained):
    def __init__(self, calls: CallFactory, driver: AsyncDriver) -> None:
        self.completions = AsyncCompletions(calls, driver)

    @overload
    async def run_tools(
        self,
        *,
        messages: Sequence[MessageParam],
        max_rounds: int = 10,
        stream: Literal[False] = False,
        **params: Unpack[CreateParams],
    ) -> ToolRun: ...
    @overload
    async def run_tools(
        self,
        *,
        messages: Sequence[MessageParam],
        max_rounds: int = 10,
        stream: Literal[True],
        **params: Unpack[CreateParams],
    ) -> AsyncToolStream: ...

    async def run_tools(
        self, *, max_rounds: int = 10, stream: bool = False, **params: Any
    ) -> ToolRun | AsyncToolStream:
        """As `Chat.run_tools`; functions may be coroutines, others run in threads, those of a round at once."""
        from .tools import run_tools_async

        return await run_tools_async(self.completions.create, params, max_rounds, stream=stream)


class AsyncCompletions(AsyncResource):
    @overload
    async def create(
        self,
        *,
        messages: Sequence[MessageParam],
        response_model: type[T],
        stream: Literal[False] = False,
        **params: Unpack[UntypedParams],
    ) -> ChatCompletion[T]: ...
    @overload
    async def create(
        self,
        *,
        messages: Sequence[MessageParam],
        response_model: type[T],
        stream: Literal[True],
        **params: Unpack[UntypedParams],
    ) -> AsyncStream[T]: ...
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
        """As `Completions.create`."""
        call = self._calls.chat_call(params)
        if call.plan.stream:
            from ..async_stream import AsyncStream

            with call:
                return AsyncStream(self._driver, call, await self._driver.open(call))
        completion: ChatCompletion = await self._driver.answer(call)
        return completion
