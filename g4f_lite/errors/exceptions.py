"""
Everything that this library raises.

    G4FLiteError
    ├── ConfigurationError                 found before any I/O; the message says what to do
    │   ├── UnknownProviderError
    │   ├── UnknownModelError
    │   ├── PluginLoadError
    │   └── NoUsableRouteError             every leg was left out; `.trail` says why
    │       └── MissingKeyError
    ├── ProviderError                      one leg failed; what the router does next: docs/failover.md
    │   ├── RateLimitError
    │   ├── QuotaExceededError
    │   ├── AuthenticationError
    │   ├── PermissionDeniedError
    │   ├── ModelUnavailableError
    │   ├── ContextWindowError
    │   ├── RequestTooLargeError
    │   ├── UnsupportedParameterError
    │   ├── InvalidRequestError            also raised before sending, for arguments that no provider takes
    │   ├── ContentFilterError
    │   ├── ServerError
    │   ├── ConnectionFailedError          .kind
    │   ├── ProviderTimeoutError           .phase
    │   ├── MalformedResponseError
    │   ├── ToolCallError
    │   ├── StreamInterruptedError         .partial_text
    │   └── DeadlineExceededError
    ├── RoutesExhaustedError               an ExceptionGroup of the legs' ProviderErrors
    └── ReplyError                         a provider's own code says: this answer is an error

Each has `.trail`, `.attempts` and `.retry_at`, survives pickle with them, and carries no key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..trail import EMPTY_TRAIL, Attempt, Trail

if TYPE_CHECKING:
    from .reply import ErrorReply


class G4FLiteError(Exception):
    """Root of the tree."""

    trail: Trail = EMPTY_TRAIL
    """What happened in the call that raised it."""
    retry_at: float | None = None
    """Unix time of the soonest moment at which one of the legs is usable again, if known."""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.trail.attempts


class ConfigurationError(G4FLiteError, ValueError):
    """The call or the client is set up in a way that cannot work."""


class UnknownProviderError(ConfigurationError):
    """No provider has this name."""


class UnknownModelError(ConfigurationError):
    """No usable provider serves this model."""


class PluginLoadError(ConfigurationError):
    """The plugin that was asked for cannot be loaded."""


class NoUsableRouteError(ConfigurationError):
    """Every leg of the plan was left out before anything was sent."""


class MissingKeyError(NoUsableRouteError):
    """No key was found for the provider that was asked for."""


class ProviderError(G4FLiteError):
    """
    One leg failed.

    Args:
        message: what the service said, or what was seen; short, without any key.
        status: HTTP status, None if there was no answer.
        code: the service's own code or type, such as `model_not_found`.
        retry_after: seconds that the service asks to wait, None if it does not say.
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

    def __str__(self) -> str:
        told = self.message or type(self).__name__
        where = f"{self.provider}:{self.model}".rstrip(":") + ": " if self.provider else ""
        # An error inside a 200 has that status; shown, it would only puzzle.
        status = (
            f"{self.status} " if self.status is not None and self.status >= 300 and str(self.status) not in told else ""
        )
        return f"{where}{status}{told}"


class RateLimitError(ProviderError):
    """Too many requests or tokens for now."""


class QuotaExceededError(ProviderError):
    """The key has no money or no allowance left."""


class AuthenticationError(ProviderError):
    """The key is refused, or none could be got."""


class PermissionDeniedError(ProviderError):
    """The key is known, but may not do this."""


class ModelUnavailableError(ProviderError):
    """The service does not serve this model (any more, or to this key)."""


class ContextWindowError(ProviderError):
    """The prompt is too long for the model."""


class RequestTooLargeError(ProviderError):
    """The request is too large for the service or for the key's tier."""


class UnsupportedParameterError(ProviderError):
    """The service or the model does not know a parameter or feature of the request."""


class InvalidRequestError(ProviderError):
    """The request is wrong, wherever it is sent."""


class ContentFilterError(ProviderError):
    """The service refuses the content."""


class ServerError(ProviderError):
    """The service failed, or is overloaded."""


class ConnectionFailedError(ProviderError):
    """
    No answer came because of the connection.

    `kind`: `refused`, `dns`, `tls`, `redirect` or `proxy` say that the origin cannot be used;
    `reset` says that a connection was lost under way.
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


class ProviderTimeoutError(ProviderError):
    """Silence for longer than `Timeouts` allows."""

    def __init__(
        self, message: str = "", *, phase: Literal["connect", "first_token", "stall", "total"] = "total"
    ) -> None:
        super().__init__(message)
        self.phase = phase


class MalformedResponseError(ProviderError):
    """The answer cannot be understood: empty, HTML, broken JSON, no choices."""


class ToolCallError(ProviderError):
    """The model's tool call or JSON did not fit its schema, and the service refused it."""


class StreamInterruptedError(ProviderError):
    """A stream broke after content had been handed out."""

    partial_text: str = ""
    """The first choice's text up to the break."""


class DeadlineExceededError(ProviderError):
    """The caller's time is up."""


class RoutesExhaustedError(G4FLiteError, ExceptionGroup[ProviderError]):
    """
    No leg of a plan of several gave an answer.

    `.exceptions` holds the last error of each leg that was tried, in order; `except*` works.
    """

    def __new__(cls, message: str, exceptions: Sequence[ProviderError]) -> RoutesExhaustedError:
        return super().__new__(cls, message, exceptions)

    def __init__(self, message: str, exceptions: Sequence[ProviderError]) -> None:
        super().__init__(message, exceptions)

    def derive(self, excs: Sequence[ProviderError], /) -> RoutesExhaustedError:  # type: ignore[override]  # typeshed's overloads allow any exception
        derived = RoutesExhaustedError(self.message, excs)
        derived.trail, derived.retry_at = self.trail, self.retry_at
        return derived

    def __str__(self) -> str:
        return self.message


class ReplyError(G4FLiteError):
    """
    Raised by a provider's `parse_response` or stream parser: what came is an error reply.

    The router hands `.reply` to `classify_error`, as it does for an error status.
    """

    def __init__(self, reply: ErrorReply) -> None:
        super().__init__(reply)
        self.reply = reply

    def __str__(self) -> str:
        return f"the service answered with an error (status {self.reply.status})"
