"""What a stream tells besides its chunks, the same in both clients."""

from __future__ import annotations

from ..call.call import Call, Step
from ..trail import Trail
from ..types.chat import ChatCompletion


class StreamFace:
    """Base of `Stream` and `AsyncStream`."""

    def __init__(self, call: Call, opened: Step) -> None:
        call.speaker = opened
        self._call = call
        self._completion: ChatCompletion | None = None

    @property
    def provider(self) -> str:
        """The provider that speaks, or spoke last."""
        return self._call.speaker.leg.provider.name

    @property
    def model(self) -> str:
        """The model that speaks, or spoke last."""
        model: str = self._call.speaker.request.model
        return model

    @property
    def completion(self) -> ChatCompletion:
        """
        The whole answer, once the stream has ended.

        Raises:
            RuntimeError: it has not ended, or was cut.
        """
        if self._completion is None:
            if self._call.whole is None:
                raise RuntimeError("the stream has not been read to its end; .completion is there after it")
            self._completion = self._call.whole()
        return self._completion

    @property
    def trail(self) -> Trail:
        """All that has happened in this call so far."""
        return self._call.plan.trail()

    def __del__(self) -> None:
        if (call := getattr(self, "_call", None)) is not None:
            call.drop()
