"""The configuration: a TOML file. No I/O but to read that file, and the files and variables that it names."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from ..client.policy_table import PolicyTable
from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted
from ..errors.suggestions import did_you_mean
from ..types.regular_files import read_regular
from ..types.tables import Table, converted, read_toml
from .star_patterns import share_a_name

Period = Literal["day", "week", "month", "total"]
MOST_WORKERS = 256
_ABOVE_0 = ("max_body", "max_in_flight", "keepalive", "client_stall")


class Secret(Table, frozen=True):
    """Where a secret stands: in a variable of the environment, or in a file."""

    EXAMPLE: ClassVar[str] = '{ env = "NAME" } or { file = "path" }'
    env: str | None = None
    file: str | None = None

    def read(self, what: str) -> str:
        """
        Return the secret.

        Raises:
            ConfigurationError: it is not there.
        """
        if (self.env is None) == (self.file is None):
            raise ConfigurationError(f'{what} must be {{ env = "NAME" }} or {{ file = "path" }}')
        if self.env is not None:
            value = os.environ.get(self.env, "")
            if not value and self.env != self.env.upper():
                wrong = "env must name a variable, such as GROQ_API_KEY; this one is not set, and may be a key"
                raise ConfigurationError(f"{what}: {wrong}")
            place = f"the variable {self.env}"
        else:
            place = f"the file {self.file}"
            try:
                value = read_regular(Path(self.file or "")).decode().strip()
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"{what}: {place} cannot be read: {error}") from None
        if not value:
            raise ConfigurationError(f"{what}: {place} is empty or not set")
        return value


class Server(Table, frozen=True):
    """`[server]`"""

    listen: str = "127.0.0.1:8080"
    workers: int = 1
    """Processes that answer; several need gunicorn."""
    admin: Secret | None = None
    """The key of the administrator; without it, one is made at each start and printed."""
    store: str = ""
    """The file with the keys made by `g4f-lite gateway keys`: `sqlite:PATH`, beside the configuration."""
    shared: str | None = None
    """`redis://…`: what was used is shared by several machines."""
    log_calls: Literal["off", "meta", "content"] = "meta"
    """`content`: with what was asked and answered, which is nowhere else."""
    tracing: bool = False
    """Whether requests and their calls are traced with OpenTelemetry."""
    propagate: bool = False
    """Whether services get the `traceparent` of traced calls, whose trace may be the caller's."""
    max_body: int = 32 << 20
    """Bytes of a request."""
    max_in_flight: int = 1000
    """Calls at once; more are answered 503."""
    keepalive: float = 15.0
    """Seconds without content after which a stream gets a comment."""
    client_stall: float = 60.0
    """Seconds for which a caller may read nothing of what is sent, or send nothing of a request's body."""
    drain_delay: float | None = None
    """Seconds of `Connection: close` before the end, for callers with idle connections; None for `drain_s`."""
    drain_timeout: float = 60.0
    """Seconds that calls under way have to end."""

    @property
    def drain_s(self) -> float:
        """`drain_delay`; of several workers, which are replaced under load, it is 2 if nothing is said, else 0."""
        return self.drain_delay if self.drain_delay is not None else 2.0 if self.workers > 1 else 0.0

    @property
    def address(self) -> tuple[str, int]:
        """
        Host and port.

        Raises:
            ConfigurationError: `listen` is no address.
        """
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ConfigurationError(f"[server] listen must be HOST:PORT, such as 127.0.0.1:8080, not {self.listen!r}")
        return host.strip("[]"), int(port)

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        host = self.address[0]
        try:
            return not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host != "localhost"


class Upstream(PolicyTable, frozen=True):
    """`[client]`: what the library's client gets."""

    deadline: float = 300.0
    keys: dict[str, Secret | list[Secret]] = {}
    """By provider; several are a pool."""
    base_urls: dict[str, str] = {}
    proxy: str | None = None


class OwnProvider(Table, frozen=True):
    """`[providers.NAME]`: a service at an address of yours, or a second account of a provider."""

    base_url: str | None = None
    """`{NAME}` in it stands for a variable of the environment."""
    like: str | None = None
    """The provider whose protocol it speaks; None for OpenAI's protocol."""
    key: Secret | None = None


class Model(Table, frozen=True):
    """`[models.NAME]`: a name that callers ask for. `*` in it stands for any text; in a route, for that text."""

    routes: list[str | list[str]]
    """In the order of trying; those of a list are one tier, which the strategy orders."""
    strategy: str | None = None
    max_tokens: int | None = None
    """The most that a caller may ask for, and what is sent if he asks for none."""


class BudgetSettings(Table, frozen=True):
    """`budget = { usd = 50, per = "month" }`"""

    usd: float
    per: Period = "total"


class Quota(Table, frozen=True):
    """What a key or a team may use. `rpm` and `tpm`: requests and tokens a minute; `parallel`: calls at once."""

    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    budget: BudgetSettings | None = None
    unknown_price: Literal["refuse", "allow"] = "refuse"
    """What happens to a model without a known price, if there is a budget."""


def limits_of(quota: Quota) -> Iterator[str]:
    """Yield what a key or a team may use, in words."""
    if quota.rpm is not None:
        yield f"{quota.rpm} requests a minute"
    if quota.tpm is not None:
        yield f"{quota.tpm} tokens a minute"
    if quota.parallel is not None:
        yield f"{quota.parallel} at once"
    if quota.budget is not None:
        yield f"{quota.budget.usd:g} USD" + ("" if quota.budget.per == "total" else f" a {quota.budget.per}")


class KeySettings(Quota, frozen=True):
    """`[keys.NAME]`"""

    hash: str = ""
    """`sha256:` and the 64 digits that `printf %s KEY | sha256sum` prints."""
    models: tuple[str, ...] = ("*",)
    team: str | None = None
    expires: str | None = None
    """A date or time, such as 2027-01-31; the key is valid until then (UTC)."""
    disabled: bool = False


class Settings(Table, frozen=True):
    """The whole file."""

    server: Server = Server()
    client: Upstream = Upstream()
    providers: dict[str, OwnProvider] = {}
    models: dict[str, Model] = {}
    keys: dict[str, KeySettings] = {}
    teams: dict[str, Quota] = {}

    @property
    def expects_keys(self) -> bool:
        """Whether it looks as if callers were to have keys."""
        return bool(self.keys or self.teams or self.server.store) or self.server.admin is not None


def read_settings(path: Path) -> Settings:
    """
    Return what a file says.

    Raises:
        ConfigurationError: it cannot be read, or has an unknown name or an impossible value; the message says where.
    """
    settings: Settings = _anchored(checked(read_toml(path), str(path)), path.parent)
    return settings


def _anchored(value: Any, folder: Path) -> Any:
    """Return settings whose secrets are in files that are found from this folder on."""
    if isinstance(value, Secret):
        return value if value.file is None else replace(value, file=str(folder / value.file))
    if isinstance(value, Table):
        return replace(value, **{name: _anchored(getattr(value, name), folder) for name in value.__struct_fields__})
    if isinstance(value, dict):
        return {name: _anchored(one, folder) for name, one in value.items()}
    return [_anchored(one, folder) for one in value] if isinstance(value, list) else value


def store_path(settings: Settings, config: Path | None) -> Path:
    """Return the file with the keys: `[server] store`, else beside the configuration, or in the user's folder, made."""
    if settings.server.store:
        path = Path(settings.server.store.removeprefix("sqlite:"))
        return path if config is None else config.parent / path
    if config is not None:
        return config.with_name("gateway.db")
    from ..provider.keys import stored_keys_path

    own = stored_keys_path()
    if own is None:
        return Path("gateway.db")
    with suppress(OSError):  # whoever writes a file there says why it cannot be
        own.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return own.with_name("gateway.db")


def checked(found: Mapping[str, Any], source: str) -> Settings:
    """
    Return the settings in a decoded file.

    Raises:
        ConfigurationError: as `read_settings`.
    """
    settings = converted(found, Settings, source)
    _check_values(settings, source)
    return settings


def check_key_models(models: Iterable[str], known: Mapping[str, Model]) -> None:
    """
    Check what a key may ask for. Without `[models]`, it may be any name.

    Raises:
        ConfigurationError: a name, or a pattern, that no name of `[models]` fits.
    """
    for one in models if known else ():
        if not any(share_a_name(one, name) for name in known):
            raise ConfigurationError(f"models: no name of [models] fits {quoted(one)}{did_you_mean(one, known)}")


def keys_of_services(settings: Settings) -> dict[str, str | list[str]]:
    """
    Return the keys of services, by provider.

    Raises:
        ConfigurationError: some secrets, of the administrator too, are not where they should be; it has all of them.
    """
    asked: list[tuple[str, str, Secret | list[Secret] | None]]
    asked = [(name, f"[providers.{name}] key", one.key) for name, one in settings.providers.items()]
    asked += [(name, f"[client] keys.{name}", one) for name, one in settings.client.keys.items()]
    keys: dict[str, str | list[str]] = {}
    wrong: list[str] = []
    for name, what, given in [*asked, ("", "[server] admin", settings.server.admin)]:
        found = []
        for one in given if isinstance(given, list) else [] if given is None else [given]:
            try:
                found.append(one.read(what))
            except ConfigurationError as error:
                wrong.append(str(error))
        if name and given is not None:
            keys[name] = found if isinstance(given, list) else "".join(found)
    if wrong:
        raise ConfigurationError("; ".join(wrong))
    return keys


def _check_values(settings: Settings, source: str) -> None:
    settings.server.address  # noqa: B018  # for its error
    if not 1 <= settings.server.workers <= MOST_WORKERS:
        raise ConfigurationError(f"{source}: [server] workers must be 1 to {MOST_WORKERS}")
    for name in _ABOVE_0:
        if not getattr(settings.server, name) > 0:
            raise ConfigurationError(f"{source}: [server] {name} must be more than 0")
    kind, colon, _ = settings.server.store.partition(":")
    if colon and kind != "sqlite":
        raise ConfigurationError(f"{source}: [server] store must be sqlite:PATH; this one begins with {kind!r}")
    if "\0" in settings.server.store:
        raise ConfigurationError(f"{source}: [server] store must be a path, not {settings.server.store!r}")
    for name in ("drain_delay", "drain_timeout"):
        if not 0 <= (getattr(settings.server, name) or 0) < math.inf:
            raise ConfigurationError(f"{source}: [server] {name} must be 0 or more seconds")
    _check_keys(settings, source)
    _check_routes(settings, source)


def _check_keys(settings: Settings, source: str) -> None:
    for name, one in settings.keys.items():
        digest = one.hash.removeprefix("sha256:")
        if not one.hash.startswith("sha256:") or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ConfigurationError(
                f"{source}: [keys.{name}] hash must be 'sha256:' and 64 hexadecimal digits; "
                "`printf %s KEY | sha256sum | cut -c-64` prints those of a key"
            )
        if one.team is not None and one.team not in settings.teams:
            hint = did_you_mean(one.team, list(settings.teams))
            raise ConfigurationError(f"{source}: [keys.{name}] there is no [teams.{one.team}]{hint}")
        try:
            check_key_models(one.models, settings.models)
        except ConfigurationError as error:
            raise ConfigurationError(f"{source}: [keys.{name}] {error}") from None
    quotas: list[tuple[str, Quota]] = [(f"keys.{name}", one) for name, one in settings.keys.items()]
    quotas += [(f"teams.{name}", one) for name, one in settings.teams.items()]
    for name, quota in quotas:
        for limit in ("rpm", "tpm", "parallel"):
            value = getattr(quota, limit)
            if value is not None and value < 1:
                raise ConfigurationError(f"{source}: [{name}] {limit} must be 1 or more, not {value}")
        if quota.budget is not None and not 0 < quota.budget.usd < 1e6:
            raise ConfigurationError(f"{source}: [{name}] budget must be more than 0 USD, and less than a million")


def _check_routes(settings: Settings, source: str) -> None:
    for name, provider in settings.providers.items():
        if provider.base_url is None and provider.like is None:
            raise ConfigurationError(f"{source}: [providers.{name}] needs base_url, or like, or both")
    for name, model in settings.models.items():
        if not model.routes or [] in model.routes:
            raise ConfigurationError(f"{source}: [models.{name}] routes is empty")
        if model.max_tokens is not None and model.max_tokens < 1:
            raise ConfigurationError(f"{source}: [models.{name}] max_tokens must be 1 or more")
        stars = max(route.count("*") for tier in model.routes for route in ([tier] if isinstance(tier, str) else tier))
        if stars > name.count("*"):
            raise ConfigurationError(f"{source}: [models.{name}] a route has more '*' than the name, which fills them")
