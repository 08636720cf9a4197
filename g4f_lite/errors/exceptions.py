"""
All exceptions that this library raises.

    G4FLiteError
    ├── ConfigurationError                 found before any I/O; the message says what to do
    │   ├── UnknownProviderError
    │   ├── UnknownModelError
    │   ├── PluginLoadError
    │   └── NoUsableRouteError             every leg was skipped; `.trail` says why
    │       └── MissingKeyError
    ├── ProviderError                      one leg failed; what the router does next: docs/failover.md
    │   ├── RateLimitError
    │   ├── QuotaExceededError
    │   │   └── BudgetExceededError        before anything is sent: the client's own `budget` is spent
    │   ├── AuthenticationError
    │   ├── PermissionDeniedError
    │   ├── ModelUnavailableError
    │   ├── ContextWindowError
    │   ├── RequestTooLargeError
    │   ├── UnsupportedParameterError
    │   ├── InvalidRequestError            also raised before sending, for arguments that no provider accepts
    │   ├── ContentFilterError
    │   ├── ServerError
    │   │   └── NotReadyError
    │   ├── ConnectionFailedError          .kind
    │   │   └── RedirectError
    │   ├── ProviderTimeoutError           .phase
    │   ├── MalformedResponseError
    │   ├── ToolCallError
    │   ├── StreamInterruptedError         .partial_text
    │   ├── DeadlineExceededError          also a TimeoutError
    │   └── RoutesExhaustedError           an ExceptionGroup of the legs' errors, also of their common class
    ├── ToolLoopError                      the model still calls tools after the last round; `.tool_run`
    └── ReplyError                         raised by a provider's code: this response is an error

Each has `.trail`, `.attempts` and `.retry_at`, can be pickled with them, and contains no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from ..records.trail import EMPTY_TRAIL, Attempt, Trail
from .signal_handlers import raise_interruption

if TYPE_CHECKING:
    from .reply import ErrorReply


class G4FLiteError(Exception):
    """Root of the tree."""

    trail: Trail = EMPTY_TRAIL
    """What happened in the call that raised it."""
    retry_at: float | None = None
    """Unix time at which the first of the legs is usable again, if known."""
    tool_run: Any = None
    """What a conversation of `run_tools` had come to, as a `ToolRun`; None elsewhere."""

    def __init__(self, *args: object) -> None:  # or `inspect.signature` fails
        super().__init__(*args)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.trail.attempts


class ConfigurationError(G4FLiteError, ValueError):
    """The settings of the call or the client cannot work."""


class UnknownProviderError(ConfigurationError):
    """No provider has this name."""


class UnknownModelError(ConfigurationError):
    """No usable provider serves this model."""


class PluginLoadError(ConfigurationError):
    """The plugin that was asked for cannot be loaded."""


class NoUsableRouteError(ConfigurationError):
    """Every leg was skipped before anything was sent."""


class MissingKeyError(NoUsableRouteError):
    """No key was found for the provider that was asked for."""


class ProviderError(G4FLiteError):
    """
    One leg failed.

    Args:
        message: what the service said, or what happened; short, without any key.
        status: HTTP status, None if there was no response.
        code: the service's own code or type, such as `model_not_found`.
        retry_after: seconds that the service asks us to wait, None if it does not say.
    """

    request_id: str | None = None
    """The id that the service gave the request, for its support."""
    body: Any = None
    """
    The service's own error: decoded JSON, or text. Of a large one the beginning; keys are removed.

    It has what only one service says, such as Groq's `failed_generation`. None if there was no error reply.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.provider = ""
        self.model = ""

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else ""

    @property
    def unsent(self) -> bool:
        """Whether there was no connection, so that nothing was sent, and nothing is billed."""
        return False

    def __str__(self) -> str:
        message = self.message or type(self).__name__
        where = f"{self.provider}:{self.model}".rstrip(":") + ": " if self.provider else ""
        # The status of an error inside a 200 would only confuse.
        shows_status = self.status is not None and self.status >= 300 and str(self.status) not in message
        return f"{where}{f'{self.status} ' if shows_status else ''}{message}"


def copy_of(error: ProviderError) -> ProviderError:
    """Return a copy without traceback and causes. It shares no list of notes."""
    kind: Any = type(error)
    while kind.__module__ != "builtins":  # OSError, say, makes objects of another layout than Exception
        kind = kind.__base__
    copy: ProviderError = kind.__new__(type(error))
    vars(copy).update(vars(error))
    if (notes := vars(copy).get("__notes__")) is not None:
        vars(copy)["__notes__"] = [*notes]
    copy.args = error.args
    return copy


class RateLimitError(ProviderError):
    """Too many requests or tokens for the moment."""


class QuotaExceededError(ProviderError):
    """The key has no credit or no quota left."""

    of_model: bool = False
    """The quota is one of this model, such as tokens per day; the key may ask other models."""


class BudgetExceededError(QuotaExceededError):
    """The budget of the client is spent; nothing was sent. `retry_at` is the end of its window, if it has one."""


class AuthenticationError(ProviderError):
    """The key is refused, or none could be obtained."""


class PermissionDeniedError(ProviderError):
    """The key is valid, but not allowed to do this."""


class ModelUnavailableError(ProviderError):
    """The service does not serve this model, or not to this key."""


class ContextWindowError(ProviderError):
    """The prompt is too long for the model."""


class RequestTooLargeError(ProviderError):
    """The request is too large for the service or for the key's tier."""


class UnsupportedParameterError(ProviderError):
    """The service or the model does not know a parameter."""


class InvalidRequestError(ProviderError):
    """The request is invalid for every provider."""


class ContentFilterError(ProviderError):
    """The service refuses the content."""


class ServerError(ProviderError):
    """The service failed, or is overloaded."""


class NotReadyError(ServerError):
    """The service is still starting, or still loads the model."""


class ConnectionFailedError(ProviderError):
    """
    There is no complete response because of the connection.

    `kind`: `refused`, `dns`, `tls` or `proxy` mean that the origin cannot be used; `reset` means that an established
    connection was lost; `redirect` is a `RedirectError`.
    """

    def __init__(
        self,
        message: str = "",
        *,
        kind: Literal["refused", "dns", "tls", "redirect", "proxy", "reset"] = "reset",
        status: int | None = None,
    ) -> None:
        super().__init__(message, status=status)
        self.kind = kind

    @property
    def unsent(self) -> bool:
        return self.kind in ("refused", "dns", "tls", "proxy")


class RedirectError(ConnectionFailedError):
    """The service says that it is elsewhere. Redirects are not followed: they could carry the key away."""

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message, kind="redirect", status=status)


class ProviderTimeoutError(ProviderError):
    """A limit of `Timeouts` was reached."""

    def __init__(
        self, message: str = "", *, phase: Literal["connect", "first_token", "stall", "total"] = "total"
    ) -> None:
        super().__init__(message)
        self.phase = phase

    @property
    def unsent(self) -> bool:
        return self.phase == "connect"


class MalformedResponseError(ProviderError):
    """The response cannot be read: empty, HTML, no JSON, no choices."""


def may_end_body(status: int | None, error: ProviderError) -> bool:
    """Return whether this failure to read a body may be taken for its end: of an error, the status says enough."""
    lost = isinstance(error, (ConnectionFailedError, MalformedResponseError, ProviderTimeoutError))
    return lost and status is not None and not 200 <= status < 300


class ToolCallError(ProviderError):
    """The model's tool call or JSON does not match its schema."""


class StreamInterruptedError(ProviderError):
    """A stream was interrupted after content had been handed out."""

    partial_text: str = ""
    """The first choice's text up to the interruption."""


class DeadlineExceededError(ProviderError, TimeoutError):
    """The deadline of the call has passed. It is a `TimeoutError` of Python, too."""


class RoutesExhaustedError(ProviderError, ExceptionGroup[ProviderError]):
    """
    None of several legs answered.

    `.exceptions` holds the last error of each leg that was tried, in order; `except*` works. If all of them are of one
    class, this error is of that class, too: `except RateLimitError` takes it. Its other attributes are those of the
    last leg's error, but `retry_after` is the shortest wait that a service asked for.
    """

    # Not super(): the common class may be a plugin's, whose constructor takes what it likes.
    def __new__(cls, message: str, exceptions: Sequence[ProviderError]) -> RoutesExhaustedError:
        kind = _exhausted_class(exceptions) if cls is RoutesExhaustedError else cls
        made: RoutesExhaustedError = ExceptionGroup.__new__(kind, message, exceptions)
        return made

    def __init__(self, message: str, exceptions: Sequence[ProviderError]) -> None:
        ProviderError.__init__(self, message)
        own = vars(self)
        own |= {name: value for name, value in vars(exceptions[-1]).items() if name not in _OF_ITSELF}
        waits = [one.retry_after for one in exceptions if isinstance(one, ProviderError)]
        own["retry_after"] = min((wait for wait in waits if wait is not None), default=None)

    def derive(self, excs: Sequence[ProviderError], /) -> RoutesExhaustedError:  # type: ignore[override]  # typeshed's overloads allow any exception
        derived = RoutesExhaustedError(self.message, excs)
        derived.trail, derived.retry_at = self.trail, self.retry_at
        return derived

    def __reduce__(self) -> tuple[Any, ...]:
        return RoutesExhaustedError, (self.message, list(self.exceptions)), vars(self)

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __str__(self) -> str:
        return self.message


_OF_ITSELF = frozenset(("trail", "retry_at", "tool_run", "__notes__"))


def _exhausted_class(errors: Sequence[ProviderError]) -> type[RoutesExhaustedError]:
    """Return the class for an error that stands for all of these: their nearest common class is a base of it."""
    for kind in type(errors[0]).__mro__ if errors else ():
        if all(isinstance(error, kind) for error in errors):
            return _exhausted_as(kind)
    return RoutesExhaustedError


@cache
def _exhausted_as(common: type) -> type[RoutesExhaustedError]:
    if issubclass(RoutesExhaustedError, common) or not issubclass(common, ProviderError):
        return RoutesExhaustedError
    namespace = {"__module__": __name__, "__doc__": RoutesExhaustedError.__doc__}
    try:
        return type(RoutesExhaustedError.__name__, (RoutesExhaustedError, common), namespace)
    except Exception as error:  # an exception group cannot be a TimeoutError, too, nor all that plugins make of errors
        raise_interruption(error)
        return _exhausted_as(common.__mro__[1])


class ToolLoopError(G4FLiteError):
    """The model still calls tools, and no round of `run_tools` is left."""


class ReplyError(G4FLiteError):
    """
    Raised by a provider's code: the response is an error.

    `parse_response` and the stream parser may raise it. `.reply` then goes to `classify_error`, as the reply of an
    error status does.
    """

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply)
        self.reply = reply

    def __str__(self) -> str:
        return f"the service answered with an error (status {self.reply.status})"
