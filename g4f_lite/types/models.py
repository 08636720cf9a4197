"""The list of models: the request and its result."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import field

from ..value import JSONObject
from .endpoint import Answer, EndpointRequest
from .results import OpenResult, SentField


class ModelsRequest(EndpointRequest, frozen=True, kw_only=True, omit_defaults=True):
    """What `models.list` asks for."""

    operation = "models"


class Model(OpenResult, frozen=True, kw_only=True):
    """One model of a service."""

    id: str
    created: int = 0
    owned_by: str = ""
    object: str = "model"
    # Ours, see ModelList.
    provider: str = field(default="", name="g4f_lite.provider")
    live: bool = field(default=True, name="g4f_lite.live")
    """False: it comes from the provider's own list, not from the service."""
    chats: bool | None = field(default=None, name="g4f_lite.chats")
    """Whether it can chat; None if the service's list does not say."""
    extra: JSONObject = field(default_factory=dict, name="g4f_lite.extra")
    """As in `ChatCompletion`, such as `context_window` and `active` of Groq."""
    shutdown_date = SentField()


class ModelList(Answer, frozen=True, kw_only=True):
    """The models of one provider, or of several. Iterate over it, or over `data`."""

    object: str = "list"
    data: tuple[Model, ...]
    usage: None = None

    @property
    def live(self) -> bool:
        """Whether every provider has answered; if not, the trail says why."""
        return all(model.live for model in self.data)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(model.id for model in self.data)

    def __repr__(self) -> str:
        return f"ModelList({self.provider or 'several'}, {len(self.data)} models, live={self.live})"

    def __iter__(self) -> Iterator[Model]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def to_dict(self) -> JSONObject:
        """Return OpenAI's JSON, with `provider` and `live` of each model."""
        data = [
            {"id": one.id, "object": one.object, "created": one.created, "owned_by": one.owned_by}
            | {"provider": one.provider, "live": one.live}
            for one in self.data
        ]
        return {"object": self.object, "data": data}
