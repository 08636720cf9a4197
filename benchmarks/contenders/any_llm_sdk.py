"""any-llm's functions `completion` and `acompletion`, over its OpenAI provider."""

from functools import partial

from . import KEY, MESSAGES, MODEL, litellm_completion

LABEL = "any-llm"
REQUIREMENTS = ["any-llm-sdk[openai]"]
IMPORT = "import any_llm"


def _functions(base):
    import any_llm

    settings = {"provider": "openai", "model": MODEL, "messages": MESSAGES, "api_base": base, "api_key": KEY}
    return partial(any_llm.completion, **settings), partial(any_llm.acompletion, **settings)


sync_call = partial(litellm_completion.sync_call, functions=_functions)
async_call = partial(litellm_completion.async_call, functions=_functions)
sync_stream = partial(litellm_completion.sync_stream, functions=_functions)
async_stream = partial(litellm_completion.async_stream, functions=_functions)
