"""The lists of models that services have sent, and the model of a leg that names none. No I/O."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from ..errors.exceptions import ModelUnavailableError
from ..provider.leg import Leg

if TYPE_CHECKING:
    from ..types.models import ModelList

MAX_AGE_S = 300.0
"""How long a list is used, unless the caller says otherwise."""
MOST_LISTS = 256


class ModelCache:
    """The lists of one client, by address and key; shared by its threads and loops. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._lists: dict[Hashable, tuple[float, ModelList]] = {}

    def get(self, leg: Leg, now: float, max_age: float = MAX_AGE_S) -> ModelList | None:
        at, listed = self._lists.get(_place(leg), (0.0, None))
        return listed if listed is not None and now - at < max_age else None

    def put(self, leg: Leg, listed: ModelList, now: float) -> None:
        if len(self._lists) >= MOST_LISTS:
            self._lists = {}
        self._lists[_place(leg)] = (now, listed)

    def forget(self, leg: Leg) -> None:
        self._lists.pop(_place(leg), None)


def _place(leg: Leg) -> Hashable:
    return (leg.provider.name, leg.provider.api_base, leg.fingerprint)


def first_for_chat(listed: ModelList) -> str:
    """
    Return the first model of a list that can chat. LM Studio lists its embedding models among the others.

    Raises:
        ModelUnavailableError: there is none.
    """
    ids = [model.id for model in listed.data if model.id]
    if not ids:
        raise ModelUnavailableError("it lists no model: load one into it, or name one with model=…")
    return next((one for one in ids if "embed" not in one.lower()), ids[0])
