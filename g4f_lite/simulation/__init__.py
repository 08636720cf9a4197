"""
Try a policy before it meets traffic: the real router, on a virtual clock, against modelled services.

    from g4f_lite.simulation import load, simulate

    scenario = load("scenario.toml")
    report = simulate(scenario, [load("patient.toml", base=scenario)])

Rule: no second copy of any rule. Selection, plans, health, limits, hedging and streams are those of `AsyncClient`; here
is what stands in the place of time, chance, transport and services. Command: `g4f-lite simulate`.

| file | what is in it |
| --- | --- |
| `scenario` `reading` | a scenario; from a TOML file to one, checked |
| `writing` | from a scenario to a TOML file |
| `distributions` | numbers by chance |
| `traffic` | when calls begin, and what they ask for |
| `services` `rates` | a modelled service: what becomes of a request; its rate limits |
| `virtual_loop` | an event loop on a virtual clock |
| `provider` `transport` | a modelled service as a provider; what carries requests to it |
| `clients` | the clients of a policy |
| `engine` | the run of one policy |
| `figures` `quantiles` `timelines` | what is counted while it goes on |
| `report` `picture` | the figures of all policies; as SVG |
| `recorded` | recorded trails |
| `learning/` | from recorded trails to a scenario |
"""

from __future__ import annotations

from .figures import PolicyReport as PolicyReport
from .learning.compared import recorded_report as recorded_report
from .learning.learn import learn as learn
from .reading import load as load
from .recorded import read_trails as read_trails
from .report import Report as Report
from .report import simulate as simulate
from .scenario import Scenario as Scenario
from .traffic import recorded_traffic as recorded_traffic
from .writing import to_toml as to_toml
