"""Exceptions of a provider never show its key."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from helpers.plain_routes import Plain, collect

import g4f_lite
from g4f_lite.testing import FaultServer, replies


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_the_causes_of_an_error_contain_no_key(mode: str, server: FaultServer) -> None:
    class Careless(Plain):
        name = "careless"

        def build_request(self, request: Any, *, key: Any, stream: bool) -> Any:
            raise ValueError(f"bad {key}")

    server.script(replies.garbage())
    for provider in (Careless(api_key="gsk_s3cret_key"), Plain(api_base=server.base_url, api_key="gsk_s3cret_key")):
        with pytest.raises(g4f_lite.G4FLiteError) as caught:
            collect(mode, {"routes": [provider], "retries": 0})
        assert "s3cret" not in "".join(traceback.format_exception(caught.value))
        assert caught.value.__cause__ is None or "s3cret" not in repr(vars(caught.value.__cause__))
