"""
The rows of a source, read as needed: JSON lines, OpenAI's batch lines, CSV, or what a program yields.

Rule: a line that cannot be read is a row with a fault, which does not end the job.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import re
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path
from types import NoneType
from typing import Any, Protocol, TypeAlias

import msgspec

from ..errors.exceptions import ConfigurationError, MalformedResponseError
from ..errors.quoted_values import quoted
from ..types.size_limits import MAX_OBJECTS, MAX_ROW, check_json_size
from ..value import NOT_JSON
from .seen import Ids, Rows

Given: TypeAlias = Iterable[Any] | AsyncIterable[Any]
"""Rows of a program: mappings with the fields of a line, or prompts."""
_SEPARATORS = ",;\t"
_QUOTED = re.compile(r'"[^"]*"')
_LARGEST_CELL = 1 << 24
"""Characters; `csv` reads no more than 131,072 of itself."""
_LONE = re.compile("[\ud800-\udfff]")
_UTF_16 = b"\xff\xfe", b"\xfe\xff"
_PIECE = 1 << 14
"""Bytes of lines that are read at once."""
_UNREADABLE = EOFError, gzip.BadGzipFile, zlib.error, UnicodeDecodeError, csv.Error
_decode = msgspec.json.Decoder().decode


class Row(msgspec.Struct, frozen=True):
    """One row of a source."""

    number: int
    """1 for the first."""
    fields: dict[str, Any]
    fault: str | None = None
    """Why it cannot be asked."""
    line: int = 0
    """Of its file, in which it begins; 0 if it comes from a program."""

    @property
    def where(self) -> str:
        """Where it stands, in words."""
        return _where(self.number, self.line)

    @property
    def is_batch(self) -> bool:
        """Whether it is a line of OpenAI's batch API."""
        return "custom_id" in self.fields and "body" in self.fields

    @property
    def id(self) -> Any:
        return self.fields.get("custom_id" if self.is_batch else "id")


def _where(number: int, line: int) -> str:
    return f"row {number}" if line in (0, number) else f"row {number} (line {line})"


class _OfLine(msgspec.Struct):
    id: Any = None
    custom_id: Any = None


class Source(Protocol):
    """Where rows come from."""

    total: int | None
    """How many rows it has; None if nobody knows before the end."""

    def facts(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """
        Return what tells this source from another one.

        Args:
            known: what it returned in an earlier run, {} for the first one.

        Raises:
            ConfigurationError: it cannot be read, or two of its rows have the same id.
        """
        ...

    def read(self, done: Rows, ids: Ids) -> Iterator[Row] | AsyncIterator[Row]:
        """Yield the rows that are not done, by number or by id."""
        ...


class LinesFile:
    """A file with JSON lines; gzip by its ending."""

    what = "JSON lines"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.total: int | None = None

    def facts(self, known: Mapping[str, Any]) -> dict[str, Any]:
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if known.get("sha256") == digest and type(known.get("rows")) is int:
            self.total = known["rows"]
        else:
            self.total = self._count()
        return {"kind": self.what, "rows": self.total, "sha256": digest}

    def _count(self) -> int:
        ids, count = Ids(), 0
        for count, name in enumerate(self._ids(), 1):  # used after the loop
            if name is not None and not ids.add(name):
                first = next(number for number, one in enumerate(self._ids(), 1) if one == name)
                raise ConfigurationError(f"{self.path}: rows {first} and {count} have the same id {quoted(name)}")
        return count

    def _ids(self) -> Iterator[str | None]:
        decode = msgspec.json.Decoder(_OfLine).decode
        for line in chain.from_iterable(lines for _, lines in self._pieces()):
            try:
                found = decode(line)
            except NOT_JSON:
                yield None
            else:
                name = found.id if found.custom_id is None else found.custom_id
                yield None if name is None else str(name)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """
        Yield the file, open.

        Raises:
            ConfigurationError: what follows from it cannot be read, here or in the body of the `with`.
        """
        try:
            with gzip.open(self.path) if self.path.suffix.lower() == ".gz" else self.path.open("rb") as file:
                if file.peek(2)[:2] in _UTF_16:
                    raise ConfigurationError(f"{self.path} is in UTF-16; write it in UTF-8")
                yield file
        except _UNREADABLE as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error}") from None

    def _pieces(self) -> Iterator[tuple[list[int], list[bytes]]]:
        """
        Yield the lines that are not blank, with their numbers, some at once, as each takes less time then; b"" for one
        too long.
        """
        with self._open() as file:
            numbers: list[int] = []
            lines: list[bytes] = []
            number = size = 0
            line = file.readline(MAX_ROW + 1).removeprefix(codecs.BOM_UTF8)
            while line:
                number += 1
                size += len(line)
                if len(line) > MAX_ROW:
                    numbers.append(number)
                    lines.append(b"")
                    while line and not line.endswith(b"\n"):
                        line = file.readline(_PIECE)
                elif not line.isspace():
                    numbers.append(number)
                    lines.append(line)
                if size >= _PIECE:
                    yield numbers, lines
                    numbers, lines, size = [], [], 0
                line = file.readline(MAX_ROW + 1)
            yield numbers, lines

    def read(self, done: Rows, ids: Ids) -> Iterator[Row]:
        before = 0
        for numbers, lines in self._pieces():
            yield from [
                _row(number, *one)
                for number, one in enumerate(zip(numbers, lines, strict=True), before + 1)
                if number not in done
            ]
            before += len(lines)


def _row(number: int, line: int, text: bytes) -> Row:
    where = _where(number, line)
    if not text:
        return Row(number, {}, f"{where} is longer than {MAX_ROW >> 20} MiB", line)
    try:
        if len(text) > MAX_OBJECTS:
            check_json_size(text, where)
        fields = _decode(text)
    except MalformedResponseError as error:
        return Row(number, {}, error.message, line)
    except NOT_JSON as error:
        return Row(number, {}, f"{where} is not JSON: {error}", line)
    return _of_fields(number, fields, line)


def _of_fields(number: int, fields: Any, line: int = 0) -> Row:
    if type(fields) is not dict:
        if isinstance(fields, str):
            return Row(number, {"prompt": fields}, None, line)
        if not isinstance(fields, Mapping):
            fault = f"{_where(number, line)} is not an object, but {type(fields).__name__}"
            return Row(number, {}, fault, line)
        fields = dict(fields)
    row = Row(number, fields, None, line)
    name = row.id
    if type(name) not in (str, int, NoneType):
        return Row(number, {}, f"the id of {row.where} must be a text or a whole number, not {quoted(name)}", line)
    if type(name) is str and not name.isascii() and _LONE.search(name):
        fault = f"the id of {row.where} holds half of a surrogate pair, which is no character"
        return Row(number, {}, fault, line)
    return row


class CSVFile(LinesFile):
    """A file with a header and a separator: comma, semicolon or tab, whichever the header has most of."""

    what = "CSV"

    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return next(self._cells(), (0, []))[1]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each row, with the line in which it begins."""
        import io

        with self._open() as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
            csv.field_size_limit(max(csv.field_size_limit(), _LARGEST_CELL))  # of the process: there is no other one
            size = number = 0

            def lines() -> Iterator[str]:
                nonlocal size, number
                while line := text.readline(MAX_ROW + 1):
                    number += 1
                    size += len(line)
                    if size > MAX_ROW:
                        raise csv.Error(f"a row is longer than {MAX_ROW >> 20} MiB")
                    yield line

            header = next((line for line in lines() if not line.isspace()), "")
            separator = max(_SEPARATORS, key=_QUOTED.sub("", header).count)
            rows = csv.reader(chain((header,), lines()), delimiter=separator, strict=True)
            try:
                begins = number
                for row in rows:
                    size = 0
                    yield begins, row
                    begins = number + 1
            except csv.Error as error:  # such as a quote that is never closed, which would hide all rows after it
                raise csv.Error(f"{error}, in line {number}") from None

    def _ids(self) -> Iterator[str | None]:
        for row in self.read(Rows(), Ids()):
            yield row.fields.get("id") or None

    def read(self, done: Rows, ids: Ids) -> Iterator[Row]:
        cells = self._cells()
        _, header = next(cells, (0, []))
        for number, (line, row) in enumerate(filter(itemgetter(1), cells), 1):
            if number in done:
                continue
            if len(row) != len(header):
                fault = f"{_where(number, line)} has {len(row)} cells, and the header {len(header)}"
                yield Row(number, {}, fault, line)
            else:
                yield Row(number, dict(zip(header, row, strict=True)), None, line)


class GivenRows:
    """What a program yields. Rows with an id are known again by it in a later run, others by their number."""

    def __init__(self, rows: Given) -> None:
        self._rows = rows
        self.total: int | None = None
        self.is_lasting = isinstance(rows, Iterable) and not isinstance(rows, Iterator)
        """Whether a plan may read them."""
        self.is_sequence = isinstance(rows, Sequence)
        """Whether to read them surely takes nothing away: an iterable that is lasting may still read from a queue."""
        try:
            self.total = len(rows)  # type: ignore[arg-type]  # which fails for those without a length
        except TypeError:
            pass

    def facts(self, known: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": "rows of a program", "rows": self.total}

    def read(self, done: Rows, ids: Ids) -> Iterator[Row] | AsyncIterator[Row]:
        rows, check = self._rows, _Repeated(done, ids)
        if isinstance(rows, AsyncIterable):
            return self._read_async(rows, check)
        return (row for number, one in enumerate(rows, 1) if check.is_new(row := _of_fields(number, one)))

    async def _read_async(self, rows: AsyncIterable[Any], check: _Repeated) -> AsyncIterator[Row]:
        number = 0
        async for one in rows:
            number += 1
            if check.is_new(row := _of_fields(number, one)):
                yield row


class _Repeated:
    """Leaves out the rows that are done, and refuses an id that comes twice."""

    def __init__(self, done: Rows, ids: Ids) -> None:
        self._done, self._ids = done, ids
        self._here = Ids()

    def is_new(self, row: Row) -> bool:
        if (name := row.id) is None:
            return row.number not in self._done
        if not self._here.add(str(name)):
            raise ConfigurationError(f"row {row.number} has the id {quoted(name)}, which an earlier row has, too")
        return str(name) not in self._ids


def source_of(given: Any) -> Source:
    """
    Return the source for what a job is given: a path, or rows.

    Raises:
        ConfigurationError: it is neither.
    """
    if isinstance(given, (str, Path)):
        path = Path(given)
        if not path.is_file():
            what = f"{path} is no regular file, and a job reads its input more than once"
            raise ConfigurationError(what if path.exists() else f"there is no file {path}")
        name = path.name.lower().removesuffix(".gz")
        return CSVFile(path) if name.endswith((".csv", ".tsv")) else LinesFile(path)
    if isinstance(given, (Iterable, AsyncIterable)) and not isinstance(given, (bytes, Mapping)):
        return GivenRows(given)
    raise ConfigurationError(f"a job takes a path or rows, not {type(given).__name__}")
