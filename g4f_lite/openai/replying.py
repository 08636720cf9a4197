"""From what a call has given to the response of its request, with its headers. No I/O."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from ..client.base_stream import BaseStream
from ..errors.exceptions import ContentFilterError, G4FLiteError, ModelUnavailableError
from ..records.trail import Trail
from .mapping.answers import JSON, Response, body_of, model_in
from .mapping.errors import error_response
from .mapping.events import CONTENT_TYPE
from .mapping.requests import Asked
from .mapping.trail_headers import trail_headers
from .service import Exchange


def new_request_id() -> str:
    """Return an id for a request whose service, if it has one, does not give it any."""
    return f"g4f-{uuid4().hex}"


def whole_response(result: Any, asked: Asked, exchange: Exchange | None) -> Response:
    """
    Return the response for a whole result.

    Raises:
        ModelUnavailableError: the model that was asked for is not in the list.
    """
    if asked.operation != "model":
        kind, body = body_of(result, asked)
        if exchange is not None and result.raw_json is not None:  # whatever it is: the caller asked this service alone
            kind, body = exchange.received.get("content-type", kind), result.raw_json
    elif (found := model_in(result, asked.place.model)) is not None:
        kind, body = JSON, found
    else:
        error = ModelUnavailableError(f"there is no model {asked.place.model!r} in the list", code="model_not_found")
        error.trail = result.trail
        raise error
    headers = _headers(exchange, result.trail, result.provider, result.model)
    return Response(200, {**headers, "content-type": kind}, body)


def stream_headers(stream: BaseStream[Any], exchange: Exchange | None) -> dict[str, str]:
    """Return the headers of a stream whose first content has come."""
    if exchange is not None:
        exchange.heard(getattr(stream._call.streaming, "headers", {}))
    headers = _headers(exchange, stream.trail, stream.provider, stream.model, under_way=True)
    return {**headers, "content-type": CONTENT_TYPE}


def failed_response(error: G4FLiteError, exchange: Exchange | None, *, retried: bool) -> Response:
    """
    Return the response for an error; see `error_response`.

    An answer that a service has withheld says so itself, by its finish reason: it goes on as it came.
    """
    response = error_response(error, request_id=new_request_id(), retried=retried)
    if exchange is None:
        return response
    if isinstance(error, ContentFilterError) and exchange.completion is not None:
        headers = _headers(exchange, error.trail, error.provider, error.model)
        return Response(200, {"content-type": JSON, **headers}, exchange.completion)
    return response._replace(headers={**exchange.received, **response.headers})


def _headers(
    exchange: Exchange | None, trail: Trail, provider: str, model: str, *, under_way: bool = False
) -> dict[str, str]:
    received = {} if exchange is None else exchange.received
    ours = trail_headers(trail, provider, model, under_way=under_way)
    return {"x-request-id": new_request_id(), **received, **ours}
