"""
Send a chat to whichever LLM provider can answer it.

    import g4f_lite

    reply = g4f_lite.chat("Which day is it?", provider="groq")
    print(reply.text, reply.provider, reply.model)

Public names are imported on first use, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

from .version import __version__ as __version__

TYPE_CHECKING = False  # type checkers know the name; importing `typing` for it takes most of a bare interpreter's time

if TYPE_CHECKING:
    from .client.async_client import AsyncClient as AsyncClient
    from .client.async_stream import AsyncStream as AsyncStream
    from .client.shortcuts import achat as achat, astream as astream
    from .client.client import Client as Client
    from .client.stream import Stream as Stream
    from .types.endpoint import Answer as Answer, EndpointRequest as EndpointRequest, MediaUsage as MediaUsage
    from .types.models import Model as Model, ModelList as ModelList, ModelsRequest as ModelsRequest
    from .types.images import (
        Image as Image, ImageEditRequest as ImageEditRequest, ImageRequest as ImageRequest,
        ImagesResponse as ImagesResponse,
    )  # fmt: skip
    from .types.audio import (
        Speech as Speech,
        SpeechRequest as SpeechRequest,
        Transcription as Transcription,
        TranscriptionRequest as TranscriptionRequest,
        TranscriptionSegment as TranscriptionSegment,
        TranscriptionWord as TranscriptionWord,
        TranslationRequest as TranslationRequest,
    )
    from .types.embeddings import (
        CreateEmbeddingResponse as CreateEmbeddingResponse,
        Embedding as Embedding,
        EmbeddingRequest as EmbeddingRequest,
    )
    from .errors.exceptions import (
        AuthenticationError as AuthenticationError,
        BudgetExceededError as BudgetExceededError,
        ConfigurationError as ConfigurationError,
        ConnectionFailedError as ConnectionFailedError,
        ContentFilterError as ContentFilterError,
        ContextWindowError as ContextWindowError,
        DeadlineExceededError as DeadlineExceededError,
        G4FLiteError as G4FLiteError,
        InvalidRequestError as InvalidRequestError,
        MalformedResponseError as MalformedResponseError,
        MissingKeyError as MissingKeyError,
        ModelUnavailableError as ModelUnavailableError,
        NotReadyError as NotReadyError,
        NoUsableRouteError as NoUsableRouteError,
        PermissionDeniedError as PermissionDeniedError,
        PluginLoadError as PluginLoadError,
        ProviderError as ProviderError,
        ProviderTimeoutError as ProviderTimeoutError,
        QuotaExceededError as QuotaExceededError,
        RateLimitError as RateLimitError,
        RedirectError as RedirectError,
        ReplyError as ReplyError,
        RequestTooLargeError as RequestTooLargeError,
        RoutesExhaustedError as RoutesExhaustedError,
        ServerError as ServerError,
        StreamInterruptedError as StreamInterruptedError,
        ToolCallError as ToolCallError,
        ToolLoopError as ToolLoopError,
        UnknownModelError as UnknownModelError,
        UnknownProviderError as UnknownProviderError,
        UnsupportedParameterError as UnsupportedParameterError,
    )
    from .plugins.hookspecs import hookimpl as hookimpl, hookspec as hookspec
    from .errors.reply import ErrorReply as ErrorReply
    from .types.http import (
        HTTPRequest as HTTPRequest, HTTPResponse as HTTPResponse, ServerSentEvent as ServerSentEvent, Upload as Upload,
    )  # fmt: skip
    from .provider.keys import find_keys as find_keys
    from .provider.openai_protocol.chat import OpenaiTemplate as OpenaiTemplate
    from .types.content_parts import audio_part as audio_part, image_part as image_part
    from .plugins.sources import PluginInfo as PluginInfo, PluginWarning as PluginWarning
    from .plugins.registry import provider_names as provider_names, register as register
    from .provider.local import LocalProvider as LocalProvider
    from .provider.base import Provider as Provider
    from .provider.streaming import StreamFraming as StreamFraming, StreamParser as StreamParser
    from .provider.leg import Leg as Leg
    from .routing.strategies import Strategy as Strategy, StrategyContext as StrategyContext, Weighted as Weighted
    from .client.shortcuts import chat as chat, stream as stream
    from .records.trail import (
        Attempt as Attempt,
        CallInfo as CallInfo,
        Explanation as Explanation,
        PlannedRoute as PlannedRoute,
        Skipped as Skipped,
        Trail as Trail,
        Wait as Wait,
    )
    from .types.breaker import Breaker as Breaker
    from .types.chat import (
        ChatCompletion as ChatCompletion,
        Choice as Choice,
        FunctionCall as FunctionCall,
        Message as Message,
        ToolCall as ToolCall,
    )
    from .types.chat_request import ChatRequest as ChatRequest
    from .types.chunks import (
        ChatCompletionChunk as ChatCompletionChunk,
        ChunkChoice as ChunkChoice,
        Delta as Delta,
        FunctionCallDelta as FunctionCallDelta,
        ToolCallDelta as ToolCallDelta,
    )
    from .types.declared_limits import Budget as Budget, Limits as Limits
    from .types.logprobs import ChoiceLogprobs as ChoiceLogprobs, TokenLogprob as TokenLogprob
    from .types.usage import TokenDetails as TokenDetails, Usage as Usage
    from .types.timeouts import Timeouts as Timeouts
    from .types.tool_run import ToolResult as ToolResult, ToolRound as ToolRound, ToolRun as ToolRun
    from .types.uploads import UploadFile as UploadFile

_MODULES = {
    "client.async_client": "AsyncClient",
    "client.async_stream": "AsyncStream",
    "client.client": "Client",
    "client.shortcuts": "achat astream chat stream",
    "client.stream": "Stream",
    "errors.exceptions": """AuthenticationError BudgetExceededError ConfigurationError ConnectionFailedError
        ContentFilterError ContextWindowError DeadlineExceededError G4FLiteError InvalidRequestError
        MalformedResponseError MissingKeyError ModelUnavailableError NotReadyError NoUsableRouteError
        PermissionDeniedError PluginLoadError ProviderError ProviderTimeoutError QuotaExceededError RateLimitError
        RedirectError ReplyError RequestTooLargeError RoutesExhaustedError ServerError StreamInterruptedError
        ToolCallError ToolLoopError UnknownModelError UnknownProviderError UnsupportedParameterError""",
    "errors.reply": "ErrorReply",
    "plugins.hookspecs": "hookimpl hookspec",
    "plugins.registry": "provider_names register",
    "plugins.sources": "PluginInfo PluginWarning",
    "provider.base": "Provider",
    "provider.streaming": "StreamFraming StreamParser",
    "provider.keys": "find_keys",
    "provider.leg": "Leg",
    "provider.local": "LocalProvider",
    "provider.openai_protocol.chat": "OpenaiTemplate",
    "routing.strategies": "Strategy StrategyContext Weighted",
    "records.trail": "Attempt CallInfo Explanation PlannedRoute Skipped Trail Wait",
    "types.audio": """Speech SpeechRequest Transcription TranscriptionRequest TranscriptionSegment
        TranscriptionWord TranslationRequest""",
    "types.breaker": "Breaker",
    "types.chat": "ChatCompletion Choice FunctionCall Message ToolCall",
    "types.chat_request": "ChatRequest",
    "types.chunks": "ChatCompletionChunk ChunkChoice Delta FunctionCallDelta ToolCallDelta",
    "types.declared_limits": "Budget Limits",
    "types.embeddings": "CreateEmbeddingResponse Embedding EmbeddingRequest",
    "types.endpoint": "Answer EndpointRequest MediaUsage",
    "types.http": "HTTPRequest HTTPResponse ServerSentEvent Upload",
    "types.images": "Image ImageEditRequest ImageRequest ImagesResponse",
    "types.logprobs": "ChoiceLogprobs TokenLogprob",
    "types.models": "Model ModelList ModelsRequest",
    "types.content_parts": "audio_part image_part",
    "types.timeouts": "Timeouts",
    "types.tool_run": "ToolResult ToolRound ToolRun",
    "types.uploads": "UploadFile",
    "types.usage": "TokenDetails Usage",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = ["__version__", *sorted(_HOME)]  # noqa: PLE0604  # a list of strings, built

if not TYPE_CHECKING:  # a checker must not believe that every name exists

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            from .errors.other_names import no_attribute

            raise AttributeError(no_attribute(f"module {__name__!r}", name, __name__))
        value = getattr(import_module(f".{_HOME[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
