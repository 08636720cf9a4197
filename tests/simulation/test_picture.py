"""The picture of a simulation."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from helpers.simulating import scenario

from g4f_lite.simulation import Report, simulate

NAMESPACE = "{http://www.w3.org/2000/svg}"


def drawn(**given: Any) -> ElementTree.Element:
    return ElementTree.fromstring(simulate(scenario(**given)).svg())  # our own


def texts(picture: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in picture.iter(f"{NAMESPACE}text")]


def shades(picture: ElementTree.Element) -> list[ElementTree.Element]:
    return [
        one for one in picture.iter(f"{NAMESPACE}rect") if one.get("class") == "phase" and one.get("height") != "12"
    ]


@pytest.mark.parametrize(
    ("phase", "count"),
    [
        ({"kind": "outage", "from_s": 10, "until_s": 20}, 1),
        ({"kind": "brownout", "from_s": 10, "factor": 2}, 1),
        ({"kind": "flapping", "from_s": 10, "until_s": 40, "period_s": 10}, 3),
        ({"kind": "flapping", "from_s": 10, "period_s": 0.1}, 1),
        ({"kind": "outage", "from_s": 500}, 0),
    ],
)
def test_it_shades_when_a_service_was_not_as_usual(phase: dict[str, Any], count: int) -> None:
    picture = drawn(services={"a": {"phases": [phase]}, "b": {}}, traffic={"rate": 5, "duration_s": 60})
    assert len(shades(picture)) == count


def test_it_has_a_chart_for_calls_and_for_each_service_of_each_policy() -> None:
    one = scenario(services={"a": {}, "b": {}}, traffic={"rate": 5, "duration_s": 60}, name="<mine>")
    report = simulate(one, [one])
    assert isinstance(report, Report)
    picture = ElementTree.fromstring(report.svg())  # our own
    found = texts(picture)
    assert found.count("calls") == found.count("requests to a") == found.count("requests to b") == 2
    assert "<mine>" in found
    assert "<mine>-2" in found
    assert "% of" in (picture.findtext(f"{NAMESPACE}title") or "")


def test_it_shows_what_failed() -> None:
    picture = drawn(services={"a": {"errors": {"500": 1}}}, traffic={"rate": 5, "duration_s": 60})
    kinds = {one.get("class") for one in picture.iter(f"{NAMESPACE}path")}
    assert "failed" in kinds


def test_a_simulation_of_one_call_has_a_picture() -> None:
    assert "1 calls answered" in "".join(texts(drawn(services={"a": {}}, traffic={"times_s": [0.0]})))
