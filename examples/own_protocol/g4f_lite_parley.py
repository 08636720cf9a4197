"""A provider with a protocol of its own: the model is in the path, streams have named events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import msgspec

import g4f_lite as g

OPTIONS = {"temperature": "heat", "max_tokens": "limit", "stop": "until", "seed": "seed"}
WHY = {"end": "stop", "limit": "length", "withheld": "content_filter"}


class Said(msgspec.Struct):
    """A complete answer, or one event of a stream."""

    says: str = ""
    why: str | None = None
    used: int | None = None
    failed: Any = None

    @property
    def finish_reason(self) -> str | None:
        return None if self.why is None else WHY.get(self.why, self.why)

    @property
    def usage(self) -> g.Usage | None:
        return None if self.used is None else g.Usage(completion_tokens=self.used, total_tokens=self.used)


class Parley(g.Provider):
    name = "parley"
    label = "Parley"
    login_url = "https://parley.example/keys"
    api_base = "https://parley.example/v1"
    api_key_env = ("PARLEY_API_KEY",)
    default_model = "town-crier-2"
    capabilities = frozenset({"streaming", "stream_usage"})

    def build_request(self, request: g.ChatRequest, *, key: str | None, stream: bool) -> g.HTTPRequest:
        asked = request.to_body()
        turns = [{"who": one["role"], "says": one["content"]} for one in asked.pop("messages")]
        body: dict[str, Any] = {"turns": turns, "options": {}}
        path = f"models/{quote(asked.pop('model'), safe='')}/{'stream' if stream else 'talk'}"
        for name, value in asked.items():
            if name not in OPTIONS:
                raise g.UnsupportedParameterError(f"parley does not know {name!r}")
            body["options"][OPTIONS[name]] = value
        body |= request.extra_body or {}
        headers = {"content-type": "application/json", "x-parley-key": str(key)}
        headers |= {name.lower(): value for name, value in (request.extra_headers or {}).items()}
        return g.HTTPRequest(url=f"{self.api_base}/{path}", headers=headers, body=msgspec.json.encode(body))

    def parse_response(self, response: g.HTTPResponse) -> g.ChatCompletion:
        said = read(response.body)
        choice = g.Choice(message=g.Message(content=said.says), finish_reason=said.finish_reason)
        return g.ChatCompletion(choices=(choice,), usage=said.usage)

    def new_stream(self, request: g.ChatRequest) -> g.StreamParser:
        return Parser()


class Parser:
    done = False
    """True after the event `end`: the stream is complete."""

    def feed(self, event: g.ServerSentEvent) -> Iterable[g.ChatCompletionChunk]:
        said = read(event.data)
        self.done = event.event == "end"
        choice = g.ChunkChoice(delta=g.Delta(content=said.says), finish_reason=said.finish_reason)
        return (g.ChatCompletionChunk(choices=(choice,), usage=said.usage),)

    def close(self) -> Iterable[g.ChatCompletionChunk]:
        return ()


def read(data: bytes) -> Said:
    try:
        said = msgspec.json.decode(data, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise g.MalformedResponseError(f"the answer is not in parley's protocol: {data[:40]!r}") from None
    if said.failed is not None:
        raise g.ReplyError(g.ErrorReply(status=200, body=msgspec.json.encode({"error": said.failed})))
    return said


@g.hookimpl
def register_providers(register: Callable[[type[g.Provider] | g.Provider], None]) -> None:
    register(Parley)
