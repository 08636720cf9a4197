"""
The base of requests and results other than chat: plain data, named as in OpenAI's library.

Requests have been checked when a provider gets them; None means not set, and is not sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import field

from ..records.trail import EMPTY_TRAIL, Attempt, Trail
from ..value import NOT_JSON, JSONObject, Value, decode_lenient
from .results import OpenResult, Result, unknown_fields

# -- requests ------------------------------------------------------------------------------


class EndpointRequest(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all requests but chat. `model` is the id that the provider knows."""

    operation: ClassVar[str]
    """The name of the endpoint, which is also the capability that a provider declares for it."""
    model: str = ""
    extra_body: Mapping[str, Any] | None = None
    extra_headers: Mapping[str, str] | None = None

    def to_body(self) -> JSONObject:
        """Return the parameters that are set, under OpenAI's names; `extra_body` is merged in last."""
        body = {
            name: value
            for name in self.__struct_fields__
            if name not in _NOT_SENT and (value := getattr(self, name)) is not None
        }
        return {**body, **(self.extra_body or {})}


_NOT_SENT = ("extra_body", "extra_headers", "file", "image", "mask", "progress")
"""What is not in the body's fields: files have parts of their own."""


# -- results -------------------------------------------------------------------------------


class MediaUsage(Result, frozen=True, kw_only=True, gc=False):
    """What audio or images used: seconds or tokens."""

    type: str = ""
    seconds: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0


class Answer(OpenResult, frozen=True, kw_only=True):
    """Base of all results but chat: which provider and model answered, and the trail of the call."""

    model: str = ""
    """The model that answered, as the provider names it."""
    provider: str = field(default="", name="g4f_lite.provider")
    trail: Trail = field(default=EMPTY_TRAIL, name="g4f_lite.trail")
    raw_json: bytes | None = field(default=None, name="g4f_lite.raw_json")

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        return self.trail.attempts

    @property
    def raw(self) -> Any:
        """The provider's own JSON, decoded again at each access; text if it answered with text."""
        if self.raw_json is None:
            return None
        try:
            return decode_lenient(self.raw_json)
        except NOT_JSON:
            return self.raw_json.decode("utf-8", "replace")

    @property
    def extra(self) -> JSONObject:
        """Fields that the service sent, and that have no attribute here; looked for in `raw` at each access."""
        sent = self.raw
        return unknown_fields(sent, type(self)) if isinstance(sent, dict) else {}

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON of this result, without fields that are not set."""
        return super(Answer, msgspec.structs.replace(self, raw_json=None)).to_dict()
