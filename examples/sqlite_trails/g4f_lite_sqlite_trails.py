"""
An observer: every attempt of every call becomes a row of an SQLite file.

If it is installed, it writes to the file in the variable `G4F_LITE_TRAILS`; without the variable it does nothing.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing

from g4f_lite import Trail, hookimpl

SCHEMA = """
    create table if not exists attempts (
        call text, number integer, started_at real, provider text, model text, key text,
        outcome text, status integer, duration real, first_token real, message text, reason text
    )
"""


@hookimpl
def call_finished(trail: Trail) -> None:
    if path := os.environ.get("G4F_LITE_TRAILS"):
        write(path, trail)


def write(path: str, trail: Trail) -> None:
    """Write a trail to a file; each call has a connection of its own, so threads and forks share nothing."""
    call = uuid.uuid4().hex
    rows = [
        (
            *(call, number, one.started_at, one.provider, one.model, one.key),
            *(one.outcome, one.status, one.duration, one.first_token, one.message, one.reason),
        )
        for number, one in enumerate(trail.attempts, 1)
    ]
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(SCHEMA)
        database.executemany(f"insert into attempts values ({','.join('?' * 12)})", rows)
