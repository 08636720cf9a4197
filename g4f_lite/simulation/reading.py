"""From a TOML file to a scenario. Checked before anything runs; each message says where the fault is."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.suggestions import did_you_mean
from ..provider.base import NAME
from ..types.tables import converted, read_toml
from .distributions import fault_of
from .scenario import ENDINGS, OUTAGES, Phase, RateLimits, Scenario, ServiceSettings, Traffic

_MOST_CLIENTS = 10_000
_MOST_WORKERS = 1_000_000
_MOST = 100_000_000
"""Calls, and seconds in which they begin: more would take hours, and by a slip of the pen for ever."""


def load(path: str | Path, *, base: Scenario | None = None) -> Scenario:
    """
    Return the scenario in a file.

    Args:
        base: gives the tables that the file leaves out: a file with only `[policy]` is another policy for a scenario.

    Raises:
        ConfigurationError: it cannot be read, or has an unknown name or an impossible value; the message says where.
    """
    path = Path(path)
    found = read_toml(path)
    found.setdefault("name", path.stem)
    return scenario_from(found, str(path), folder=path.parent, base=base)


def scenario_from(
    found: Mapping[str, Any], source: str = "scenario", *, folder: Path | None = None, base: Scenario | None = None
) -> Scenario:
    """
    Return a decoded scenario; arguments and errors as `load`.

    Args:
        source: where it is from, for messages.
        folder: where the files are that it names.
    """
    scenario = converted(found, Scenario, source)
    if base is not None:
        kept = {name: getattr(base, name) for name in ("services", "traffic", "clients", "seed") if name not in found}
        scenario = msgspec.structs.replace(scenario, **kept)
    if scenario.traffic.times_file is not None:
        times = _times((folder or Path()) / scenario.traffic.times_file, source)
        traffic = msgspec.structs.replace(scenario.traffic, times_file=None, times_s=times)
        scenario = msgspec.structs.replace(scenario, traffic=traffic)
    check(scenario, source)
    return scenario


def _times(path: Path, source: str) -> list[float]:
    try:
        return [float(line) for line in path.read_text("utf-8").split()]
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{source}: [traffic] times_file: {path}: {error}") from None


def check(scenario: Scenario, source: str = "scenario") -> None:
    """
    Check the values of a scenario; those of its policy are checked when a client is made of it.

    Raises:
        ConfigurationError: one is impossible; the message says where.
    """
    if not scenario.services:
        raise ConfigurationError(f"{source}: it has no [services.NAME]")
    for name, service in scenario.services.items():
        if (fault := _fault_of_service(name, service)) is not None:
            raise ConfigurationError(f"{source}: [services.{name}] {fault}")
    if (fault := _fault_of_traffic(scenario.traffic)) is not None:
        raise ConfigurationError(f"{source}: [traffic] {fault}")
    if not 1 <= scenario.clients.count <= _MOST_CLIENTS:
        raise ConfigurationError(f"{source}: [clients] count must be 1 to {_MOST_CLIENTS:,}")
    routes = [one for tier in scenario.policy.routes or () for one in ([tier] if isinstance(tier, str) else tier)]
    for where, named in (("routes", routes), ("limits", scenario.policy.limits)):
        for route in named:
            if (fault := _fault_of_route(route, scenario)) is not None:
                raise ConfigurationError(f"{source}: [policy] {where}: {fault}")


def _fault_of_route(route: str, scenario: Scenario) -> str | None:
    name, _, model = route.partition(":")
    if name not in scenario.services:
        return f"there is no [services.{name}]{did_you_mean(name, list(scenario.services))}"
    models = scenario.services[name].models
    if model and model not in models:
        return f"[services.{name}] has no model {model!r}{did_you_mean(model, models)}"
    return None


def _fault_of_service(name: str, service: ServiceSettings) -> str | None:
    if not NAME.fullmatch(name):
        return f"the name must match {NAME.pattern!r}"
    if not service.models:
        return "models is empty"
    if service.total_s is not None and service.tokens_per_s is not None:
        return "has tokens_per_s or total_s, not both"
    for field in ("first_content_s", "tokens", "tokens_per_s", "total_s", "error_s"):
        value = getattr(service, field)
        if value is not None and (fault := fault_of(value, above_0=field == "tokens_per_s")) is not None:
            return f"{field} {fault}"
    if not service.chunk_s > 0 or (service.parallel is not None and service.parallel < 1) or service.queue < 0:
        return "chunk_s must be more than 0, parallel 1 or more, and queue 0 or more"
    return _fault_of_failures(service)


def _fault_of_failures(service: ServiceSettings) -> str | None:
    if not 400 <= service.full_status <= 599:
        return "full_status must be 400 to 599"
    if (fault := _fault_of_errors(service.errors)) is not None:
        return fault
    if (prices := service.prices) is not None and not (0 <= prices.prompt < inf and 0 <= prices.completion < inf):
        return "prices must be 0 or more"
    if service.limits is not None and (fault := _fault_of_limits(service.limits)) is not None:
        return f"limits {fault}"
    for number, phase in enumerate(service.phases, 1):
        if (fault := _fault_of_phase(phase)) is not None:
            return f"phases, number {number}: {fault}"
    return None


def _fault_of_errors(errors: Mapping[str, float]) -> str | None:
    for name, share in errors.items():
        if not (name in ENDINGS or _is_status(name)):
            hint = did_you_mean(name, ENDINGS)
            return f"errors: {name!r} is neither a status of 400 to 599 nor one of {', '.join(ENDINGS)}{hint}"
        if not 0 <= share <= 1:
            return f"errors: {name} must be a share of 0 to 1"
    return "errors: together they are more than 1" if sum(errors.values()) > 1 + 1e-9 else None


def _is_status(text: str) -> bool:
    return text.isdecimal() and 400 <= int(text) <= 599


def _fault_of_limits(limits: RateLimits) -> str | None:
    if limits.rpm is None and limits.tpm is None:
        return "needs rpm or tpm"
    if not all(limit is None or limit >= 1 for limit in (limits.rpm, limits.tpm)):
        return "rpm and tpm must be 1 or more"
    if not 0 < limits.window_s < inf:
        return "window_s must be more than 0"
    if limits.burst is not None and (limits.window != "bucket" or not 0 < limits.burst <= 1):
        return "burst is a share above 0 of a bucket"
    if not isinstance(limits.retry_after, bool) and not 0 <= limits.retry_after < inf:
        return "retry_after must be true, false or seconds"
    return None


def _fault_of_phase(phase: Phase) -> str | None:
    if not 0 <= phase.from_s < phase.until_s:
        return "from_s must be 0 or more, and less than until_s"
    if not (_is_status(phase.how) or phase.how in OUTAGES):
        return f"how must be a status of 400 to 599 or one of {', '.join(OUTAGES)}{did_you_mean(phase.how, OUTAGES)}"
    if not 0 < phase.factor < inf:
        return "factor must be more than 0"
    if not phase.period_s > 0 or not 0 <= phase.share <= 1:
        return "period_s must be more than 0, and share 0 to 1"
    if phase.kind != "brownout" and (phase.errors or phase.factor != 1.0):
        return "factor and errors belong to a brownout"
    return _fault_of_errors(phase.errors)


def _fault_of_length(traffic: Traffic) -> str | None:
    if not 0 <= traffic.workers <= _MOST_WORKERS:
        return f"workers must be 0 to {_MOST_WORKERS:,}"
    if max(traffic.calls or 0, sum(burst.calls for burst in traffic.bursts)) > _MOST:
        return f"calls must be {_MOST:,} at most"
    if (seconds := traffic.duration_s) is None:
        return None
    if traffic.calls is None and (traffic.rate or 0) * seconds > _MOST:
        return f"rate and duration_s make more than {_MOST:,} calls"
    return None if 0 < seconds <= _MOST else f"duration_s must be more than 0, and {_MOST:,} at most"


def _fault_of_traffic(traffic: Traffic) -> str | None:
    if traffic.rate is None and not traffic.bursts and not traffic.workers and not traffic.times_s:
        return "needs rate, bursts, workers or times_s"
    if traffic.rate is not None and not 0 < traffic.rate < inf:
        return "rate must be more than 0"
    if (traffic.rate is not None or traffic.workers) and traffic.duration_s is None and traffic.calls is None:
        return "needs duration_s or calls, or it has no end"
    if (fault := _fault_of_length(traffic)) is not None:
        return fault
    if any(value is not None and value < 1 for value in (traffic.calls, traffic.max_tokens)):
        return "calls and max_tokens must be 1 or more"
    if not all(0 <= burst.at_s < inf and burst.calls >= 1 for burst in traffic.bursts):
        return "bursts need at_s, 0 or more, and calls, 1 or more"
    if not all(0 <= time < inf for time in traffic.times_s or ()):
        return "times_s must be 0 or more"
    if not 0 <= traffic.stream <= 1:
        return "stream must be true, false or a share of 0 to 1"
    for field in ("prompt_tokens", "answer_tokens"):
        if (fault := fault_of(getattr(traffic, field))) is not None:
            return f"{field} {fault}"
    return None
