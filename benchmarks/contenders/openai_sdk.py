"""OpenAI's own client at another base URL; that of `groq` has the same interface."""

from . import KEY, MESSAGES, MODEL

LABEL = "openai"
REQUIREMENTS = ["openai"]
IMPORT = "import openai"


def _clients(base):
    import openai

    return openai.OpenAI, openai.AsyncOpenAI, {"base_url": base, "api_key": KEY}


def sync_call(base, clients=_clients):
    kind, _, settings = clients(base)
    client = kind(**settings)
    return lambda: client.chat.completions.create(messages=MESSAGES, model=MODEL).choices[0].message.content


def async_call(base, clients=_clients):
    _, kind, settings = clients(base)
    client = kind(**settings)

    async def call():
        return (await client.chat.completions.create(messages=MESSAGES, model=MODEL)).choices[0].message.content

    return call, client.close


def sync_stream(base, clients=_clients):
    kind, _, settings = clients(base)
    client = kind(**settings)

    def stream():
        chunks = client.chat.completions.create(messages=MESSAGES, model=MODEL, stream=True)
        return sum(len(chunk.choices[0].delta.content or "") for chunk in chunks)

    return stream


def async_stream(base, clients=_clients):
    _, kind, settings = clients(base)
    client = kind(**settings)

    async def stream():
        size = 0
        async for chunk in await client.chat.completions.create(messages=MESSAGES, model=MODEL, stream=True):
            size += len(chunk.choices[0].delta.content or "")
        return size

    return stream, client.close
