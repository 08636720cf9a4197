"""Groq's own client."""

from functools import partial

from . import KEY, openai_sdk

LABEL = "groq"
REQUIREMENTS = ["groq"]
IMPORT = "import groq"


def _clients(base):
    import groq

    return groq.Groq, groq.AsyncGroq, {"base_url": base, "api_key": KEY}


sync_call = partial(openai_sdk.sync_call, clients=_clients)
async_call = partial(openai_sdk.async_call, clients=_clients)
sync_stream = partial(openai_sdk.sync_stream, clients=_clients)
async_stream = partial(openai_sdk.async_stream, clients=_clients)
