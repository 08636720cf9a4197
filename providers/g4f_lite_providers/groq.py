"""
Groq: the reference provider. Model ids and quirks are those of November 2026; docs/providers.md
names the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from g4f_lite import (
    ChatCompletionChunk,
    ChatRequest,
    ModelUnavailableError,
    OpenaiTemplate,
    PermissionDeniedError,
    Provider,
    QuotaExceededError,
    ServerSentEvent,
    StreamParser,
    ToolCallError,
    find_keys,
    hookimpl,
)

from .catalogue.constants import FOREIGN, REASONING
from .catalogue.schemas import STRICT

_FORMATS = ("json", "text", "verbose_json")
"""Of transcriptions: no subtitles, and no speakers."""


class Groq(OpenaiTemplate):
    """
    Groq's OpenAI-compatible API.

        Groq().get_response("Which day is it?")["choices"][0]["message"]["content"]
    """

    name = "groq"
    label = "Groq"
    url = "https://console.groq.com/playground"
    login_url = "https://console.groq.com/keys"
    api_base = "https://api.groq.com/openai/v1"
    working = True
    needs_auth = True
    api_key_env = ("GROQ_API_KEY",)
    default_model = "openai/gpt-oss-120b"
    fallback_models = ("openai/gpt-oss-20b", "qwen/qwen3.8-27b")
    model_aliases = {
        "gpt-oss-120b": "openai/gpt-oss-120b",
        "gpt-oss-20b": "openai/gpt-oss-20b",
        "qwen3.8-27b": "qwen/qwen3.8-27b",
    }
    default_models = {
        "transcription": ("whisper-large-v3-turbo", "whisper-large-v3"),
        "translation": "whisper-large-v3",  # the turbo model does not translate
        "speech": "canopylabs/orpheus-v1-english",
    }
    capabilities = frozenset({"streaming", "tools", "json_schema", "transcription", "translation", "speech"})
    model_capabilities = {"qwen/qwen3.8-27b": frozenset({"vision"})}
    unsupported_parameters = frozenset({"logprobs", "top_logprobs", "logit_bias"})  # a 400 at Groq, as is n=2
    allowed_values = {"n": (1,)}
    own_parameters = frozenset(
        """citation_options compound_custom disable_tool_validation documents exclude_domains include_domains
        include_reasoning reasoning_format search_settings""".split()
    )
    endpoint_parameters = {
        "transcription": {
            "response_format": _FORMATS,
            "chunking_strategy": None,
            "known_speaker_names": None,
            "known_speaker_references": None,
        },
        "translation": {"response_format": _FORMATS},
        "speech": {"instructions": None},
    }
    dropped_message_fields = frozenset({"annotations", "name", "refusal"}) | REASONING
    foreign_fields = FOREIGN
    known_fields = frozenset()
    plain_text_content = True  # for system and tool messages it takes a string only
    error_codes = {
        "organization_restricted": PermissionDeniedError,
        "blocked_api_access": QuotaExceededError,  # the spend limit
        "spend_limit_exceeded": QuotaExceededError,
        "model_terms_required": ModelUnavailableError,
        "model_permission_blocked_org": ModelUnavailableError,
        "model_permission_blocked_project": ModelUnavailableError,
        "output_parse_failed": ToolCallError,
    }
    error_words = {"blocked api access": QuotaExceededError, "spend alert": QuotaExceededError}

    schema_rules = STRICT

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return _GroqStream(super().new_stream(request))

    # -- one-line calls on an instance -----------------------------------------------------

    def get_response(
        self, query: str, model: str | None = None, temperature: float = 0.5, max_tokens: int = 1024, **kwargs: Any
    ) -> dict[str, Any]:
        """
        Answer a question; `kwargs` are further parameters of `Client.chat.completions.create`.

        Returns:
            OpenAI's JSON of a chat completion; `choices` is never empty.

        Raises:
            AuthenticationError: no key is found, and `login_url` gives none.
            G4FLiteError: as from `create`.
        """
        from g4f_lite import chat

        params: dict[str, Any] = {"model": model, "temperature": temperature, "max_tokens": max_tokens, **kwargs}
        return chat(query, provider=self._authorised(), **params).to_dict()

    def get_response_stream(
        self, query: str, model: str | None = None, temperature: float = 0.5, max_tokens: int = 1024, **kwargs: Any
    ) -> Generator[str, None, None]:
        """As `get_response`, yielding the text in pieces."""
        from g4f_lite import stream

        params: dict[str, Any] = {"model": model, "temperature": temperature, "max_tokens": max_tokens, **kwargs}
        with stream(query, provider=self._authorised(), **params) as chunks:
            for chunk in chunks:
                if chunk.text:
                    yield chunk.text

    get_stream_response = get_response_stream

    def _authorised(self) -> Groq:
        return self.replace(api_key=self._get_auth_token())

    def _get_auth_token(self) -> str:
        """
        Return the key: from the constructor, `GROQ_API_KEY`, the stored keys, or `login_url`.

        Raises:
            AuthenticationError: none of them has a key; says where to get one.
        """
        if keys := find_keys(self, None):
            return keys[0].get()
        from .token_page import ask_for_token

        return ask_for_token(self)


class _GroqStream:
    """Reads the usage inside `x_groq` too: in recordings of 2025 it is nowhere else."""

    def __init__(self, inner: StreamParser) -> None:
        self._inner = inner
        self._feed_all: Callable[[Sequence[bytes]], Sequence[ChatCompletionChunk] | None] = inner.feed_all  # type: ignore[attr-defined]  # OpenaiTemplate's has it

    def feed_all(self, events: Sequence[bytes]) -> Sequence[ChatCompletionChunk] | None:
        for data in events:  # no generator: that is a call for each event
            if b'"x_groq"' in data and b'"usage"' in data:
                return None
        return self._feed_all(events)

    @property
    def done(self) -> bool:
        return bool(getattr(self._inner, "done", False))

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        if b'"x_groq"' in event.data and b'"usage"' in event.data:
            event = _lift_usage(event)
        return self._inner.feed(event)

    def close(self) -> Iterable[ChatCompletionChunk]:
        return self._inner.close()


def _lift_usage(event: ServerSentEvent) -> ServerSentEvent:
    import msgspec

    try:
        chunk = msgspec.json.decode(event.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return event  # the inner parser reports it
    if isinstance(chunk, dict) and isinstance(chunk.get("x_groq"), dict):
        chunk["usage"] = chunk.get("usage") or chunk["x_groq"].get("usage")
    return ServerSentEvent(data=msgspec.json.encode(chunk), event=event.event)


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Groq)
