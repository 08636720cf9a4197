"""Bodies: their lengths, compression, chunks and transfer encodings."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import cache

from g4f_lite.testing.replies import END, http_chunk
from g4f_lite.testing.script import Pause

from .odd_row import ANSWER, CHUNKED, CUT, GONE, RESET, Sent, chunked, h, in_chunks, refuses, sized, takes


def coded(coding: bytes, *codes: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def send(body: bytes) -> bytes:
        for code in codes:
            body = code(body)
        return sized(body, b"content-encoding: " + coding)

    return send


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(body) + packer.flush()


def first_half(body: bytes) -> bytes:
    """Return the beginning of a chunked answer; of a stream, it has content."""
    return CHUNKED + http_chunk(body[: len(body) // 2])


@cache
def _bomb() -> bytes:
    """Return 200 KiB that are 200 MiB of comments, more than an answer or a stream may have."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b": " + b"x" * (1 << 20) + b"\n") for _ in range(200)) + packer.flush()


LENGTHS = [
    refuses("two equal lengths", lambda b: sized(b, b"Content-Length: %d" % len(b))),
    refuses("a list of equal lengths", lambda b: h(b"content-length: %d, %d" % (len(b), len(b))) + b),
    takes("a length with leading zeros", lambda b: h(b"content-length: 000%d" % len(b)) + b),
    takes("a length with spaces around it", lambda b: h(b"content-length: \t %d \t" % len(b)) + b),
    takes("a length without a space", lambda b: h(b"content-length:%d" % len(b)) + b),
    refuses("two different lengths", lambda b: sized(b, b"content-length: %d" % (len(b) + 1))),
    refuses("a list of different lengths", lambda b: h(b"content-length: %d, 5" % len(b)) + b),
    refuses("a negative length", lambda b: [h(b"content-length: -1") + b, GONE]),
    refuses("a length with a plus", lambda b: [h(b"content-length: +%d" % len(b)) + b, GONE]),
    refuses("a length with an underscore", lambda b: [h(b"content-length: 1_000") + b, GONE]),
    refuses("a length in hex", lambda b: [h(b"content-length: 0x%x" % len(b)) + b, GONE]),
    refuses("a length that is a word", lambda b: [h(b"content-length: all") + b, GONE]),
    refuses("an empty length", lambda b: [h(b"content-length: ") + b, GONE]),
    refuses("a length of 30 digits", lambda b: [h(b"content-length: 1" + b"0" * 29) + b, GONE]),
    refuses("a length with a fraction", lambda b: [h(b"content-length: %d.0" % len(b)) + b, GONE]),
    refuses("a length and chunks", lambda b: chunked(b, b"content-length: %d" % len(b))),
    refuses("a length and identity", lambda b: sized(b, b"transfer-encoding: identity")),
    refuses(
        "a length that is too long",
        lambda b: [h(b"content-length: %d" % (len(b) + 9)) + b, GONE],
        RESET,
        streamed=ANSWER,
    ),
    takes("no length, to the end of the connection", lambda b: [h() + b, GONE], kept=False),
    takes("bytes after the body", lambda b: sized(b) + b"\r\n", kept=False),
    takes("another answer after the body", lambda b: sized(b) * 2, kept=False),
    refuses("no body", lambda b: sized(b""), kept=True),
]

CODINGS = [
    takes("gzip", coded(b"gzip", gzip.compress)),
    takes("GZip in capitals", coded(b"GZip", gzip.compress)),
    takes("x-gzip", coded(b"x-gzip", gzip.compress)),
    takes("deflate", coded(b"deflate", zlib.compress)),
    takes("deflate without its header", coded(b"deflate", raw_deflate)),
    takes("identity as coding", coded(b"identity")),
    takes("an empty coding", coded(b"")),
    takes(
        "gzip in two members", lambda b: sized(gzip.compress(b[:9]) + gzip.compress(b[9:]), b"content-encoding: gzip")
    ),
    takes("gzip in chunks", lambda b: chunked(gzip.compress(b), b"content-encoding: gzip")),
    takes(
        "gzip to the end of the connection",
        lambda b: [h(b"content-encoding: gzip") + gzip.compress(b), GONE],
        kept=False,
    ),
    refuses("gzip twice", coded(b"gzip, gzip", gzip.compress, gzip.compress)),
    refuses(
        "gzip twice in two headers",
        lambda b: sized(gzip.compress(gzip.compress(b)), b"content-encoding: gzip", b"content-encoding: gzip"),
    ),
    refuses("gzip and identity", coded(b"gzip, identity", gzip.compress)),
    refuses("brotli", coded(b"br")),
    refuses("zstd", coded(b"zstd")),
    refuses("an unknown coding", coded(b"rot13")),
    refuses("plain text as gzip", coded(b"gzip"), kept=True),
    refuses("plain text as deflate", coded(b"deflate"), kept=True),
    refuses("gzip with a wrong checksum", coded(b"gzip", lambda b: gzip.compress(b)[:-8] + b"\0" * 8), kept=True),
    refuses("gzip that is cut", coded(b"gzip", lambda b: gzip.compress(b)[:-9]), streamed=ANSWER, kept=True),
    refuses("deflate that is cut", coded(b"deflate", lambda b: zlib.compress(b)[:-5]), streamed=ANSWER, kept=True),
    refuses(
        "gzip with bytes behind it", coded(b"gzip", lambda b: gzip.compress(b) + b"junk"), streamed=ANSWER, kept=True
    ),
    refuses(
        "deflate with bytes behind it",
        coded(b"deflate", lambda b: zlib.compress(b) + b"junk"),
        streamed=ANSWER,
        kept=True,
    ),
    refuses("nothing as gzip", lambda b: sized(b"", b"content-encoding: gzip"), kept=True),
    refuses("a bomb", lambda b: sized(_bomb(), b"content-encoding: gzip")),
    refuses(
        "a bomb in a bomb",
        lambda b: sized(gzip.compress(gzip.compress(bytes(1 << 20))), b"content-encoding: gzip, gzip"),
    ),
]


def odd_chunk(text: bytes, end: bytes = END) -> Callable[[bytes], Sent]:
    """Return a chunked answer with this after its first half, then its second half and this end."""
    return lambda b: first_half(b) + text + http_chunk(b[len(b) // 2 :]) + end


def sized_chunk(size: bytes, after: bytes = b"\r\n") -> Callable[[bytes], Sent]:
    """Return a chunked answer whose second chunk has this before its data, with `%x` for its size."""

    def send(body: bytes) -> Sent:
        rest = body[len(body) // 2 :]
        shown = size.replace(b"%x", b"%x" % len(rest)).replace(b"%X", b"%X" % len(rest))
        return [first_half(body) + shown + rest + after + END, GONE]

    return send


CHUNKS = [
    takes("chunks", chunked),
    takes("CHUNKED in capitals", lambda b: h(b"Transfer-Encoding: CHUNKED") + in_chunks(b)),
    takes(
        "one byte in each chunk", lambda b: CHUNKED + b"".join(http_chunk(b[i : i + 1]) for i in range(len(b))) + END
    ),
    takes(
        "a size in capitals",
        lambda b: first_half(b) + b"%X\r\n%s\r\n" % (len(b[len(b) // 2 :]), b[len(b) // 2 :]) + END,
    ),
    takes("a size with zeros before it", sized_chunk(b"000%x\r\n"), kept=False),
    takes("an extension", sized_chunk(b"%x;a=1;b\r\n"), kept=False),
    takes("a quoted extension", sized_chunk(b'%x;a="1;\\" 2"\r\n'), kept=False),
    takes("an extension after a space", sized_chunk(b"%x ; a = 1\r\n"), kept=False),
    takes("an end of many zeros", lambda b: CHUNKED + in_chunks(b, b"0000\r\n\r\n")),
    takes("an end with an extension", lambda b: CHUNKED + in_chunks(b, b"0;x=1\r\n\r\n")),
    takes("trailers", lambda b: CHUNKED + in_chunks(b, b"0\r\nx-sum: 1\r\nx-more: 2\r\n\r\n")),
    takes("a trailer that is a length", lambda b: CHUNKED + in_chunks(b, b"0\r\ncontent-length: 1\r\n\r\n")),
    takes("bytes after the end", lambda b: CHUNKED + in_chunks(b) + b"\r\n", kept=False),
    takes("an end in a piece of its own", lambda b: [CHUNKED + in_chunks(b, b""), Pause(0.02), END]),
    refuses("no size", sized_chunk(b"\r\n"), streamed=CUT),
    refuses("a size that is a word", sized_chunk(b"zz\r\n"), streamed=CUT),
    refuses("a negative size", sized_chunk(b"-%x\r\n"), streamed=CUT),
    refuses("a size with a plus", sized_chunk(b"+%x\r\n"), streamed=CUT),
    refuses("a size with 0x", sized_chunk(b"0x%x\r\n"), streamed=CUT),
    refuses("a size with an underscore", sized_chunk(b"0_%x\r\n"), streamed=CUT),
    refuses("a size after a space", sized_chunk(b" %x\r\n"), streamed=CUT),
    refuses("a size before a space", sized_chunk(b"%x \r\n"), streamed=CUT),
    refuses("a size of 17 digits", sized_chunk(b"1" + b"0" * 16 + b"\r\n"), streamed=CUT),
    refuses("a size of 17 digits, all but one 0", sized_chunk(b"0" * 20 + b"%x\r\n"), streamed=CUT),
    refuses("a size that overflows", sized_chunk(b"f" * 16 + b"\r\n"), streamed=CUT),
    refuses("a size and a line feed alone", sized_chunk(b"%x\n"), streamed=CUT),
    refuses("a size and a carriage return alone", sized_chunk(b"%x\r"), streamed=CUT),
    refuses("a NUL in the size", sized_chunk(b"%x\0\r\n"), streamed=CUT),
    refuses("a line feed in an extension", sized_chunk(b"%x;a\nb\r\n"), streamed=CUT),
    refuses("an extension of 100 KiB", sized_chunk(b"%x;" + b"a" * 102_400 + b"\r\n"), streamed=CUT),
    refuses("no line break after the data", sized_chunk(b"%x\r\n", b""), streamed=ANSWER),
    refuses("a line feed alone after the data", sized_chunk(b"%x\r\n", b"\n"), streamed=ANSWER),
    refuses("more data than the size tells", sized_chunk(b"5\r\n"), streamed=CUT),
    refuses("no end", lambda b: [CHUNKED + in_chunks(b, b""), GONE], RESET, streamed=ANSWER),
    refuses("half an end", lambda b: [CHUNKED + in_chunks(b, b"0\r\n"), GONE], RESET, streamed=ANSWER),
    refuses("an end of line feeds", lambda b: CHUNKED + in_chunks(b, b"0\n\n"), streamed=ANSWER),
    refuses("a trailer without a colon", lambda b: CHUNKED + in_chunks(b, b"0\r\nx\r\n\r\n"), streamed=ANSWER),
    refuses("a trailer with a NUL", lambda b: CHUNKED + in_chunks(b, b"0\r\nx: \0\r\n\r\n"), streamed=ANSWER),
    refuses("101 trailers", lambda b: CHUNKED + in_chunks(b, b"0\r\n" + b"x: y\r\n" * 101 + b"\r\n"), streamed=ANSWER),
    refuses("a cut chunk", lambda b: [first_half(b)[:-9], GONE], RESET, streamed=CUT),
    refuses("plain text as chunks", lambda b: [CHUNKED + b, GONE]),
    refuses("an end at once", lambda b: CHUNKED + END, kept=True),
]


def transfer(value: bytes) -> Callable[[bytes], Sent]:
    return lambda b: [h(b"transfer-encoding: " + value) + in_chunks(b), GONE]


TRANSFERS = [
    refuses("identity", lambda b: [h(b"transfer-encoding: identity") + b, GONE]),
    refuses("gzip as transfer encoding", lambda b: [h(b"transfer-encoding: gzip") + gzip.compress(b), GONE]),
    refuses("gzip, chunked", lambda b: chunked(gzip.compress(b)).replace(b"chunked", b"gzip, chunked")),
    refuses("chunked, gzip", transfer(b"chunked, gzip")),
    refuses("chunked, chunked", transfer(b"chunked, chunked")),
    refuses("chunked in two headers", transfer(b"chunked\r\ntransfer-encoding: chunked")),
    refuses("chunked with a parameter", transfer(b"chunked;q=1")),
    refuses("an unknown transfer encoding", transfer(b"xchunked")),
    refuses("an empty transfer encoding", transfer(b"")),
    takes("chunked with spaces around it", lambda b: h(b"transfer-encoding: \t chunked \t") + in_chunks(b)),
    refuses("chunks in HTTP/1.0", lambda b: [chunked(b, status=b"HTTP/1.0 200 OK"), GONE]),
]
