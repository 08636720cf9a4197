"""Each rule of the contract is in the documentation."""

from __future__ import annotations

import re

from helpers.installing import ROOT

from g4f_lite.testing.conformance.contract import PAGE, RULES


def test_each_rule_is_on_the_page_that_failures_cite() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    sections = dict(zip(*[iter(re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:])] * 2, strict=True))
    for rule in RULES:
        assert " ".join(rule.wants.split()) in " ".join(sections[rule.heading].split()), rule
    assert len({rule.wants for rule in RULES}) == len(RULES) > 15
