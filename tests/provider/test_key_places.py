"""A key in the places of a result, an error or a traceback that only some services and plugins fill."""

from __future__ import annotations

import json
import signal
import socket
import threading
from typing import Any

import pytest
from helpers.driving import MESSAGES, MODES, QUICK, run
from helpers.tracebacks import leaks

from g4f_lite import Client, OpenaiTemplate, ServerError, hookimpl
from g4f_lite.provider.keys import Key
from g4f_lite.provider.redaction import redact, redact_text
from g4f_lite.testing import FaultServer, replies

SECRET = "gsk_Zx81bQp4TnV7rLw2KjYc9DfHa3Ms5Eu6"


class Service(OpenaiTemplate):
    name = "service"
    needs_auth = True
    default_model = "m"


class Observer:
    def __init__(self) -> None:
        self.told: list[Any] = []

    @hookimpl
    def attempt_finished(self, attempt: Any) -> None:
        self.told.append(attempt)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observed", [False, True])
def test_the_trail_of_an_answer_that_echoes_the_key(observed: bool, mode: str, server: FaultServer) -> None:
    echo = {"id": SECRET, "model": f"m, {SECRET}", "service_tier": SECRET, "choices": [{"index": 0}]}
    if "stream" in mode:
        echo["choices"] = [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]
        body, kind = b"data: " + json.dumps(echo).encode() + b"\n\ndata: [DONE]\n\n", "text/event-stream"
    else:
        echo["choices"] = [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]
        body, kind = json.dumps(echo).encode(), "application/json"
    server.script(replies.body(body, content_type=kind, x_request_id=SECRET))
    observer = Observer()
    settings = {"routes": [Service(api_base=server.base_url, api_key=SECRET)], "plugins": [observer] * observed}
    outcome = run(mode, settings, {})
    assert outcome.completion is not None, outcome.error
    assert outcome.completion.model == f"m, {SECRET}"  # the answer is as the service sent it
    shown = repr(outcome.trail) + json.dumps(outcome.trail.to_dict()) + repr(observer.told)
    assert SECRET not in shown
    if observed:
        assert [one.response_model for one in observer.told] == ["m, [key]"]
        assert [one.request_id for one in observer.told] == ["[key]"]


class Odd:
    def __repr__(self) -> str:
        raise ValueError


def test_attributes_of_every_type() -> None:
    error = ServerError("failed")
    error.args = ("failed", (SECRET,), SECRET.encode())
    vars(error).update(raw=SECRET.encode(), pair=(1, SECRET), odd=Odd(), number=1.5, fits=(1, "two"))
    redact(error, Key(SECRET, "argument"))
    assert SECRET not in repr(vars(error)) + repr(error.args)
    assert (vars(error)["number"], vars(error)["fits"], vars(error)["odd"]) == (1.5, (1, "two"), None)


@pytest.mark.parametrize("word", ["TjeUHBbbMWXkso", "PjxXunyc"])
def test_letters_of_a_random_key_are_no_word(word: str) -> None:
    key = Key(f"sk-9{word}2U0O4WC", "argument")
    assert redact_text(f"the key {word} is wrong", key) == "the key [key] is wrong"


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("stream", [False, True])
def test_an_interruption_while_the_head_is_sent(stream: bool) -> None:
    """A head that no buffer takes as a whole, to a service that does not read: `send` still holds all of it."""

    def handler(number: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    main = threading.main_thread().ident
    assert main is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def interrupt() -> None:
            accepted.append(listener.accept()[0])
            accepted[0].recv(1)
            signal.pthread_kill(main, signal.SIGUSR1)

        accepted: list[socket.socket] = []
        thread = threading.Thread(target=interrupt)
        thread.start()
        try:
            service = Service(api_base=f"http://127.0.0.1:{listener.getsockname()[1]}", api_key=SECRET)
            with Client(**{**QUICK, "routes": [service], "retries": 0}) as client, pytest.raises(Interrupted) as caught:
                client.chat.completions.create(  # type: ignore[call-overload]
                    messages=MESSAGES, stream=stream, extra_headers={"x-large": "a" * (64 << 20)}
                )
        finally:
            thread.join()
            signal.signal(signal.SIGUSR1, before)
            accepted[0].close()
    assert not leaks(caught.value, SECRET)
