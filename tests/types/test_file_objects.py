"""File objects and paths of other libraries: what they return is checked. What they raise comes out as it is."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.endpoints import seen

from g4f_lite import InvalidRequestError
from g4f_lite.testing import FaultServer


class Fetched(io.BytesIO):
    """A file whose `read` returns something of its own."""

    def __init__(self, gives: Callable[[bytes], Any]) -> None:
        super().__init__(b"RIFF" * 10)
        self.gives = gives

    def read(self, size: int | None = -1, /) -> Any:
        block = super().read(size)
        return self.gives(block) if size else block


class OddPath(os.PathLike[Any]):
    def __init__(self, path: object) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


def past_the_end() -> io.BytesIO:
    file = io.BytesIO(b"RIFF" * 10)
    file.seek(1000)
    return file


def released() -> memoryview:
    view = memoryview(b"RIFF")
    view.release()
    return view


BROKEN: dict[str, tuple[Callable[[], Any], str]] = {
    "text": (lambda: Fetched(lambda block: block.decode()), "gives str when it is read, not bytes"),
    "nothing": (lambda: Fetched(lambda _: None), "gives NoneType when it is read"),
    "past its end": (past_the_end, "nothing to send"),
    "a released view": (released, "cannot be read: .*released"),
    "a path of numbers": (lambda: OddPath(5), "a path that cannot be read: TypeError"),
}


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_sent_is_an_error_of_the_request(
    name: str, named: bool, mode: str, two: dict[str, Any], server: FaultServer
) -> None:
    make, said = BROKEN[name]
    file = ("a.wav", make()) if named else make()
    with pytest.raises(InvalidRequestError, match=said):
        raise seen(mode, two, "audio.transcriptions.create", {"file": file}).error or AssertionError
    assert not server.received


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_more_than_was_asked_for_is_not_sent(mode: str, two: dict[str, Any], server: FaultServer) -> None:
    file = Fetched(lambda block: bytearray(block + b"GET / HTTP/1.1\r\n\r\n"))
    assert seen(mode, two, "audio.transcriptions.create", {"file": file}).error is None
    assert server.received[0].form["file"] == [b"RIFF" * 10]


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_path_may_be_of_bytes(mode: str, two: dict[str, Any], server: FaultServer, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" * 10)
    file = OddPath(os.fsencode(path))
    assert seen(mode, two, "audio.transcriptions.create", {"file": file}).error is None
    assert server.received[0].filename == "a.wav"
