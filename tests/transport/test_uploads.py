"""Files are sent complete, in pieces, and again for each attempt."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from helpers.driving import run
from helpers.endpoints import HEARD, MODES, WAV, Alpha, ChatOnly, call

import g4f_lite
from g4f_lite import AsyncClient, Client, Timeouts
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.replies import answer, error

BIG = bytes(range(256)) * (80 * 1024)  # 20 MiB


def as_path(file: Path) -> Any:
    return file


def as_string(file: Path) -> Any:
    return str(file)


def as_bytes(file: Path) -> Any:
    return (file.name, file.read_bytes())


def as_memory(file: Path) -> Any:
    return ("big.wav", io.BytesIO(file.read_bytes()))


def as_named_path(file: Path) -> Any:
    return ("big.wav", file)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", [as_path, as_string, as_bytes, as_memory, as_named_path])
def test_a_file_is_sent_completely_in_any_form_and_again_for_each_attempt(
    mode: str, form: Callable[[Path], Any], tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    file = tmp_path / "big.wav"
    content = BIG[: 1 << 20] + b"end"
    file.write_bytes(content)
    server.script(error(503, "down"), error(429, "slow down", retry_after="9"), answer("heard"))
    calls: list[tuple[int, int]] = []
    given = {"file": form(file), "progress": lambda sent, total: calls.append((sent, total))}
    assert call(mode, two, HEARD.method, {**given, "provider": two["routes"], "fallback_models": []}).text == "heard"
    assert [request.form["file"] == [content] for request in server.received] == [True] * 3
    assert [request.filename for request in server.received] == ["big.wav"] * 3
    assert all(total == len(content) for _, total in calls)
    assert [sent for sent, total in calls if sent == total] == [len(content)] * 3
    starts = [index for index, (sent, _) in enumerate(calls) if index == 0 or sent < calls[index - 1][0]]
    assert len(starts) == 3
    assert calls[starts[1] : starts[2]] == calls[: starts[1]]


@pytest.mark.parametrize("mode", MODES)
def test_a_large_file_goes_out_piece_by_piece_however_slowly_it_is_received(mode: str, tmp_path: Path) -> None:
    file = tmp_path / "big.wav"
    file.write_bytes(BIG)
    calls: list[int] = []
    with FaultServer(read_pause=0.012) as slow:
        begun = time.monotonic()
        # The upload takes longer than `total`, which bounds only the time without progress.
        settings = {"timeouts": Timeouts(connect=2.5, total=3), "base_urls": {"alpha": slow.base_url}}
        heard = call(mode, {**settings, "plugins": [Alpha]}, HEARD.method,
                    {"file": file, "provider": "alpha", "progress": lambda sent, total: calls.append(sent)})  # fmt: skip
        assert time.monotonic() - begun > 3
        assert heard.attempts[0].number == 1
        assert slow.received[0].form["file"] == [BIG]
    assert calls == sorted(calls)
    assert calls[-1] == len(BIG)
    assert len(calls) >= 20


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("timeouts", "limit", "kind"),
    [
        (Timeouts(connect=0.2), 0.6, g4f_lite.DeadlineExceededError),
        (Timeouts(connect=0.1, total=0.4), 9.0, g4f_lite.ProviderTimeoutError),
    ],
)
def test_a_server_that_stops_receiving_does_not_block_the_call(
    mode: str, timeouts: Timeouts, limit: float, kind: type[Exception]
) -> None:
    with FaultServer(read_pause=60) as stuck:
        begun = time.monotonic()
        settings = {"plugins": [Alpha], "base_urls": {"alpha": stuck.base_url}, "timeouts": timeouts, "retries": 0}
        params = {"file": ("a.wav", BIG), "provider": "alpha", "model": "ears", "fallback_models": []}
        with pytest.raises(kind):
            call(mode, settings, HEARD.method, {**params, "deadline": limit})
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("failure", [ValueError, BrokenPipeError, KeyError])
def test_an_exception_of_the_callback_is_raised_unchanged(
    mode: str, failure: type[Exception], server: FaultServer, two: dict[str, Any]
) -> None:
    def progress(sent: int, total: int) -> None:
        raise failure("mine")

    with pytest.raises(failure, match="mine"):
        call(mode, two, HEARD.method, {"file": ("a.wav", BIG), "progress": progress})


@pytest.mark.parametrize("mode", MODES)
def test_a_file_that_changes_during_the_upload_stops_the_call(
    mode: str, tmp_path: Path, server: FaultServer, two: dict[str, Any]
) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(BIG[: 1 << 20])
    server.script(error(503, "down"), answer("never"))

    def shorten(sent: int, total: int) -> None:
        if sent == total:
            file.write_bytes(b"short")

    with pytest.raises(g4f_lite.InvalidRequestError, match=r"'talk.wav' has become shorter"):
        call(mode, two, HEARD.method, {"file": file, "progress": shorten})


@pytest.mark.parametrize("mode", MODES)
def test_progress_is_reported_in_the_thread_of_the_caller(mode: str, tmp_path: Path, two: dict[str, Any]) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(WAV)
    threads: list[object] = []
    call(mode, two, HEARD.method, {"file": file, "progress": lambda *_: threads.append(threading.current_thread())})
    assert set(threads) == {threading.main_thread()}


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_the_callback_makes_has_limits_of_its_own(
    mode: str, server: FaultServer, two: dict[str, Any]
) -> None:
    failed: list[g4f_lite.G4FLiteError] = []

    def progress(sent: int, total: int) -> None:
        with (
            FaultServer().script(replies.silence()) as silent,
            Client(**{**two, "base_urls": {"alpha": silent.base_url}}) as client,
        ):
            try:
                client.audio.transcriptions.create(file=("b.wav", WAV), provider="alpha", deadline=0.1)
            except g4f_lite.DeadlineExceededError as error:
                failed.append(error)

    given = {"file": ("a.wav", BIG[: 1 << 17]), "progress": progress}
    assert call(mode, two, HEARD.method, given).text == "ok"
    assert failed


def test_two_attempts_at_once_read_one_file_object_without_mixing_it_up(
    server: FaultServer, two: dict[str, Any]
) -> None:
    server.script(replies.raw(replies.Pause(0.4), replies.Close()), answer("second"))
    file = io.BytesIO(b"skipped" + BIG)
    file.seek(7)

    async def main() -> None:
        async with AsyncClient(**two, hedge_after=0.01) as client:
            heard = await client.audio.transcriptions.create(file=("a.wav", file))
            assert heard.text

    asyncio.run(main())
    assert all(request.form["file"] == [BIG] for request in server.received)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (b"RIFF1234", "audio.wav"),
        (b"ID3abc", "audio.mp3"),
        (b"OggSabc", "audio.ogg"),
        (b"\0\0\0\x20ftypM4A ", "audio.m4a"),
        (b"unknown", "audio"),
        (("tmpm8utko9h", b"OggSabc"), "tmpm8utko9h.ogg"),
        (("tmpm8utko9h", b"unknown"), "tmpm8utko9h"),
        (bytearray(b"fLaC"), "audio.flac"),
        (('we "ird\r\n.wav', b"x"), "we %22ird%0D%0A.wav"),
    ],
)
def test_a_file_without_a_name_or_ending_gets_one_by_its_content(
    given: Any, name: str, server: FaultServer, two: dict[str, Any]
) -> None:
    call("sync", two, HEARD.method, {"file": given})
    assert server.received[0].filename == name
    assert server.received[0].model == "ears"


def test_a_file_that_can_be_read_only_once_is_refused(two: dict[str, Any]) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb"), pytest.raises(g4f_lite.InvalidRequestError, match="twice"):
        call("sync", two, HEARD.method, {"file": pipe})


TOO_LARGE = b'{"error": {"message": "Maximum content size limit (26214400) exceeded", "type": "server_error"}}'


@contextmanager
def impatient(reads: int) -> Iterator[tuple[str, list[int]]]:
    """Serve 413 as soon as the headers and some bytes have come, and close with the rest unread: a reset."""
    requests: list[int] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received = bytearray()
                while b"\r\n\r\n" not in received or len(received) < reads:
                    received += connection.recv(4096)
                requests.append(len(received))
                head = b"HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n"
                connection.sendall(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(TOO_LARGE), TOO_LARGE))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", requests
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reads", [0, 300_000])
def test_an_answer_that_comes_before_the_whole_upload_is_read(mode: str, reads: int) -> None:
    """Without a second handle of the socket, two of three such answers are lost: see `late_answer.py`."""
    for _ in range(6):
        with impatient(reads) as (url, requests):
            params = {"file": ("big.wav", BIG), "provider": "alpha", "fallback_models": []}
            with pytest.raises(g4f_lite.RequestTooLargeError, match="Maximum content size"):
                call(mode, {"plugins": [Alpha], "base_urls": {"alpha": url}}, HEARD.method, params)
            assert len(requests) == 1


@pytest.mark.parametrize("mode", ["sync", "sync stream", "async", "async stream"])
@pytest.mark.parametrize("size", [900_000, len(BIG)], ids=["sent at once", "sent in pieces"])
def test_an_answer_that_comes_before_a_whole_chat_is_read(mode: str, size: int) -> None:
    for _ in range(6):
        with impatient(0) as (url, requests):
            params = {"messages": [{"role": "user", "content": "x" * size}], "model": "talker", "fallback_models": []}
            outcome = run(mode, {"base_urls": {"chat-only": url}}, {**params, "provider": ChatOnly})
            assert type(outcome.error) is g4f_lite.RequestTooLargeError
            assert len(requests) == 1
