"""Heads: statuses, versions and headers."""

from __future__ import annotations

from collections.abc import Callable

from .odd_row import GONE, REFUSED, RESET, h, header, line, refuses, sized, takes

STATUSES = [
    refuses("status 000", line(b"HTTP/1.1 000 OK")),
    refuses("status 99", line(b"HTTP/1.1 99 OK")),
    refuses("status 099", line(b"HTTP/1.1 099 OK")),
    refuses("status 600", line(b"HTTP/1.1 600 OK")),
    refuses("status 999", line(b"HTTP/1.1 999 OK")),
    refuses("status 2000", line(b"HTTP/1.1 2000 OK")),
    refuses("status -200", line(b"HTTP/1.1 -200 OK")),
    refuses("status +200", line(b"HTTP/1.1 +200 OK")),
    refuses("status 20", line(b"HTTP/1.1 20 OK")),
    refuses("status 2x0", line(b"HTTP/1.1 2x0 OK")),
    refuses("no status", line(b"HTTP/1.1 OK")),
    refuses("a version alone", line(b"HTTP/1.1")),
    refuses("a status without a space after it", line(b"HTTP/1.1 200OK")),
    takes("a status without a reason", line(b"HTTP/1.1 200 ")),
    takes("a status without a reason and its space", line(b"HTTP/1.1 200")),
    takes("a reason of many words", line(b"HTTP/1.1 200 all is well: yes")),
    takes("a reason that is not ASCII", line("HTTP/1.1 200 Güt".encode())),
    refuses("a NUL in the reason", line(b"HTTP/1.1 200 O\0K")),
    refuses("a carriage return in the reason", line(b"HTTP/1.1 200 O\rK")),
    refuses("two spaces before the status", line(b"HTTP/1.1  200 OK")),
    refuses("a tab before the status", line(b"HTTP/1.1\t200 OK")),
    refuses("a space before the version", line(b" HTTP/1.1 200 OK")),
    refuses("an empty line before the answer", lambda b: b"\r\n" + sized(b)),
    takes("status 201", line(b"HTTP/1.1 201 Created")),
    refuses("status 204 with a body", line(b"HTTP/1.1 204 No Content")),
    refuses("status 204", lambda b: h(status=b"HTTP/1.1 204 No Content"), kept=True),
    refuses("status 304 with a body", line(b"HTTP/1.1 304 Not Modified"), "RedirectError redirect"),
    takes("status 205 with a body", line(b"HTTP/1.1 205 Reset Content")),
    refuses(
        "status 101",
        lambda b: h(b"upgrade: foo", b"connection: upgrade", status=b"HTTP/1.1 101 Switching Protocols") + b,
    ),
    refuses("status 101 without a protocol", line(b"HTTP/1.1 101 Switching Protocols")),
    takes("status 100 before it", lambda b: h(status=b"HTTP/1.1 100 Continue") + sized(b)),
    takes("many of status 1xx before it", lambda b: h(b"link: x", status=b"HTTP/1.1 103 Early Hints") * 50 + sized(b)),
    refuses("too many of status 1xx before it", lambda b: h(status=b"HTTP/1.1 103 Early Hints") * 101 + sized(b)),
    refuses("status 1xx alone", lambda b: [h(status=b"HTTP/1.1 102 Processing"), GONE], RESET),
    takes("status 199 before it", lambda b: h(status=b"HTTP/1.1 199 Odd") + sized(b)),
    takes("status 103 with a length", lambda b: sized(b"", status=b"HTTP/1.1 103 Early Hints") + sized(b)),
]

VERSIONS = [
    takes("HTTP/1.0", line(b"HTTP/1.0 200 OK"), kept=False),
    takes("HTTP/1.0 with keep-alive", lambda b: sized(b, b"connection: keep-alive", status=b"HTTP/1.0 200 OK")),
    takes("HTTP/1.0 to the end of the connection", lambda b: [h(status=b"HTTP/1.0 200 OK") + b, GONE], kept=False),
    refuses("HTTP/0.9", line(b"HTTP/0.9 200 OK")),
    refuses("HTTP/0.9 without a head", lambda b: [b, GONE]),
    refuses("HTTP/1.2", line(b"HTTP/1.2 200 OK")),
    refuses("HTTP/1.10", line(b"HTTP/1.10 200 OK")),
    refuses("HTTP/2.0", line(b"HTTP/2.0 200 OK")),
    refuses("HTTP/2", line(b"HTTP/2 200 OK")),
    refuses("HTTP/3.0", line(b"HTTP/3.0 200 OK")),
    refuses("http/1.1 in small letters", line(b"http/1.1 200 OK")),
    refuses("HTTP/1.1 with a zero", line(b"HTTP/01.1 200 OK")),
    refuses("HTTP/+1.1", line(b"HTTP/+1.1 200 OK")),
    refuses("ICY", line(b"ICY 200 OK")),
    refuses("another protocol", lambda b: [b"SSH-2.0-OpenSSH_9.2\r\n", GONE]),
    refuses("HTTP/2 frames", lambda b: [b"\0\0\x12\x04\0\0\0\0\0" + bytes(18), GONE]),
    refuses("a TLS alert", lambda b: [b"\x15\x03\x01\0\x02\x02\x28", GONE]),
    refuses("a request", lambda b: [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", GONE]),
    refuses("a line of 100 KiB", line(b"HTTP/1.1 200 " + b"x" * 102_400)),
]


def many(number: int) -> Callable[[bytes], bytes]:
    """Return an answer with so many headers."""
    return header(*(b"x-%d: y" % count for count in range(number - 1)))


HEADERS = [
    takes("99 headers", many(99)),
    refuses("100 headers", many(100)),
    refuses("110 headers", many(110)),
    takes("a header of 60 KiB", header(b"x: " + b"y" * 61_440)),
    refuses("a header of 70 KiB", header(b"x: " + b"y" * 71_680)),
    refuses("headers of 300 KiB", header(*[b"x: " + b"y" * 30_720] * 10)),
    takes("an empty header", header(b"x:")),
    takes("a value in UTF-8", header("x: é".encode())),
    takes("a value in Latin-1", header("x: é".encode("latin-1"))),
    takes("the same header twice", header(b"x: 1", b"x: 2")),
    takes("a tab in a value", header(b"x: a\tb")),
    takes("a folded header", header(b"x: a", b" b")),
    refuses("a folded header in front", header(b" x: a")),
    refuses("a header without a colon", header(b"nonsense")),
    refuses("a header without a name", header(b": x")),
    refuses("a space before the colon", header(b"x : y")),
    refuses("a space in a name", header(b"x y: z")),
    refuses("a name that is not ASCII", header("é: x".encode())),
    refuses("a name with brackets", header(b"x(y): z")),
    refuses("a NUL in a value", header(b"x: a\0b")),
    refuses("a NUL in a name", header(b"x\0y: b")),
    refuses("a carriage return in a value", header(b"x: a\rb")),
    takes("a bell in a value", header(b"x: a\x07b")),
    takes(
        "a line feed alone after a header",
        lambda b: b"HTTP/1.1 200 OK\r\nx: y\ncontent-length: %d\r\n\r\n" % len(b) + b,
    ),
    takes("line feeds alone", lambda b: b"HTTP/1.1 200 OK\ncontent-length: %d\n\n" % len(b) + b),
    refuses(
        "carriage returns alone",
        lambda b: [b"HTTP/1.1 200 OK\rcontent-length: %d\r\r" % len(b) + b, GONE],
        RESET,
        streamed=REFUSED,
    ),
    takes(
        "a line feed alone after the first line", lambda b: b"HTTP/1.1 200 OK\ncontent-length: %d\r\n\r\n" % len(b) + b
    ),
    takes("connection: close", header(b"connection: close"), kept=False),
    takes("connection: Close, TE", header(b"connection: TE, Close"), kept=False),
    takes("connection: keep-alive", header(b"connection: keep-alive")),
    takes("an unasked upgrade", header(b"upgrade: h2c", b"connection: upgrade, keep-alive")),
    takes("a head in single bytes", lambda b: [*(bytes([one]) for one in h(b"content-length: %d" % len(b))), b]),
]
