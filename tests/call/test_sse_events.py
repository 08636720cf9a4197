"""Server-sent events from bytes that are split anywhere."""

from __future__ import annotations

import pytest
from helpers.growth import is_linear
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_lite.call.sse_events import SSEDecoder
from g4f_lite.errors.exceptions import MalformedResponseError
from g4f_lite.types.http import ServerSentEvent
from g4f_lite.types.size_limits import MAX_EVENT


def decode(*pieces: bytes) -> list[tuple[str, bytes]]:
    """Return name and data of each event, those at the end of the body too."""
    decoder = SSEDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        events += decoder.feed(piece)
    return [(event.event, event.data) for event in events + decoder.close()]


def decode_plain_first(*pieces: bytes) -> list[tuple[str, bytes]]:
    """Decode like `decode`, on the fast path wherever the decoder offers it."""
    decoder = SSEDecoder()
    events: list[ServerSentEvent] = []
    for piece in pieces:
        plain = decoder.feed_plain(piece)
        if plain is None:
            events += decoder.feed(piece)
        else:
            events += [ServerSentEvent(data=data) for data in plain if data and not data.isspace()]
    return [(event.event, event.data) for event in events + decoder.close()]


def data(*values: bytes) -> list[tuple[str, bytes]]:
    return [("", value) for value in values]


STREAMS = [
    ("one event", b'data: {"a":1}\n\n', data(b'{"a":1}')),
    ("no space after the colon", b"data:x\n\n", data(b"x")),
    ("only the first space goes", b"data:  x \ndata:  y \ndata:z \n\n", data(b" x \n y \nz ")),
    ("LF", b"data: a\n\ndata: b\n\n", data(b"a", b"b")),
    ("CR LF", b"data: a\r\n\r\ndata: b\r\n\r\n", data(b"a", b"b")),
    ("CR LF between the lines of an event", b"event: e\r\ndata: a\r\ndata: b\r\n\r\n", [("e", b"a\nb")]),
    ("CR", b"data: a\r\rdata: b\r\r", data(b"a", b"b")),
    ("line ends of every kind", b"data: a\r\n\ndata: b\r\rdata: c\n\r\n", data(b"a", b"b", b"c")),
    ("a CR inside an event", b"data: a\rdata: b\n\n", data(b"a\nb")),
    ("several data lines", b"data: a\ndata: b\ndata:\ndata: c\n\n", data(b"a\nb\n\nc")),
    ("JSON without blank lines", b'data: {"a":1}\ndata:{"b":2}\ndata: [DONE]\n', data(b'{"a":1}', b'{"b":2}', b"[DONE]")),
    ("code in lines", b"data: {}\ndata: {\n\n", data(b"{}\n{")),
    ("JSON in lines", b'data: {\ndata: "a":{}\ndata: }\n\n', data(b'{\n"a":{}\n}')),
    ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n", data(b"a")),
    ("only the first byte order mark goes", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", data(b"b")),
    ("comments", b": OPENROUTER PROCESSING\n\n: ping\ndata: a\n: b\ndata: c\n:\n\n", data(b"a\nc")),
    ("blank lines", b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n", data(b"a", b"b")),
    ("an event's name", b"event: ping\ndata: a\n\ndata: b\n\n", [("ping", b"a"), ("", b"b")]),
    ("a name after the data", b"data: a\nevent: error\n\n", [("error", b"a")]),
    ("the last name counts", b"event: a\nevent: b\ndata: c\n\n", [("b", b"c")]),
    ("a name without data is forgotten", b"event: ping\n\ndata: a\n\n", data(b"a")),
    ("empty data", b"data:\n\ndata: \n\ndata:\ndata:\n\ndata\n\ndata: a\n\n", data(b"a")),
    ("fields of no meaning here", b"id: 7\nretry: 9\nfoo: bar\ndatas: x\n\ndata: a\n\n", data(b"a")),
    ("a field without a colon", b"data\ndata: a\n\n", data(b"\na")),
    ("a field named error", b'error: {"code":500}\n\ndata: a\n\n', [("error", b'{"code":500}'), ("", b"a")]),
    ("an error event", b'event: error\ndata: {"error":{}}\n\n', [("error", b'{"error":{}}')]),
    ("no line ends but CR and LF", "data: a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\n\n".encode(),
     data("a\u2028b\u2029c\x85d\x0be\x0cf\x1cg".encode())),
    ("a character of four bytes", "data: 😀é\n\n".encode(), data("😀é".encode())),
    ("broken UTF-8 is passed on", b"data: \xff\xfe\n\n", data(b"\xff\xfe")),
    ("a broken name", b"event: \xff\ndata: a\n\n", [("\ufffd", b"a")]),
    ("the last event without its blank line", b"data: a\n\ndata: b\n", data(b"a", b"b")),
    ("the last event without any line end", b"data: a\n\ndata: b", data(b"a", b"b")),
    ("the last event ended by half a CR LF", b"data: a\r\n\r\ndata: b\r", data(b"a", b"b")),
    ("a last name alone", b"data: a\n\nevent: error", data(b"a")),
    ("[DONE] is data like any other", b"data: [DONE]\n\ndata: a\n\n", data(b"[DONE]", b"a")),
    ("no stream at all", b"<html>\n\n</html>", []),
    ("nothing", b"", []),
    ("half a byte order mark", b"\xef\xbb", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "events"), STREAMS, ids=[name for name, _, _ in STREAMS])
def test_a_stream_gives_the_same_events_however_it_is_split(
    name: str, body: bytes, events: list[tuple[str, bytes]]
) -> None:
    assert decode(body) == events
    assert decode(*(bytes([byte]) for byte in body)) == events
    assert decode(b"", *(part for byte in body for part in (bytes([byte]), b""))) == events
    assert decode_plain_first(body) == events
    for cut in range(len(body)):
        assert decode(body[:cut], body[cut:]) == events
        assert decode_plain_first(body[:cut], body[cut:]) == events


FIELDS = (
    b"data: a",
    b"data:b",
    b"data",
    b"data: \xe2\x80\xa8",
    b"error: e",
    b"event: error",
    b"event",
    b": c",
    b"",
    b"x",
)
LINES = st.sampled_from((*FIELDS, b"\xef\xbb\xbf", b"data: " + b"long" * 9))
BODIES = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n"])), max_size=12).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@pytest.mark.no_cover
@settings(deadline=None, max_examples=300)
@given(st.one_of(BODIES, st.binary(max_size=60)), st.data())
def test_no_split_of_any_bytes_changes_the_events(body: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(body)), max_size=8), label="cuts"))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decode(*pieces) == decode(body)
    assert decode_plain_first(*pieces) == decode(body)


PLAIN = st.lists(
    st.sampled_from([b"data: a\n\n", b"data: data: b\n\n", b"data: \n\n", b": c\n\n", b"data: d\ndata: e\n\n", b"\n"])
)


@settings(deadline=None, max_examples=300)
@given(PLAIN.map(b"".join), st.data())
def test_the_fast_path_gives_the_same_events(body: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(body)), max_size=8), label="cuts"))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert decode_plain_first(*pieces) == decode(body)


def test_openais_events_take_the_fast_path() -> None:
    decoder = SSEDecoder()
    assert decoder.feed_plain(b"data: a\n\ndata: b\n\ndata") == [b"a", b"b"]
    assert decoder.feed_plain(b": c\n\n") == [b"c"]
    assert decoder.feed_plain(b": a comment\n\n") is None
    assert decoder.feed(b": a comment\n\n") == []


@pytest.mark.no_cover
@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.text(min_size=1).filter(str.strip).map(str.encode), max_size=5), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_any_encoded_data_is_decoded_unchanged(values: list[bytes], end: str) -> None:
    newline = end.encode()
    values = [value.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for value in values]
    body = b"".join(b"".join(b"data: " + line + newline for line in value.split(b"\n")) + newline for value in values)
    assert decode(body) == data(*(value for value in values if not value.isspace()))


def test_an_event_comes_out_as_soon_as_it_is_complete() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert [event.data for event in decoder.feed(b"\ndata: b")] == [b"a"]
    assert decoder.feed(b"\r") == []
    assert [event.data for event in decoder.feed(b"\n\r")] == [b"b"]  # without waiting for the LF that may follow
    assert decoder.feed(b"\n") == []
    assert decoder.close() == []


@pytest.mark.parametrize("size", [1 << 16, MAX_EVENT + 100], ids=["in pieces", "at once"])
@pytest.mark.parametrize("line", [b"data: ", b"x: ", b": ", b""], ids=["data", "field", "comment", "junk"])
def test_an_endless_line_is_refused_before_it_fills_the_memory(line: bytes, size: int) -> None:
    decoder = SSEDecoder()
    decoder.feed(line)
    with pytest.raises(MalformedResponseError, match=f"larger than {MAX_EVENT >> 20} MiB"):
        for _ in range(MAX_EVENT // size + 1):
            decoder.feed(b"x" * size)


@pytest.mark.parametrize("pieces", [1, 300])
def test_an_event_of_many_lines_is_refused_past_the_same_limit(pieces: int) -> None:
    decoder = SSEDecoder()
    body = (b"data: " + b"x" * 1000 + b"\n") * (MAX_EVENT // 1000)
    size = -(-len(body) // pieces)
    with pytest.raises(MalformedResponseError, match=f"larger than {MAX_EVENT >> 20} MiB"):
        for start in range(0, len(body), size):
            decoder.feed(body[start : start + size])
        decoder.feed(b"\n")


def test_an_event_just_below_the_limit_is_read_at_once() -> None:
    events = decode(b"data: " + b"x" * (MAX_EVENT - 10) + b"\n\n")
    assert [len(value) for _, value in events] == [MAX_EVENT - 10]


def test_an_event_in_pieces_is_read_in_linear_time() -> None:
    def work(length: int) -> None:
        body = b"data: " + b"x" * (length - 10) + b"\n\n"
        events = decode(*(body[start : start + 4096] for start in range(0, length, 4096)))
        assert [len(value) for _, value in events] == [length - 10]

    assert is_linear(work, 1 << 18)


@pytest.mark.parametrize(("line", "events"), [(b": ", 0), (b"id: ", 0), (b"data: ", 20)], ids=["c", "id", "data"])
def test_finished_events_do_not_count_towards_the_size_limit(line: bytes, events: int) -> None:
    decoder = SSEDecoder()
    piece = line + b"x" * (1 << 20) + b"\n\n"
    assert sum(len(decoder.feed(piece)) for _ in range(20)) == events


def test_a_piece_that_completes_too_large_an_event_is_refused_like_its_parts() -> None:
    with pytest.raises(MalformedResponseError, match=f"larger than {MAX_EVENT >> 20} MiB"):
        SSEDecoder().feed(b"data: " + b"x" * MAX_EVENT + b"\n\n")


@pytest.mark.parametrize(
    ("pieces", "worked"),
    [
        ((b"data: a\n\n",), [True]),
        ((b"data:\n\n",), [True]),
        ((b"event: ping\n\n",), [True]),
        ((b"da", b"ta: a", b"\n", b"\n"), [True, True, True, False]),
        ((b": comment\n\n", b": com", b"ment\n", b"\n\r\n"), [False, False, False, False]),
        ((b": AT WORK\n\n", b":AT ", b"WORK\n\n", b": AT WORK, NOT\n"), [True, False, True, False]),
        ((b": comment\n\ndata: a\n\n", b": comment\n"), [True, False]),
    ],
)
def test_comments_and_blank_lines_do_not_show_that_the_service_works(
    pieces: tuple[bytes, ...], worked: list[bool]
) -> None:
    decoder = SSEDecoder(("AT WORK",))
    found = []
    for piece in pieces:
        decoder.feed(piece)
        found.append(decoder.has_worked)
    assert found == worked
