"""The reference provider: every name of the module it was born from, its examples, and its token exchange."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from helpers.driving import eventually

import g4f_lite
from g4f_lite import ChatRequest, MalformedResponseError, ServerSentEvent
from g4f_lite.provider.keys import store_key
from g4f_lite.testing import FaultServer, replies
from g4f_lite.testing.script import Reply
from g4f_lite_providers.groq import Groq

EXAMPLES = {
    "response": """
response = groq.get_response("Какой сегодня день?")
print(response.get("choices", [{}])[0].get("message", {}).get("content"))
""",
    "stream": """
for chunk in groq.get_response_stream("Какой сегодня день?"):
    print(chunk, end="")
""",
    "model name": """
model_name = groq.get_model_name()
print(model_name)
""",
    "token": """
auth_token = groq._get_auth_token()
print(auth_token)
""",
}
PRINTED = {
    "response": "Воскресенье, как и вчера\n",
    "stream": "Воскресенье, как и вчера",
    "model name": "openai/gpt-oss-120b\n",
    "token": "gsk_secret_of_the_tests\n",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_of_the_original_module_runs(name: str, groq: FaultServer) -> None:
    groq.script(replies.answer("Воскресенье, как и вчера"))
    code = "from g4f_lite_providers.groq import Groq\ngroq = Groq()\n" + EXAMPLES[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ,
    )
    assert (done.stdout, done.stderr) == (PRINTED[name], "")


def test_the_attributes_of_the_original_module_exist() -> None:
    assert issubclass(Groq, g4f_lite.OpenaiTemplate)
    assert Groq.url == "https://console.groq.com/playground"
    assert Groq.login_url == "https://console.groq.com/keys"
    assert Groq.api_base == "https://api.groq.com/openai/v1"
    assert (Groq.working, Groq.needs_auth, Groq.automatic) == (True, True, True)
    assert Groq.default_model == "openai/gpt-oss-120b"
    assert Groq.fallback_models == ("openai/gpt-oss-20b", "qwen/qwen3.8-27b")
    assert Groq.model_aliases["gpt-oss-120b"] == "openai/gpt-oss-120b"
    assert "mixtral-8x7b-32768" not in Groq().models()


def test_a_model_name_is_the_default_an_alias_or_itself() -> None:
    names = [Groq().get_model_name(name) for name in (None, "", "gpt-oss-20b", "openai/gpt-oss-20b", "new/model")]
    assert names == ["openai/gpt-oss-120b"] * 2 + ["openai/gpt-oss-20b"] * 2 + ["new/model"]


def test_get_response_sends_the_defaults_of_the_original_module(groq: FaultServer) -> None:
    response = Groq().get_response("Привет", model="gpt-oss-20b", seed=7)
    assert response["choices"][0]["message"]["content"] == "ok"
    assert json.loads(json.dumps(response)) == response
    assert groq.received[0].json == {
        "messages": [{"role": "user", "content": "Привет"}],
        "model": "openai/gpt-oss-20b",
        "temperature": 0.5,
        "max_tokens": 1024,
        "seed": 7,
    }
    assert groq.received[0].headers["authorization"] == "Bearer gsk_secret_of_the_tests"


def test_get_response_uses_the_same_fallbacks(groq: FaultServer) -> None:
    groq.on("openai/gpt-oss-120b", replies.error(404, "gone", code="model_not_found"))
    assert Groq().get_response("hi")["model"] == "openai/gpt-oss-20b"
    assert groq.models == ["openai/gpt-oss-120b", "openai/gpt-oss-20b"]
    assert list(Groq().get_response_stream("hi", fallback_models=["x"])) == ["ok"]
    assert groq.models[2:] == ["x"]  # the failing model is cooling down


def test_both_names_of_the_stream_yield_the_same_pieces(groq: FaultServer) -> None:
    groq.script(replies.answer("one two three"))
    for method in (Groq().get_response_stream, Groq().get_stream_response):
        pieces = method("count", max_tokens=9)
        assert iter(pieces) is pieces
        assert list(pieces) == ["one ", "two ", "three"]
    assert groq.received[-1].json["max_tokens"] == 9


def test_an_abandoned_stream_frees_its_connection(groq: FaultServer) -> None:
    groq.script(replies.silence("stream", 2))
    pieces = Groq().get_response_stream("count")
    assert next(pieces) == "word0 "
    pieces.close()
    assert eventually(lambda: groq.open_connections == 0)


# -- the token -----------------------------------------------------------------------------


def page(content: object, status: int = 200, kind: str = "application/json", **headers: str) -> Reply:
    text = content if isinstance(content, str) else json.dumps(content)
    return replies.body(text.encode(), status, content_type=kind, **headers)


def test_the_token_comes_from_argument_environment_and_store_in_this_order(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(page({"token": "from-page"}))
    login = f"{server.origin}/keys"
    assert Groq(login_url=login)._get_auth_token() == "from-page"
    store_key("groq", " stored ")
    assert Groq(login_url=login)._get_auth_token() == "stored"
    monkeypatch.setenv("GROQ_API_KEY", "  environment\n")
    assert Groq(login_url=login)._get_auth_token() == "environment"
    assert Groq(login_url=login, api_key=" argument ")._get_auth_token() == "argument"
    assert Groq(login_url=login, api_key=lambda: "function")._get_auth_token() == "function"
    assert Groq(login_url=login, api_key="  ")._get_auth_token() == "environment"
    assert len(server.received) == 1


@pytest.mark.parametrize("field", ["token", "access_token", "api_key"])
def test_the_token_of_an_endpoint_is_used(field: str, server: FaultServer) -> None:
    server.script(page({"other": 1, field: f" {field}-value "}))
    assert Groq(login_url=f"{server.origin}/keys")._get_auth_token() == f"{field}-value"
    (asked,) = server.received
    assert (asked.method, asked.path, asked.headers["accept"]) == ("GET", "/keys", "application/json")
    assert not {"authorization", "cookie"} & set(asked.headers)


def test_only_a_redirect_on_the_same_host_is_followed(server: FaultServer) -> None:
    server.script(replies.redirect("/v2/keys", 302), page({"token": "moved"}))
    assert Groq(login_url=f"{server.origin}/keys")._get_auth_token() == "moved"
    server.script(replies.redirect("/keys", 302))
    with pytest.raises(g4f_lite.AuthenticationError, match="redirects without end"):
        Groq(login_url=f"{server.origin}/keys")._get_auth_token()


REFUSALS: dict[str, tuple[Reply, str]] = {
    "a web page": (page("<html>Sign in</html>", kind="text/html"), "web page for people"),
    "a redirect elsewhere": (replies.redirect("https://auth.example.invalid/login", 302), "web page for people"),
    "JSON without a token": (page({"id": "s3cret", "hint": "s3cret"}), "it has: hint, id"),
    "an empty token": (page({"token": " "}), "it has: token"),
    "a token that is no text": (page({"token": 5}), "it has: token"),
    "JSON that is no object": (page(["s3cret"]), "not an object"),
    "no JSON": (page("s3cret"), "web page for people"),
    "an empty answer": (page(""), "web page for people"),
    "401": (page({"error": "s3cret"}, 401), "answered 401"),
    "a challenge": (page("<html>Just a moment</html>", 403, "text/html"), "answered 403"),
    "404": (page("", 404), "answered 404"),
    "429": (page("", 429), "trying again may help"),
    "503": (page("", 503), "trying again may help"),
    "a reset": (replies.reset(), "did not answer"),
    "a cut body": (replies.reset("body"), "broke off"),
    "no HTTP": (replies.garbage(), "did not answer"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_page_without_a_token_is_an_authentication_error(name: str, server: FaultServer) -> None:
    reply, message = REFUSALS[name]
    server.script(reply)
    login = f"{server.origin}/keys"
    with pytest.raises(g4f_lite.AuthenticationError) as caught:
        Groq(login_url=login)._get_auth_token()
    for part in (message, login, "GROQ_API_KEY"):
        assert part in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_one_line_calls_make_the_exchange_and_the_client_never_does(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script(page({"token": "from-page"}), replies.answer("ok"))
    provider = Groq(login_url=f"{server.origin}/keys", api_base=server.base_url)
    assert provider.get_response("hi")["choices"][0]["message"]["content"] == "ok"
    assert server.received[-1].headers["authorization"] == "Bearer from-page"
    asked = len(server.received)
    with pytest.raises(g4f_lite.MissingKeyError, match="GROQ_API_KEY"), g4f_lite.Client() as client:
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], provider=provider)
    assert len(server.received) == asked
    server.script(page("<html>"))
    with pytest.raises(g4f_lite.AuthenticationError, match="web page for people"):
        next(provider.get_response_stream("hi"))


# -- the instance --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "error", "message"),
    [
        ({"api_bse": "x"}, TypeError, "did you mean 'api_base'"),
        ({"api_base": "ftp://x"}, ValueError, "address like https"),
        ({"api_base": "http://user:pw@host/v1"}, ValueError, "must not hold a user"),
        ({"name": "Groq!"}, ValueError, "name must match"),
    ],
)
def test_invalid_attributes_are_refused(attributes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Groq(**attributes)


def test_an_instance_is_frozen_and_shows_no_key() -> None:
    import pickle

    provider = Groq(api_key="gsk_s3cret", api_base="http://127.0.0.1:1/v1/")
    assert provider.api_base == "http://127.0.0.1:1/v1"
    with pytest.raises(AttributeError, match="frozen"):
        provider.url = "x"
    assert "s3cret" not in repr(provider) + str(vars(pickle.loads(pickle.dumps(provider))))
    assert provider.replace(default_model="m").api_key == "gsk_s3cret"


@pytest.mark.parametrize(
    "data", [b'{"x_groq": {"usage": ' + b"[" * 200_000, b"[" * 200_000 + b'"x_groq" "usage"'], ids=len
)
def test_an_event_with_many_brackets_beside_its_usage_is_malformed(data: bytes) -> None:
    parser = Groq().new_stream(ChatRequest(messages=[{"role": "user", "content": "Hi"}]))
    with pytest.raises(MalformedResponseError):
        parser.feed(ServerSentEvent(data=data))
