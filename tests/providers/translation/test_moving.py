"""A conversation moves between services that speak OpenAI's protocol, each in its dialect, and those that do not."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import msgspec
import pytest
from helpers.driving import MODES, run
from helpers.protocol_rules.checking import checked
from helpers.protocol_rules.common import KEY, SIGNATURE
from helpers.protocol_rules.dialects import RULES, kept

from g4f_lite import ChatCompletion, ConfigurationError, Message, OpenaiTemplate
from g4f_lite.testing import FaultServer, Received, replies
from g4f_lite.testing.replies import Reply

SEEING = OpenaiTemplate.capabilities | {"vision"}
PATHS = {"anthropic": "/v1", "gemini": "/v1beta", "cohere": ""}
OWN = ("google", "plainhost")
"""Providers of the caller: Google's OpenAI endpoint, and a service that declares nothing."""
DETAILS = [
    {"type": "reasoning.encrypted", "data": "opaque", "id": "call_0", "format": "google-gemini-v1", "index": 0},
    {"type": "reasoning.text", "text": "Hm.", "signature": None, "index": 1},
]
SIGNED = {"google": {"thought_signature": SIGNATURE}}


def ask(mode: str, name: str, server: FaultServer, messages: list[Any], **params: Any) -> ChatCompletion:
    provider = (
        OpenaiTemplate(name=name, api_base=server.base_url, default_model="m", capabilities=SEEING)
        if name in OWN
        else name
    )
    settings = {
        "keys": {name: KEY},
        "base_urls": {name: server.origin + PATHS.get(name, "/v1")},
        "retries": 0,
        "deadline": 30,
    }
    given = {"provider": provider, "messages": messages, "fallback_models": [], **params}
    outcome = run(mode, settings, given)
    assert outcome.error is None, outcome.error
    assert outcome.completion is not None
    return outcome.completion


def sent(server: FaultServer) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = server.received[-1].json["messages"]
    return messages


# -- every pair ----------------------------------------------------------------------------

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, "cache_control": {"type": "ephemeral"}}]  # fmt: skip
PNG = "data:image/png;base64,iVBORw0KGgo="
BEGIN: list[Any] = [
    {"role": "system", "content": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": PNG}},
        ],
    },
]
NAMES = ("plainhost", "google", "openai", "anthropic", "gemini", "cohere", "mistral", "groq", "deepseek", "moonshot", "openrouter")  # fmt: skip
SEES = {"groq": "qwen/qwen3.8-27b"}


def calls_of(name: str) -> list[dict[str, Any]]:
    """Return two calls as a service makes them: with ids of its own form, the same, or none."""
    ids = {"plainhost": ["", ""], "openrouter": ["call_PTLP8xhu3uwZk4l3nlnrrJha", "functions.f:1"], "groq": ["x", "x"]}
    calls = []
    for index, id in enumerate(ids.get(name, ["call_0", "call_1"])):
        call = {"id": id, "type": "function", "function": {"name": "f", "arguments": json.dumps({"number": index})}}
        signed = name in ("google", "gemini") and index == 0
        calls.append({**call, **({"extra_content": SIGNED} if signed else {})})
    return calls


def turn(name: str) -> Reply:
    more = {"reasoning_details": DETAILS} if name == "openrouter" else {}
    return replies.answer("", reasoning="Two calls.", tool_calls=calls_of(name), **more)


def allowed(name: str, reply: Reply) -> Reply:
    return kept(name, reply) if name in RULES else checked(reply, seen=[])[0]


PAIRS = [(first, second) for first, second in product(NAMES, NAMES) if second != "google" or first == "google"]
"""Google's OpenAI endpoint refuses calls of other services, which have no signature."""


@pytest.mark.no_cover
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_conversation_can_move_from_any_service_to_any(first: str, second: str, server: FaultServer) -> None:
    server.script(turn(first), allowed(second, replies.answer("Done.")))
    mode = MODES[(NAMES.index(first) + NAMES.index(second)) % len(MODES)]
    made = ask(mode, first, server, [{"role": "user", "content": "Look"}], tools=TOOLS[:1])
    ids = [call.id for call in made.tool_calls]
    assert len(set(ids)) == 2 and all(ids)
    results = [{"role": "tool", "tool_call_id": id, "content": f"result {number}"} for number, id in enumerate(ids)]
    messages = [*BEGIN, made.choices[0].message, *reversed(results), {"role": "user", "content": "And?"}]
    model = {"model": SEES[second]} if second in SEES else {}
    assert ask(mode, second, server, messages, tools=TOOLS, **model).text == "Done."
    body = server.received[-1].json
    if second not in ("anthropic", "openrouter", "plainhost", "google"):
        assert "cache_control" not in json.dumps(body)
    if second not in PATHS:  # each result belongs to its call, though they come in another order
        calls = {
            call["id"]: call["function"]["arguments"] for one in sent(server) for call in one.get("tool_calls", ())
        }
        said = {calls[one["tool_call_id"]]: one["content"] for one in sent(server) if one["role"] == "tool"}
        assert said == {'{"number": 0}': "result 0", '{"number": 1}': "result 1"}


# -- what goes back ------------------------------------------------------------------------


def stored_forms(message: Message) -> list[Any]:
    """Return a message as callers may keep it: the object, its dictionary, JSON, and with nulls."""
    nulls = dict.fromkeys(("annotations", "audio", "function_call", "refusal"))
    return [message, message.to_dict(), json.loads(json.dumps(message.to_dict())), {**nulls, **message.to_dict()},
            json.loads(msgspec.json.encode(message))]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_reasoning_details_go_back_to_the_service_that_sent_them_alone(mode: str, server: FaultServer) -> None:
    server.script(replies.answer("Yes.", reasoning="Hm.", reasoning_details=DETAILS))
    begun = [{"role": "user", "content": "Hi"}]
    answer = ask(mode, "openrouter", server, begun).choices[0].message
    assert answer.reasoning_details == DETAILS
    for message in stored_forms(answer):
        messages = [*begun, message, {"role": "user", "content": "Why?"}]
        server.script(
            kept("openrouter", replies.answer()), kept("groq", replies.answer()), kept("openai", replies.answer())
        )
        ask(mode, "openrouter", server, messages)
        assert sent(server)[1] == {
            "role": "assistant", "content": "Yes.", "reasoning": "Hm.", "reasoning_details": DETAILS,
        }  # fmt: skip
        ask(mode, "groq", server, messages)
        ask(mode, "openai", server, messages)


def test_pieces_of_reasoning_details_are_joined(server: FaultServer) -> None:
    def details(*pieces: dict[str, Any]) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": {"reasoning": "x", "reasoning_details": pieces}}]}

    text = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    sealed = {"type": "reasoning.encrypted", "index": 0, "data": "a", "id": None}
    server.script(
        replies.stream(
            [
                details({**text, "text": "One "}),
                details({**text, "text": "two", "signature": None}),
                details({**text, "signature": "c2ln"}, sealed),
                details({**sealed, "data": "b"}, {"type": "reasoning.summary", "index": 2, "summary": "S"}),
                details({"type": "reasoning.summary", "index": 2, "summary": "um"}),
                {"choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]},
                "[DONE]",
            ]
        )
    )
    answer = ask("sync stream", "openrouter", server, [{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.reasoning_details == [
        {**text, "text": "One two", "signature": "c2ln"},
        sealed,
        {**sealed, "data": "b"},
        {"type": "reasoning.summary", "index": 2, "summary": "Sum"},
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_signature_in_extra_content_goes_back_to_the_service_that_sent_it_alone(
    mode: str, server: FaultServer
) -> None:
    server.script(turn("google"))
    begun = [{"role": "user", "content": "Hi"}]
    message = ask(mode, "google", server, begun, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "1"} for call in message.tool_calls or ()]
    for form in stored_forms(message):
        server.script(
            kept("google", replies.answer()), kept("plainhost", replies.answer()), kept("mistral", replies.answer())
        )
        ask(mode, "google", server, [*begun, form, *results])
        assert sent(server)[1]["tool_calls"][0]["extra_content"] == SIGNED
        ask(mode, "plainhost", server, [*begun, form, *results])
        ask(mode, "mistral", server, [*begun, form, *results])


@pytest.mark.parametrize("name", ["plainhost", "anthropic"])
def test_the_calls_of_an_answer_can_be_put_into_a_message_as_they_are(name: str, server: FaultServer) -> None:
    server.script(turn("openai"), allowed(name, replies.answer("Done.")))
    begun = [{"role": "user", "content": "Hi"}]
    calls = ask("sync", "openai", server, begun, tools=TOOLS).tool_calls
    results = [{"role": "tool", "tool_call_id": call.id, "content": "1"} for call in calls]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    assert ask("sync", name, server, [*begun, message, *results], tools=TOOLS).text == "Done."


def test_private_fields_do_not_go_to_another_address_of_the_same_name(server: FaultServer) -> None:
    server.script(turn("google"))
    begun = [{"role": "user", "content": "Hi"}]
    message = ask("sync", "google", server, begun, tools=TOOLS).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "1"} for call in message.tool_calls or ()]
    with FaultServer() as elsewhere:
        ask("sync", "google", elsewhere, [*begun, message, *results])
        assert SIGNATURE not in elsewhere.received[-1].body.decode()


@pytest.mark.parametrize("name", ["deepseek", "moonshot"])
@pytest.mark.parametrize("mode", MODES)
def test_reasoning_is_carried_over_to_a_service_that_demands_it(mode: str, name: str, server: FaultServer) -> None:
    server.script(replies.answer("", reasoning="Hm.", tool_calls=calls_of("google")[1:]), kept(name, replies.answer()))
    begun = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "?"},
    ]
    message = ask(mode, "groq", server, begun, tools=TOOLS).choices[0].message
    assert message.reasoning == "Hm."
    ask(mode, name, server, [*begun, message, {"role": "tool", "tool_call_id": "call_1", "content": "1"}])
    assert "reasoning" not in sent(server)[3]
    assert sent(server)[3]["reasoning_content"] == "Hm."
    assert sent(server)[1]["reasoning_content"] == " "


@pytest.mark.parametrize(
    ("name", "field", "missing"),
    [
        ("dashscope", "reasoning_content", None),
        ("siliconflow", "reasoning_content", None),
        ("friendli", "reasoning_content", None),
        ("baseten", "reasoning_content", " "),
        ("vercel", "reasoning", None),
    ],
)
def test_reasoning_goes_into_the_field_of_the_service(
    name: str, field: str, missing: str | None, server: FaultServer
) -> None:
    told = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hi.", "reasoning" if field != "reasoning" else "reasoning_content": "Hm."},
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "?"},
        {"role": "user", "content": "Go on."},
    ]
    server.script(replies.answer())
    ask("sync", name, server, told)
    answers = [message for message in sent(server) if message["role"] == "assistant"]
    assert {key for key in answers[0] if "reason" in key} == {field}
    assert [answer.get(field) for answer in answers] == ["Hm.", missing]


def test_vertex_ai_gets_the_signatures_of_gemini_in_a_stored_conversation(server: FaultServer) -> None:
    calls = calls_of("gemini")
    told = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": calls}]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "1"} for call in calls]
    server.script(replies.answer())
    ask("sync", "vertex-openai", server, [*told, *results])
    assert sent(server)[1]["tool_calls"][0]["extra_content"] == SIGNED


@pytest.mark.parametrize("name", ["vercel", "cloudflare-gateway"])
def test_long_ids_of_calls_are_replaced_for_the_services_behind_a_gateway(name: str, server: FaultServer) -> None:
    call = {"id": "call_" + "x" * 60, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    told = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "1"},
    ]
    server.script(replies.answer())
    ask("sync", name, server, told)
    assert sent(server)[1]["tool_calls"][0]["id"] == sent(server)[2]["tool_call_id"]
    assert len(sent(server)[2]["tool_call_id"]) <= 40


# -- what a service demands ----------------------------------------------------------------


def test_mistral_gets_ids_of_its_form_and_a_bridge_to_the_users_message(server: FaultServer) -> None:
    server.script(kept("mistral", replies.answer()))
    (call, _) = calls_of("openrouter")
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "1"},
        {"role": "user", "content": "And?"},
    ]
    ask("sync", "mistral", server, messages)
    assert [message["role"] for message in sent(server)] == ["user", "assistant", "tool", "assistant", "user"]
    assert sent(server)[1]["tool_calls"][0]["id"] == sent(server)[2]["tool_call_id"]
    assert sent(server)[3]["content"] == "Done."


@pytest.mark.parametrize("name", ["mistral", "moonshot", "anthropic"])
def test_an_answer_of_reasoning_alone_is_left_out_where_it_is_refused(name: str, server: FaultServer) -> None:
    server.script(replies.answer("", reasoning="Hm.", finish="length"), allowed(name, replies.answer()))
    begun = [{"role": "user", "content": "Hi"}]
    message = ask("sync", "groq", server, begun).choices[0].message
    ask("sync", name, server, [*begun, message, *begun])
    assert {message["role"] for message in sent(server)} == {"user"}


def test_mistral_gets_system_messages_first(server: FaultServer) -> None:
    server.script(kept("mistral", replies.answer()))
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hi."},
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "?"},
    ]
    ask("sync", "mistral", server, messages)
    assert [message["content"] for message in sent(server)] == ["Be brief.", "Hi", "Hi.", "?"]


def test_a_last_message_of_the_assistant_is_marked_as_the_beginning_of_the_answer(server: FaultServer) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sky is"}]
    server.script(kept("mistral", replies.answer()), kept("moonshot", replies.answer()))
    ask("sync", "mistral", server, messages)
    ask("sync", "moonshot", server, messages)
    assert sent(server)[-1]["partial"] is True


@pytest.mark.parametrize("name", ["cloudflare", "groq", "deepseek", "zai", "sambanova"])
def test_a_list_of_texts_is_sent_as_text_where_the_service_wants_that(name: str, server: FaultServer) -> None:
    parts = [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief."}]
    ask("sync", name, server, [{"role": "system", "content": parts}, {"role": "user", "content": parts}])
    assert sent(server) == [{"role": "system", "content": "Be\nbrief."}, {"role": "user", "content": "Be\nbrief."}]


def test_a_provider_of_a_third_party_declares_the_same(server: FaultServer) -> None:
    provider = OpenaiTemplate(
        name="acme", api_base=server.base_url, default_model="m", tool_call_id_form="[a-z0-9]{9}",
        bridge_after_tool="So.", reasoning_field="thoughts", missing_reasoning="none", prefill_field="go_on",
        foreign_fields=frozenset({"cache_control"}), known_fields=frozenset({"google"}),
    )  # fmt: skip
    (call, _) = calls_of("google")
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": "", "reasoning": "Hm.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": "1"},
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "It"},
    ]
    run("sync", {"keys": {"acme": KEY}}, {"provider": provider, "messages": messages})
    id = sent(server)[2]["tool_call_id"]
    assert sent(server) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": "", "thoughts": "Hm.", "tool_calls": [{**call, "id": id}]},
        {"role": "tool", "tool_call_id": id, "content": "1"},
        {"role": "assistant", "content": "So."},
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "It", "thoughts": "none", "go_on": True},
    ]
    assert len(id) == 9


@pytest.mark.parametrize("mode", MODES)
def test_declared_fields_of_an_answer_go_back_to_the_service_that_sent_them_alone(
    mode: str, server: FaultServer
) -> None:
    fields = frozenset({"sealed", "blocks"})
    acme = OpenaiTemplate(name="acme", api_base=server.base_url, default_model="m", returned_fields=fields)
    begun = [{"role": "user", "content": "Hi"}]
    piece = {"index": 0, "delta": {"sealed": "b", "blocks": [2]}}
    events = [{"choices": [piece]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]

    def answer(request: Received) -> Any:
        if request.stream:
            first = {"index": 0, "delta": {"content": "ok", "sealed": "a", "blocks": [1], "other": 7}}
            return replies.stream([{"choices": [first]}, *events, "[DONE]"])(request)
        return replies.answer(sealed="ab", blocks=[1, 2], other=7)(request)

    server.script(answer)
    message = run(mode, {"keys": {"acme": KEY}}, {"provider": acme, "messages": begun}).completion
    assert message is not None
    for form in stored_forms(message.choices[0].message):
        server.script(kept("plainhost", replies.answer()), kept("groq", replies.answer()))
        run(mode, {"keys": {"acme": KEY}}, {"provider": acme, "messages": [*begun, form, *begun]})
        assert sent(server)[1] == {"role": "assistant", "content": "ok", "sealed": "ab", "blocks": [1, 2]}
        ask(mode, "groq", server, [*begun, form, *begun])


def test_a_form_of_ids_that_no_made_id_has_is_a_mistake_of_the_configuration() -> None:
    for form in ("toolu_.+", "["):
        with pytest.raises(ConfigurationError, match="acme's tool_call_id_form"):
            OpenaiTemplate(name="acme", tool_call_id_form=form)


# -- ids of tool calls ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["plainhost", "groq"])
def test_calls_without_an_id_or_with_one_id_are_told_apart(mode: str, name: str, server: FaultServer) -> None:
    for _ in range(2):
        server.script(turn(name))
    begun: list[Any] = [{"role": "user", "content": "Hi"}]
    first, again = (ask(mode, name, server, begun, tools=TOOLS) for _ in range(2))
    ids = [call.id for call in first.tool_calls]
    assert [call.function.arguments for call in first.tool_calls] == ['{"number": 0}', '{"number": 1}']
    assert len(set(ids)) == 2 and all(ids)
    assert ids == [call.id for call in again.tool_calls]
    results = [{"role": "tool", "tool_call_id": id, "content": "1"} for id in ids]
    server.script(turn(name))
    later = ask(mode, name, server, [*begun, first.choices[0].message, *results], tools=TOOLS)
    made = {call.id for call in later.tool_calls} - {"x"}
    assert made.isdisjoint(ids)


def test_whole_and_streamed_answers_get_the_same_ids(server: FaultServer) -> None:
    found = []
    for mode in MODES:
        server.script(turn("plainhost"))
        found.append(
            [call.id for call in ask(mode, "plainhost", server, [{"role": "user", "content": "Hi"}]).tool_calls]
        )
    assert found == [found[0]] * len(MODES)


@pytest.mark.parametrize("name", ["anthropic", "gemini", "cohere", "mistral", "openai"])
def test_stored_calls_without_ids_get_distinct_ones_in_the_order_of_their_results(
    name: str, server: FaultServer
) -> None:
    calls = [{**call, "id": ""} for call in calls_of("plainhost")]
    answers = [{"role": "tool", "tool_call_id": "", "content": str(number)} for number in range(2)]
    turns = [{"role": "assistant", "content": None, "tool_calls": calls}, *answers]
    server.script(allowed(name, replies.answer()))
    ask("sync", name, server, [{"role": "user", "content": "Hi"}, *turns, *turns], tools=TOOLS)
    body = json.dumps(server.received[-1].json)
    assert '""' not in body.replace('"content": ""', "").replace('"description": ""', "")


# -- Claude --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_claude_gets_no_white_space_at_the_end_of_what_it_goes_on_from(mode: str, server: FaultServer) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The sky is \n"}]
    ask(mode, "anthropic", server, messages)
    assert sent(server)[-1] == {"role": "assistant", "content": [{"type": "text", "text": "The sky is"}]}
    ask(mode, "anthropic", server, [*messages, {"role": "user", "content": "Go on"}])
    assert sent(server)[1]["content"] == [{"type": "text", "text": "The sky is \n"}]


def test_claude_gets_no_blank_text_anywhere(server: FaultServer) -> None:
    (call, _) = calls_of("openai")
    messages = [
        {"role": "system", "content": " \n"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": " ", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_0", "content": [{"type": "text", "text": "\n"}]},
        {"role": "assistant", "content": " \n"},
    ]
    ask("sync", "anthropic", server, messages, tools=TOOLS)
    assert "system" not in server.received[-1].json
    assert [block["type"] for message in sent(server) for block in message["content"]] == ["text", "tool_use", "tool_result"]  # fmt: skip
    assert sent(server)[-1]["content"][0]["content"] == []


def test_claude_gets_the_marks_for_its_cache(server: FaultServer) -> None:
    mark, long = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
    (call, _) = calls_of("openai")
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Rules"}, {"type": "text", "text": "More", "cache_control": long}]},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": PNG}, "cache_control": mark}]},
        {"role": "assistant", "content": "Look", "tool_calls": [{**call, "cache_control": mark}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "1", "cache_control": mark},
        {"role": "user", "content": "And?", "cache_control": long},
    ]  # fmt: skip
    inner = {"type": "function", "function": {**TOOLS[0]["function"], "cache_control": long}}  # type: ignore[dict-item]
    ask("sync", "anthropic", server, messages, tools=[*TOOLS, inner])
    body: Any = server.received[-1].json
    assert body["system"] == [
        {"type": "text", "text": "Rules"},
        {"type": "text", "text": "More", "cache_control": long},
    ]
    assert [tool["cache_control"] for tool in body["tools"]] == [mark, long]
    marks = [[block.get("cache_control") for block in message["content"]] for message in body["messages"]]
    assert marks == [[None, mark], [None, mark], [mark, long]]
