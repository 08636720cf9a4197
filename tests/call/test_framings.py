"""The framings of streams but server-sent events: every cut, odd bodies, limits."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from helpers.growth import is_linear

from g4f_lite import MalformedResponseError, Provider, ServerSentEvent
from g4f_lite.call.framings import Framing, JSONArray, JSONLines, OwnFraming

ITEMS = [
    {"reply": 'a "quoted" \\ brace } ] , ['},
    {"nested": [{"x": [1, 2, {"y": "]"}]}, []]},
    {"reply": "日本 \u2028 \\u0022 \\\\"},
    7,
    "text, with ] comma",
    [1, [2]],
    {"ended": "stop"},
]
LINES = [
    b"".join(json.dumps(item).encode() + b"\n" for item in ITEMS),
    b"\xef\xbb\xbf" + b"".join(b" " + json.dumps(item, ensure_ascii=False).encode() + b"\r\n\r\n" for item in ITEMS),
    b"\n\n" + b"\n".join(json.dumps(item).encode() for item in ITEMS),
]
ARRAYS = [
    json.dumps(ITEMS).encode(),
    json.dumps(ITEMS, indent=2, ensure_ascii=False).encode() + b"\n",
    b"\r\n[\r\n" + b"\r\n,\r\n".join(json.dumps(item).encode() for item in ITEMS) + b"\r\n]\r\n",
]


def events(framing: Framing, pieces: Iterable[bytes]) -> list[object]:
    found = [event for piece in pieces for event in framing.feed(piece)] + framing.close()
    return [json.loads(event.data) for event in found]


@pytest.mark.parametrize(
    ("kind", "body"), [(JSONLines, body) for body in LINES] + [(JSONArray, body) for body in ARRAYS]
)
def test_every_cut_gives_the_same_events(kind: type[Framing], body: bytes) -> None:
    assert events(kind(1 << 20), [body]) == ITEMS
    assert events(kind(1 << 20), [body[at : at + 1] for at in range(len(body))]) == ITEMS
    for at in range(1, len(body)):
        assert events(kind(1 << 20), [body[:at], body[at:]]) == ITEMS, at


@pytest.mark.parametrize(("kind", "start"), [(JSONLines, b'{"a": 1}\n{"b": 2}'), (JSONArray, b'[{"a": 1}, {"b": 2}')])
def test_an_event_is_handed_out_when_it_is_complete(kind: type[Framing], start: bytes) -> None:
    framing = kind(1 << 20)
    assert [event.data for event in framing.feed(start[:10])][:1] in ([], [b'{"a": 1}'])
    rest = framing.feed(start[10:] + (b"\n" if kind is JSONLines else b""))
    assert rest[-1].data == b'{"b": 2}'


@pytest.mark.parametrize("kind", [JSONLines, JSONArray])
def test_a_cut_event_is_the_last_one(kind: type[Framing]) -> None:
    framing = kind(1 << 20)
    framing.feed(b'[{"a"' if kind is JSONArray else b'{"a"')
    assert [event.data for event in framing.close()] == [b'{"a"']
    assert framing.close() == []


def test_an_empty_array_has_no_events() -> None:
    for body in (b"[]", b" [ ] ", b"[\n]\n", b"[,]"):
        assert events(JSONArray(99), [body]) == []


@pytest.mark.parametrize("kind", [JSONLines, JSONArray])
def test_blanks_are_no_sign_of_work(kind: type[Framing]) -> None:
    framing = kind(99)
    for piece, worked in ((b"\r\n", False), (b" \t", False), (b"[", True), (b"\n", False), (b'{"a"', True)):
        framing.feed(piece)
        assert framing.has_worked is worked, piece


class Hoards:
    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        return []

    def close(self) -> list[ServerSentEvent]:
        return []


@pytest.mark.parametrize("piece", [b"x" * 10, b'"' * 9])
def test_an_endless_event_is_refused(piece: bytes) -> None:
    for framing in (JSONLines(1000), JSONArray(1000), OwnFraming(Hoards(), None, 1000)):
        with pytest.raises(MalformedResponseError, match="an event of the stream is larger than 1000 bytes"):
            for _ in range(200):
                framing.feed(piece)


@pytest.mark.parametrize("kind", [JSONLines, JSONArray])
def test_a_large_event_in_one_piece_is_refused(kind: type[Framing]) -> None:
    with pytest.raises(MalformedResponseError, match="larger than"):
        kind(1000).feed(b'[{"a": "' + b"x" * 1000 + b'"}]\n')


@pytest.mark.parametrize("kind", [JSONLines, JSONArray])
def test_the_time_is_linear_in_the_bytes(kind: type[Framing]) -> None:
    def work(size: int) -> None:
        framing = kind(1 << 30)
        framing.feed(b'[{"a": "')
        for _ in range(size):
            framing.feed(b"x" * 100)

    assert is_linear(work, 5000)


@pytest.mark.parametrize("returned", [[b"data"], [None], None, [{"data": b"x"}]])
def test_what_a_framing_returns_is_checked(returned: object) -> None:
    class Odd:
        def feed(self, piece: bytes) -> object:
            return returned

        def close(self) -> object:
            return returned

    framing = OwnFraming(Odd(), None, 99)  # type: ignore[arg-type]  # it has a mistake
    for step in (lambda: framing.feed(b"x"), framing.close):
        with pytest.raises(MalformedResponseError, match="provider's code"):
            step()


@pytest.mark.parametrize("framing", ["SSE", "json-lines", "", None, 7])
def test_an_unknown_framing_is_refused_when_the_provider_is_made(framing: object) -> None:
    from helpers.framed_service import Plain

    from g4f_lite import ConfigurationError

    with pytest.raises(ConfigurationError, match="stream_framing is one of sse, json_lines, json_array"):
        Plain(stream_framing=framing)
    assert Provider.stream_framing == "sse"
