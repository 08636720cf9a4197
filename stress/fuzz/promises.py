"""What holds for every result and every error, whatever a service sends."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import msgspec

from g4f_lite import ChatCompletion, G4FLiteError, HTTPResponse, OpenaiTemplate

KEY = "sk-fuzz-Zq7xW2vB9nM4kL8p"
"""The key of every request; it must not be seen anywhere."""
LONGEST_MESSAGE = 1000


class PromiseBrokenError(AssertionError):
    """A promise is broken."""

    def __init__(self, promise: str, detail: object = "") -> None:
        super().__init__(f"{promise}: {detail}"[:2000])
        self.promise = promise


def require(holds: object, promise: str, detail: object = "") -> None:
    if not holds:
        raise PromiseBrokenError(promise, detail)


class _Reader(OpenaiTemplate):
    name = "reader"
    api_base = "http://127.0.0.1:1"


_READER = _Reader()


def check_result(result: Any) -> None:
    """Check that a result can be shown, copied, sent to another process, and written as JSON."""
    repr(result), str(result)
    require(pickle.loads(pickle.dumps(result)) == result or _has_nan(result), "a result survives pickle", result)
    require(copy.deepcopy(result) == result or _has_nan(result), "a result can be copied", result)
    require(KEY not in repr(result) + repr(pickle.dumps(result)), "no key in a result")
    if isinstance(result, ChatCompletion):
        require(result.cost is None or isinstance(result.cost, (int, float)), "a cost is a number", result.cost)
        plain = result.to_dict()
        msgspec.json.encode(plain)
        written = json.dumps(plain)  # with NaN, which stays in fields that have no attribute
        again = _READER.parse_response(HTTPResponse(status=200, body=written.encode())).to_dict()
        require(json.dumps(again) == written, "a result read again is the same", (plain, again))


def _has_nan(result: Any) -> bool:
    return "nan" in repr(msgspec.to_builtins(result, enc_hook=repr)).lower()


def check_error(error: G4FLiteError) -> None:
    """Check that an error is short, has no key, can be sent to another process, and is none of a parser."""
    said = f"{error!s} {error!r}"
    require(str(error).strip(), "an error says something", repr(error))
    require("provider's code" not in said, "no parser fails", said)
    require(len(str(error)) <= LONGEST_MESSAGE, "an error is short", said)
    again = pickle.loads(pickle.dumps(error))
    require(type(again) is type(error) and str(again) == str(error), "an error survives pickle", said)
    shown = said + repr(vars(error)) + repr(error.trail)
    link: BaseException | None = error
    while (link := link.__cause__ or (None if link.__suppress_context__ else link.__context__)) is not None:
        shown += f"{link!s} {link!r}"
    require(KEY not in shown, "no key in an error", said)
    wait = getattr(error, "retry_after", None)
    require(wait is None or 0 <= wait < float("inf"), "a wait is a number of seconds", wait)
