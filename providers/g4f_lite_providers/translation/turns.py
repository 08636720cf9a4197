"""
Reads OpenAI-shaped messages as turns of typed parts, from which each protocol is written.

System and developer messages are taken out, wherever they are, and joined: only some models of some
services accept them inside a conversation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from g4f_lite import InvalidRequestError, UnsupportedParameterError

JSONObject: TypeAlias = dict[str, Any]


class Text(NamedTuple):
    text: str
    cache: JSONObject | None = None
    """Anthropic's `cache_control`, a mark that says how far a prompt is cached."""


class Media(NamedTuple):
    """An image, audio or a document, inline or by its address."""

    kind: Literal["image", "audio", "document"]
    media_type: str
    """Such as `image/png`; "" if an address does not show it."""
    data: str = ""
    """Base64."""
    url: str = ""
    detail: str = ""
    """The resolution for an image: OpenAI's low, high or auto."""
    cache: JSONObject | None = None
    extra: JSONObject = {}
    """Of an image that the service made: what it needs back."""


class Call(NamedTuple):
    """A tool call of the assistant."""

    id: str
    name: str
    arguments: str
    """JSON text."""
    extra: JSONObject
    cache: JSONObject | None = None


class Result(NamedTuple):
    """The result of a tool."""

    call_id: str
    name: str
    parts: tuple[Text | Media, ...]
    cache: JSONObject | None = None

    @property
    def text(self) -> str:
        """Its texts as one; "1" and "2" are not 12."""
        return text_of(self.parts)


def text_of(parts: Iterable[Part]) -> str:
    """Return the texts among these parts as one, where a service takes no list, as `plain_text_content` does."""
    return "\n".join(part.text for part in parts if isinstance(part, Text))


Part: TypeAlias = Text | Media | Call | Result


class Turn(NamedTuple):
    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]
    reasoning: str = ""
    extra: JSONObject = {}
    """What the service needs back with the message: `Message.extra_content`."""


class Conversation(NamedTuple):
    system: str
    turns: tuple[Turn, ...]
    system_parts: tuple[Text, ...] = ()
    """The texts that `system` joins."""

    @property
    def calls(self) -> list[Call]:
        return [part for turn in self.turns for part in turn.parts if isinstance(part, Call)]


def read(messages: Sequence[Mapping[str, Any]], service: str, *, takes_own_images: bool = False) -> Conversation:
    """
    Return the conversation in OpenAI-shaped messages; it begins with a user's turn.

    Args:
        takes_own_images: the service takes images in a turn of the assistant; without it, they are left out.

    Raises:
        InvalidRequestError: a message is invalid for every service; names it.
        UnsupportedParameterError: only OpenAI's services accept it.
    """
    system: list[tuple[Text, ...]] = []
    turns: list[Turn] = []
    names: dict[str, str] = {}
    waiting: dict[str, list[str]] = {}
    """By the id that the caller wrote: the ids of the calls that have no result yet; the last one stays."""
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.get("function_call") or (message.get("audio") and not message.get("content")):
            raise UnsupportedParameterError(f"{service} cannot take {where}: a function_call or audio of OpenAI's")
        role = message.get("role")
        if role in ("system", "developer"):
            system.append(_plain(message, where, service))
        elif role == "user":
            turns.append(Turn("user", _parts(message, where, service)))
        elif role == "assistant":
            turn = _assistant(message, where, service, names, takes_own_images=takes_own_images)
            calls = [part for part in turn.parts if isinstance(part, Call)]
            waiting |= _waiting(message, calls)
            names |= {call.id: call.name for call in calls}
            turns.append(turn)
        elif role == "tool":
            ids = waiting.get(str(message.get("tool_call_id") or ""))
            if not ids:
                raise UnsupportedParameterError(f"{service} cannot take {where}: it answers no call before it")
            call_id = ids.pop(0) if len(ids) > 1 else ids[0]
            parts = _parts({"content": message.get("content")}, where, service)
            turns.append(Turn("user", (Result(call_id, names[call_id], parts, _cache(message)),)))
        else:
            raise UnsupportedParameterError(f"{service} cannot take {where}: role {role!r}")
    prompt = "\n\n".join(filter(None, ("".join(part.text for part in parts) for parts in system)))
    turns = [turn for turn in turns if turn.parts or turn.extra.get(service)]
    if not turns and prompt:  # a system message alone is a prompt, too
        return Conversation("", (Turn("user", (Text(prompt),)),))
    if not turns or turns[0].role != "user":
        raise UnsupportedParameterError(f"{service} needs a conversation that begins with a user's message")
    return Conversation(prompt, tuple(turns), tuple(part for parts in system for part in parts))


def _waiting(message: Mapping[str, Any], calls: Sequence[Call]) -> dict[str, list[str]]:
    waiting: dict[str, list[str]] = {}
    for written, call in zip(message.get("tool_calls") or (), calls, strict=True):
        waiting.setdefault(str(written.get("id") or ""), []).append(call.id)
    return waiting


def _assistant(
    message: Mapping[str, Any], where: str, service: str, taken: Mapping[str, str], *, takes_own_images: bool
) -> Turn:
    content = message.get("content") or message.get("refusal")
    parts: list[Part] = list(_parts({**message, "content": content}, where, service))
    for image in (message.get("images") or ()) if takes_own_images else ():
        [made] = _content([image], f"{where}.images", service)
        parts.append(made._replace(extra=_extra(image)) if isinstance(made, Media) else made)
    ids = set(taken)
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not function.get("name"):
            raise UnsupportedParameterError(f"{service} cannot take {where}.tool_calls[{index}]: it calls no function")
        id = _distinct_id(str(call.get("id") or ""), ids)
        ids.add(id)
        arguments = (function.get("arguments") or "").strip() or "{}"
        parts.append(Call(id, function["name"], arguments, _extra(call), _cache(call)))
    reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
    return Turn("assistant", tuple(parts), reasoning, _extra(message))


def _extra(owner: Mapping[str, Any]) -> JSONObject:
    extra = owner.get("extra_content")
    return extra if isinstance(extra, dict) else {}


def _cache(owner: Mapping[str, Any]) -> JSONObject | None:
    mark = owner.get("cache_control")
    return mark if isinstance(mark, dict) else None


def _plain(message: Mapping[str, Any], where: str, service: str) -> tuple[Text, ...]:
    parts = _parts(message, where, service)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < len(parts):
        raise UnsupportedParameterError(f"{service} takes only text in {where}, a system message")
    return texts


def _parts(message: Mapping[str, Any], where: str, service: str) -> tuple[Text | Media, ...]:
    """Return the parts of a message's content, without empty texts; a mark on the message is one on its last part."""
    parts = _content(message.get("content"), where, service)
    if parts and (mark := _cache(message)) is not None:
        return (*parts[:-1], parts[-1]._replace(cache=mark))
    return parts


def _content(content: Any, where: str, service: str) -> tuple[Text | Media, ...]:
    if not content:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    parts: list[Text | Media] = []
    for index, part in enumerate(content):
        place = f"{where}.content[{index}]"
        kind = part.get("type")
        if kind in ("text", "refusal"):
            if text := _member(part, kind, place):
                parts.append(Text(text, _cache(part)))
        elif kind == "image_url":
            image = part.get("image_url")
            image = {"url": image} if isinstance(image, str) else image
            parts.append(_media("image", _member(image, "url", place), place, str(image.get("detail") or "")))
        elif kind == "input_audio":
            sound = part.get("input_audio")
            media_type = f"audio/{_member(sound, 'format', place)}"
            parts.append(Media("audio", media_type, _member(sound, "data", place)))
        elif kind == "file" and isinstance(file := part.get("file"), Mapping) and file.get("file_data"):
            parts.append(_media("document", _member(file, "file_data", place), place))
        else:
            raise UnsupportedParameterError(f"{service} cannot take {place}: a part of type {kind!r}")
        if kind != "text" and parts and (mark := _cache(part)) is not None:
            parts[-1] = parts[-1]._replace(cache=mark)
    return tuple(parts)


def _member(value: Any, name: str, place: str) -> str:
    found = value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(found, str):
        raise InvalidRequestError(f"{place}: {name!r} must be a string")
    return found


# -- media ---------------------------------------------------------------------------------

_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*(?P<base64>;base64)?,", re.IGNORECASE)
_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "heif": "image/heif", "bmp": "image/bmp", "svg": "image/svg+xml", "pdf": "application/pdf",
    "txt": "text/plain", "wav": "audio/wav", "mp3": "audio/mp3", "mp4": "video/mp4",
}  # fmt: skip


def _media(kind: Literal["image", "document"], url: str, place: str, detail: str = "") -> Media:
    if url.startswith(("http://", "https://")):
        ending = urlsplit(url).path.rpartition(".")[2].lower()
        return Media(kind, _TYPES.get(ending, ""), url=url, detail=detail)
    found = _DATA_URL.match(url)
    if found is None:
        raise InvalidRequestError(f"{place}: the url must begin with https:// or be data:image/png;base64,…")
    data, media_type = url[found.end() :], (found["type"] or "text/plain").lower()
    if found["base64"]:
        data = "".join(data.split())
        try:  # checked here, because services report this mistake differently
            base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequestError(f"{place}: the data of the url is not base64") from None
    else:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    if not data:
        raise InvalidRequestError(f"{place}: the url holds no data")
    return Media(kind, media_type, data, detail=detail)


# -- calls ---------------------------------------------------------------------------------


def plain_id(id: str) -> str:
    """
    Return the id of a tool call in characters that every service accepts; the same id gives the same result.

    Source: Anthropic requires `[a-zA-Z0-9_-]+`, OpenAI at most 40 characters; others send `functions.f:0`.
    """
    return id if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", id) else made_id(id)


def _distinct_id(written: str, taken: Collection[str]) -> str:
    """Return `plain_id`, or an id made of it if another call has that one."""
    id, number = plain_id(written), 0
    while id in taken:
        number += 1
        id = made_id(written, number)
    return id


def made_id(*origin: object) -> str:
    """
    Return an id for a tool call without one; the same origin gives the same id.

    It has nine letters and digits, because Mistral accepts no other ids if the conversation fails over to it.
    """
    return hashlib.sha256("/".join(map(str, origin)).encode()).hexdigest()[:9]


def arguments_of(call: Call, service: str) -> JSONObject:
    """
    Return a call's arguments, decoded.

    Raises:
        UnsupportedParameterError: they are not a JSON object; services that accept text can take them.
    """
    try:
        decoded = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise UnsupportedParameterError(f"{service} needs the arguments of a call of {call.name} as a JSON object")
    return decoded


def joined(turns: Iterable[tuple[str, list[JSONObject]]]) -> list[tuple[str, list[JSONObject]]]:
    """Join consecutive turns of one role, so that roles alternate and the results of one turn stay together."""
    out: list[tuple[str, list[JSONObject]]] = []
    for role, parts in turns:
        if out and out[-1][0] == role:
            out[-1][1].extend(parts)
        else:
            out.append((role, list(parts)))
    return out
