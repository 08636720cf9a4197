"""The lists of models that services have sent, and the model of a leg that names none. No I/O."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING

from ..errors.exceptions import ModelUnavailableError
from ..provider.leg import Leg

if TYPE_CHECKING:
    from ..types.models import ModelList

MAX_AGE_S = 300.0
"""How long a list is used, unless the caller says otherwise."""
MOST_LISTS = 256
_RARELY_CHATS = re.compile(
    r"embed|rerank|whisper|minilm|mpnet|paraphrase|colbert|moderation|guard|shield|transcribe|diffusion|dall-?e|image"
    r"|(?<![a-z0-9])(?:bge|gte|e5|bert|distilbert|roberta|modernbert|labse|mxbai|splade|clip|siglip|sdxl|flux[\d.]*"
    r"|x?tts|stt|asr|kokoro|orpheus|parakeet|canary|piper|bark|wav2vec2?|moonshine)(?![a-z0-9])",
    re.IGNORECASE,
)
"""Names of models that embed, rank, hear, speak, paint or judge. They are tried last: a name may mislead."""


class ModelCache:
    """The lists of one client, by address and key; shared by its threads and loops. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lists: dict[Hashable, tuple[float, ModelList]] = {}
        self._refused: dict[Hashable, set[str]] = {}
        """The listed models that have refused to chat."""

    def get(self, leg: Leg, now: float, max_age: float = MAX_AGE_S) -> ModelList | None:
        at, listed = self._lists.get(_place(leg), (0.0, None))
        return listed if listed is not None and now - at < max_age else None

    def put(self, leg: Leg, listed: ModelList, now: float) -> None:
        if len(self._lists) >= MOST_LISTS:
            self._lists, self._refused = {}, {}
        self._lists[_place(leg)] = (now, listed)
        self._refused.pop(_place(leg), None)

    def forget(self, leg: Leg) -> None:
        self._lists.pop(_place(leg), None)

    def refuse(self, leg: Leg, model: str) -> None:
        """Remember, as long as the list is used, that a model cannot chat."""
        self._refused.setdefault(_place(leg), set()).add(model)

    def refused(self, leg: Leg) -> Collection[str]:
        return self._refused.get(_place(leg), ())


def _place(leg: Leg) -> Hashable:
    return (leg.provider.name, leg.provider.api_base, leg.key_identity)


def models_for_chat(listed: ModelList) -> list[str]:
    """
    Return the models of a list that may chat: those that most likely do come first.

    Names with control characters are left out: trails and logs show names, and lines of a service's own would be there.
    """
    ids = [model.id for model in listed.data if model.id and model.id.isprintable() and model.chats is not False]
    known = {model.id for model in listed.data if model.chats}
    return sorted(dict.fromkeys(ids), key=lambda one: one not in known and _RARELY_CHATS.search(one) is not None)


def first_for_chat(listed: ModelList, passed_over: Collection[str]) -> str:
    """
    Return the first model of a list that may chat.

    Args:
        passed_over: those that have refused already.

    Raises:
        ModelUnavailableError: there is none.
    """
    if (found := next((one for one in models_for_chat(listed) if one not in passed_over), None)) is not None:
        return found
    others = ", ".join(one.id for one in listed.data[:3] if one.id.isprintable())
    reason = f"none of its models can chat ({others})" if others else "it lists no model"
    raise ModelUnavailableError(f"{reason}: load one into it, or name one with model=…")
