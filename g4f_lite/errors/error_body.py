"""
Reads the fields of an error body, in the shapes that several services share. No I/O.

Source of the shapes: OpenAI and those who copy it; others are named at the line that reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..value import Value
from .reply import ErrorReply

_READ = 4000
"""Characters of a service's message that are searched."""
_ITEMS = 20
"""Items of a list in an error body that are read."""


class ErrorFacts(Value, frozen=True, kw_only=True):
    """The fields of an error body, read from any of the known shapes."""

    message: str = ""
    codes: tuple[str, ...] = ()
    param: str | None = None
    status: int | None = None
    """A status inside the body, as Groq, OpenRouter and LiteLLM's proxy send in streams."""


def read_error(reply: ErrorReply, fields: Mapping[str, str]) -> ErrorFacts:
    """Return the fields of an error body; `fields` is the provider's `error_fields`."""
    body = reply.json()
    if not isinstance(body, dict):
        return ErrorFacts(message=_first_words(reply))
    error = body.get("error", body.get("fault", body))
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, dict) and not error.get("message") and isinstance(error.get("error"), dict):
        error = error["error"]  # of a gateway that quotes a whole body
    if not isinstance(error, dict):  # xAI, Together, Hugging Face, Ollama: {"error": "text", "code": …}
        said = (error, body.get("message"))  # Scaleway, Spring, NestJS: a title, and the message beside it
        error = {**body, "message": ": ".join(filter(None, map(_text, said)))}
    if isinstance(errors := body.get("errors"), list) and errors and isinstance(errors[0], dict):
        error = errors[0]  # Cloudflare
    if "error" not in body and isinstance(base := body.get("base_resp"), dict):
        error = {"code": base.get("status_code"), "message": base.get("status_msg")}  # MiniMax
    error = {**error, **declared(body, fields)} if fields else error
    message = _text(error.get("message")) or _text(error.get("faultstring")) or _text(body.get("message"))
    message = message or _text(error.get("detail") or error.get("title") or body.get("errors"))
    message = message or next(filter(None, (_text(error.get(name)) for name in MESSAGE_NAMES)), "")
    metadata = error.get("metadata")  # OpenRouter quotes the service behind it
    if isinstance(metadata, dict) and (raw := _text(metadata.get("raw"))):
        message = f"{message}: {raw}"
    signs = [*map(error.get, CODE_NAMES), error.get("status"), error.get("type"), *_inner_codes(error)]
    stated = [one.get(name) for one in (error, body) for name in _STATUSES]
    inside = next((n for n in map(inner_status, stated) if n is not None), None)
    codes = [str(sign) if type(sign) is int and not 100 <= sign < 600 else sign for sign in signs]
    param = error.get("param") or _located(body) or _located(error.get("message"))
    return ErrorFacts(
        message=_line(message),
        codes=tuple(code for code in codes if isinstance(code, str) and code),
        param=param if isinstance(param, str) else None,
        status=inside,
    )


MESSAGE_NAMES = ("message", "msg", "error_msg", "error_message", "errorMessage", "errmsg", "err")
"""Where a message may stand. Source: OpenAI; Baidu's Qianfan; services in Java."""
CODE_NAMES = ("code", "error_code", "errorCode", "errcode")
_STATUSES = ("status_code", "statusCode", "http_code", *CODE_NAMES, "status")


def inner_status(said: Any) -> int | None:
    """Return a status that is an error's, None if it is none; LiteLLM's proxy sends it as a string."""
    if isinstance(said, str) and len(said) == 3 and said.isdecimal():
        said = int(said)
    return int(said) if type(said) in (int, float) and 400 <= said < 600 and said == int(said) else None


def declared(body: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields that the provider has declared, under OpenAI's names."""
    found: dict[str, Any] = {}
    for name, path in fields.items():
        value: Any = body
        for step in path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            found[name] = value
    return found


def quoted(reply: ErrorReply) -> str:
    """Return the beginning of a JSON body without a known message; "" if it says nothing."""
    return _first_words(reply) if reply.json() else ""


_INNER_CODES = (  # OpenRouter, Azure, Fireworks, Anthropic
    ("metadata", "error_type"),
    ("metadata", "limit_source"),
    ("innererror", "code"),
    ("detail", "errorcode"),
    ("details", "error_code"),
)


def _inner_codes(error: Mapping[str, Any]) -> list[Any]:
    """Return the codes that only some services give, where they give them."""
    codes = [error.get("reason")]  # Novita
    for holder, code in _INNER_CODES:
        inner = error.get(holder)
        if isinstance(inner, dict):
            codes.append(inner.get(code))
        elif isinstance(inner, list):  # google.rpc.ErrorInfo
            codes += [detail.get("reason") for detail in inner[:_ITEMS] if isinstance(detail, dict)]
    return codes


def _located(complaint: Any) -> Any:
    """Return the field that a request is refused for: `{"detail": [{"loc": ["body", "top_p"], …}]}` (FastAPI)."""
    detail = complaint.get("detail") if isinstance(complaint, dict) else None
    loc = detail[0].get("loc") if isinstance(detail, list) and detail and isinstance(detail[0], dict) else None
    return loc[1] if isinstance(loc, list) and len(loc) > 1 else None


def _text(value: Any, depth: int = 4) -> str:
    """Flatten a message: a string, or Mistral's and FastAPI's `[{"loc": […], "msg": …}]`."""
    if not depth:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if "msg" in value:
            loc = value.get("loc")
            steps = loc[:_ITEMS] if isinstance(loc, list) else [loc]
            where = ".".join(str(step) for step in steps if isinstance(step, (str, int)))
            said = _text(value["msg"], depth - 1)
            return f"{where}: {said}" if where else said
        return _text(value.get("detail") or value.get("message") or value.get("error"), depth - 1)
    if isinstance(value, list):
        return "; ".join(filter(None, (_text(one, depth - 1) for one in value[:_ITEMS])))
    return ""


def _first_words(reply: ErrorReply) -> str:
    text = reply.body[:_READ].decode("utf-8", "replace").strip()
    if text[:1] == "<":
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"a web page instead of an answer: {_line(title.group(1) if title else text[:80])}"
    return _line(text)


def _line(text: str) -> str:
    """Return the beginning of a text as one line without control characters."""
    text = text[:_READ]
    return " ".join((text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)).split())
