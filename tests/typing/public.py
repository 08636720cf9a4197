"""What type checkers see. Never run: `mypy --strict` reads it, and fails where the public types change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any, assert_type

import g4f_lite
from g4f_lite import (
    AsyncClient,
    AsyncStream,
    Attempt,
    ChatCompletion,
    ChatCompletionChunk,
    ChatRequest,
    Choice,
    Client,
    CreateEmbeddingResponse,
    Delta,
    ErrorReply,
    Explanation,
    HTTPRequest,
    HTTPResponse,
    ImagesResponse,
    Leg,
    LocalProvider,
    Message,
    ModelList,
    ModelUnavailableError,
    OpenaiTemplate,
    PlannedRoute,
    Provider,
    ProviderError,
    RoutesExhaustedError,
    ServerSentEvent,
    Skipped,
    Speech,
    Strategy,
    StrategyContext,
    Stream,
    StreamInterruptedError,
    StreamParser,
    Timeouts,
    ToolCall,
    Trail,
    Transcription,
    Usage,
    Weighted,
    hookimpl,
)
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite_providers.groq import Groq

MESSAGES = [{"role": "user", "content": "Which day is it?"}]


# -- calls ---------------------------------------------------------------------------------


def whole_or_in_pieces(client: Client, either: bool) -> None:
    create = client.chat.completions.create
    assert_type(create(messages=MESSAGES), ChatCompletion)
    assert_type(create(messages=MESSAGES, stream=False), ChatCompletion)
    assert_type(create(messages=MESSAGES, stream=True), Stream)
    assert_type(create(messages=MESSAGES, stream=either), ChatCompletion | Stream)


async def whole_or_in_pieces_async(client: AsyncClient, either: bool) -> None:
    create = client.chat.completions.create
    assert_type(await create(messages=MESSAGES), ChatCompletion)
    assert_type(await create(messages=MESSAGES, stream=False), ChatCompletion)
    assert_type(await create(messages=MESSAGES, stream=True), AsyncStream)
    assert_type(await create(messages=MESSAGES, stream=either), ChatCompletion | AsyncStream)


def parameters(client: Client, previous: ChatCompletion) -> None:
    create = client.chat.completions.create
    create(
        messages=[{"role": "user", "content": "Hello"}, previous.choices[0].message],
        provider=["groq", Groq, Groq(api_key="test")],
        model="gpt-oss-120b",
        fallback_models=["groq:openai/gpt-oss-20b"],
        temperature=0.5,
        tools=[{"type": "function", "function": {"name": "day"}}],
        stop=["\n"],
        extra_body={"top_k": 3},
        timeout=9.5,
        timeouts=Timeouts(connect=1, total=None),
        retries=0,
        strategy=Weighted({"groq": 3}),
        on_interrupt="restart",
    )
    create(messages=MESSAGES, on_interrupt="restrat")  # type: ignore[call-overload]
    create(messages=MESSAGES, temprature=0.5)  # type: ignore[call-overload]  # unknown keywords are refused
    create(messages=MESSAGES, temperature="hot")  # type: ignore[call-overload]
    create(messages="Hello")  # type: ignore[arg-type]
    create(MESSAGES)  # type: ignore[call-overload]  # keywords only


class Hero:
    name: str


def objects(client: Client) -> None:
    create = client.chat.completions.create
    assert_type(create(messages=MESSAGES, response_model=Hero).parsed, Hero)
    assert_type(create(messages=MESSAGES, response_model=list[Hero], provider="groq").parsed, list[Hero])
    assert_type(create(messages=MESSAGES, response_model=Hero, stream=True).completion.parsed, Hero)
    assert_type(create(messages=MESSAGES, response_model=Hero | None).parsed, Any)
    assert_type(create(messages=MESSAGES, response_model=None), ChatCompletion)
    assert_type(create(messages=MESSAGES).parsed, Any)
    assert_type(g4f_lite.chat("Who?", response_model=Hero).parsed, Hero)
    assert_type(g4f_lite.stream("Who?", response_model=Hero).completion.parsed, Hero)
    create(messages=MESSAGES, response_model=Hero, temperature="hot")  # type: ignore[call-overload]
    create(messages=MESSAGES, response_model=5)  # type: ignore[call-overload]


async def objects_async(client: AsyncClient) -> None:
    create = client.chat.completions.create
    assert_type((await create(messages=MESSAGES, response_model=Hero)).parsed, Hero)
    assert_type((await create(messages=MESSAGES, response_model=list[Hero])).parsed, list[Hero])
    assert_type((await create(messages=MESSAGES, response_model=Hero, stream=True)).completion.parsed, Hero)
    assert_type((await g4f_lite.achat("Who?", response_model=Hero)).parsed, Hero)


async def new_token() -> str:
    return "token"


def settings(choose: Strategy) -> None:
    Client(
        routes=["groq", "groq:openai/gpt-oss-20b", Groq(), Groq],
        strategy=choose,
        keys={"groq": ["one", lambda: "two"], "acme": "three", "azure": lambda: "token", "vertex": new_token},
        base_urls={"groq": "http://127.0.0.1:9/v1"},
        plugins=[Groq, Meter()],
        deadline=30,
        retry_wait=lambda state: 0.1,
        proxy="http://127.0.0.1:3128",
    )
    AsyncClient(hedge_after=0.5, on_interrupt="continue")
    Client(retrys=3)  # type: ignore[call-arg]
    AsyncClient(patience="long")  # type: ignore[arg-type]


def shortcuts() -> None:
    assert_type(g4f_lite.chat("Which day is it?", provider="groq"), ChatCompletion)
    assert_type(g4f_lite.stream(MESSAGES), Stream)
    assert_type(g4f_lite.provider_names(), list[str])


async def shortcuts_async() -> None:
    assert_type(await g4f_lite.achat("Which day is it?", provider="groq"), ChatCompletion)
    assert_type(g4f_lite.astream("Which day is it?"), AsyncIterator[ChatCompletionChunk])


# -- answers -------------------------------------------------------------------------------


def an_answer(reply: ChatCompletion) -> None:
    assert_type(reply.text, str)
    assert_type(reply.reasoning, str)
    assert_type(reply.provider, str)
    assert_type(reply.model, str)
    assert_type(reply.usage, Usage | None)
    assert_type(reply.choices, tuple[Choice, ...])
    assert_type(reply.choices[0].message, Message)
    assert_type(reply.choices[0].message.content, str | None)
    assert_type(reply.choices[0].finish_reason, str | None)
    assert_type(reply.tool_calls, tuple[ToolCall, ...])
    assert_type(reply.tool_calls[0].function.arguments, str)
    assert_type(reply.attempts, tuple[Attempt, ...])
    assert_type(reply.trail, Trail)
    assert_type(reply.to_dict(), dict[str, Any])
    reply.text = "forged"  # type: ignore[misc]  # answers are immutable


def a_trail(trail: Trail) -> None:
    assert_type(trail.entries, tuple[Attempt | Skipped, ...])
    assert_type(trail.skipped[0].reason, str)
    assert_type(trail.attempts[0].outcome, str | None)
    assert_type(trail.attempts[0].duration, float | None)


def a_stream(client: Client) -> None:
    with client.chat.completions.create(messages=MESSAGES, stream=True) as stream:
        assert_type(stream, Stream)
        for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
            assert_type(chunk.text, str)
            assert_type(chunk.restarted, bool)
            assert_type(chunk.choices[0].delta, Delta)
        assert_type(next(stream), ChatCompletionChunk)
        assert_type(stream.completion, ChatCompletion)
        assert_type(stream.trail, Trail)


async def an_async_stream(client: AsyncClient) -> None:
    async with await client.chat.completions.create(messages=MESSAGES, stream=True) as stream:
        assert_type(stream, AsyncStream)
        async for chunk in stream:
            assert_type(chunk, ChatCompletionChunk)
        assert_type(stream.completion, ChatCompletion)
    async for chunk in g4f_lite.astream("Which day is it?"):
        assert_type(chunk, ChatCompletionChunk)


def the_classes_of_other_packages(client: Client) -> None:
    import httpx
    import httpx2
    from openai.types.chat import ChatCompletion as Theirs

    from g4f_lite import openai
    from g4f_lite.openai import Groq, OpenAI, RateLimitError, Transport, groq

    transport = Transport(client)
    httpx.Client(transport=transport), httpx2.Client(transport=transport)
    with OpenAI(routes=["groq"], timeout=5) as theirs:
        assert_type(theirs.chat.completions.create(model="m", messages=[]), Theirs)
        assert_type(theirs.with_options(max_retries=1), OpenAI)
    try:
        Groq(client=client, api_key="k").models.list()
    except (RateLimitError, openai.APIError, groq.APIError) as error:
        print(error.response, openai.__version__)


def an_explanation(client: Client) -> None:
    explained = client.explain(messages=[{"role": "user", "content": "hi"}], stream=True, provider="groq")
    assert_type(explained, Explanation)
    assert_type(explained.tiers[0][0], PlannedRoute)


def errors(client: Client) -> None:
    try:
        client.chat.completions.create(messages=MESSAGES)
    except StreamInterruptedError as error:
        assert_type(error.partial_text, str)
    except RoutesExhaustedError as error:
        assert_type(error.retry_at, float | None)
        assert_type(error.trail, Trail)
        assert_type(error.exceptions, tuple[ProviderError | ExceptionGroup[ProviderError], ...])
    except ProviderError as error:
        assert_type(error.status, int | None)
        assert_type(error.attempts, tuple[Attempt, ...])


def more_than_chat(client: Client) -> None:
    made = client.embeddings.create(input=["a", "b"], dimensions=3, provider="groq", timeout=5)
    assert_type(made, CreateEmbeddingResponse)
    assert_type(made.data[0].vector, tuple[float, ...])
    assert_type(made.usage, Usage | None)
    heard = client.audio.transcriptions.create(file=b"x", timestamp_granularities=["word"], progress=print)
    assert_type(heard, Transcription)
    assert_type(heard.trail, Trail)
    with open("a.wav", "rb") as file:
        client.audio.translations.create(file=("a.wav", file))
    client.audio.transcriptions.create(file=5)  # type: ignore[arg-type]
    client.audio.transcriptions.create(file="a.wav", lang="de")  # type: ignore[call-arg]
    spoken = client.audio.speech.create(input="a", voice="b", response_format="wav")
    assert_type(spoken.content, bytes)
    client.audio.speech.create(input="a")  # type: ignore[call-arg]
    assert_type(client.images.generate(prompt="a", n=2).data[0].url, str | None)
    models = client.models.list(provider="groq", max_age=60)
    assert_type(models, ModelList)
    assert_type([model.id for model in models], list[str])
    assert_type(client.explain(operation="speech", provider="groq"), Explanation)
    client.explain(operation="speach")  # type: ignore[arg-type]


async def more_than_chat_async(client: AsyncClient) -> None:
    assert_type(await client.embeddings.create(input="a"), CreateEmbeddingResponse)
    assert_type(await client.audio.transcriptions.create(file="a.wav"), Transcription)
    assert_type(await client.audio.speech.create(input="a", voice="b"), Speech)
    assert_type(await client.images.generate(prompt="a"), ImagesResponse)
    assert_type(await client.models.list(), ModelList)


# -- plugins -------------------------------------------------------------------------------


class Acme(OpenaiTemplate):
    name = "acme"
    api_base = "https://api.acme.example/v1"
    needs_auth = False
    api_key_env = ("ACME_API_KEY",)
    default_model = "acme-1"
    fallback_models = ("acme-0",)
    model_aliases = {"gpt-oss-120b": "acme-1"}
    capabilities = frozenset({"streaming"})
    unsupported_parameters = frozenset({"logit_bias"})

    def adapt_body(self, body: dict[str, Any]) -> None:
        body.pop("user", None)

    def classify_error(self, reply: ErrorReply) -> ProviderError:
        if reply.status == 418:
            return ModelUnavailableError("a teapot", status=418)
        return super().classify_error(reply)


def an_instance() -> None:
    acme = Acme(api_base="http://127.0.0.1:9/v1", label="Acme")
    assert_type(acme.replace(api_key="test"), Acme)
    assert_type(acme.get_model_name("gpt-oss-120b"), str)
    assert_type(acme.models(), tuple[str, ...])
    assert_type(Groq().get_response("Which day is it?"), dict[str, Any])


class Parser:
    """A StreamParser without inheriting from it."""

    def feed(self, event: ServerSentEvent) -> Iterable[ChatCompletionChunk]:
        assert_type(event.data, bytes)
        return ()

    def close(self) -> Iterable[ChatCompletionChunk]:
        return ()


class Own(Provider):
    """A service with a protocol of its own."""

    name = "own"

    def build_request(self, request: ChatRequest, *, key: str | None, stream: bool) -> HTTPRequest:
        assert_type(request.messages, tuple[dict[str, Any], ...])
        return HTTPRequest(url=f"{self.api_base}/ask", body=b"{}", headers={"x-key": key or ""})

    def parse_response(self, response: HTTPResponse) -> ChatCompletion:
        assert_type(response.body, bytes)
        return ChatCompletion(choices=(Choice(message=Message(content="hello"), finish_reason="stop"),))

    def new_stream(self, request: ChatRequest) -> StreamParser:
        return Parser()


class Near(LocalProvider):
    """Answers in-process."""

    name = "near"

    def stream(self, request: ChatRequest, *, cancelled: Callable[[], bool]) -> Iterator[ChatCompletionChunk]:
        yield ChatCompletionChunk()


Near()


class Half(Provider):
    """An abstract provider cannot be instantiated."""

    name = "half"


Half()  # type: ignore[abstract]


@hookimpl
def register_providers(register: Callable[[type[Provider] | Provider], None]) -> None:
    register(Acme)
    register(Own())
    register("acme")  # type: ignore[arg-type]


def backwards(legs: Sequence[Leg], context: StrategyContext) -> Sequence[Leg]:
    if isinstance(context.request, ChatRequest):
        assert_type(context.request.max_tokens, int | None)
    assert_type(context.first_token(legs[0]), float | None)
    assert_type(legs[0].provider, Provider)
    assert_type(legs[0].model, str)
    return legs[::-1]


strategy: Strategy = backwards


class Meter:
    @hookimpl
    def attempt_started(self, attempt: Attempt) -> None: ...

    @hookimpl(tryfirst=True)
    def attempt_finished(self, attempt: Attempt) -> None: ...

    @hookimpl
    def call_finished(self, trail: Trail) -> None: ...

    @hookimpl
    def refine_error(self, provider: Provider, reply: ErrorReply, error: ProviderError) -> ProviderError | None:
        return None

    @hookimpl
    def register_strategies(self, register: Callable[[str, Strategy], None]) -> None:
        register("backwards", backwards)


def hooks_keep_their_types(meter: Meter, attempt: Attempt) -> None:
    meter.attempt_finished("no attempt")  # type: ignore[arg-type]
    register_providers(5)  # type: ignore[arg-type]


def registering() -> None:
    g4f_lite.register(Acme)
    g4f_lite.register(Acme())
    g4f_lite.register(Meter())
    g4f_lite.regster(Acme)  # type: ignore[attr-defined]  # a misspelt name is seen


# -- tests of programs ---------------------------------------------------------------------


def a_test() -> None:
    with FaultServer() as server:
        assert_type(server, FaultServer)
        server.script(replies.error(503, retry_after="1"), replies.answer("Sunday"))
        assert_type(server.received, list[Received])
        assert_type(server.base_url, str)
