"""
The log of calls: one SQLite file beside the stored keys, readable by its owner alone.

Nothing is logged before `g4f-lite logs on`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    import sqlite3

    from ..types.chat import ChatCompletion

_SCHEMA = """
CREATE TABLE IF NOT EXISTS switch (is_on INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    asked TEXT NOT NULL,
    answer TEXT NOT NULL,
    text TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cost REAL,
    trail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_conversation ON calls (conversation);
"""


class Logged(NamedTuple):
    """A row of the log."""

    id: int
    conversation: int
    at: str
    """UTC, ISO 8601."""
    asked: list[dict[str, Any]]
    """The messages that this call added to its conversation."""
    answer: dict[str, Any]
    """The message that came back."""
    text: str
    provider: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    cost: float | None
    """USD."""
    trail: dict[str, Any]


class Conversation(NamedTuple):
    """What was said, and who has answered last."""

    id: int
    messages: list[dict[str, Any]]
    provider: str
    model: str
    """As it was asked for; services may answer with a longer name."""

    def with_route(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the options of a command, which name who has answered last unless they name somebody."""
        if options["providers"] or options["model"] or options["fallbacks"]:
            return options
        return {**options, "providers": (self.provider,), "model": self.model}


def log_path() -> Path | None:
    """Return the file; None if the user has no home folder."""
    from ..provider.keys import stored_keys_path

    keys = stored_keys_path()
    return None if keys is None else keys.with_name("logs.db")


class CallLog:
    """The log, whether it is on or not. Each method opens the file anew: calls of several processes are logged."""

    def __init__(self) -> None:
        self.path = log_path()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Open the log for one transaction; a problem with the file is reported in one line."""
        if self.path is None:
            from ..provider.keys import NO_HOME

            raise click.UsageError(f"There is no place for a log: {NO_HOME}.")
        try:
            import sqlite3
        except ImportError:  # some builds of Python lack it
            raise click.UsageError("This Python has no sqlite3, which the log needs.") from None
        from ..types.regular_files import check_regular

        try:
            if not self.path.exists():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
            check_regular(self.path)
            with closing(sqlite3.connect(self.path, timeout=30)) as connection:
                connection.executescript(_SCHEMA)
                with connection:
                    yield connection
        except (sqlite3.Error, OSError) as error:
            raise click.UsageError(f"{self.path}: {error}") from None

    @property
    def is_on(self) -> bool:
        if self.path is None or not self.path.exists():
            return False
        with self._open() as connection:
            return bool(connection.execute("SELECT max(is_on) FROM switch").fetchone()[0])

    def switch(self, *, on: bool) -> None:
        """Log further calls, or log no more. What is logged stays."""
        with self._open() as connection:
            connection.execute("DELETE FROM switch")
            connection.execute("INSERT INTO switch VALUES (?)", (on,))

    def add(self, asked: Sequence[dict[str, Any]], completion: ChatCompletion, conversation: int | None) -> int:
        """
        Add a call; return its conversation.

        Args:
            asked: the messages that it added.
            conversation: the one that it goes on with; None begins one.
        """
        import json

        usage = completion.usage
        row = (
            json.dumps(list(asked)), json.dumps(completion.choices[0].message.to_dict()), completion.text,
            completion.provider, completion.model, usage and usage.prompt_tokens, usage and usage.completion_tokens,
            completion.cost, json.dumps(completion.trail.to_dict()),
        )  # fmt: skip
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")  # or two processes begin a conversation of one number
            if conversation is None:
                conversation = connection.execute("SELECT ifnull(max(conversation), 0) + 1 FROM calls").fetchone()[0]
            connection.execute(
                "INSERT INTO calls (conversation, asked, answer, text, provider, model, prompt_tokens,"
                " completion_tokens, cost, trail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (conversation, *row),
            )
        assert conversation is not None
        return conversation

    def latest_conversation(self, system: str | None) -> Conversation:
        """
        Return the latest conversation.

        Raises:
            click.UsageError: nothing is logged, or a system message was given: a conversation has its own.
        """
        if system is not None:
            raise click.UsageError("--system and --continue exclude each other: a conversation keeps its own.")
        rows = self._rows("SELECT * FROM calls WHERE conversation = (SELECT max(conversation) FROM calls) ORDER BY id")
        if not rows:
            raise click.UsageError("No conversation is logged; `g4f-lite logs on` logs those that follow.")
        messages = [message for row in rows for message in (*row.asked, row.answer)]
        last = rows[-1]
        asked_for = next((one["model"] for one in reversed(last.trail["attempts"])), "")
        return Conversation(last.conversation, messages, last.provider, asked_for or last.model)

    def search(self, words: str, conversation: int | None, most: int) -> list[Logged]:
        """Return the latest calls whose question or answer holds all words, the latest last."""
        import json

        where: list[str] = ["1"]
        values: list[object] = []
        for word in words.split():
            where.append("(asked LIKE ? ESCAPE '\\' OR text LIKE ? ESCAPE '\\')")
            values += [_like(json.dumps(word)[1:-1]), _like(word)]
        if conversation is not None:
            where.append("conversation = ?")
            values.append(conversation)
        query = f"SELECT * FROM calls WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"  # noqa: S608  # placeholders
        return self._rows(query, *values, most)[::-1]

    def _rows(self, query: str, *values: object) -> list[Logged]:
        if self.path is None or not self.path.exists():
            return []
        with self._open() as connection:
            return [_logged(row) for row in connection.execute(query, values)]


def _logged(row: tuple[Any, ...]) -> Logged:
    import json

    found = dict(zip(Logged._fields, row, strict=True))
    return Logged(**{**found, **{name: json.loads(found[name]) for name in ("asked", "answer", "trail")}})


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
