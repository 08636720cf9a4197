"""What other libraries call a function, a method or a field: the error for such a name says what to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

_CHAT = "client.chat.completions.create(messages=[…])"
_LIKE_OPENAI = "; g4f_lite.openai.OpenAI has it"
_OPENAI = "from g4f_lite.openai import"

_MEANT: Mapping[str, Mapping[str, str]] = {
    "g4f_lite": {
        **dict.fromkeys(("completion", "generate", "ask", "text_completion", "batch_completion"), "g4f_lite.chat(…)"),
        **dict.fromkeys(("acompletion", "agenerate"), "g4f_lite.achat(…)"),
        **dict.fromkeys(("embedding", "aembedding", "embed", "embeddings"), "Client().embeddings.create(…)"),
        **dict.fromkeys(("Router", "RetryProvider"), "Client(routes=[…])"),
        **{name: f"{_OPENAI} {name}" for name in ("OpenAI", "AsyncOpenAI", "Groq", "AsyncGroq")},
        "completion_cost": ".cost of the answer",
    },
    "BaseClient": {
        **dict.fromkeys(("completions", "completion", "messages", "generate", "invoke", "ask", "complete"), _CHAT),
        "responses": _CHAT + _LIKE_OPENAI,
        "beta": "client.chat.completions.create(response_model=…)",
        "run_tools": "client.chat.run_tools(…)",
        "embed": "client.embeddings.create(input=…)",
        **dict.fromkeys(("with_options", "copy"), "the keywords of each call, such as timeout= and retries="),
    },
    "Chat": {"create": _CHAT, "completion": _CHAT},
    "Completions": {
        "parse": "create(response_model=…) and .parsed of the answer",
        "stream": "create(stream=True)",
        "acreate": "create of AsyncClient",
        "run_tools": "client.chat.run_tools(…)",
        **dict.fromkeys(
            ("with_raw_response", "with_streaming_response"), f".raw and .trail of the answer{_LIKE_OPENAI}"
        ),
    },
    "Images": {"create": "generate(prompt=…)"},
    "Models": {"retrieve": "list(…)"},
    "BaseStream": dict.fromkeys(
        ("text", "content", "choices", "message"), "`for chunk in stream` and chunk.text, then stream.completion"
    ),
    "ChatCompletion": {
        **dict.fromkeys(("content", "output_text", "response", "output"), ".text"),
        "message": ".choices[0].message",
        **dict.fromkeys(("dict", "json"), ".to_dict()"),
    },
    "ChatCompletionChunk": {
        **dict.fromkeys(("content", "response", "message", "delta"), ".text, or .choices[0].delta"),
        **dict.fromkeys(("dict", "json"), ".to_dict()"),
    },
}
"""By the name of the module, or of the class without `Async`."""


def no_attribute(owner: str, name: str, *kinds: str) -> str:
    """
    Return the message of an `AttributeError`.

    Args:
        owner: as Python writes it, such as `module 'g4f_lite'`.
        kinds: where to look in the table, the first one first.
    """
    found = (_MEANT.get(kind.removeprefix("Async"), {}).get(name) for kind in kinds)
    meant = next(filter(None, found), None)
    return f"{owner} has no attribute {name!r}{f'; use {meant}' if meant else ''}"


class Explained:
    """Base of what callers hold."""

    if not TYPE_CHECKING:  # a checker must not believe that every name exists

        def __getattr__(self, name: str) -> Any:
            kinds = [kind.__name__ for kind in type(self).__mro__]
            raise AttributeError(no_attribute(f"{kinds[0]!r} object", name, *kinds), name=name, obj=self)
