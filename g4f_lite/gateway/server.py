"""The server: it listens, answers, and ends without losing a call."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry

from ..errors.exceptions import ConfigurationError, G4FLiteError
from ..observability import Metrics, prometheus_text
from ..openai.mapping.requests import Asked
from ..value import JSONObject
from .admin.api import AdminAPI
from .admin.file import AdminFile
from .admin.key_changes import Keys
from .admin.notices import Notices
from .admin.recent import Recent
from .admin.routes import Routes
from .admin.shared_calls import SharedCalls
from .admin.spend import Spend
from .admin.views import Views
from .answering import Answering
from .clients import Clients
from .from_settings import client_of, link_of, spend_path, tracing_of
from .garbage import loaded
from .key_store import KeyStore
from .keys import KeyRing, VirtualKey, hash_of, keys_of, new_key
from .listening import Server
from .log_lines import LineWriter, RouteLines, event_line
from .models import Names, each_of
from .records import Record, Recorder
from .settings import Settings, check_key_models

log = logging.getLogger("g4f_lite.gateway")

_FOLLOW_S = 0.5
"""How often the stored keys are looked at."""
_SETTLED_NS = 2_000_000_000
"""File systems tell the time of a change in steps that are shorter than this."""
_ACCEPTED_S = 0.2
"""How long requests on connections that have been accepted last are still answered."""
_LAST_S = 2.0
"""How long calls may take to end after they have been cancelled."""


class Gateway:
    """
    One process of the gateway.

    Args:
        store: further keys, which are read again when they change.
        usage: the file in which it counts what keys use; None for memory. `[server] shared` goes before.
        no_auth: everybody is let in, from other machines too.
        write_line: as in `Answering`.
        admin_key: the administrator's, if none is configured; None to make one.

    Raises:
        ConfigurationError: the settings cannot work.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: KeyStore | None = None,
        usage: Path | None = None,
        no_auth: bool = False,
        write_line: Callable[[str], None] | None = None,
        admin_key: str | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._no_auth = no_auth
        self._seen: int | None = None
        ring = self._read_keys()
        if settings.server.is_public and not ring and not no_auth:
            raise ConfigurationError(
                f"[server] listen = {settings.server.listen!r} lets other machines in, but there are no [keys]: "
                "make one with `g4f-lite gateway keys [--config FILE] new NAME`, or say --no-auth"
            )
        metrics = CollectorRegistry()  # its own: there may be others in this process
        self._tracing = tracing_of(settings)
        self._metrics = Metrics(registry=metrics)
        plugins: list[object] = [Recorder(content=settings.server.log_calls == "content"), self._metrics]
        if self._tracing is not None:
            plugins.append(self._tracing.plugin)
        self.client = client_of(settings, plugins, usage)
        admin = settings.server.admin
        self.made_admin_key = (admin_key or new_key()) if admin is None else None
        """The key of the administrator, if none is configured: it holds until this process ends."""
        admin_hash = hash_of(self.made_admin_key or (admin.read("[server] admin") if admin is not None else ""))
        own = settings.client.routes
        names = self._names = Names(settings.models, self._listed, self._known, exact=own is not None)
        clients = Clients(self.client, settings.client.strategy, names.routes)
        self.link = link_of(settings, usage)
        self.answering = Answering(
            settings,
            clients,
            ring,
            names,
            self.link,
            admin=admin_hash,
            metrics=partial(prometheus_text, metrics),
            needs_key=bool(ring) and not no_auth,
            ended=self._ended,
            refused=self._metrics.gateway_refused,
            elsewhere=self._elsewhere,
            write_line=write_line,
        )
        self._route_lines = RouteLines(write_line or partial(log.info, "%s"))
        self._recent, self._file = Recent(), AdminFile(spend_path(usage))
        self._spend, shares = Spend(self._file), settings.server.workers > 1
        self.views = Views(
            settings,
            recent=self._recent,
            spend=self._spend,
            routes=Routes(self.client, names, clients.explain, self._recent, own=None if own is None else each_of(own)),
            notices=Notices(self._file) if shares else None,
            shared=SharedCalls(self._file, str(os.getpid())) if shares else None,
            keys=Keys(settings, store, self._read_changes),
            link=self.link,
            process=self._process,
        )
        self._admin = AdminAPI(self.views, admin_hash, stall=settings.server.client_stall)
        self._watch: asyncio.Task[None] | None = None
        self._look: asyncio.Task[None] | None = None
        self._runner: web.ServerRunner | None = None
        self._site: web.BaseSite | None = None

    def _read_keys(self) -> KeyRing:
        stored = [] if self._store is None else [self._with_its_team(key) for key in self._store.virtual()]
        return KeyRing([*keys_of(self.settings.keys), *stored])

    def _with_its_team(self, key: VirtualKey) -> VirtualKey:
        """Return a key of the store: disabled if its team is not configured any more, as nobody knows its limits."""
        try:
            check_key_models(key.settings.models, self.settings.models)
        except ConfigurationError as error:
            log.warning("the key %r: %s", key.name, error)
        team = key.settings.team
        if team is None or team in self.settings.teams:
            return key
        log.error("the key %r is refused: there is no [teams.%s]", key.name, team)
        return msgspec.structs.replace(key, settings=msgspec.structs.replace(key.settings, disabled=True))

    async def _follow_store(self) -> None:
        while True:
            self._read_changes()
            await asyncio.sleep(_FOLLOW_S)

    async def _look_at_state(self) -> None:
        while True:
            self._metrics.store_up(not self.link.away)
            await asyncio.sleep(_FOLLOW_S)

    def _read_changes(self) -> None:
        """Read the keys again if they have changed; the old ones stay if the new ones cannot be read."""
        if self._store is not None and (now := self._store.changed_at()) != self._seen:
            settled = now < time.time_ns() - _SETTLED_NS  # else a later change may have the same time
            self._seen = now if settled else None
            try:
                self.answering.let_in(self._read_keys(), anybody=self._no_auth)
            except ConfigurationError as error:
                log.error("%s", error)

    def _ended(self, record: Record, asked: Asked) -> None:
        if (trail := record.trail) is not None:
            if trail.duration is not None:
                self._metrics.gateway_overhead(max(record.seconds - trail.duration, 0.0))
            if self._route_lines.down or record.begun > 1 or record.status != 200:
                self._route_lines.note(trail)
        self._spend.add(record)
        self._recent.add(record, asked)

    async def _elsewhere(self, request: web.BaseRequest) -> web.StreamResponse | None:
        return await self._admin.respond(request)

    def _process(self) -> JSONObject:
        """Return what the administrator sees of this process."""
        answering = self.answering
        return {
            "state": "stopping" if answering.leaving else "ok",
            "in_flight": len(answering.under_way),
            "needs_key": answering.needs_key,
            "models": [name for name, _ in self._names.targets()],
        }

    def _listed(self) -> list[str]:
        """Return the routes of the client, by name; nobody is asked."""
        own = self.settings.client.routes
        plan = self.client.explain() if own is None else self.client.explain(fallback_models=[])
        return [f"{one.provider}:{one.model}" for tier in plan.tiers for one in tier if one.model]

    def _known(self, provider: str) -> list[str]:
        """Return the models of a provider that can be used and are known without asking it."""
        try:
            plan = self.client.with_routes([provider]).explain()
        except G4FLiteError as error:  # all of them rest, or there is no key
            planned, skipped = [], error.trail.skipped
        else:
            planned, skipped = [one.model for tier in plan.tiers for one in tier], plan.skipped
        return planned + [one.model for one in skipped if not one.lacks_key]

    async def start(self, listener: socket.socket | None = None) -> tuple[str, int]:
        """
        Listen. Return host and port.

        Args:
            listener: a socket that listens already; None for one at the address of the settings.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        answer = self.answering if self._tracing is None else self._tracing.around(self.answering)
        self._runner = web.ServerRunner(Server(answer, self.settings.server.max_body))
        await self._runner.setup()
        host, port = self.settings.server.address
        self._site = web.TCPSite(self._runner, host, port) if listener is None else web.SockSite(self._runner, listener)
        try:
            await self._site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        if self._store is not None:
            self._watch = asyncio.create_task(self._follow_store())
        await self.link.ask_async(())
        self._look = asyncio.create_task(self._look_at_state())
        self.views.start()
        self.answering.started = True
        host, port = self._runner.addresses[0][:2]
        return host, port

    def drop(self) -> None:
        """Free what it holds, if it has not started."""
        if self._tracing is not None:
            self._tracing.close()

    async def stop(self) -> None:
        """Refuse new calls, let those under way end, and close."""
        server = self.settings.server
        if self.answering.leaving:
            return
        self.answering.leaving = True
        for watch in (self._watch, self._look):
            if watch is not None:
                watch.cancel()
        await asyncio.sleep(server.drain_s)
        if self._site is not None:
            await self._site.stop()
        if server.drain_s:
            await asyncio.sleep(_ACCEPTED_S)
        self.answering.stopping = True
        for seconds in (server.drain_timeout, _LAST_S):
            if under_way := set(self.answering.under_way):
                _, late = await asyncio.wait(under_way, timeout=seconds)
                for task in late:
                    task.cancel()
        await self.views.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._file.close()
        await self.client.aclose()
        self.answering.close()
        self.link.close()
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)


async def serve(
    settings: Settings,
    *,
    store: KeyStore | None = None,
    usage: Path | None = None,
    no_auth: bool = False,
    started: Callable[[str, int, str | None], None],
) -> None:
    """
    Answer until SIGTERM, SIGINT or SIGHUP, and then end without losing a call.

    Args:
        started: called once it listens, with host, port, and the administrator's key if none is configured.

    Raises:
        ConfigurationError: as `Gateway` and `Gateway.start`.
    """
    lines = LineWriter(sys.stderr)
    gateway = Gateway(settings, store=store, usage=usage, no_auth=no_auth, write_line=lines.write)
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under `nohup`
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, end.set)
    started(*await gateway.start(), gateway.made_admin_key)
    loaded()
    await end.wait()
    lines.write(event_line("stopping", in_flight=len(gateway.answering.under_way)))
    await gateway.stop()
    lines.write(event_line("stopped"))
    lines.close()
