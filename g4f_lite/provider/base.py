"""
The contract of a provider: what to send, and what a response means. No I/O in any of it.

`OpenaiTemplate` implements it for services that speak OpenAI's protocol; `LocalProvider` is for models
that run in-process.
"""

from __future__ import annotations

import copy
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from ..errors.exceptions import ConfigurationError, ProviderError, UnsupportedParameterError
from ..errors.quoted_values import quoted
from ..errors.reply import ErrorReply
from ..errors.suggestions import did_you_mean
from ..forks import preload_before_fork
from ..types.chat import ChatCompletion
from ..types.chat_request import ChatRequest
from ..types.http import HTTPRequest, HTTPResponse
from ..value import JSONObject
from .address import VARIABLE, check_base_url
from .declarations import (
    COMMON_LIMIT_HEADERS,
    COMMON_NOT_READY,
    KINDS,
    NAMED_THINKING,
    check_declarations,
    check_framing,
    check_kinds,
    check_pattern,
)
from .misspelt import warn_of_misspelt
from .origins import MARKS, origin_of, own_messages
from .streaming import StreamFraming, StreamParser

if TYPE_CHECKING:
    from ..types.endpoint import Answer, EndpointRequest

preload_before_fork("g4f_lite.errors.classify", "g4f_lite.provider.schema_rules", "g4f_lite.provider.schema_sending")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
"""The form of a provider's name."""
KeyFunction: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a key that is valid now, such as a token that expires. Each attempt calls it; it may block."""


class Provider(ABC):
    """
    A service that answers chats.

    A subclass sets the attributes. An instance can override each of them when it is created, and is
    frozen afterwards: `Groq(api_base="http://127.0.0.1:9000/openai/v1")`.

    Args:
        api_key: the key to use, or a function that returns one; it precedes the keys of client, environment and store.
        attributes: any attributes of the class.

    Raises:
        TypeError: an attribute is unknown; names the closest known one.
        ConfigurationError: a name, an address or a declaration cannot work.
    """

    name: str = ""
    """What callers write: `[a-z0-9][a-z0-9_-]*`."""
    label: str = ""
    """Its name for people."""
    url: str = ""
    """Its web site."""
    login_url: str = ""
    """Where people get a key."""
    api_base: str = ""
    """The URL that the paths of the API are appended to. `{VARIABLE}` in it is filled in from the environment."""
    working: bool = True
    """False: it is listed, but not used; `notice` says why."""
    notice: str = ""
    """What a user should know before using it, as a sentence without a full stop."""
    needs_auth: bool = True
    automatic: bool = True
    """Whether it is used if the caller names no provider; the default is `needs_auth`."""
    api_key_env: Sequence[str] = ()
    """Environment variables that may hold a key; the first that is set wins."""
    default_model: str = ""
    fallback_models: Sequence[str] = ()
    """Models to try in this order if the default fails; also listed without asking the service."""
    model_aliases: Mapping[str, str] = {}
    """Short names that several providers share, each with the id that this service knows."""
    default_models: Mapping[str, str | Sequence[str]] = {}
    """Default models per capability other than chat; a sequence lists fallbacks."""
    lists_models: bool = False
    """Whether the service can be asked for its models."""
    model_capabilities: Mapping[str, frozenset[str]] = {}
    """Capabilities that only some models have: `{"qwen/qwen3.8-27b": frozenset({"vision"})}`."""
    capabilities: frozenset[str] = frozenset({"streaming"})
    """
    Some of: streaming, tools, json_schema, vision, audio, prefill, stream_usage; and other than chat:
    embeddings, transcription, translation, speech, images, image_edits.

    With `stream_usage`, OpenAI's `stream_options` are sent; without it, they are not, and a stream has a usage if the
    service sends one unasked. Without `streaming`, a call that streams gets a whole answer in few chunks.
    """
    stream_framing: str = "sse"
    """
    How the body of a stream is cut into events: "sse" (server-sent events), "json_lines", or "json_array".

    For another one, override `new_framing`.
    """

    error_codes: Mapping[str, type[ProviderError]] = {}
    """
    Error codes of this service, in lower case, and the exceptions they mean: `{"plan_expired": QuotaExceededError}`.

    They are looked up before the codes that several services share, and decide whatever the status is. Only a
    RateLimitError becomes a QuotaExceededError if the message says that the limit is one per day or month.
    """
    error_words: Mapping[str, type[ProviderError]] = {}
    """
    Words in this service's messages, in lower case, and the exceptions they mean:
    `{"plan has ended": QuotaExceededError}`.

    For errors that have no code of their own. They are looked up after `error_codes`, in this order, and decide as
    those do.
    """
    error_fields: Mapping[str, str] = {}
    """
    Where this service's error bodies have OpenAI's `message`, `code`, `type` or `param`: `{"message": "problem.text"}`.

    For fields that the common rules do not find; a dot leads into an object.
    """
    limit_headers: Mapping[str, tuple[str, str]] = COMMON_LIMIT_HEADERS
    """
    Response headers that report limits, in lower case: a limit to its headers (what remains, when it resets).

    A leg without what it needs is skipped until the reset: `tokens` are compared with an estimate of the request, any
    other limit counts requests. A reset is a duration, a Unix time or a date.
    """
    thinking_models: str = NAMED_THINKING
    """
    Models that think before they answer unless told not to: a regular expression for the beginning of their ids.

    By default they get more time to the first content of a stream.
    """
    working_comments: Sequence[str] = ()
    """
    Comments in streams that the service sends while the model works: `("OPENROUTER PROCESSING",)`.

    By default they lengthen the time that there may be between content; other comments do not.
    """

    schema_rules: Mapping[str, Any] = {}
    """
    What the service accepts in a JSON Schema: keys of `provider/schema_rules.py`.

    A provider with a `build_request` of its own calls `fit_schemas` in it.
    """

    known_fields: frozenset[str] = frozenset()
    """
    Private fields that this service understands even if a message does not say which service sent them.

    `reasoning_details`, or a vendor in `extra_content`, such as `google`.
    """

    not_ready: str = COMMON_NOT_READY
    """
    A regular expression, in any case: error messages and codes in which it is found mean a NotReadyError.

    Such a service still loads its model: the call takes another leg, or waits for this one until its deadline.
    """

    api_key: str | KeyFunction | None = None
    _frozen: bool = False
    _key_left_out: bool = False
    """Whether it was pickled with a key, which a pickle does not hold."""
    _automatic_is_set: ClassVar[bool] = False
    _decodes: ClassVar[bool] = False
    """Whether results are decoded straight from responses, so that their types need no check."""
    _needs_address: ClassVar[bool] = False
    """Whether its requests go to `api_base`, which may be given late."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        warn_of_misspelt(cls)
        cls._automatic_is_set = cls._automatic_is_set or "automatic" in cls.__dict__
        if not cls._automatic_is_set:
            cls.automatic = cls.needs_auth

    def __init__(self, *, api_key: str | KeyFunction | None = None, **attributes: Any) -> None:
        if api_key is not None:
            attributes["api_key"] = api_key
        if not self._automatic_is_set and "needs_auth" in attributes:
            attributes.setdefault("automatic", attributes["needs_auth"])
        self._set(attributes)

    def _set(self, attributes: Mapping[str, Any]) -> None:
        known = self._attributes() if attributes else set()
        for attribute, value in attributes.items():
            if attribute not in known:
                hint = did_you_mean(attribute, known, f"; it has {', '.join(sorted(known))}")
                raise TypeError(f"{type(self).__name__} has no attribute {quoted(attribute)}{hint}")
            object.__setattr__(self, attribute, value)
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"a provider's name must match {NAME.pattern!r}; {type(self).__name__} has {quoted(self.name)}"
            )
        if type(self.name) is not str:  # a member of an Enum, which messages would show as `Names.ACME`
            object.__setattr__(self, "name", str.__str__(self.name))
        base = self.api_base
        if base is not None and not (isinstance(base, str) and (not base or VARIABLE.search(base))):
            object.__setattr__(self, "api_base", check_base_url(base, f"{self.name}'s api_base"))
        check_declarations(self)
        check_pattern(self.name, "thinking_models", self.thinking_models)
        check_pattern(self.name, "not_ready", self.not_ready)
        check_kinds(self, KINDS)
        check_framing(self.name, self.stream_framing)
        object.__setattr__(self, "_frozen", True)

    @classmethod
    def _attributes(cls) -> set[str]:
        """Return the public names of the class that are data."""
        return {
            name
            for owner in cls.__mro__
            for name, value in vars(owner).items()
            if not name.startswith("_") and not callable(value) and not isinstance(value, (property, classmethod))
        }

    def replace(self, **attributes: Any) -> Self:
        """Return a copy with some attributes changed."""
        twin = copy.copy(self)
        twin._set(attributes)
        return twin

    def __setattr__(self, name: str, value: object) -> None:
        if self._frozen:
            raise AttributeError(f"{self!r} is frozen; make another with {name}=…")
        object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {quoted(self.name)}" + (f" at {self.api_base}>" if self.api_base else ">")

    def __getstate__(self) -> dict[str, Any]:
        """Pickle everything but the key. Without another key, an unpickled provider is an error, not keyless."""
        state = {name: value for name, value in vars(self).items() if name != "api_key"}
        if vars(self).get("api_key") is not None:
            state["_key_left_out"] = True
        return state

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = copy.copy(self)
        memo[id(self)] = twin
        for name, value in vars(self).items():
            vars(twin)[name] = value if name == "api_key" else copy.deepcopy(value, memo)
        return twin

    # -- models ----------------------------------------------------------------------------

    def unavailable_reason(self) -> str | None:
        """Return why this provider cannot be used in this environment; None if it can."""
        return None if self.working else self.notice or f"{self.label or self.name} is marked as not working"

    def key_function(self) -> KeyFunction | None:
        """
        Return what gets a key if none is found elsewhere, such as the library with the credentials of a cloud.

        Called while legs are selected: it does no I/O itself, and returns a function only if that may succeed.
        """
        return None

    def models(self) -> tuple[str, ...]:
        """Return the model ids that the class lists, the default first."""
        listed = (self.default_model, *self.fallback_models, *self.model_aliases.values())
        return tuple(dict.fromkeys(filter(None, listed)))

    def get_model_name(self, model: str | None = None) -> str:
        """Return the id to send: the default for None or "", the target of an alias, any other name unchanged."""
        return self.model_aliases.get(model, model) if model else self.default_model

    def models_for(self, operation: str) -> tuple[str, ...]:
        """Return the model ids for an operation: the default, then its fallbacks."""
        if operation == "chat":
            return tuple(filter(None, (self.default_model, *self.fallback_models)))
        listed = self.default_models.get(operation, ())
        return (listed,) if isinstance(listed, str) else tuple(listed)

    # -- requests and responses ------------------------------------------------------------

    def schema_rules_for(self, model: str) -> Mapping[str, Any]:
        """Return the rules for a model. Override if the models of the service differ."""
        return self.schema_rules

    def fit_schemas(self, request: ChatRequest) -> ChatRequest:
        """
        Return the request with JSON Schemas that keep `schema_rules`, in `response_format` and `tools`.

        Raises:
            UnsupportedParameterError: the service cannot enforce a schema with `strict: true`.
        """
        if request.response_format is None and not request.tools:
            return request
        from .schema_rules import rules_of
        from .schema_sending import fit_schemas

        return fit_schemas(request, rules_of(self.schema_rules_for(request.model)), self.name)

    def own_messages(self, request: ChatRequest) -> Sequence[JSONObject]:
        """
        Return the messages of a request without the private fields of other services.

        Those are `reasoning_details` and `extra_content`, which go back to the service that sent them; `build_request`
        begins with this method.
        """
        for message in request.messages:
            if "tool_calls" in message or not MARKS.isdisjoint(message):
                return own_messages(request.messages, origin_of(self.name, self.api_base), self.known_fields)
        return request.messages

    @abstractmethod
    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        """
        Return what to send.

        Args:
            request: the checked request; `model` is the id to use.
            key: None if there is none.

        Raises:
            UnsupportedParameterError: the service does not support the request; another leg may.
        """

    @abstractmethod
    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        """
        Return the completion in a response of status 2xx.

        Raises:
            ReplyError: the response is an error in spite of its status.
            MalformedResponseError: the response cannot be read.
        """

    @abstractmethod
    def new_stream(self, request: ChatRequest) -> StreamParser:
        """Return a parser for one stream."""

    def new_framing(self) -> StreamFraming | None:
        """Return what cuts the body of one stream into events; None: `stream_framing` says it."""
        return None

    def build_operation(self, request: EndpointRequest, *, key: str | None) -> HTTPRequest:
        """As `build_request`, for other requests: `request.operation` is one of `capabilities`, or `models`."""
        raise UnsupportedParameterError(f"{self.name} has no code for {request.operation}")

    def parse_operation(self, request: EndpointRequest, response: HTTPResponse) -> Answer:
        """As `parse_response`, for the response to such a request."""
        raise UnsupportedParameterError(f"{self.name} has no code for {request.operation}")

    # -- errors ----------------------------------------------------------------------------

    def requested_wait(self, reply: ErrorReply, *, now: float) -> float | None:
        """
        Return how long an error reply asks us to wait, if the service says it in a form of its own.

        Args:
            now: Unix time in seconds, by the clock of the service if it tells it.

        Returns:
            Seconds, >= 0; None: the common rules decide (`retry-after` headers, `google.rpc.RetryInfo`, "try again in
            7s" in the message, limits that are used up).
        """
        return None

    def classify_error(self, reply: ErrorReply) -> ProviderError:
        """Return the exception that an error reply means, by what the provider declares and by the common rules."""
        from ..errors.classify import classify
        from ..errors.retry_after import service_time

        return classify(
            reply,
            error_codes=self.error_codes,
            error_words=self.error_words,
            error_fields=self.error_fields,
            limit_headers=self.limit_headers,
            not_ready=self.not_ready,
            wait=self.requested_wait(reply, now=service_time(reply.headers, time.time())),
        )
