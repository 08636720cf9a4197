"""Code of the caller that fails while an upload is sent: its exception comes out, and no leg is blamed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from helpers.endpoints import HEARD, reach

from g4f_lite import AsyncClient, Client
from g4f_lite.testing import FaultServer

FAILURES = [KeyError("x"), SystemExit(3), asyncio.CancelledError("x"), GeneratorExit("x"), ConnectionResetError("x")]


class Broken:
    """A file whose second piece cannot be read."""

    name = "talk.wav"

    def __init__(self, failure: BaseException) -> None:
        self._failure = failure
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        if size and self._at > 1000:
            raise self._failure
        self._at += size
        return b"x" * size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = 3_000_000 if whence == 2 else offset
        return self._at

    def tell(self) -> int:
        return self._at


def stopped(what: str, failure: BaseException) -> dict[str, Any]:
    def progress(sent: int, size: int) -> None:
        raise failure

    if what == "file":
        return {"file": Broken(failure)}
    return {"file": ("talk.wav", b"x" * 3_000_000), "progress": progress}


async def fail_async(settings: dict[str, Any], params: dict[str, Any]) -> BaseException | None:
    async with AsyncClient(**settings) as client:
        try:
            await reach(client, HEARD.method)(**params)
        except BaseException as error:
            return error
    return None


def fail_sync(settings: dict[str, Any], params: dict[str, Any]) -> BaseException | None:
    with Client(**settings) as client:
        try:
            reach(client, HEARD.method)(**params)
        except BaseException as error:
            return error
    return None


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
@pytest.mark.parametrize("what", ["progress", "file"])
def test_it_comes_out_as_it_is(
    what: str, failure: BaseException, mode: str, two: dict[str, Any], server: FaultServer
) -> None:
    params = stopped(what, failure)
    error = fail_sync(two, params) if mode == "sync" else asyncio.run(fail_async(two, params))
    if what == "file" and isinstance(failure, OSError):
        assert "cannot be read any more" in str(error)
    else:
        assert error is failure
    assert len(server.received) < 1
