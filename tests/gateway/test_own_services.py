"""`[providers.NAME]`: a service at an address of one's own may have all of OpenAI's endpoints; it says what it lacks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from helpers.gateways import running

from g4f_lite.testing import FaultServer, replies

PICTURE = f"data:image/png;base64,{base64.b64encode(b'picture').decode()}"
LOOK: Any = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PICTURE}}]}]


@pytest.fixture
def package(groq: FaultServer) -> Iterator[openai.OpenAI]:
    providers = {"own": {"base_url": groq.base_url}}
    server = {"listen": "127.0.0.1:0"}
    with running({"server": server, "providers": providers, "models": {"m": {"routes": ["own:one"]}}}) as gateway:
        with openai.OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0) as client:
            yield client


CALLS: dict[str, Callable[[openai.OpenAI], Any]] = {
    "embeddings": lambda package: package.embeddings.create(model="m", input="Hello"),
    "pictures": lambda package: package.images.generate(model="m", prompt="a cat"),
    "speech": lambda package: package.audio.speech.create(model="m", voice="alloy", input="Hello"),
    "transcription": lambda package: package.audio.transcriptions.create(model="m", file=("a.wav", b"sound")),
    "translation": lambda package: package.audio.translations.create(model="m", file=("a.wav", b"sound")),
    "a picture in a chat": lambda package: package.chat.completions.create(model="m", messages=LOOK),
}


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", CALLS)
def test_it_is_asked_for_everything(name: str, package: openai.OpenAI, groq: FaultServer) -> None:
    groq.script(replies.answer("Sunday"))
    CALLS[name](package)
    assert groq.models == ["one"]


def test_it_says_itself_what_it_lacks(package: openai.OpenAI, groq: FaultServer) -> None:
    groq.script(replies.error(400, "one has no eyes"))
    with pytest.raises(openai.BadRequestError, match="one has no eyes"):
        package.chat.completions.create(model="m", messages=LOOK)


def test_a_name_stands_for_its_own_model_at_each_endpoint(groq: FaultServer) -> None:
    client = {"base_urls": {"openai": groq.base_url}, "keys": {"openai": {"env": "GROQ_API_KEY"}}}
    models = {"m": {"routes": ["openai:text-embedding-3-large"]}, "any": {"routes": ["openai"]}}
    with running({"server": {"listen": "127.0.0.1:0"}, "client": client, "models": models}) as gateway:
        with openai.OpenAI(base_url=gateway.base_url, api_key="k", max_retries=0) as package:
            raw = package.embeddings.with_raw_response.create(model="m", input="Hello")
            package.embeddings.create(model="any", input="Hello")
    assert raw.headers["x-g4f-route"] == "openai:text-embedding-3-large"
    assert groq.models == ["text-embedding-3-large", "text-embedding-3-small"]
