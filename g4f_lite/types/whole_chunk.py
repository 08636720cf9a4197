"""Turns a whole completion into the one chunk of a stream."""

from __future__ import annotations

from .chat import ChatCompletion, FunctionCall, Message
from .chunks import ChatCompletionChunk, ChunkChoice, CustomCallDelta, Delta, FunctionCallDelta, ToolCallDelta
from .logprobs import sent_logprobs


def as_chunk(completion: ChatCompletion) -> ChatCompletionChunk:
    """Return a completion as a chunk; its choices are numbered if the service has not done so from 0."""
    indexes = {choice.index for choice in completion.choices}
    numbered = 0 in indexes and len(indexes) == len(completion.choices)
    choices = [
        ChunkChoice(
            index=choice.index if numbered else number,
            delta=_delta(choice.message),
            finish_reason=choice.finish_reason or "stop",  # the response was complete
            logprobs=sent_logprobs(choice),
        )
        for number, choice in enumerate(completion.choices)
    ]
    return ChatCompletionChunk(
        id=completion.id,
        created=completion.created,
        model=completion.model,
        choices=tuple(choices),
        usage=completion.usage,
        system_fingerprint=completion.system_fingerprint,
        service_tier=completion.service_tier,
        raw_json=completion.raw_json,
    )


def _delta(message: Message) -> Delta:
    calls = tuple(
        ToolCallDelta(
            index=index,
            id=call.id,
            type=call.type,
            function=_function(call.function),
            custom=CustomCallDelta(name=made.name, input=made.input) if (made := call.custom) else None,
            extra_content=call.extra_content,
        )
        for index, call in enumerate(message.tool_calls or ())
    )
    return Delta(
        role=message.role,
        content=message.content,
        refusal=message.refusal,
        reasoning=message.reasoning,
        reasoning_content=message.reasoning_content,
        tool_calls=calls or None,
        reasoning_details=message.reasoning_details,
        function_call=None if message.function_call is None else _function(message.function_call),
        audio=message.audio,
        images=message.images,
        extra_content=message.extra_content,
    )


def _function(call: FunctionCall) -> FunctionCallDelta:
    return FunctionCallDelta(name=call.name, arguments=call.arguments)
