"""
Translates answers and streams of Google's generateContent into OpenAI's form.

Source: ai.google.dev/api/generate-content; recorded answers.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from g4f_lite import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    Delta,
    FunctionCall,
    FunctionCallDelta,
    HTTPResponse,
    ServerSentEvent,
    TokenDetails,
    ToolCall,
    ToolCallDelta,
    Usage,
)

from ..translation.answers import (
    Choices,
    Parts,
    arguments_of,
    decode_body,
    decode_event,
    failure,
    message_of,
    no_answer,
    refuse_error,
    usage_of,
)
from ..translation.turns import JSONObject, made_id
from .request import generation_of

FINISHES = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
         "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
        "content_filter",
    ),
}  # fmt: skip
"""Any other finish reason (MALFORMED_FUNCTION_CALL, OTHER, future ones) is an error."""


class _Call(Struct):
    id: str | None = None
    name: str = ""
    args: Raw = Raw()


class _Data(Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""
    file_uri: str = ""


class _Part(Struct, rename="camel"):
    """A part of any kind; parts of unknown kinds are skipped."""

    text: str | None = None
    thought: bool = False
    thought_signature: str | None = None
    function_call: _Call | None = None
    inline_data: _Data | None = None
    file_data: _Data | None = None


class _Content(Struct):
    parts: Parts[_Part] = []


class _LogToken(Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _LogTokens(Struct):
    candidates: list[_LogToken] = []


class _Logprobs(Struct, rename="camel"):
    chosen_candidates: list[_LogToken] = []
    top_candidates: list[_LogTokens] = []


class _Grounding(Struct, rename="camel"):
    web_search_queries: list[str] | None = None


class _Candidate(Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int = 0
    logprobs_result: _Logprobs | None = None
    grounding_metadata: _Grounding | None = None


class _Feedback(Struct, rename="camel"):
    block_reason: str | None = None


class _Counted(Struct, rename="camel"):
    modality: str = ""
    token_count: int = 0


class _Usage(Struct, rename="camel"):
    prompt_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Counted] | None = None
    tool_use_prompt_tokens_details: list[_Counted] | None = None
    cache_tokens_details: list[_Counted] | None = None
    candidates_tokens_details: list[_Counted] | None = None
    service_tier: str | None = None


class _Response(Struct, rename="camel"):
    candidates: Choices[_Candidate] = []
    prompt_feedback: _Feedback | None = None
    usage_metadata: _Usage | None = None
    model_version: str = ""
    response_id: str = ""


_decoder = msgspec.json.Decoder(_Response)
_NOTHING = _Response()


def completion(response: HTTPResponse) -> ChatCompletion:
    """
    Raises:
        ReplyError, MalformedResponseError: as `decode_body`; also for an answer that ended in an error.
    """
    answer = decode_body(response, _decoder)
    if not answer.candidates and not _is_blocked(answer):
        raise no_answer(response, "the answer has no candidates")
    return ChatCompletion(
        id=answer.response_id,
        model=_model(answer),
        choices=tuple(_choice(candidate, answer) for candidate in answer.candidates)
        or (Choice(finish_reason="content_filter"),),
        usage=_usage(answer, _queries(answer)),
        service_tier=_tier(answer),
    )


def _choice(candidate: _Candidate, answer: _Response) -> Choice:
    said = _Said(answer.response_id, candidate.index)
    pieces = [said.piece(part) for part in _parts(candidate)]
    texts = [piece.content for piece in pieces if piece.content]
    thoughts = [piece.reasoning for piece in pieces if piece.reasoning]
    calls = tuple(
        ToolCall(
            id=call.id or "",
            function=FunctionCall(name=call.function.name or "", arguments=call.function.arguments or ""),
            extra_content=call.extra_content,
        )
        for piece in pieces
        for call in piece.tool_calls or ()
        if call.function is not None
    )
    images = [image for piece in pieces for image in piece.images or ()]
    extra = [piece.extra_content for piece in pieces if piece.extra_content]
    sounds = [piece.audio for piece in pieces if piece.audio]
    message = message_of(texts, thoughts, calls, extra[-1] if extra else None, images=images, audio=_joined(sounds))
    finish = said.finish(candidate, in_stream=False)
    return Choice(index=candidate.index, message=message, finish_reason=finish, logprobs=_logprobs(candidate))


class GeminiStream:
    """Each event is a complete response with the new parts and the counts so far; nothing marks the end."""

    def __init__(self) -> None:
        self._said: dict[int, _Said] = {}
        self._queries: set[str] = set()

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        answer = decode_event(event, _decoder)
        if answer == _NOTHING:
            refuse_error(event.data)
        choices: list[ChunkChoice] = []
        for candidate in answer.candidates:
            index = candidate.index
            said = self._said.get(index) or self._said.setdefault(index, _Said(answer.response_id, index))
            pieces = [ChunkChoice(index=index, delta=said.piece(part)) for part in _parts(candidate)]
            finish, logprobs = said.finish(candidate, in_stream=True), _logprobs(candidate)
            if finish is not None or logprobs is not None or not pieces:
                pieces.append(ChunkChoice(index=index, finish_reason=finish, logprobs=logprobs))
            choices += pieces
        if _is_blocked(answer):
            choices.append(ChunkChoice(finish_reason="content_filter"))
        self._queries |= _queries(answer)
        usage, model, tier = _usage(answer, self._queries), _model(answer), _tier(answer)
        # One chunk for each part, because `chunk.text` is the text of its first choice.
        head = [ChatCompletionChunk(id=answer.response_id, model=model, choices=(one,)) for one in choices[:-1]]
        last = ChatCompletionChunk(
            id=answer.response_id, model=model, choices=tuple(choices[-1:]), usage=usage, service_tier=tier
        )
        return (*head, last)

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()


class _Said:
    """The state of one candidate between its parts."""

    def __init__(self, response_id: str, index: int) -> None:
        self._origin = response_id, index
        self._calls = 0

    def piece(self, part: _Part) -> Delta:
        extra: JSONObject | None = None
        if part.thought_signature:  # in the form of Google's OpenAI-compatible endpoint
            extra = {"google": {"thought_signature": part.thought_signature}}
        if (call := part.function_call) is not None:
            arguments = arguments_of(call.args)
            id = call.id or made_id(*self._origin, self._calls, call.name, arguments)
            function = FunctionCallDelta(name=call.name, arguments=arguments)
            made = ToolCallDelta(index=self._calls, id=id, type="function", function=function, extra_content=extra)
            self._calls += 1
            return Delta(tool_calls=(made,))
        if part.thought:
            return Delta(reasoning=part.text)  # a picture that it thinks of is a draft
        if (data := part.inline_data or part.file_data) is not None and data.mime_type.startswith("image/"):
            return Delta(images=[_image(data, extra)])
        if data is not None and data.data and data.mime_type.startswith("audio/"):
            return Delta(audio={"data": data.data, "mime_type": data.mime_type}, extra_content=extra)
        return Delta(content=part.text, extra_content=extra)

    def finish(self, candidate: _Candidate, *, in_stream: bool) -> str | None:
        reason = candidate.finish_reason and candidate.finish_reason.upper()  # gateways have written `stop`
        if reason in (None, "", "FINISH_REASON_UNSPECIFIED"):
            return None
        if reason not in FINISHES:
            message = candidate.finish_message or f"the answer ended with {reason}"
            raise failure({"message": message, "status": reason}, in_stream=in_stream)
        return "tool_calls" if reason == "STOP" and self._calls else FINISHES[str(reason)]


def _image(data: _Data, extra: JSONObject | None) -> JSONObject:
    """Return an image as a part, in OpenRouter's form, with the signature that Google wants back."""
    url = f"data:{data.mime_type};base64,{data.data}" if data.data else data.file_uri
    image: JSONObject = {"type": "image_url", "image_url": {"url": url}}
    return image | {"extra_content": extra} if extra else image


def _joined(sounds: list[JSONObject]) -> JSONObject | None:
    """Return the pieces of sound as one. The media type has the rate, which sound without a header does not tell."""
    if len(sounds) < 2:
        return sounds[0] if sounds else None
    data = b"".join(b64decode(sound["data"]) for sound in sounds)
    return {**sounds[0], "data": b64encode(data).decode()}


def _parts(candidate: _Candidate) -> list[_Part]:
    return candidate.content.parts if candidate.content is not None else []


def _is_blocked(answer: _Response) -> bool:
    """Return whether the prompt was refused: status 200, and no candidates."""
    feedback = answer.prompt_feedback
    return not answer.candidates and feedback is not None and feedback.block_reason is not None


def _model(answer: _Response) -> str:
    return answer.model_version.removeprefix("models/")


def _tier(answer: _Response) -> str | None:
    tier = answer.usage_metadata.service_tier if answer.usage_metadata is not None else None
    return None if tier is None else tier.lower()


def _queries(answer: _Response) -> set[str]:
    """Return what Google searched for."""
    grounded = [one.grounding_metadata for one in answer.candidates if one.grounding_metadata is not None]
    return {query for one in grounded for query in one.web_search_queries or () if query}


def _usage(answer: _Response, queries: set[str]) -> Usage | None:
    """Google counts thinking separately; OpenAI includes it in the completion."""
    usage = answer.usage_metadata
    if usage is None:
        return None
    # Gemini 3 and later are billed by the query, older models by the prompt.
    searches = len(queries) if generation_of(answer.model_version) >= 3 else min(len(queries), 1)
    return usage_of(
        usage.prompt_token_count + usage.tool_use_prompt_token_count,
        usage.candidates_token_count + (usage.thoughts_token_count or 0),
        total=usage.total_token_count,
        of_prompt=msgspec.structs.replace(
            _kinds(usage.prompt_tokens_details, usage.tool_use_prompt_tokens_details),
            cached_tokens=usage.cached_content_token_count,
            cached_tokens_details=_kinds(usage.cache_tokens_details) if usage.cache_tokens_details else None,
        ),
        of_output=msgspec.structs.replace(
            _kinds(usage.candidates_tokens_details), reasoning_tokens=usage.thoughts_token_count
        ),
        web_searches=searches or None,
    )


def _kinds(*details: list[_Counted] | None) -> TokenDetails:
    """Return the counts of all kinds but text; Google bills the pages of a document as images."""
    counted = [one for counts in details for one in counts or ()]

    def count(*modalities: str) -> int | None:
        return sum(one.token_count for one in counted if one.modality in modalities) or None

    return TokenDetails(
        audio_tokens=count("AUDIO"), image_tokens=count("IMAGE", "DOCUMENT"), video_tokens=count("VIDEO")
    )


def _logprobs(candidate: _Candidate) -> Any:
    result = candidate.logprobs_result
    if result is None:
        return None
    tops = [[_logprob(token) for token in top.candidates] for top in result.top_candidates]
    tops += [[] for _ in result.chosen_candidates[len(tops) :]]
    chosen = zip(result.chosen_candidates, tops, strict=False)
    return {"content": [{**_logprob(token), "top_logprobs": top} for token, top in chosen]}


def _logprob(token: _LogToken) -> JSONObject:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}
