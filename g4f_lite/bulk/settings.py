"""The settings of a job, checked; and the client that its calls are made with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any, cast

from ..client.async_client import AsyncClient
from ..client.chat_request import check_request
from ..client.keywords import unknown_keyword
from ..client.params import CreateParams
from ..client.settings import ClientSettings
from ..errors.exceptions import ConfigurationError, InvalidRequestError
from ..errors.quoted_values import quoted
from ..errors.suggestions import did_you_mean
from ..health.stores.opening import sqlite_url
from ..types.declared_limits import Budget, UnknownPrice
from .asking import Asks, fields_of
from .journal import failures_of
from .rows import CSVFile, Source

_MAY_CHANGE = frozenset({"deadline", "timeout", "retries", "timeouts", "on_interrupt", "max_response_bytes"})
"""Keywords that say how far a call goes, and not what it asks for."""
FORM = 1
"""Of the manifest, and of the lines."""


def check_keywords(method: str, settings: Mapping[str, Any], own: Iterable[str]) -> None:
    """
    Args:
        own: the keywords that a job takes besides settings of its client.

    Raises:
        TypeError: a keyword is unknown; the message says what was meant.
    """
    known = (*own, *ClientSettings.__annotations__, "proxy", "ssl_context", "hedge_after")
    for name in settings:
        if name in CreateParams.__annotations__ and name not in known:
            raise TypeError(f"{method}() has no parameter {name!r}; it goes into params={{{name!r}: …}}")
        if name not in known:
            raise unknown_keyword(name, known, method)


def check_out(source: object, out: str | Path) -> Path:
    """
    Return the output.

    Raises:
        ConfigurationError: nothing can be written there.
    """
    path = Path(out)
    if path.name == "-":
        raise ConfigurationError("- is no output: a file is, which is read again when its job goes on")
    if path.suffix.lower() == ".gz":
        raise ConfigurationError(f"{path} would be compressed, and could not be resumed; compress it when it is done")
    if isinstance(source, (str, Path)) and path.exists() and Path(source).exists() and path.samefile(source):
        raise ConfigurationError(f"{path} is the input")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigurationError(f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}")
    for one in (path, failures_of(path)):
        if one.exists() and not one.is_file():
            raise ConfigurationError(f"{one} is no regular file; an output is read again when its job goes on")
    return path


def check_asks(source: Source, params: Mapping[str, Any] | None, system: str | None, template: str | None) -> Asks:
    """
    Return what is the same for all rows.

    Raises:
        ConfigurationError: it cannot work.
        TypeError: a keyword is none of `create`.
    """
    found = {name: value for name, value in (params or {}).items() if value is not None}
    for name in ("messages", "stream", "response_model"):
        if name in found:
            raise ConfigurationError(f"params cannot have {name!r}: a row has its own messages, and is answered whole")
    try:
        check_request({"messages": [{"role": "user", "content": ""}], **found})
    except InvalidRequestError as error:  # here it is a setting
        raise ConfigurationError(error.message) from None
    if isinstance(source, CSVFile):
        _check_columns(source, template)
    return Asks(params=found, system=system, template=template)


def _check_columns(source: CSVFile, template: str | None) -> None:
    columns = source.columns()
    if template is None:
        example = f"…{{{columns[0] if columns else 'text'}}}…"
        raise ConfigurationError(f"{source.path} needs a template for its prompts, such as {example!r}")
    for name in fields_of(template):
        if name not in columns:
            has = f"; it has {', '.join(columns)}" if columns else "; it is empty"
            raise ConfigurationError(f"{source.path} has no column {name!r}{did_you_mean(name, columns, has)}")
        if columns.count(name) > 1:
            raise ConfigurationError(f"{source.path} has {columns.count(name)} columns {name!r}")


def job_of(asks: Asks, routes: Any) -> dict[str, Any]:
    """Return what a later run must ask in the same way; of headers the names, as they may hold a secret."""
    params = {name: value for name, value in asks.params.items() if name not in _MAY_CHANGE}
    if headers := params.get("extra_headers"):
        params["extra_headers"] = sorted(headers)
    return {"form": FORM, "params": params, "system": asks.system, "template": asks.template, "routes": routes}


def client_settings(
    out: Path,
    client: AsyncClient | None,
    max_cost: float | None,
    settings: ClientSettings,
    *,
    unknown_price: UnknownPrice,
) -> ClientSettings | None:
    """
    Return the settings of a job's own client; None if it is given one.

    With a cap or limits, it keeps in a file beside the output what is used of them, so that they hold over all runs.

    Raises:
        ConfigurationError: the settings cannot work.
    """
    if client is not None:
        if not isinstance(client, AsyncClient):
            raise ConfigurationError(f"client must be an AsyncClient, not {type(client).__name__}")
        if settings or max_cost is not None:
            names = ", ".join([*settings, *(["max_cost"] if max_cost is not None else [])])
            raise ConfigurationError(f"give {names} to the client that you pass: max_cost is its budget")
        return None
    own: dict[str, Any] = dict(settings)
    if max_cost is not None:
        if own.get("budget") is not None:
            raise ConfigurationError("max_cost is the budget of the job; give one of max_cost and budget")
        if isinstance(max_cost, bool) or not isinstance(max_cost, (int, float)) or not 0 < max_cost < inf:
            raise ConfigurationError(f"max_cost must be a number of USD above 0, not {quoted(max_cost)}")
        own["budget"] = Budget(usd=max_cost, per="total", name="job", unknown_price=unknown_price)
    if own.get("state") is None and (own.get("budget") is not None or own.get("limits")):
        own["state"] = state_url(out)
    return cast("ClientSettings", own)


def without_state(settings: ClientSettings) -> ClientSettings:
    """Return settings whose client opens no state."""
    own = settings.copy()
    own.pop("state", None)
    return own


def state_file(out: Path) -> Path:
    """Return the file for what is used of the cap and the limits."""
    return out.with_name(f"{out.name}.state.db")


def state_url(out: Path) -> str:
    """Return the setting `state` for that file."""
    return sqlite_url(state_file(out))


def state_files(out: Path) -> Iterator[Path]:
    """Yield that file, and those that SQLite has beside it."""
    path = state_file(out)
    yield from (path.with_name(path.name + end) for end in ("", "-wal", "-shm"))
