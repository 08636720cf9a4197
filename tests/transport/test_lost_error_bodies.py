"""The body of an error that is lost, cut or cannot be decompressed: the status and the headers say what it means."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from helpers.driving import MODES, run
from helpers.odd_row import sized
from helpers.ways import without_inner_parts

from g4f_lite import (
    AsyncClient,
    AuthenticationError,
    Client,
    ContextWindowError,
    MalformedResponseError,
    OpenaiTemplate,
    ProviderError,
    RateLimitError,
    RequestTooLargeError,
    Timeouts,
)
from g4f_lite.testing import FaultServer, replies

LONG = b'{"error": {"message": "maximum context length is 5", "code": "context_length_exceeded"'
LOST: dict[str, tuple[bytes, type[ProviderError]]] = {
    "cut in its length": (b"HTTP/1.1 429 No\r\nretry-after: 900\r\ncontent-length: 500\r\n\r\n{", RateLimitError),
    "cut in a chunk": (b"HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n50\r\n{", AuthenticationError),
    "not in chunks": (b"HTTP/1.1 401 No\r\ntransfer-encoding: chunked\r\n\r\n{}", AuthenticationError),
    "not in chunks after its words": (
        b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\nno" % (len(LONG), LONG),
        ContextWindowError,
    ),
    "cut after its words": (b"HTTP/1.1 400 No\r\ncontent-length: 500\r\n\r\n" + LONG, ContextWindowError),
    "not there at all": (b"HTTP/1.1 413 No\r\ncontent-length: 5\r\n\r\n", RequestTooLargeError),
    "compressed in another way": (
        b"HTTP/1.1 429 No\r\nretry-after: 900\r\ncontent-encoding: br\r\ncontent-length: 4\r\n\r\n\x8b\x05\x80a",
        RateLimitError,
    ),
    "badly compressed": (
        b"HTTP/1.1 429 No\r\nretry-after: 900\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnone",
        RateLimitError,
    ),
    "half decompressed": (
        b"HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\ncontent-length: 30\r\n\r\n" + gzip.compress(b"x" * 500)[:30],
        AuthenticationError,
    ),
}


class Plain(OpenaiTemplate):
    name = "plain"
    needs_auth = False
    default_model = "first"
    capabilities = OpenaiTemplate.capabilities | {"transcription"}


def ask(mode: str, server: FaultServer, answer: bytes) -> ProviderError:
    server.script(replies.raw(answer, replies.Close()))
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0, "deadline": 20}
    outcome = run(mode, settings, {"provider": "plain"})
    assert isinstance(outcome.error, ProviderError)
    assert len(server.received) == 1
    return outcome.error


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LOST)
def test_a_lost_body_of_an_error_leaves_its_status_and_its_headers(mode: str, name: str, server: FaultServer) -> None:
    answer, kind = LOST[name]
    error = ask(mode, server, answer)
    assert type(error) is kind
    assert error.retry_after == (900 if b"retry-after" in answer else None)


@pytest.mark.parametrize("mode", MODES)
def test_of_a_wait_that_is_given_twice_the_longer_counts(mode: str, server: FaultServer) -> None:
    error = ask(
        mode, server, b"HTTP/1.1 429 No\r\nRetry-After: 900\r\na: b\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n"
    )
    assert error.retry_after == 900


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_so_does_one_that_answers_an_upload(mode: str, name: str, server: FaultServer) -> None:
    answer, kind = LOST[name]
    if without_inner_parts(mode) and name.startswith("not in chunks"):
        pytest.skip("aiohttp's own parser takes no head with such a body")
    server.script(replies.raw(answer, replies.Close()))
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0, "deadline": 20}
    params = {"provider": "plain", "model": "m", "file": b"x" * 100}

    async def ask_async() -> None:
        async with AsyncClient(**settings) as client:
            await client.audio.transcriptions.create(**params)

    with pytest.raises(kind), Client(**settings) as client:
        if mode == "async":
            asyncio.run(ask_async())
        client.audio.transcriptions.create(**params)


@pytest.mark.parametrize("mode", MODES)
def test_an_endless_body_that_cannot_be_read_is_not_waited_for(mode: str, server: FaultServer) -> None:
    head = b"HTTP/1.1 429 No\r\nretry-after: 900\r\ncontent-encoding: br\r\n\r\n"
    server.script(replies.raw(head, *[b"x" * 100] * 3, replies.Pause(3600)))
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0}
    error = run(mode, settings, {"provider": "plain"}).error
    assert type(error) is RateLimitError and error.retry_after == 900


@pytest.mark.parametrize("mode", MODES)
def test_a_body_that_stalls_leaves_the_status_when_the_time_is_up(mode: str, server: FaultServer) -> None:
    server.script(replies.raw(b"HTTP/1.1 401 No\r\ncontent-length: 500\r\n\r\n{", replies.Pause(3600)))
    settings = {"plugins": [Plain()], "base_urls": {"plain": server.base_url}, "retries": 0}
    timeouts = Timeouts(first_token=0.3, total=0.3)
    assert type(run(mode, {**settings, "timeouts": timeouts}, {"provider": "plain"}).error) is AuthenticationError


@pytest.mark.parametrize("mode", MODES)
def test_a_success_in_another_compression_is_still_refused(mode: str, server: FaultServer) -> None:
    error = ask(mode, server, sized(b"x", b"content-encoding: br"))
    assert type(error) is MalformedResponseError
