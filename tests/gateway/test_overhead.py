"""The page of metrics has the time that the gateway adds to each call, and nothing of requests that it refuses."""

from __future__ import annotations

import time

import requests
from helpers.gateways import MESSAGES, running, tables
from prometheus_client.parser import text_string_to_metric_families

from g4f_lite.testing import FaultServer, replies

SLOW_S = 0.3


def test_the_time_of_the_service_is_not_the_gateways(groq: FaultServer) -> None:
    groq.script(*[replies.delayed(SLOW_S, replies.answer("Sunday"))] * 2)
    with running(tables(groq, server={"admin": {"env": "GROQ_API_KEY"}})) as gateway:
        began = time.monotonic()
        for more in ({}, {"stream": True}, {"temperature": "much"}):
            requests.post(f"{gateway.base_url}/chat/completions", json={"messages": MESSAGES, **more}, timeout=30)
        lasted = time.monotonic() - began
        headers = {"authorization": "Bearer gsk_secret_of_the_tests"}
        page = requests.get(f"{gateway.url}/metrics", headers=headers, timeout=30).text
    found = {one.name: one.value for family in text_string_to_metric_families(page) for one in family.samples}
    assert found["g4f_lite_gateway_overhead_seconds_count"] == 2
    assert 0 < found["g4f_lite_gateway_overhead_seconds_sum"] < lasted - 2 * SLOW_S
