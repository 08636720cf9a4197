"""Log probabilities: as the service sent them, and as objects."""

# No `from __future__ import annotations`: msgspec would evaluate the annotations again when it first needs them.
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from msgspec import field

from ..value import JSONObject
from .results import OpenResult, unknown_fields


class TokenLogprob(OpenResult, frozen=True, kw_only=True):
    """A token and its log probability."""

    _ours: ClassVar[frozenset[str]] = frozenset(("top_logprobs",))  # which those in `top_logprobs` do not have

    token: str = ""
    logprob: float = -inf
    """Natural logarithm of its probability, <= 0; minus infinity if the service sends none."""
    bytes: tuple[int, ...] | None = None
    """The token in UTF-8; None if it has no bytes, or the service does not say them."""
    top_logprobs: "tuple[TokenLogprob, ...]" = ()
    """The most likely tokens in this place; theirs are empty."""
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`."""


class ChoiceLogprobs(OpenResult, frozen=True, kw_only=True, eq=False):
    """The log probabilities of a choice. Two are equal if the service sent the same."""

    content: tuple[TokenLogprob, ...] | None = None
    """Those of the text; None if there are none, or the service sent them in another form: see `sent`."""
    refusal: tuple[TokenLogprob, ...] | None = None
    sent: JSONObject = field(default_factory=dict, name="g4f_lite.sent")
    """What the service sent."""

    @property
    def extra(self) -> JSONObject:
        """As in `ChatCompletion`."""
        return unknown_fields(self.sent, ChoiceLogprobs)

    def to_dict(self) -> JSONObject:
        """Return what the service sent."""
        return dict(self.sent)

    def __eq__(self, other: object) -> bool:
        return (other.sent if isinstance(other, ChoiceLogprobs) else other) == self.sent

    __hash__ = None  # type: ignore[assignment]  # as a dictionary has none

    def __repr__(self) -> str:
        return f"ChoiceLogprobs({len(self.content or self.refusal or ())} tokens)"


if TYPE_CHECKING:
    Logprobs: TypeAlias = ChoiceLogprobs | None
else:
    Logprobs = Any  # what a service sends, whatever it is


class _LogprobsField:
    """The attribute `logprobs` of a choice: objects, made when somebody first asks for them."""

    def __init__(self, field: Any) -> None:
        self._field = field

    def __get__(self, choice: object, kind: type | None = None) -> Any:
        if choice is None:
            return self
        sent = self._field.__get__(choice)
        if type(sent) is not dict:
            return sent
        logprobs = ChoiceLogprobs(content=_tokens(sent.get("content")), refusal=_tokens(sent.get("refusal")), sent=sent)
        self._field.__set__(choice, logprobs)
        return logprobs

    def __set__(self, choice: object, value: object) -> None:
        self._field.__set__(choice, value)


def show_objects(kind: type) -> None:
    """
    Make `logprobs` of this kind of choice return objects.

    The field keeps what the service sent until somebody asks: most callers never do, and a long answer has many tokens.
    The field itself gets the name `kept_logprobs`; reading it calls no function, which counts for each chunk.
    """
    kept = kind.logprobs  # type: ignore[attr-defined]
    kind.kept_logprobs = kept  # type: ignore[attr-defined]
    kind.logprobs = _LogprobsField(kept)  # type: ignore[attr-defined]


def sent_logprobs(choice: Any) -> Any:
    """Return the log probabilities of a choice as the service sent them."""
    kept = choice.kept_logprobs
    return kept.sent if isinstance(kept, ChoiceLogprobs) else kept


def _tokens(given: object) -> tuple[TokenLogprob, ...] | None:
    """Return an object for each entry; None if there is no list of them."""
    if not isinstance(given, list):
        return None
    return tuple(_token(one) for one in given if isinstance(one, dict))


def _token(given: JSONObject) -> TokenLogprob:
    token, logprob, units = given.get("token"), given.get("logprob"), given.get("bytes")
    whole = isinstance(units, list) and all(type(one) is int for one in units)
    return TokenLogprob(
        token="" if token is None else str(token),
        logprob=float(logprob) if isinstance(logprob, (int, float)) else -inf,
        bytes=tuple(units) if units is not None and whole else None,
        top_logprobs=_tokens(given.get("top_logprobs")) or (),
        extra=unknown_fields(given, TokenLogprob),
    )
