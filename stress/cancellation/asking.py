"""How a form is asked through each client, and what its answer must be."""

from __future__ import annotations

import itertools
from typing import Any

from g4f_lite import G4FLiteError
from g4f_lite.client import shortcuts

from .forms import SPARE, Form
from .world import Observer, World

_numbers = itertools.count(1)


def settings_of(form: Form, world: World, observer: Observer) -> dict[str, Any]:
    """Return the settings of a client for this form."""
    base = {"tls": world.secure.base_url, "proxy": "http://127.0.0.1:1/v1"}.get(form.over, world.plain.base_url)
    settings: dict[str, Any] = {
        "plugins": [observer],
        "base_urls": dict.fromkeys(("alpha", "beta", "nameless"), base),
        "keys": {"alpha": "key-of-alpha", "beta": "key-of-beta"},
        "retry_wait": lambda state: 0.002,
        "deadline": 30.0,
        "proxy": world.plain.origin if form.over == "proxy" else None,
        "ssl_context": world.trusting if form.over == "tls" else None,
    }
    extra = dict(form.settings)
    settings["keys"] = {**settings["keys"], **extra.pop("keys", {})}
    return {**settings, **extra}


class Held:
    """What a caller holds during a call."""

    def __init__(self) -> None:
        self.stream: Any = None
        self.cut = False
        """Somebody else closes the stream or the client, so that the answer may be a part only."""


def new_prompt() -> str:
    return " ".join(f"{word}{next(_numbers)}" for word in ("one", "two", "three", "four", "five"))


def params_of(form: Form, prompt: str) -> dict[str, Any]:
    params = {name: value() if callable(value) and name == "file" else value for name, value in form.params.items()}
    if form.is_shortcut:
        params["prompt"] = prompt
    elif form.is_chat:
        params["messages"] = [{"role": "user", "content": prompt}]
    return params


def check_answer(form: Form, prompt: str, said: str, held: Held) -> None:
    if form.is_chat and "response_model" not in form.params and not form.fails:
        text = said.strip()
        if held.cut:
            text = text.removeprefix("word0").removeprefix(" word1").strip()  # of the leg that was interrupted
        if held.cut or form.reads in ("middle", "dropped"):
            assert prompt.startswith(text), f"{text!r} is not a part of {prompt!r}"
        else:
            assert text.endswith(prompt), f"{text!r} answers another prompt than {prompt!r}"


def ask(client: Any, form: Form, held: Held) -> None:
    try:
        _ask(client, form, held)
    except G4FLiteError as error:
        if type(error).__name__ != form.fails:
            raise


def close_shared() -> None:
    """Close the client that the functions of the package share."""
    while shortcuts._shared:
        shortcuts._shared.pop().close()


def _ask(client: Any, form: Form, held: Held) -> None:
    prompt = new_prompt()
    answer = form.of(client)(**params_of(form, prompt))
    if not form.reads:
        check_answer(form, prompt, getattr(answer, "text", ""), held)
        return
    held.stream, answer = answer, None
    said: list[str] = []
    for number, chunk in enumerate(held.stream):
        said.append(chunk.text)
        if number == 2 and form.reads != "end":
            if form.reads == "middle":
                held.stream.close()
            held.stream = None
            break
    held.stream = None
    check_answer(form, prompt, "".join(said), held)


async def ask_async(client: Any, form: Form, held: Held) -> None:
    try:
        await _ask_async(client, form, held)
    except G4FLiteError as error:
        if type(error).__name__ != form.fails:
            raise


async def _ask_async(client: Any, form: Form, held: Held) -> None:
    prompt = new_prompt()
    answer = form.of(client)(**params_of(form, prompt))
    if form.method != "stream":  # `astream` is an iterator itself
        answer = await answer
    if not form.reads:
        check_answer(form, prompt, getattr(answer, "text", ""), held)
        return
    held.stream, answer = answer, None
    said: list[str] = []
    async for chunk in held.stream:
        said.append(chunk.text)
        if len(said) == 3 and form.reads != "end":
            if form.reads == "middle":
                await held.stream.aclose()
            held.stream = None
            break
    held.stream = None
    check_answer(form, prompt, "".join(said), held)


def next_params(form: Form, prompt: str) -> dict[str, Any]:
    """Return the arguments of a call on the leg of the form's first attempt."""
    return {
        **(SPARE if form.name == "failover" else {"provider": "alpha"}),
        "messages": [{"role": "user", "content": prompt}],
    }
