"""litellm's Router, with one deployment."""

from functools import partial

from . import KEY, MESSAGES, MODEL, litellm_completion

LABEL = "litellm Router"
REQUIREMENTS = ["litellm"]
IMPORT = litellm_completion.IMPORT


def _functions(base):
    from litellm import Router

    params = {"model": f"openai/{MODEL}", "api_base": base, "api_key": KEY}
    router = Router(model_list=[{"model_name": "day", "litellm_params": params}])
    settings = {"model": "day", "messages": MESSAGES}
    return partial(router.completion, **settings), partial(router.acompletion, **settings)


sync_call = partial(litellm_completion.sync_call, functions=_functions)
async_call = partial(litellm_completion.async_call, functions=_functions)
sync_stream = partial(litellm_completion.sync_stream, functions=_functions)
async_stream = partial(litellm_completion.async_stream, functions=_functions)
