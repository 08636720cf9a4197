"""
OpenAI's protocol for everything but chat: embeddings, audio, images, the list of models. No I/O.

Source: OpenAI's API reference and Python library; Groq's and llama.cpp's answers where they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ...errors.exceptions import MalformedResponseError, ReplyError, UnsupportedParameterError
from ...errors.quoted_values import quoted
from ...errors.reply import BEFORE_JSON, BOM, ErrorReply
from ...types.audio import Speech, SpeechRequest, Transcription, TranslationRequest
from ...types.embeddings import CreateEmbeddingResponse, EmbeddingRequest
from ...types.endpoint import Answer, EndpointRequest
from ...types.http import COST_HEADER, HTTPRequest, HTTPResponse, Upload
from ...types.images import ImageEditRequest, ImagesResponse, as_plain_base64
from ...types.models import Model, ModelList, ModelsRequest
from ...types.results import unknown_fields
from ...types.size_limits import check_json_size
from ...value import NOT_JSON, JSONObject, decode_lenient
from .lenient import describe_body, error_in, loose_answer
from .model_kinds import says_it_chats
from .other_lists import with_items_in_data
from .usage import with_reported_cost

A = TypeVar("A", bound=Answer)

for _kind in (CreateEmbeddingResponse, ImagesResponse, ModelList, Transcription):
    msgspec.json.Decoder(_kind)  # not in several threads at once: see `client/messages.py`

_LOOKED_AT = 1024
"""
Models of a list of which it is found out whether they chat; no server on one's own machine has more. Also numbers among
the words of a transcription.
"""

PATHS = {
    "embeddings": "/embeddings",
    "transcription": "/audio/transcriptions",
    "translation": "/audio/translations",
    "speech": "/audio/speech",
    "images": "/images/generations",
    "image_edits": "/images/edits",
}


def build(
    url: str,
    request: EndpointRequest,
    key_headers: Mapping[str, str],
    service: str = "",
    differing: Mapping[str, str | Sequence[Any] | None] = {},
) -> HTTPRequest:
    """
    Return what to send.

    Args:
        key_headers: carry the key.
        differing: as `OpenaiTemplate.endpoint_parameters`, for this endpoint.

    Raises:
        UnsupportedParameterError: the service does not take a parameter, or its value.
    """
    given = _fitted(request, service, differing) if differing else request.to_body()
    headers = {"accept": "*/*" if isinstance(request, SpeechRequest) else "application/json"}
    body: bytes | Upload = b""
    if isinstance(request, TranslationRequest):
        body = Upload(_fields(given), request.file, progress=request.progress)
        headers["content-type"] = body.content_type
        headers["accept"] = "*/*"  # text and subtitles are not JSON
    elif isinstance(request, ImageEditRequest):
        (field, file), *more = request.files
        body = Upload(_fields(given), file, field=field, more=more, progress=request.progress)
        headers["content-type"] = body.content_type
    elif not isinstance(request, ModelsRequest):
        body = msgspec.json.encode(given)
        headers["content-type"] = "application/json"
    headers |= key_headers
    if request.extra_headers:
        headers |= {name.lower(): value for name, value in request.extra_headers.items()}
    method = "GET" if isinstance(request, ModelsRequest) else "POST"
    return HTTPRequest(url=url, headers=headers, body=body, method=method)


def _fitted(request: EndpointRequest, service: str, differing: Mapping[str, str | Sequence[Any] | None]) -> JSONObject:
    """Return the body of a request with the service's names; `extra_body` is sent as the caller wrote it."""
    body = msgspec.structs.replace(request, extra_body=None).to_body()
    for name, its in differing.items():
        if name not in body:
            continue
        if its is None:
            raise UnsupportedParameterError(f"{service} does not support the parameter {name!r} of {request.operation}")
        if isinstance(its, str):
            body[its] = body.pop(name)
        elif body[name] not in its:
            choices = " or ".join(map(repr, its))
            raise UnsupportedParameterError(f"{service} takes {name}={choices} only, not {quoted(body[name])}")
    return {**body, **(request.extra_body or {})}


def _fields(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a form's fields: a list is one field `name[]` for each item."""
    fields: list[tuple[str, str]] = []
    for name, value in body.items():
        for item in value if isinstance(value, list) else [value]:
            text = item if isinstance(item, str) else msgspec.json.encode(item).decode()
            fields.append((f"{name}[]" if isinstance(value, list) else name, text))
    return fields


def parse(request: EndpointRequest, response: HTTPResponse, error_fields: Mapping[str, str] = {}) -> Answer:
    """
    Return the answer of a status 2xx.

    Args:
        error_fields: as in `Provider`.

    Raises:
        ReplyError: it is an error.
        MalformedResponseError: it cannot be understood.
    """
    if isinstance(request, SpeechRequest):
        return _speech(response, error_fields)
    if isinstance(request, TranslationRequest):
        if request.response_format in ("text", "srt", "vtt"):
            return _subtitles(response, error_fields)
        return _decode_answer(response, Transcription, error_fields)
    if isinstance(request, EmbeddingRequest):
        vectors = _in_order(_decode_answer(response, CreateEmbeddingResponse, error_fields))
        if vectors.usage is None or COST_HEADER not in response.headers:
            return vectors
        usage = with_reported_cost(vectors.usage, response.headers[COST_HEADER])
        return msgspec.structs.replace(vectors, usage=usage)
    if isinstance(request, ModelsRequest):
        return _decode_answer(response, ModelList, error_fields)
    drawn = _decode_answer(response, ImagesResponse, error_fields)
    images = [*drawn.data]
    drawn = msgspec.structs.replace(drawn, data=())
    return msgspec.structs.replace(drawn, data=tuple(as_plain_base64(images.pop(0)) for _ in range(len(images))))


def _decode_answer(response: HTTPResponse, kind: type[A], error_fields: Mapping[str, str]) -> A:
    """Return the JSON as this kind of answer; optional fields that do not fit are omitted."""
    check_json_size(response.body)
    try:
        # A vector with NaN is none, elsewhere NaN is harmless.
        decode = msgspec.json.decode if kind is CreateEmbeddingResponse else decode_lenient
        answer = decode(response.body.removeprefix(BOM))
    except NOT_JSON:
        raise MalformedResponseError(describe_body(response), status=response.status) from None
    _refuse_error(answer, response, error_fields)
    if kind is Transcription and b'"speaker_id"' in response.body and isinstance(answer, dict):
        _name_speakers(answer)
    answer = with_items_in_data(answer, kind)
    if kind is ModelList:
        if isinstance(answer, dict) and answer.get("data", ...) is None:  # Ollama without any model
            answer["data"] = []
        _leave_out_odd_models(answer)
        _say_more_of_models(answer)
    elif kind is CreateEmbeddingResponse:
        _settle_vectors(answer)
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        detail = str(error)
    if kind is Transcription:
        _settle_heard(answer, detail)
    try:
        if kind is CreateEmbeddingResponse:  # do not omit invalid numbers: the vector would change
            vectors = msgspec.convert({"data": answer["data"]}, CreateEmbeddingResponse)
            rest = loose_answer({**answer, "data": []}, kind)
            return msgspec.structs.replace(rest, data=vectors.data)
        loose = loose_answer(answer, kind)
        given = answer.get("data", ())
        left = len(getattr(loose, "data", ()))
        if len(given) == left or (kind is ModelList and left):  # a malformed model may be omitted from a list
            return loose
    except (msgspec.ValidationError, TypeError, LookupError, AttributeError):
        pass
    raise MalformedResponseError(f"the answer has another shape: {detail[:200]}", status=response.status)


def _name_speakers(answer: JSONObject) -> None:
    """Give the speakers OpenAI's name, in place; Mistral and Together send them as `speaker_id`."""
    if not answer.get("segments") and isinstance(answer.get("speaker_segments"), list):  # Together
        answer["segments"] = answer["speaker_segments"]
    for name in ("segments", "words"):
        for one in parts if isinstance(parts := answer.get(name), list) else ():
            if isinstance(one, dict) and one.get("speaker") is None and "speaker_id" in one:
                one["speaker"] = one["speaker_id"]


def _settle_heard(answer: Any, detail: str) -> None:
    """
    Write numbers among the texts of segments and words as texts, in place.

    Raises:
        MalformedResponseError: something else stands for a text, or there are too many.
    """
    numbers = 0
    for group, name in (("segments", "text"), ("words", "word")):
        parts = answer.get(group) if isinstance(answer, dict) else None
        for one in parts if isinstance(parts, list) else ():
            said = one.get(name) if isinstance(one, dict) else None
            if isinstance(said, (dict, list)):
                raise MalformedResponseError(f"the answer has another shape: {detail[:200]}")
            if said is not None and not isinstance(said, str):
                one[name] = msgspec.json.encode(said).decode()
                numbers += 1
            if numbers > _LOOKED_AT:
                raise MalformedResponseError(f"more than {_LOOKED_AT} numbers stand for texts")


def _say_more_of_models(answer: Any) -> None:
    """Write into the items of a list, in place, their extra fields, and whether they can chat, if the list says so."""
    listed = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return
    more = answer.get("models")  # llama.cpp: the same models in Ollama's shape, with their capabilities
    more = more[:_LOOKED_AT] if isinstance(more, list) else []
    for one in listed:
        if isinstance(one, dict):
            one["g4f_lite.extra"] = unknown_fields(one, Model)
    known = {str(one.get("name")): one for one in more if isinstance(one, dict)}
    for one in listed[:_LOOKED_AT]:
        if isinstance(one, dict):
            one["g4f_lite.chats"] = says_it_chats({**known.get(str(one.get("id")), {}), **one})


def _leave_out_odd_models(answer: Any) -> None:
    """Keep the entries that have an id."""
    if not isinstance(answer, dict) or not isinstance(listed := answer.get("data"), list):
        return
    named = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), str) and one["id"]]
    if named:  # else the whole list is malformed, or empty
        answer["data"] = named


def _settle_vectors(answer: Any) -> None:
    """Omit nulls, which are as good as nothing, and read an index that is a number in another type."""
    if not isinstance(answer, dict) or not isinstance(data := answer.get("data"), list):
        return
    entries = [one for one in data if isinstance(one, dict)]
    numbered = any(one.get("index") for one in entries)  # then a null among them is no order
    for one in entries:
        for name in [name for name, value in one.items() if value is None and not (numbered and name == "index")]:
            del one[name]
        index = str(one.get("index", "")).removesuffix(".0")
        if index.isdecimal() and len(index) < 10:
            one["index"] = int(index)


def _in_order(answer: CreateEmbeddingResponse) -> CreateEmbeddingResponse:
    """Sort the vectors into the order of the inputs; if none has an index, they came in that order."""
    data = answer.data
    if any(one.index for one in data):
        data = tuple(sorted(data, key=lambda one: one.index))
    else:
        data = tuple(msgspec.structs.replace(one, index=index) for index, one in enumerate(data))
    return msgspec.structs.replace(answer, data=data)


def _refuse_error(answer: object, response: HTTPResponse, error_fields: Mapping[str, str]) -> None:
    if (error := error_in(answer, response.body, error_fields)) is not None:
        raise ReplyError(ErrorReply(status=response.status, headers=response.headers, body=error))


def _refuse_page(response: HTTPResponse) -> None:
    if response.body.lstrip(BEFORE_JSON)[:1] == b"<" and "html" in response.headers.get("content-type", "html"):
        raise MalformedResponseError(describe_body(response), status=response.status)


def _subtitles(response: HTTPResponse, error_fields: Mapping[str, str]) -> Transcription:
    """Read plain text; some services answer with JSON all the same."""
    if response.body.lstrip(BEFORE_JSON)[:1] == b"{" or isinstance(_json_in(response), dict):
        return _decode_answer(response, Transcription, error_fields)
    _refuse_page(response)
    try:
        return Transcription(text=response.body.removeprefix(BOM).decode("utf-8"))
    except UnicodeDecodeError:
        raise MalformedResponseError("the answer is not UTF-8 text", status=response.status) from None


def _speech(response: HTTPResponse, error_fields: Mapping[str, str]) -> Speech:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    answer = _json_in(response)  # whatever its headers say
    if isinstance(answer, dict) or kind == "application/json" or kind.startswith("text/"):
        _refuse_error(answer, response, error_fields)
        _refuse_page(response)
        what = kind if answer is None else "JSON"
        raise MalformedResponseError(f"the answer is {what}, not audio", status=response.status)
    return Speech(content=response.body, content_type=kind)


def _json_in(response: HTTPResponse) -> Any:
    """Return a small JSON body; of a list its first item, in which Google puts an error."""
    return ErrorReply(body=response.body.lstrip(BEFORE_JSON)).json()
