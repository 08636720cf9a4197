"""What each endpoint of `/admin/api/` tells and does: of this process, and what others have told."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import Any

from aiohttp import web

from ...errors.exceptions import G4FLiteError, InvalidRequestError
from ...errors.suggestions import did_you_mean
from ...health.stores.local_link import Link
from ...transport.async_threads import off_loop
from ...types.checks import seconds
from ...value import JSONObject
from ...version import __version__
from ..failures import BAD_REQUEST, NO_SUCH_PATH, RefusedError
from ..records import Record
from ..settings import Settings
from .budgets import budgets
from .key_changes import Keys
from .live import Live
from .notices import Notice, Notices
from .query import Query
from .recent import KEPT, Recent
from .redacted import redacted
from .routes import Routes
from .shared_calls import Counted, SharedCalls
from .spend import BY, Spend
from .trails import REFUSED, line_of, outcome_of, routes_of, trail_of

log = logging.getLogger("g4f_lite.gateway")

_MINUTE_S, _FLUSH_S = 60.0, 1.0
_AT_HELLO = 60
"""Calls that a listener gets to begin with."""
_GOOD = ("ok", "closed")
_REST_S = 600.0
_LONGEST_REST_S = 7 * 86_400.0


class Views:
    """
    Args:
        notices: for the other processes that answer; None if there are none.
        shared: their calls; None if there are none.
        link: to the state in which what keys use is counted.
        process: returns what is under way: `state`, `in_flight`, `needs_key`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        recent: Recent,
        spend: Spend,
        routes: Routes,
        notices: Notices | None,
        shared: SharedCalls | None,
        keys: Keys,
        link: Link,
        process: Callable[[], JSONObject],
    ) -> None:
        self._settings = settings
        self._recent = recent
        self._spend = spend
        self._routes = routes
        self._notices = notices
        self._shared = shared
        self._keys = keys
        self._link = link
        self._process = process
        self._started_at = time.time()
        server = settings.server
        self._live = Live(self._changes, keepalive=server.keepalive, stall=server.client_stall)
        self._is_deaf = False
        """Whether what other processes tell could not be read the last time."""
        self._last_sent: dict[str, JSONObject] = {}
        """What listeners were told last, by event."""
        self._look_at = 0.0
        """When the routes may have changed."""
        recent.listener = self._tell
        self._writing: asyncio.Task[None] | None = None

    @property
    def worker(self) -> str:
        """Which process answers: the state of routes is that of each."""
        return str(os.getpid())

    def start(self) -> None:
        """Begin to write what is spent, and to hear what is done elsewhere."""
        self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """End the events of those who watch, and write what is spent and what has ended."""
        self._live.close()
        if self._writing is not None:
            self._writing.cancel()
        await self._spend.flush()
        await self._share(ends=True)

    async def _write(self) -> None:
        while True:
            await self._share()
            await asyncio.sleep(_FLUSH_S)
            await self._spend.flush()

    async def _share(self, *, ends: bool = False) -> None:
        """Tell other processes what has ended here, hear what has ended there, and do what was done there by hand."""
        try:
            await self._share_calls(ends=ends)
            heard = [] if self._notices is None else await off_loop(self._notices.heard)
        except (OSError, sqlite3.Error) as error:
            if not self._is_deaf:
                log.warning("what other workers tell cannot be read: %s", error)
            self._is_deaf = True
            return
        self._is_deaf = False
        self._do(heard)

    async def _share_calls(self, *, ends: bool = False) -> None:
        if (shared := self._shared) is not None:
            counted = None if ends else Counted(self._process()["in_flight"], self._recent.ended)
            await off_loop(shared.exchange, self._recent.own_after(shared.shared_up_to), counted)
            self._recent.hear([shared.heard.popleft() for _ in range(len(shared.heard))])

    def _do(self, heard: Iterable[Notice]) -> None:
        """Do what the administrator has done in other processes."""
        for notice in heard:
            left = notice.until - time.time()
            try:
                if left > 0:
                    self._routes.rest(notice.route, left)
                elif not notice.until:
                    self._routes.wake(notice.route)
            except (RefusedError, G4FLiteError):
                continue  # this process has not used it yet
        self._look_at = 0.0 if heard else self._look_at

    # -- what is there ---------------------------------------------------------------------

    async def status(self, query: Query) -> JSONObject:
        query.only()
        return self._status()

    def _status(self) -> JSONObject:
        last = [outcome_of(one) for one in self._within(_MINUTE_S)]
        refused = last.count(REFUSED)
        failed = sum(one not in _GOOD for one in last) - refused
        process, others = self._process(), Counted() if self._shared is None else self._shared.others
        return {
            "version": __version__,
            "started_at": self._started_at,
            "workers": self._settings.server.workers,
            **process,
            "in_flight": process["in_flight"] + others.in_flight,
            "calls": self._recent.ended + others.ended,
            "last_minute": {"calls": len(last), "failed": failed, "refused": refused},
            "kept": KEPT,
        }

    def _within(self, age: float) -> Iterator[Record]:
        since = (time.time() - age) * 1e6
        return takewhile(lambda one: one.number > since, self._recent.newest())

    async def routes(self, query: Query) -> JSONObject:
        query.only()
        return {"routes": self._routes.rows()}

    async def calls(self, query: Query) -> JSONObject:
        query.only("limit", "before", "key", "route", "model", "outcome")
        limit = query.count("limit", 50, KEPT)
        before = query.count("before", 1, 10**16) if query.text("before") else None
        wanted = {name: query.text(name) for name in ("key", "route", "model", "outcome")}
        found = [one for one in self._recent.newest(before) if _fits(one, wanted)]
        more = len(found) > limit
        return {
            "calls": [line_of(one) for one in found[:limit]],
            "before": found[limit - 1].number if more else None,
        }

    async def call(self, query: Query, request_id: str) -> JSONObject:
        query.only()
        if (record := self._recent.find(request_id)) is None:
            await self._share_calls()
            record = self._recent.find(request_id)
        if record is None:
            raise RefusedError(NO_SUCH_PATH, f"there is no call {request_id[:80]!r} among the last")
        return {"call": trail_of(record)}

    async def spend(self, query: Query) -> JSONObject:
        query.only("days", "by")
        days, by = query.count("days", 30, 400), query.text("by")
        if by is not None and by not in BY:
            raise RefusedError(BAD_REQUEST, f"by must be {', '.join(BY)}, not {by[:80]!r}{did_you_mean(by, BY)}")
        found = await self._spend.report(days)
        found = {name: value for name, value in found.items() if by is None or name not in BY or name == by}
        return {"days": days, **found, "budgets": await self._budgets()}

    async def _budgets(self) -> dict[str, JSONObject]:
        return await budgets(self._link, await off_loop(lambda: list(self._keys.scopes())))

    async def config(self, query: Query) -> JSONObject:
        query.only()
        return {"config": redacted(self._settings)}

    # -- keys ------------------------------------------------------------------------------

    async def keys(self, query: Query) -> JSONObject:
        query.only()
        rows, left = await off_loop(self._keys.rows), await self._budgets()
        for row in rows:
            row["used"] = left.get(f"key/{row['name']}")
        return {"keys": rows, "teams": list(self._settings.teams)}

    async def new_key(self, query: Query) -> JSONObject:
        return await self._changed(query, self._keys.new, query.body())

    async def change_key(self, query: Query, name: str) -> JSONObject:
        return await self._changed(query, self._keys.change, name, query.body())

    async def delete_key(self, query: Query, name: str) -> JSONObject:
        return await self._changed(query, self._keys.delete, name)

    async def rotate_key(self, query: Query, name: str) -> JSONObject:
        return await self._changed(query, self._keys.rotate, name)

    async def _changed(self, query: Query, change: Callable[..., JSONObject], *arguments: Any) -> JSONObject:
        query.only()
        answer = await off_loop(change, *arguments)
        self._keys.changed()
        return answer

    # -- routes ----------------------------------------------------------------------------

    async def rest(self, query: Query, route: str) -> JSONObject:
        query.only()
        body = {"seconds": _REST_S, **query.body()}
        if unknown := body.keys() - {"seconds"}:
            raise RefusedError(BAD_REQUEST, f"the body may have seconds, not {min(unknown)[:80]!r}")
        try:
            length = seconds("seconds", body["seconds"])
        except InvalidRequestError as error:
            raise RefusedError(BAD_REQUEST, error.message) from None
        if length > _LONGEST_REST_S:
            raise RefusedError(BAD_REQUEST, f"seconds may be {_LONGEST_REST_S:.0f} at most: a week")
        return await self._acted(route, self._routes.rest(route, length), time.time() + length)

    async def wake(self, query: Query, route: str) -> JSONObject:
        query.only()
        if query.body():
            raise RefusedError(BAD_REQUEST, "wake takes no body")
        return await self._acted(route, self._routes.wake(route), 0.0)

    async def _acted(self, route: str, operations: list[str], until: float) -> JSONObject:
        self._look_at = 0.0
        if self._notices is not None:
            await off_loop(self._notices.tell, Notice(route, until))
        rows = [row for row in self._routes.rows() if row["route"] == route]
        return {"route": route, "operations": operations, "routes": rows}

    # -- events ----------------------------------------------------------------------------

    async def live(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one who watches: first all that is known, then what changes."""
        self._last_sent.clear()  # what the others were told last is not what this one is told now
        hello = {
            "worker": self.worker,
            "now": time.time(),
            "status": self._status(),
            "routes": self._routes.rows(),
            "calls": [trail_of(one) for one in islice(self._recent.newest(), _AT_HELLO)],
        }
        return await self._live.serve(request, hello)

    def _tell(self, record: Record) -> None:
        if self._live:
            self._look_at = 0.0
            self._live.tell("call", trail_of(record))

    def _changes(self) -> dict[str, JSONObject]:
        """Return what has changed since the last time, by event."""
        now, found = time.time(), {"status": self._status()}
        if now >= self._look_at:
            rows = self._routes.rows()
            self._look_at = min((row["until"] for row in rows if row["until"] is not None), default=now + _MINUTE_S)
            found["routes"] = {"routes": rows}
        changed = {name: data for name, data in found.items() if self._last_sent.get(name) != data}
        self._last_sent.update(changed)
        return changed


def _fits(record: Record, wanted: dict[str, str | None]) -> bool:
    key, route, model, outcome = (wanted[name] for name in ("key", "route", "model", "outcome"))
    if (key and record.key != key) or (model and record.model != model) or (route and route not in routes_of(record)):
        return False
    own = outcome_of(record)
    return outcome in (None, own, str(record.status)) or (outcome == "failed" and own not in _GOOD)
