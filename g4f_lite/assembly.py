"""A whole answer from the chunks of a stream."""

from __future__ import annotations

from collections.abc import Iterable

from .types import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    FunctionCall,
    Message,
    ToolCall,
    ToolCallDelta,
    Usage,
)


class _Call:
    def __init__(self) -> None:
        self.id = ""
        self.type = "function"
        self.name = ""
        self.arguments: list[str] = []


class _Choice:
    def __init__(self) -> None:
        self.role = "assistant"
        self.content: list[str] = []
        self.refusal: list[str] = []
        self.reasoning: list[str] = []
        self.calls: dict[object, _Call] = {}
        self.last_call: object = None
        self.finish_reason: str | None = None
        self.logprobs: list[object] = []

    def call_of(self, piece: ToolCallDelta) -> _Call:
        """Return the call that a piece belongs to: by index, else by a new id, else the last one."""
        name: object = piece.index
        if name is None:
            known = piece.id is None or any(call.id == piece.id for call in self.calls.values())
            name = self.last_call if known and self.last_call is not None else len(self.calls)
        self.last_call = name
        return self.calls.setdefault(name, _Call())


def assemble(chunks: Iterable[ChatCompletionChunk]) -> ChatCompletion:
    """
    Return the answer that the chunks make up.

    The last usage wins (some services repeat a growing one), a finish reason is never
    overwritten by null, and pieces of tool calls are joined by their index, or by their id where
    a service sends no index.
    """
    first: ChatCompletionChunk | None = None
    usage: Usage | None = None
    model = fingerprint = tier = None
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        first = first or chunk
        usage = chunk.usage or usage
        model = model or chunk.model
        fingerprint = fingerprint or chunk.system_fingerprint
        tier = tier or chunk.service_tier
        for piece in chunk.choices:
            choice = choices.get(piece.index) or choices.setdefault(piece.index, _Choice())
            delta = piece.delta
            if delta.content:
                choice.content.append(delta.content)
            if delta.refusal:
                choice.refusal.append(delta.refusal)
            if text := delta.reasoning or delta.reasoning_content:
                choice.reasoning.append(text)
            for part in delta.tool_calls or ():
                _add_call(choice.call_of(part), part)
            choice.role = delta.role or choice.role
            choice.finish_reason = piece.finish_reason or choice.finish_reason
            if isinstance(piece.logprobs, dict) and isinstance(tokens := piece.logprobs.get("content"), list):
                choice.logprobs += tokens
    return ChatCompletion(
        id=first.id if first else "",
        created=first.created if first else 0,
        model=model or "",
        choices=tuple(_whole(index, choices[index]) for index in sorted(choices)),
        usage=usage,
        system_fingerprint=fingerprint,
        service_tier=tier,
    )


def _add_call(call: _Call, piece: ToolCallDelta) -> None:
    call.id = call.id or piece.id or ""
    call.type = piece.type or call.type
    if piece.function is not None:
        call.name = call.name or piece.function.name or ""
        call.arguments.append(piece.function.arguments or "")


def _whole(index: int, choice: _Choice) -> Choice:
    calls = tuple(
        ToolCall(id=call.id, type=call.type, function=FunctionCall(name=call.name, arguments="".join(call.arguments)))
        for call in choice.calls.values()
    )
    message = Message(
        role=choice.role,
        content="".join(choice.content) if choice.content or not calls else None,
        refusal="".join(choice.refusal) or None,
        reasoning="".join(choice.reasoning) or None,
        tool_calls=calls or None,
    )
    logprobs = {"content": choice.logprobs} if choice.logprobs else None
    return Choice(index=index, message=message, finish_reason=choice.finish_reason, logprobs=logprobs)
