"""
A scenario: services, traffic, clients, and the policy of the clients. `reading.py` makes one of a TOML file.

All times are seconds from the beginning of the scenario.
"""

from __future__ import annotations

from math import inf
from typing import Literal, TypeAlias

from ..client.policy_table import PolicyTable
from ..types.tables import Table
from .distributions import Distribution

ENDINGS = ("cut", "stall", "hang", "reset", "refused", "unreachable")
"""
What besides a status may become of a request: the answer breaks off; it stops and the connection stays open; no reply
comes; the connection is reset, is refused, or is never made.
"""
OUTAGES = ("refused", "unreachable", "hang", "reset")
"""What a service may be like in an outage, besides a status."""

When: TypeAlias = Literal["sliding", "fixed", "bucket"]


class Prices(Table, frozen=True):
    """USD for a million tokens."""

    prompt: float = 0.0
    completion: float = 0.0


class RateLimits(Table, frozen=True):
    """`[services.NAME.limits]`: what a service allows all its callers together."""

    rpm: int | None = None
    """Requests in a window of `window_s`."""
    tpm: int | None = None
    """Tokens of prompts and answers in a window."""
    window: When = "sliding"
    """
    `sliding`: in any such time; `fixed`: in each, one after another; `bucket`: room comes back evenly, and as much as
    `burst` can be there at once.
    """
    window_s: float = 60.0
    burst: float | None = None
    """Share of the limits that a `bucket` holds at most; 1 if nothing is said."""
    retry_after: bool | float = True
    """Whether the 429 says when there is room, in whole seconds, as services do; or the seconds that it always says."""


class Phase(Table, frozen=True):
    """`[[services.NAME.phases]]`: a time in which a service is not as usual."""

    kind: Literal["outage", "brownout", "flapping"]
    from_s: float
    until_s: float = inf
    how: str = "503"
    """What an outage is like, and the bad times of a flapping service: a status, or `refused`, `unreachable`, …"""
    cuts: bool = False
    """Whether answers that are under way when an outage begins are cut."""
    factor: float = 1.0
    """How many times as long answers take in a brown-out."""
    errors: dict[str, float] = {}
    """As those of the service, in a brown-out besides."""
    period_s: float = 10.0
    """Of a flapping service: a bad time and a good one."""
    share: float = 0.5
    """The part of a period that is bad; it comes first."""


class ServiceSettings(Table, frozen=True):
    """`[services.NAME]`"""

    models: tuple[str, ...] = ("default",)
    """Its models, the first by default; all are alike."""
    first_content_s: Distribution = 0.5
    """Up to the first content of a stream."""
    tokens: Distribution | None = None
    """Of an answer; else the traffic says it."""
    tokens_per_s: Distribution | None = None
    """How fast they come, after the first content; 50 if neither this nor `total_s` is set."""
    total_s: Distribution | None = None
    """Up to the end of an answer, however long it is."""
    chunk_s: float = 1.0
    """Between two pieces of a stream."""
    parallel: int | None = None
    """Requests that are worked on at once; None: any number."""
    queue: int = 1_000_000
    """Requests that wait for their turn besides; those beyond get `full_status`."""
    full_status: int = 503
    errors: dict[str, float] = {}
    """By status, or by one of `ENDINGS`: the share of requests that end so."""
    error_s: Distribution = 0.05
    """Up to the reply of an error."""
    limits: RateLimits | None = None
    prices: Prices | None = None
    phases: list[Phase] = []


class Burst(Table, frozen=True):
    """`bursts`: calls that begin at once."""

    at_s: float
    calls: int


class Traffic(Table, frozen=True):
    """`[traffic]`: the calls. Several ways in which they begin may be used together."""

    rate: float | None = None
    """Calls a second."""
    arrivals: Literal["poisson", "even"] = "poisson"
    """How those of `rate` begin."""
    bursts: list[Burst] = []
    workers: int = 0
    """Callers who each begin a call when their last one has ended."""
    times_s: list[float] | None = None
    """When calls begin, as recorded."""
    times_file: str | None = None
    """A file beside the scenario with such times, one a line."""
    duration_s: float | None = None
    """When no more calls begin."""
    calls: int | None = None
    """After how many calls no more begin."""
    prompt_tokens: Distribution = 500.0
    answer_tokens: Distribution = 200.0
    stream: bool | float = True
    """Whether answers are streamed, or the share of those that are."""
    max_tokens: int | None = None
    """What calls say, which bounds what a limit or a budget reserves for them."""


class Clients(Table, frozen=True):
    """`[clients]`"""

    count: int = 1
    """Clients that take the calls by turns, such as processes."""
    shared_state: bool = False
    """Whether they share what they know, their limits and their budget."""


class Scenario(Table, frozen=True):
    """A whole scenario."""

    services: dict[str, ServiceSettings] = {}
    traffic: Traffic = Traffic()
    clients: Clients = Clients()
    policy: PolicyTable = PolicyTable()
    seed: int = 1
    name: str = "policy"
    """Of the policy, in the report: that of the file unless it says one."""
