"""Assembles the chunks of a stream into a completion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..value import JSONObject
from .call_pieces import OpenCall, OpenCalls
from .chat import ChatCompletion, Choice, CustomCall, FunctionCall, Message, ToolCall
from .chunks import ChatCompletionChunk, Delta, ToolCallDelta
from .extra_fields import ExtraFields, larger_counts
from .finish_reasons import USUAL, is_cut
from .logprobs import sent_logprobs
from .memory_estimate import memory_of
from .pieces import Kept, Pieces, encoded
from .usage import Usage
from .whole_chunk import as_chunk

_DETAIL = 400
"""Bytes of a piece of reasoning itself."""


class _Call:
    """What a call has besides its id, name and arguments."""

    def __init__(self) -> None:
        self.type = "function"
        self.extra_content: JSONObject = {}


class _Choice:
    def __init__(self) -> None:
        self.role = "assistant"
        self.content = Pieces()
        self.refusal = Pieces()
        self.reasoning = Pieces()
        self.reasoning_content = Pieces()
        self.calls = OpenCalls()
        self.others: dict[OpenCall, _Call] = {}
        self.finish_reason: str | None = None
        self.logprobs = Kept()
        self.refusal_logprobs = Kept()
        self.reasoning_details: list[object] = []
        self._details_settled = self._details_memory = 0
        self.function_name = ""
        self.function_arguments: Pieces | None = None
        self.audio: JSONObject = {}
        self.sound = Kept()
        self.transcript = Pieces()
        self.images = Kept()
        self.extra_content: JSONObject = {}

    def settle(self) -> int:
        """As `Assembly.settle`."""
        texts = [self.content, self.refusal, self.reasoning, self.reasoning_content, self.transcript]
        if self.function_arguments is not None:
            texts.append(self.function_arguments)
        fields = [self.extra_content, self.audio, *(call.extra_content for call in self.others.values())]
        given = sum(memory_of(encoded(one)) for one in fields if one)
        held = (
            self.logprobs.settle()
            + self.refusal_logprobs.settle()
            + self.images.settle()
            + self.sound.settle()
            + self._settle_details()
        )
        calls = sum(call.arguments.measure() for call in self.calls)
        return given + held + calls + sum(one.settle() for one in texts)

    def _settle_details(self) -> int:
        details = self.reasoning_details
        for one in details[self._details_settled : -1]:  # the last one may get more
            self._details_memory += _memory_of_detail(one)
        self._details_settled = max(0, len(details) - 1)
        return self._details_memory + (_memory_of_detail(details[-1]) if details else 0)

    def add_call(self, piece: ToolCallDelta) -> None:
        call, _ = self.calls.take(piece)
        if piece.type or piece.extra_content:
            others = self.others.setdefault(call, _Call())
            others.type = piece.type or others.type
            others.extra_content |= piece.extra_content or {}

    def add_logprobs(self, sent: object) -> None:
        for name, so_far in (("content", self.logprobs), ("refusal", self.refusal_logprobs)):
            if isinstance(sent, dict) and isinstance(tokens := sent.get(name), list):
                so_far.extend(tokens)


class Assembly:
    """An answer under way: chunks are added, and need not be kept."""

    def __init__(self) -> None:
        self._extra = ExtraFields()
        self._usage: Usage | None = None
        self._id: str | None = None
        self._model: str | None = None
        self._fingerprint: str | None = None
        self._tier: str | None = None
        self._created = 0
        self._choices: dict[int, _Choice] = {}

    def expect(self, completion: ChatCompletion) -> ChatCompletionChunk:
        """As `as_chunk`; it is to be added next."""
        chunk = as_chunk(completion)
        self._extra.take(completion, [choice.index for choice in chunk.choices])
        return chunk

    def add(self, chunks: Iterable[ChatCompletionChunk]) -> None:
        """
        Add what the chunks say.

        Of several usages the larger counts are kept (some services repeat a growing one), a finish reason is never
        overwritten by null, and pieces of tool calls are joined by their index, or by their id where
        a service sends no index.
        """
        choices = self._choices
        for chunk in chunks:
            self._id = self._id or chunk.id
            self._created = self._created or chunk.created
            if chunk.usage is not None:
                self._usage = larger_counts(self._usage, chunk.usage)
            if chunk.raw_json is not None:
                self._extra.add(chunk)
            self._model = self._model or chunk.model
            self._fingerprint = self._fingerprint or chunk.system_fingerprint
            self._tier = self._tier or chunk.service_tier
            for piece in chunk.choices:
                choice = choices.get(piece.index) or choices.setdefault(piece.index, _Choice())
                delta = piece.delta
                if delta.content:
                    choice.content.append(delta.content)
                if delta.refusal:
                    choice.refusal.append(delta.refusal)
                if delta.reasoning:
                    choice.reasoning.append(delta.reasoning)
                if delta.reasoning_content:
                    choice.reasoning_content.append(delta.reasoning_content)
                for part in delta.tool_calls or ():
                    choice.add_call(part)
                if delta.reasoning_details or delta.function_call or delta.audio or delta.images:
                    _add_other(choice, delta)
                if delta.extra_content:
                    choice.extra_content |= delta.extra_content
                choice.role = delta.role or choice.role
                choice.finish_reason = piece.finish_reason or choice.finish_reason
                if piece.kept_logprobs is not None:
                    choice.add_logprobs(sent_logprobs(piece))

    def begin_next_leg(self) -> None:
        """Keep what has been said, as the beginning of an answer that another leg goes on with, and is named after."""
        self._id = self._model = self._fingerprint = self._tier = self._usage = None
        self._created = 0
        self._extra.of_answer.clear()

    def settle(self) -> int:
        """Join the pieces that have come since the last time; return about how many bytes of memory all of it takes."""
        memory = memory_of(encoded(self._extra.all))
        if self._usage is not None and self._usage.extra:
            memory += memory_of(encoded(self._usage.extra))
        return memory + sum(choice.settle() for choice in self._choices.values())

    @property
    def most_calls(self) -> int:
        """How many tool calls, or indexes of them, the choice with the most has."""
        return max((max(len(choice.calls), choice.calls.indexes) for choice in self._choices.values()), default=0)

    def whole(self) -> ChatCompletion:
        """Return the answer that all chunks so far make up."""
        return ChatCompletion(
            id=self._id or "",
            created=self._created,
            model=self._model or "",
            choices=tuple(self._choice(index) for index in sorted(self._choices)),
            usage=self._usage,
            extra=dict(self._extra.of_answer),
            system_fingerprint=self._fingerprint,
            service_tier=self._tier,
        )

    def outline(self, chunks: Iterable[ChatCompletionChunk]) -> ChatCompletion:
        """
        Return id, model, tier, usage and finish reasons of the answer with these chunks.

        It does not add them, which takes far longer.
        """
        of, model, tier, usage = self._id, self._model, self._tier, self._usage
        reasons = {index: choice.finish_reason for index, choice in self._choices.items()}
        for chunk in chunks:
            of, model, tier = of or chunk.id, model or chunk.model, tier or chunk.service_tier
            if chunk.usage is not None:
                usage = larger_counts(usage, chunk.usage)
            for choice in chunk.choices:
                if choice.finish_reason:
                    reasons[choice.index] = choice.finish_reason
        choices = tuple([Choice(index=index, finish_reason=reasons[index]) for index in sorted(reasons)])
        return ChatCompletion(id=of or "", model=model or "", choices=choices, usage=usage, service_tier=tier)

    def text(self, chunks: Iterable[ChatCompletionChunk]) -> str:
        """Return the text of the first choice with these chunks, without adding them."""
        said = [(piece.index, piece.delta.content or "") for chunk in chunks for piece in chunk.choices]
        first = min((*self._choices, *(index for index, _ in said)), default=0)
        older = self._choices[first].content if first in self._choices else ()
        return "".join((*older, *(text for index, text in said if index == first)))

    def _choice(self, index: int) -> Choice:
        extra, extra_of_message = self._extra.of_choices.get(index, {}), self._extra.of_message(index)
        return _whole(index, self._choices[index], dict(extra), extra_of_message)


def assemble(chunks: Iterable[ChatCompletionChunk]) -> ChatCompletion:
    """Return the answer that the chunks make up."""
    answer = Assembly()
    answer.add(chunks)
    return answer.whole()


def _add_details(details: list[object], pieces: Iterable[object]) -> None:
    """
    Add pieces of reasoning: text and summaries come in pieces with one type and index, data comes as a whole.

    Source: OpenRouter's page on reasoning tokens and its SDKs, which join them before they send them back.
    """
    for piece in pieces:
        last = details[-1] if details else None
        if not (isinstance(piece, dict) and isinstance(last, _Detail) and last.goes_on(piece)):
            details.append(_Detail(piece) if isinstance(piece, dict) else piece)
        else:
            last.add(piece)


class _Detail:
    """One entry of `reasoning_details`, and its text so far."""

    def __init__(self, first: JSONObject) -> None:
        self.fields = dict(first)
        self.texts: dict[str, Pieces] = {}
        for name in ("text", "summary"):
            if isinstance(first.get(name), str):
                self.texts[name] = Pieces([first[name]])

    def goes_on(self, piece: JSONObject) -> bool:
        own = self.fields
        same = all(piece.get(name) == own.get(name) for name in ("type", "index"))
        same_id = not piece.get("id") or not own.get("id") or piece["id"] == own["id"]
        return same and same_id and piece.get("data") is None and own.get("data") is None

    def add(self, piece: JSONObject) -> None:
        for name, value in piece.items():
            if name in ("text", "summary") and isinstance(value, str):
                self.texts.setdefault(name, Pieces()).append(value)
            elif self.fields.get(name) is None:
                self.fields[name] = value


def _memory_of_detail(detail: object) -> int:
    if not isinstance(detail, _Detail):
        return memory_of(encoded(detail))
    return _DETAIL + memory_of(encoded(detail.fields)) + sum(text.settle() for text in detail.texts.values())


def _whole_detail(detail: object) -> object:
    if not isinstance(detail, _Detail):
        return detail
    return {**detail.fields, **{name: "".join(pieces) for name, pieces in detail.texts.items()}}


def _add_other(choice: _Choice, delta: Delta) -> None:
    if delta.function_call is not None:
        choice.function_name = choice.function_name or delta.function_call.name or ""
        choice.function_arguments = choice.function_arguments or Pieces()
        choice.function_arguments.append(delta.function_call.arguments or "")
    for name, value in (delta.audio or {}).items():
        if name == "data" and isinstance(value, str):
            choice.sound.append(value)
        elif name == "transcript" and isinstance(value, str):
            choice.transcript.append(value)
        elif value is not None:
            choice.audio[name] = value
    choice.images += delta.images or ()
    _add_details(choice.reasoning_details, delta.reasoning_details or ())


def _audio(choice: _Choice) -> JSONObject | None:
    if not (choice.audio or choice.sound or choice.transcript):
        return None
    audio = dict(choice.audio)
    if choice.sound:
        audio["data"] = _joined_base64(choice.sound)
    if choice.transcript:
        audio["transcript"] = "".join(choice.transcript)
    return audio


def _joined_base64(pieces: list[str]) -> str:
    """Join texts in base64, each of which may end in padding."""
    if not any("=" in piece for piece in pieces[:-1]):
        return "".join(pieces)
    from base64 import b64decode, b64encode

    try:
        return b64encode(b"".join(map(b64decode, pieces))).decode()
    except ValueError:  # no base64: it is left as it came
        return "".join(pieces)


def _whole(index: int, choice: _Choice, extra: JSONObject, extra_of_message: JSONObject) -> Choice:
    # The arguments of a call without any are an object too; those of a call that was cut are not complete.
    reason = choice.finish_reason
    nothing = "{}" if reason in USUAL or (reason and not is_cut(reason)) else ""
    audio = _audio(choice)
    function_call = None
    if choice.function_arguments is not None:
        arguments = "".join(choice.function_arguments) or nothing
        function_call = FunctionCall(name=choice.function_name, arguments=arguments)
    calls = tuple(
        ToolCall(
            id=call.sent_id,
            type=others.type,
            function=FunctionCall(name=call.name, arguments=text if custom else text or nothing),
            custom=CustomCall(name=call.name, input=text) if custom else None,
            extra_content=others.extra_content or None,
        )
        for call in choice.calls
        for others in (choice.others.get(call, _Call()),)
        for text, custom in (("".join(call.arguments), others.type == "custom"),)
    )
    message = Message(
        role=choice.role,
        content="".join(choice.content) if choice.content or not (calls or function_call or audio) else None,
        refusal="".join(choice.refusal) or None,
        reasoning="".join(choice.reasoning) or None,
        reasoning_content="".join(choice.reasoning_content) or None,
        tool_calls=calls or None,
        function_call=function_call,
        audio=audio,
        reasoning_details=[*map(_whole_detail, choice.reasoning_details)] or None,
        images=[*choice.images] or None,
        extra_content=choice.extra_content or None,
        extra=extra_of_message,
    )
    logprobs: Any = {"content": [*choice.logprobs]} if choice.logprobs else None
    if choice.refusal_logprobs:
        logprobs = {"content": None, **(logprobs or {}), "refusal": [*choice.refusal_logprobs]}
    return Choice(index=index, message=message, finish_reason=choice.finish_reason, logprobs=logprobs, extra=extra)
