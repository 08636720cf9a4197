"""From the settings of LiteLLM's proxy to ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, count
from typing import Any, NamedTuple

from ...errors.exceptions import ConfigurationError
from .services import ADDRESSES, GUESSED, SERVICES, STRATEGIES, reason
from .toml import toml_text
from .yaml_nodes import Node, read_yaml

_ENVIRONMENT = "os.environ/"
_NO_KEY = re.compile(r"(?i:(?:sk-)?(?:no|none|not|null|empty|dummy|fake|any|anything|x{3,})(?:[-_ ].*)?)").fullmatch
"""What stands in the place of a key for a service of one's own that needs none: `EMPTY`, `sk-no-key-required`."""
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_S = 1e6


class Remark(NamedTuple):
    """What the user is to know of one setting."""

    line: int
    setting: str
    text: str
    carried: bool
    """Whether it was carried over, but means something else here."""


class Imported(NamedTuple):
    toml: str
    remarks: list[Remark]


def imported(text: str) -> Imported:
    """
    Return our configuration for a file of LiteLLM's proxy.

    Raises:
        ConfigurationError: the file cannot be read, or has no model that could be carried over.
    """
    return _Import(read_yaml(text), text).result()


class _Service(NamedTuple):
    """What differs from deployment to deployment: whose it is, its address, and the variable of its key."""

    name: str
    address: str
    variable: str | None


class _Import:
    def __init__(self, root: Node, text: str) -> None:
        self._root = root
        self._text = text
        """The file: a new variable has a name that it does not mention."""
        self._remarks: list[Remark] = []
        self._server: dict[str, Any] = {}
        self._client: dict[str, Any] = {}
        self._services: dict[_Service, str] = {}
        """The name of each here."""
        self._literal: dict[str, str] = {}
        """The variable for each key that stands in the file."""
        self._alias_of: dict[str, str] = {}
        """The model of each alias: what stands in for it stands in for the alias, too, behind what the alias has."""
        self._strategy = STRATEGIES["simple-shuffle"]
        self._models: dict[str, list[list[str]]] = {}
        """The tiers of each: first its own routes, then those of each model that stands in for it."""

    def result(self) -> Imported:
        root = self._root.table
        models = root.get("model_list", Node([], 1))
        if not isinstance(models.value, list):
            raise ConfigurationError(f"line {models.line}: model_list must be a list")
        for item in models.items:
            self._deployment(item)
        for section, settings in (("litellm_settings", _LITELLM), ("router_settings", _ROUTER)):
            self._settings(root.get(section), section, settings)
        self._settings(root.get("general_settings"), "general_settings", _GENERAL)
        for name, node in root.items():
            if name not in ("model_list", "litellm_settings", "router_settings", "general_settings"):
                for path, one in _leaves(node, (name,)):
                    self._leave(one, path)
        if not self._models:
            why = "".join(f": line {one.line}: {one.setting}: {one.text}" for one in sorted(self._remarks)[:1])
            raise ConfigurationError(f"model_list has no model that could be carried over{why}")
        self._fallbacks()
        return Imported(toml_text(self._tables()), sorted(self._remarks))

    # -- remarks ---------------------------------------------------------------------------

    def _leave(self, node: Node, path: tuple[str, ...], why: str | None = None) -> None:
        self._remarks.append(Remark(node.line, ".".join(path), why or reason(path), False))

    def _note(self, node: Node, path: tuple[str, ...], text: str) -> None:
        self._remarks.append(Remark(node.line, ".".join(path), text, True))

    def _table(self, node: Node, path: tuple[str, ...]) -> dict[str, Node]:
        if node.value is not None and not isinstance(node.value, dict):
            self._leave(node, path, "it is no mapping")
        return node.table

    def _items(self, node: Node, path: tuple[str, ...]) -> list[Node]:
        if node.value is not None and not isinstance(node.value, list):
            self._leave(node, path, "it is no list")
        return node.items

    # -- model_list ------------------------------------------------------------------------

    def _deployment(self, item: Node) -> None:
        params = item.table.get("litellm_params", Node({}, item.line))
        name, model = item.table.get("model_name", item).text, params.table.get("model", params)
        for key, node in item.table.items():
            if key not in ("model_name", "litellm_params"):
                self._leave(node, ("model_list", key))
        for key, node in params.table.items():
            if key not in ("model", "api_key", "api_base", "base_url"):
                self._leave(node, ("litellm_params", key))
        if not name or not model.text:
            self._leave(item, ("model_list",), "it has no model_name, or no litellm_params.model")
            return
        service, _, rest = model.text.partition("/")
        ours = SERVICES.get(service) if rest else next((to for start, to in GUESSED if service.startswith(start)), None)
        if ours is None:
            asked = repr(service[:40])
            what = f"there is no service {asked} here" if rest else f"whose model {asked} is, is not known"
            if model.text == "*":
                what = "leave out [models] for that: then callers ask for provider:model"
            self._leave(model, ("litellm_params", "model"), what)
            return
        target = rest or service
        if "*" in target and target.count("*") > name.count("*"):
            self._leave(model, ("litellm_params", "model"), f"it has a '*' that model_name {name[:40]!r} has not")
            return
        if target == "*" and "*" in name and not re.match(r"([^*]*[/:])?\*$", name):
            self._note(model, ("litellm_params", "model"), f"its star stands for the whole name {name[:40]!r} here")
        bases = [params.table[one] for one in ("api_base", "base_url") if one in params.table]
        for other in bases[1:]:
            self._leave(other, ("litellm_params", "base_url"), "api_base goes before")
        address = self._address(bases[0], ours) if bases and bases[0].value is not None else ""
        if address is None:
            return
        given = params.table.get("api_key")
        variable = None if given is None else self._key(given, ours, address)
        route = f"{self._service(_Service(ours, address, variable))}:{target}"
        (own,) = self._models.setdefault(name, [[]])
        if route not in own:
            own.append(route)

    def _address(self, node: Node, ours: str) -> str | None:
        """Return the address as we write it; None if there is none."""
        text = node.text.rstrip("/")
        if text.startswith(_ENVIRONMENT) and _VARIABLE.fullmatch(text.removeprefix(_ENVIRONMENT)):
            text = f"{{{text.removeprefix(_ENVIRONMENT)}}}"
        elif not re.fullmatch(r"https?://[^\s{}?#@]+", text):
            self._leave(node, ("litellm_params", "api_base"), "it is no address; the deployment is left out")
            return None
        end = ADDRESSES.get(ours, "")
        return text if text.endswith(end) else text + end

    def _key(self, node: Node, ours: str, address: str) -> str | None:
        """Return the variable with the key of a deployment."""
        path = ("litellm_params", "api_key")
        if address and _NO_KEY(node.text):
            self._note(node, path, "it is no key: none is sent to this address")
            return None
        return self._variable(node, ours, path)

    def _variable(self, node: Node, ours: str, path: tuple[str, ...]) -> str | None:
        """Return the variable with a key."""
        text = node.text
        if text.startswith(_ENVIRONMENT):
            name = text.removeprefix(_ENVIRONMENT)
            if _VARIABLE.fullmatch(name):
                return name
            self._leave(node, path, "it names no variable")
            return None
        if not text:
            self._leave(node, path, "it is no key")
            return None
        if text not in self._literal:
            start, used = re.sub("[^A-Z0-9]", "_", ours.upper()) + "_KEY", set(self._literal.values())
            names = chain([start], (f"{start}_{number}" for number in count(2)))
            self._literal[text] = next(one for one in names if one not in used and one not in self._text)
        self._note(node, path, f"it stands in the file: put it into the variable {self._literal[text]}")
        return self._literal[text]

    def _service(self, service: _Service) -> str:
        """Return the name of a service here: its own for the first one at its own address, else one with a number."""
        if service not in self._services:
            taken = set(self._services.values())
            plain = service.name not in taken and not service.address
            numbers = (f"{service.name}-{number}" for number in range(2, len(taken) + 3))
            self._services[service] = service.name if plain else next(one for one in numbers if one not in taken)
        return self._services[service]

    # -- the other sections ----------------------------------------------------------------

    def _settings(self, node: Node | None, section: str, known: dict[str, str]) -> None:
        if node is None:
            return
        if node.value is not None and not isinstance(node.value, dict):
            raise ConfigurationError(f"line {node.line}: {section} must be a mapping")
        for name, one in node.table.items():
            if (method := known.get(name)) is not None:
                getattr(self, method)(one, (section, name))
                continue
            for path, leaf in _leaves(one, (section, name)):
                self._leave(leaf, path)

    def _retries(self, node: Node, path: tuple[str, ...]) -> None:
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 0 <= node.value <= 100:
            self._client["retries"] = node.value
        else:
            self._leave(node, path, "it is no number of retries")

    def _deadline(self, node: Node, path: tuple[str, ...]) -> None:
        if node.number is None or not 0 < node.number < _LONGEST_S:
            self._leave(node, path, "it is no number of seconds")
            return
        self._client["deadline"] = float(node.number)
        self._note(node, path, "as [client] deadline it holds for a whole call, with its retries and all routes")

    def _routing(self, node: Node, path: tuple[str, ...]) -> None:
        if (ours := STRATEGIES.get(node.text)) is None:
            self._leave(node, path, "there is no such strategy here; the routes of a model are taken at random")
        else:
            self._strategy = ours

    def _master_key(self, node: Node, path: tuple[str, ...]) -> None:
        variable = self._variable(node, "litellm_master", path)
        if variable is not None:
            self._server["admin"] = {"env": variable}
            self._note(node, path, "as [server] admin; callers get keys of their own: `g4f-lite gateway keys new`")

    def _redis_host(self, node: Node, path: tuple[str, ...]) -> None:
        port = self._root.table["router_settings"].table.get("redis_port", Node(6379, node.line))
        number = str(port.value)
        if re.fullmatch(r"[A-Za-z0-9.-]+", node.text) and re.fullmatch("[0-9]{1,5}", number) and int(number) < 65536:
            self._server["shared"] = f"redis://{node.text}:{number}/0"
        else:
            self._leave(node, path, "it is no host and port; see [server] shared")

    def _redis_port(self, node: Node, path: tuple[str, ...]) -> None:
        if "redis_host" not in self._root.table["router_settings"].table:
            self._leave(node, path)

    def _aliases(self, node: Node, path: tuple[str, ...]) -> None:
        for alias, one in self._table(node, path).items():
            name = one.table.get("model", one).text
            if not alias or name not in self._models:
                self._leave(one, (*path, alias), f"there is no model {name[:40]!r}")
            elif alias in self._models:
                self._leave(one, (*path, alias), f"there is a model {alias[:40]!r} already")
            else:
                self._models[alias] = [list(tier) for tier in self._models[name]]
                self._alias_of[alias] = name

    def _nothing(self, node: Node, path: tuple[str, ...]) -> None:
        """It is read later."""

    # -- fallbacks -------------------------------------------------------------------------

    def _fallbacks(self) -> None:
        """Put the routes of the models that stand in for another one behind its own."""
        own = {name: list(tiers[0]) for name, tiers in self._models.items()}
        general: list[tuple[Node, tuple[str, ...]]] = []
        for section in ("router_settings", "litellm_settings"):
            table = self._root.table.get(section, Node({}, 1)).table
            for group in self._items(table.get("fallbacks", Node([], 1)), (section, "fallbacks")):
                for name, node in self._table(group, (section, "fallbacks")).items():
                    path: tuple[str, ...] = (section, "fallbacks", name)
                    if name == "*":
                        general.append((node, path))
                    elif name in own:
                        self._stand_in([name], node, path, own)
                    else:
                        self._leave(node, path, f"there is no model {name[:40]!r}")
            if "default_fallbacks" in table:
                general.append((table["default_fallbacks"], (section, "default_fallbacks")))
        for node, path in general:
            self._stand_in(list(own), node, path, own)
        for alias, name in self._alias_of.items():
            tiers, known = self._models[alias], set(chain.from_iterable(self._models[alias]))
            for tier in self._models[name]:
                if new := [route for route in tier if route not in known]:
                    tiers.append(new)

    def _stand_in(self, names: list[str], node: Node, path: tuple[str, ...], own: dict[str, list[str]]) -> None:
        for one in self._items(node, path):
            if one.text not in own or "*" in one.text:
                self._leave(one, path, f"there is no model {str(one.text)[:40]!r} to fall back to")
                continue
            for name in names:
                tiers = self._models[name]
                known = set(chain.from_iterable(tiers))
                if new := [route for route in own[one.text] if route not in known]:
                    tiers.append(new)

    # -- the result ------------------------------------------------------------------------

    def _tables(self) -> dict[str, dict[str, Any]]:
        keys: dict[str, Any] = {}
        providers: dict[str, dict[str, Any]] = {}
        for service, name in self._services.items():
            key = None if service.variable is None else {"env": service.variable}
            if name == service.name:
                if key is not None:
                    keys[name] = key
                continue
            table: dict[str, Any] = providers.setdefault(f"providers\0{name}", {})
            if service.name != "openai" or not service.address:
                table["like"] = service.name
            if service.address:
                table["base_url"] = service.address
            if key is not None:
                table["key"] = key
        client = {**self._client, **({"keys": keys} if keys else {})}
        if any(len(tier) > 1 for tiers in self._models.values() for tier in tiers):
            client = {"strategy": self._strategy, **client}
        tables: dict[str, dict[str, Any]] = {"server": self._server, "client": client}
        tables = {name: table for name, table in tables.items() if table} | providers
        return tables | {
            f"models\0{name}": {"routes": [tier[0] if len(tier) == 1 else tier for tier in tiers]}
            for name, tiers in self._models.items()
        }


_COMMON = {
    "num_retries": "_retries", "fallbacks": "_nothing", "default_fallbacks": "_nothing",
    "model_group_alias": "_aliases",
}  # fmt: skip
_LITELLM = {**_COMMON, "request_timeout": "_deadline"}
_ROUTER = {
    **_COMMON, "timeout": "_deadline", "redis_host": "_redis_host", "redis_port": "_redis_port",
    "routing_strategy": "_routing",
}  # fmt: skip
_GENERAL = {"master_key": "_master_key"}


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield the settings in a table, by their path; a list is one setting."""
    if not node.table:
        yield path, node
    for name, one in node.table.items():
        yield from _leaves(one, (*path, name))
