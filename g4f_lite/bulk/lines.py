"""
How a row has ended, and the line that is written of it.

Rule: a row and an outcome are plain data, so that a row may be asked in another process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from ..errors.exceptions import G4FLiteError, ProviderError
from ..openai.mapping.answers import body_of
from ..openai.mapping.errors import error_response
from ..openai.mapping.requests import Asked
from ..types.chat import ChatCompletion
from ..value import JSONObject, decode_json
from .failures import Fault, judge
from .journal import Own
from .rows import Row

encode = msgspec.json.Encoder(enc_hook=repr).encode


class Outcome(msgspec.Struct, frozen=True):
    """How a row has ended."""

    row: int
    line: bytes
    """What is written of it."""
    fault: Fault | None = None
    """None if it was answered."""
    message: str = ""
    wait_s: float = 0.0
    limited: bool = False
    """One of its attempts was refused for its rate."""
    route: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


class Answered(msgspec.Struct, frozen=True):
    """What has answered a row. Its outcome is made later: those of some rows together take half the time."""

    row: Row
    asked: Asked | None
    result: Any
    limited: bool
    """As in `Outcome`."""
    fault: ClassVar[None] = None

    def outcome(self) -> Outcome:
        """Return how the row has ended, with the line of its answer."""
        row, asked, result = self.row, self.asked, self.result
        usage = getattr(result, "usage", None)
        cost = result.cost if isinstance(result, ChatCompletion) else _cost_of_attempt(result)
        provider, model = result.provider, result.model
        if asked is None:
            line = encode(
                _Line(
                    row=row.number,
                    id=row.fields.get("id"),
                    answer=result.text,
                    provider=provider,
                    model=model,
                    finish_reason=result.choices[0].finish_reason,
                    usage=usage and usage.to_dict(),
                    cost=cost,
                    response=result.to_dict() if _has_more(result) else None,
                )
            )
        else:
            own = Own(row=row.number, provider=provider, model=model, cost=cost)
            kind, body = body_of(result, asked)
            response = {"status_code": 200, "request_id": _request_id(row, result.trail), "body": _body(kind, body)}
            line = encode(_batch_line(row, response, None, own))
        return Outcome(
            row=row.number,
            line=line + b"\n",
            limited=self.limited,
            route=f"{provider}:{model}",
            prompt_tokens=getattr(usage, "prompt_tokens", None) or 0,
            completion_tokens=getattr(usage, "completion_tokens", None) or 0,
            cost=cost,
        )


def left(row: Row) -> Outcome:
    """Return the outcome of a row whose call was let go: nothing is written."""
    return Outcome(row=row.number, line=b"", fault=Fault.LEFT)


def failed(row: Row, error: G4FLiteError, *, names_route: bool) -> Outcome:
    """Return the outcome of a row whose call has failed; `names_route` as for `judge`."""
    verdict = judge(error, names_route=names_route)
    own: JSONObject = {"class": type(error).__name__, "message": str(error) or type(error).__name__}
    place: JSONObject = {"row": row.number, **({"line": row.line} if row.line else {})}
    record: JSONObject = {**place, "id": row.id, "error": own, "trail": error.trail.to_dict()}
    if isinstance(error, ProviderError):
        own |= {"status": error.status, "code": error.code}
    if row.is_batch:
        answer = error_response(error, request_id=_request_id(row, error.trail), retried=True)
        body: Any = msgspec.Raw(answer.body)
        response = {"status_code": answer.status, "request_id": answer.headers["x-request-id"], "body": body}
        said = {"code": getattr(error, "code", None) or own["class"], "message": own["message"]}
        record = _batch_line(row, response, said, {**place, **own, "trail": record["trail"]})
    return Outcome(
        row=row.number,
        line=encode(record) + b"\n",
        fault=verdict.fault,
        message=own["message"],
        wait_s=verdict.wait_s,
        limited=any(one.outcome == "RateLimitError" for one in error.attempts),
    )


class _Line(msgspec.Struct, omit_defaults=True):
    """What is written of an answer to a row that is no line of a batch."""

    row: int
    id: Any
    answer: str
    provider: str
    model: str
    finish_reason: str | None
    usage: JSONObject | None = None
    cost: float | None = None
    response: JSONObject | None = None
    """OpenAI's JSON of an answer that is more than a text."""


def _cost_of_attempt(result: Any) -> float | None:
    """Return what an answer has cost that does not say it itself: vectors, sound, images."""
    attempts = result.trail.attempts
    return attempts[-1].cost if attempts else None


def _has_more(result: ChatCompletion) -> bool:
    """Return whether an answer is more than the text of one choice."""
    choice = result.choices[0]
    message = choice.message
    more = message.tool_calls or message.refusal or message.images or choice.logprobs is not None
    return bool(more or len(result.choices) > 1)


def _body(kind: str, body: bytes) -> Any:
    if kind.startswith("application/json"):
        return msgspec.Raw(body) if b"\n" not in body else decode_json(body)
    return body.decode("utf-8", "replace") if kind.startswith("text/") else body  # as base64


def _batch_line(row: Row, response: JSONObject, error: JSONObject | None, own: Own | JSONObject) -> JSONObject:
    name = f"batch_req_{row.number}"
    return {"id": name, "custom_id": row.id, "response": response, "error": error, "g4f_lite": own}


def _request_id(row: Row, trail: Any) -> str:
    known: Iterator[str] = (one.request_id for one in reversed(trail.attempts) if one.request_id)
    return next(known, f"req_{row.number}")
