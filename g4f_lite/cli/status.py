"""
The status of each provider: its key, its address, and why it cannot be used.

Rule: nothing is sent; plugins are loaded.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from ..errors.exceptions import ConfigurationError, PluginLoadError
from ..plugins.registry import Registry
from ..provider.base import Provider
from ..provider.keys import credentials_of, find_keys, not_read, set_in_vain
from ..provider.self_description import obstacle_to
from ..routing.leg_factory import LegFactory, base_url_variable, missing_address


class ProviderStatus(NamedTuple):
    """The state of one provider; an empty text means unknown or absent."""

    name: str
    loaded: bool = True
    """False: its plugin is broken, and the other fields are unknown."""
    label: str = ""
    working: bool = False
    automatic: bool = False
    """Whether it is used for calls that name no provider."""
    needs_key: bool = False
    key: str = ""
    """Fingerprint of the key."""
    key_from: str = ""
    """`argument`, an environment variable, or `stored`."""
    key_variable: str = ""
    """The environment variable to set for a key."""
    set_in_vain: str = ""
    """An environment variable that is set and has nearly that name, but is not read, if there is no key."""
    login_url: str = ""
    default_model: str = ""
    base_url: str = ""
    base_url_from: str = ""
    """The environment variable that overrides the class's own address."""
    base_url_in_vain: str = ""
    """A variable such as OPENAI_BASE_URL, which other libraries read, if it is set and no other one is."""
    notice: str = ""
    problem: str = ""
    """Why it does not work; a missing key is not a problem in this sense."""

    @property
    def usable(self) -> bool:
        return self.working and bool(self.key or not self.needs_key)

    @property
    def state(self) -> str:
        """The state in one or two words, for a list."""
        if self.problem:
            return "not working" if self.loaded else "broken"
        if not self.usable:
            return "no key"
        return "ready" if self.automatic else "when named"

    def to_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "usable": self.usable, "state": self.state}

    def describe_key(self) -> str:
        """Return where the key comes from, or where to get one."""
        if not self.loaded:
            return "unknown"
        if self.key:
            return f"key {self.key} from {self.key_from}"
        if not self.needs_key:
            return "needs no key"
        page = f"; get one at {self.login_url}" if self.login_url else ""
        return f"no key{page}{not_read(self.set_in_vain)}"


def provider_statuses(registry: Registry) -> list[ProviderStatus]:
    """Return the status of all providers, loading their plugins, in the order in which they are tried."""
    return [_status(registry, name) for name in registry.automatic_names()]


def _status(registry: Registry, name: str) -> ProviderStatus:
    try:
        provider = registry.get(name)
    except PluginLoadError as error:
        return ProviderStatus(name, loaded=False, problem=str(error))
    resolved, key, key_from = provider, "", ""
    problem = obstacle_to(provider) or ""
    try:
        resolved = LegFactory().resolve_base_url(provider)
        for found in find_keys(provider, None)[:1]:
            if found.source == credentials_of(provider) and missing_address(resolved) is not None:
                break  # nobody set up this provider
            key, key_from = found.fingerprint, found.source
        if key or not provider.needs_auth:
            problem = problem or missing_address(resolved) or ""
    except ConfigurationError as error:
        problem = problem or str(error)
    return ProviderStatus(
        name=name,
        label=provider.label,
        working=not problem,
        automatic=provider.automatic,
        needs_key=provider.needs_auth,
        key=key,
        key_from=key_from,
        key_variable=next(iter(provider.api_key_env), ""),
        set_in_vain=set_in_vain(provider.api_key_env) if provider.needs_auth and not key else "",
        login_url=provider.login_url,
        default_model=provider.default_model,
        base_url=resolved.api_base,
        base_url_from=_base_url_variable(provider),
        base_url_in_vain=_base_url_in_vain(provider),
        notice=provider.notice,
        problem=problem,
    )


def _base_url_variable(provider: Provider) -> str:
    variable = base_url_variable(provider)
    return variable if os.environ.get(variable, "").strip() else ""


def _base_url_in_vain(provider: Provider) -> str:
    variable = base_url_variable(provider).replace("_API_BASE", "_BASE_URL")
    return variable if os.environ.get(variable, "").strip() and not _base_url_variable(provider) else ""
