"""A bare call with aiohttp: the figures of async calls and of all streams are divided by it."""

from . import BODY, HEADERS

LABEL = "aiohttp"
REQUIREMENTS = ["aiohttp"]
IMPORT = "import aiohttp"


def async_call(base):
    import aiohttp

    session = aiohttp.ClientSession()

    async def call():
        async with session.post(f"{base}/chat/completions", json=BODY, headers=HEADERS) as reply:
            return (await reply.json())["choices"][0]["message"]["content"]

    return call, session.close


def async_stream(base):
    import json

    import aiohttp

    session = aiohttp.ClientSession()

    async def stream():
        size = 0
        async with session.post(f"{base}/chat/completions", json={**BODY, "stream": True}, headers=HEADERS) as reply:
            async for line in reply.content:
                if line.startswith(b"data: {"):
                    size += len(json.loads(line[6:])["choices"][0]["delta"].get("content") or "")
        return size

    return stream, session.close


def async_held(base):
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def hold():
        reply = await session.post(f"{base}/chat/completions", json={**BODY, "stream": True}, headers=HEADERS)
        await reply.content.readline()

        async def close():
            reply.close()

        return reply, close

    return hold, session.close
