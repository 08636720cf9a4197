"""One request, from its key to the last byte of its answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec
from aiohttp import web

from ..errors.exceptions import ConfigurationError, G4FLiteError, InvalidRequestError
from ..errors.suggestions import did_you_mean
from ..health.stores.local_link import Link
from ..observability import CONTENT_TYPE
from ..openai.mapping.answers import JSON
from ..openai.mapping.requests import Asked, Place
from ..types.http import COST_HEADER
from ..value import JSONObject
from .anthropic.counting import count_tokens
from .clients import Clients
from .dialects import COUNT_TOKENS, OPENAI, Dialect, dialect_of, where
from .failures import (
    BAD_KEY,
    BUSY,
    NO_SUCH_PATH,
    STOPPING,
    RefusedError,
    code_of,
    error_headers,
    failure_of,
    message_of,
)
from .keys import ADMIN, ANYBODY, KeyRing, VirtualKey, is_admin
from .leases import Taken
from .listening import new_id
from .log_lines import event_line
from .models import Names
from .quotas import Quotas, limit_headers
from .records import Record, current
from .requests import LONGEST_NAME, Prepared, no_such_model, prepare
from .settings import Settings
from .streams import EventWriter, StalledError, route_headers, write_stream
from .uploads import is_form, let_it_send, pieces_of, reading_form, too_large

log = logging.getLogger("g4f_lite.gateway")

_PATHS = (
    "/v1/chat/completions", "/v1/embeddings", "/v1/images/generations", "/v1/audio/speech", "/v1/audio/transcriptions",
    "/v1/audio/translations", "/v1/messages", "/v1/messages/count_tokens", "/v1/models", "/health/live",
    "/health/ready", "/metrics",
)  # fmt: skip
_CHAT_INSTEAD = ("/v1/responses", "/v1/completions", "/v1/complete")
_TYPO = 0.85
"""How similar a path must be to be taken for a known one: `/v1/assistants` is no misspelt `/v1/messages`."""
_BUSY_FOR_S = 1.0


class Answering:
    """
    Answers requests.

    Args:
        clients: make the calls.
        ring: the keys that are valid; an empty one lets everybody in.
        link: to the state in which what keys use is counted.
        admin: the hash of the administrator's key.
        metrics: returns Prometheus' text.
        needs_key: whether nobody is let in without a key.
        ended: is told of each call that has ended.
        refused: is told the code of each request that the gateway itself has refused.
        elsewhere: answers what is no endpoint of callers; returns None for an unknown path.
        write_line: takes the line of each call; else it goes to the logger.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        ring: KeyRing,
        names: Names,
        link: Link,
        *,
        admin: str,
        metrics: Callable[[], bytes],
        needs_key: bool,
        ended: Callable[[Record, Asked], None],
        refused: Callable[[str], None],
        elsewhere: Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]],
        write_line: Callable[[str], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._ring = ring
        self._names = names
        self._admin = admin
        self._text_of_metrics = metrics
        self.needs_key = needs_key
        self._write_line = partial(log.info, "%s") if write_line is None else write_line
        self._link = link
        self._ended = ended
        self._refused = refused
        self._elsewhere = elsewhere
        self._quotas = Quotas(link, settings.teams, clients.planned)
        self.started = False
        """It is ready: it listens, and has asked its state."""
        self.leaving = False
        """It is not ready any more, and closes each connection after its answer."""
        self.stopping = False
        """New calls are refused."""
        self.under_way: set[asyncio.Task[Any]] = set()
        """The tasks of the calls that are answered."""

    def let_in(self, ring: KeyRing, *, anybody: bool) -> None:
        """Let in the callers with these keys from now on; once there were keys, nobody comes in without one."""
        self._ring = ring
        self.needs_key = (self.needs_key or bool(ring)) and not anybody

    def close(self) -> None:
        """Give back what is reserved for calls to come."""
        self._quotas.close()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        response = await self._respond(request)
        if self.leaving:
            response.force_close()
        return response

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path.startswith("/health/"):
            return self._health(path)
        request_id, dialect = new_id(), dialect_of(path)
        try:
            if path == "/metrics":
                return self._metrics(request.headers)
            return await self._answer(request, path, dialect, request_id)
        except (G4FLiteError, RefusedError) as error:
            self._note_refused(error, request, request_id)
            return self._failed(error, request_id, dialect)
        except (StalledError, ConnectionError) as error:  # nobody is there to hear it
            log.info("%s: %s", request_id, error or "the caller has left")
            return web.Response(status=499)
        except web.RequestPayloadError:
            wrong = InvalidRequestError("the body is not encoded as its headers say")
            self._note_refused(wrong, request, request_id)
            return self._failed(wrong, request_id, dialect)
        except Exception as error:
            log.exception("%s: the gateway has failed", request_id)
            return self._failed(error, request_id, dialect)

    def _health(self, path: str) -> web.Response:
        if path == "/health/live":
            return _json({"status": "ok"})
        if path == "/health/ready":
            if self.leaving or not self.started:
                return _json({"status": "stopping" if self.leaving else "starting"}, 503)
            shared = self._settings.server.shared or "sqlite"
            away = ["sqlite" if shared.startswith("sqlite") else "redis"] if self._link.away else []
            return _json({"status": "degraded", "away": away} if away else {"status": "ok"})
        return self._failed(RefusedError(NO_SUCH_PATH, f"there is no {path[:80]}"), new_id(), OPENAI)

    def _metrics(self, headers: Mapping[str, str]) -> web.Response:
        if not is_admin(headers, self._admin):
            raise RefusedError(
                BAD_KEY, "metrics are for the administrator; send the key as Authorization: Bearer g4f-…"
            )
        return web.Response(body=self._text_of_metrics(), headers={"Content-Type": CONTENT_TYPE})

    def _note_refused(self, error: BaseException, request: web.BaseRequest, request_id: str) -> None:
        """Count a request that has become no call, and write its line: without a message that may quote the body."""
        code, status = code_of(error), failure_of(error).status
        self._count_refused(error)
        if self._settings.server.log_calls == "off":
            return
        more = {"id": request_id, "from": request.remote, "asked": f"{request.method[:20]} {request.path[:80]}"}
        said = {"error": str(error)} if isinstance(error, RefusedError) else {}
        self._write_line(event_line("refused", **more, status=status, code=code, **said))

    def _count_refused(self, error: BaseException) -> None:
        self._refused(code_of(error) if isinstance(error, RefusedError) else failure_of(error).type)

    def _failed(self, error: BaseException, request_id: str, dialect: Dialect) -> web.Response:
        status, body = dialect.error(error, request_id)
        headers = {"Content-Type": JSON, **error_headers(error, request_id)}
        return web.Response(status=status, headers=headers, body=body)

    async def _answer(
        self, request: web.BaseRequest, path: str, dialect: Dialect, request_id: str
    ) -> web.StreamResponse:
        place = where(request.method, path)
        if place is None:
            if (response := await self._elsewhere(request)) is not None:
                return response
            taken = [method for method in ("GET", "POST") if where(method, path) is not None]
            hint = f"; it takes {taken[0]}" if taken else _hint(path)
            raise RefusedError(NO_SUCH_PATH, f"there is no {request.method} {path[:80]} here{hint}")
        key = self._key(request.headers)
        if place.operation in ("models", "model"):
            return self._models(place, key)
        if self.stopping:
            raise RefusedError(STOPPING, "the gateway is about to stop", _BUSY_FOR_S)
        if len(self.under_way) >= self._settings.server.max_in_flight:
            raise RefusedError(
                BUSY, f"{len(self.under_way)} calls are under way, the most that are allowed", _BUSY_FOR_S
            )
        task = asyncio.current_task()
        assert task is not None
        self.under_way.add(task)
        try:
            most, stall = self._settings.server.max_body, self._settings.server.client_stall
            if (request.content_length or 0) > most:
                raise too_large(most)
            if "Expect" in request.headers:
                await let_it_send(request)
            if is_form(request):
                async with reading_form(request, place, dialect, most=most, stall=stall) as asked:
                    return await self._call(request, asked, key, dialect, request_id)
            body = await self._body(request, most, stall)
            asked = dialect.read(place, request.headers, body)
            return await self._call(request, asked, key, dialect, request_id)
        finally:
            self.under_way.discard(task)

    def _key(self, headers: Mapping[str, str]) -> VirtualKey:
        if self.needs_key and (key := self._ring.find(headers, time.time())) is not None:
            return key
        if is_admin(headers, self._admin):
            return ADMIN
        if self.needs_key:
            raise RefusedError(BAD_KEY, "the key is not valid; send one of this gateway as Authorization: Bearer g4f-…")
        return ANYBODY

    def _models(self, place: Place, key: VirtualKey) -> web.Response:
        names = sorted(self._names.visible(key))
        if place.operation == "models":
            return _json({"object": "list", "data": [_model(name) for name in names]})
        if place.model in names or self._may_be_asked(place.model, key):
            return _json(_model(place.model))
        raise no_such_model(place.model)

    def _may_be_asked(self, model: str, key: VirtualKey) -> bool:
        """Return whether a call of this model would find a route; nobody is asked."""
        target = self._names.target(model, key) if 0 < len(model) <= LONGEST_NAME and "*" not in model else None
        try:
            return target is not None and bool(self._clients.explain(target))
        except ConfigurationError:
            return False

    async def _call(
        self, request: web.BaseRequest, asked: Asked, key: VirtualKey, dialect: Dialect, request_id: str
    ) -> web.StreamResponse:
        if asked.operation == COUNT_TOKENS:
            return _json(count_tokens(asked.fields), headers={"x-g4f-estimate": "true"})
        deadline = self._settings.client.deadline
        record = Record(
            request_id,
            key.name,
            asked.operation,
            str(asked.fields.get("model") or ""),
            team=key.settings.team,
            streams=asked.streams,
        )
        record.fields = asked.fields
        token, status, taken = current.set(record), 499, None
        try:
            prepared = prepare(asked, request.headers, names=self._names, key=key, deadline=deadline)
            taken = await self._quotas.reserve(key, asked, prepared.target)
            response = await self._send(request, prepared, taken, dialect, record)
            status = response.status
            return response
        except (G4FLiteError, RefusedError) as error:
            record.fail(code_of(error), message_of(error, request_id))
            if record.trail is None:
                self._count_refused(error)
            response = self._failed(error, request_id, dialect)
            status = response.status
            return response
        except (StalledError, ConnectionError):
            raise
        except Exception as error:
            status = 500
            record.fail(code_of(error), message_of(error, request_id))
            raise
        finally:
            current.reset(token)
            record.end(status)
            if taken is not None:
                record.charged = self._quotas.settle(taken, record.trail)
            self._ended(record, asked)
            if self._settings.server.log_calls != "off":
                self._write_line(record.line())

    async def _send(
        self, request: web.BaseRequest, prepared: Prepared, taken: Taken | None, dialect: Dialect, record: Record
    ) -> web.StreamResponse:
        asked, headers = prepared.asked, {"x-request-id": record.request_id}
        if taken is not None:
            headers |= limit_headers(taken)
        method: Callable[..., Awaitable[Any]] = attrgetter(prepared.method)(self._clients.of(prepared.target))
        if asked.streams:
            return await self._stream(request, method(**prepared.keywords), asked, dialect, headers)
        result = await method(**prepared.keywords)
        kind, content = dialect.answer(result, asked)
        headers |= {"Content-Type": kind}
        headers |= route_headers(result.provider, result.model, len(result.trail.attempts))
        if record.cost is not None:
            headers[COST_HEADER] = f"{record.cost:.9f}".rstrip("0").rstrip(".")
        return web.Response(headers=headers, body=content)

    async def _body(self, request: web.BaseRequest, most: int, stall: float) -> bytes:
        if not request.content.is_eof():
            return b"".join([data async for data in pieces_of(request, most, stall)])
        if len(body := request.content.read_nowait()) > most:  # all of it is there
            raise too_large(most)
        return body

    async def _stream(
        self,
        request: web.BaseRequest,
        opening: Awaitable[Any],
        asked: Asked,
        dialect: Dialect,
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        server, request_id = self._settings.server, headers["x-request-id"]
        writer = EventWriter(
            request,
            headers,
            dialect,
            keepalive=server.keepalive,
            stall=server.client_stall,
            is_last=lambda: self.leaving,
        )
        try:
            await write_stream(writer, opening, dialect.events(asked), request_id)
        except (StalledError, ConnectionError):
            writer.abort()
            raise
        except asyncio.CancelledError:
            if not (self.stopping and writer.has_begun):
                raise
            await writer.break_off(RefusedError(STOPPING, "the gateway has stopped"), request_id)
        finally:
            writer.close()
        return writer.response


def _hint(path: str) -> str:
    return "; ask at /v1/chat/completions" if path in _CHAT_INSTEAD else did_you_mean(path, _PATHS, cutoff=_TYPO)


def _model(name: str) -> JSONObject:
    return {"id": name, "object": "model", "created": 0, "owned_by": "g4f_lite"}


def _json(data: Any, status: int = 200, headers: Mapping[str, str] = {}) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), headers={"Content-Type": JSON, **headers})
