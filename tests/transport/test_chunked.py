"""Bodies in HTTP chunks: chunks that arrive together are read together, with the same result."""

from __future__ import annotations

import pytest
from helpers.chunked_bodies import HEAD, read, serving
from helpers.ways import needs_inner_parts

from g4f_lite.errors.exceptions import ConnectionFailedError, MalformedResponseError, ProviderError
from g4f_lite.transport.sync_http import HTTPTransport

BODIES = [
    (b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
    (b"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", b"0123456789" * 2),
    (b"3;x=1\r\nabc\r\n2;y\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n", b"abcde"),
    (b"003\r\n\r\n\r\r\n4\r\n2\r\nx\r\n1\r\n\n\r\n0\r\n\r\n", b"\r\n\r2\r\nx\n"),
]


@pytest.mark.parametrize(("body", "said"), BODIES)
def test_the_body_is_the_same_however_it_is_split(body: bytes, said: bytes) -> None:
    transport = HTTPTransport()
    for cut in range(len(body)):
        with serving(HEAD + body[:cut], body[cut:]) as url:
            assert b"".join(read(transport, url)) == said
    transport.close()


def test_a_connection_is_kept_after_a_chunked_body() -> None:
    transport = HTTPTransport()
    with serving(HEAD + BODIES[0][0], times=2) as url:  # which accepts only once
        assert b"".join(read(transport, url)) == b"abcde"
        assert b"".join(read(transport, url)) == b"abcde"
    transport.close()


@needs_inner_parts
def test_received_data_is_handed_out_at_once() -> None:
    transport = HTTPTransport()
    chunks = b"".join(b"4\r\n%04d\r\n" % number for number in range(1000))
    with serving(HEAD + chunks + b"0\r\n\r\n") as url:
        pieces = list(read(transport, url))
    assert b"".join(pieces) == b"".join(b"%04d" % number for number in range(1000))
    assert len(pieces) < 20
    transport.close()


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (b"5\r\nab", ConnectionFailedError),
        (b"5\r\nabcdeXY3\r\nabc\r\n", MalformedResponseError),
        (b"3\r\nabc\r\n-3\r\nabc\r\n", MalformedResponseError),
        (b"3\r\nabc\r\n", ConnectionFailedError),
    ],
)
def test_an_invalid_body_is_not_complete(broken: bytes, error: type[ProviderError]) -> None:
    transport = HTTPTransport()
    with serving(HEAD + b"3\r\nabc\r\n" + broken) as url, pytest.raises(error):
        list(read(transport, url))
    transport.close()
