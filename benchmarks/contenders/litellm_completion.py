"""litellm's functions `completion` and `acompletion`."""

from . import KEY, MESSAGES, MODEL

LABEL = "litellm completion"
REQUIREMENTS = ["litellm"]
IMPORT = "import litellm"


def _functions(base):
    from functools import partial

    import litellm

    settings = {"model": f"openai/{MODEL}", "messages": MESSAGES, "api_base": base, "api_key": KEY}
    return partial(litellm.completion, **settings), partial(litellm.acompletion, **settings)


async def _nothing():
    """There is nothing to close."""


def sync_call(base, functions=_functions):
    completion, _ = functions(base)
    return lambda: completion().choices[0].message.content


def async_call(base, functions=_functions):
    _, acompletion = functions(base)

    async def call():
        return (await acompletion()).choices[0].message.content

    return call, _nothing


def sync_stream(base, functions=_functions):
    completion, _ = functions(base)
    return lambda: sum(len(chunk.choices[0].delta.content or "") for chunk in completion(stream=True))


def async_stream(base, functions=_functions):
    _, acompletion = functions(base)

    async def stream():
        size = 0
        async for chunk in await acompletion(stream=True):
            size += len(chunk.choices[0].delta.content or "")
        return size

    return stream, _nothing
