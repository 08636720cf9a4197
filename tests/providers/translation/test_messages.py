"""Translations of OpenAI's messages for Anthropic, Gemini and Cohere."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from g4f_lite import ChatRequest, InvalidRequestError, Provider, UnsupportedParameterError
from g4f_lite_providers.anthropic import Anthropic
from g4f_lite_providers.cohere import Cohere
from g4f_lite_providers.gemini import Gemini
from g4f_lite_providers.translation.turns import made_id, plain_id

PROVIDERS: dict[str, Provider] = {"anthropic": Anthropic(), "gemini": Gemini(), "cohere": Cohere()}
HI = {"role": "user", "content": "Hi"}


def sent(who: str, *messages: dict[str, Any], **params: Any) -> dict[str, Any]:
    provider = PROVIDERS[who]
    before = json.dumps(messages)
    request = ChatRequest(**{"messages": messages, "model": provider.default_model, **params})
    body = json.loads(provider.build_request(request, key=None, stream=False).body)
    assert json.dumps(messages) == before  # the caller's messages are not changed
    assert isinstance(body, dict)
    return body


def turns(who: str, *messages: dict[str, Any], **params: Any) -> list[tuple[str, Any]]:
    """Return role and content of each message, as the service gets them."""
    body = sent(who, *messages, **params)
    if who == "gemini":
        return [(content["role"], content["parts"]) for content in body["contents"]]
    return [(message["role"], message.get("content")) for message in body["messages"]]


# -- roles ----------------------------------------------------------------------------


def test_system_messages_are_joined_where_the_service_wants_them() -> None:
    messages = (
        {"role": "system", "content": "Be brief."},
        HI,
        {"role": "developer", "content": [{"type": "text", "text": "No "}, {"type": "text", "text": "jokes."}]},
    )
    assert sent("anthropic", *messages)["system"] == "Be brief.\n\nNo jokes."
    assert sent("gemini", *messages)["systemInstruction"] == {"parts": [{"text": "Be brief.\n\nNo jokes."}]}
    assert turns("cohere", *messages) == [("system", "Be brief.\n\nNo jokes."), ("user", "Hi")]
    assert turns("anthropic", *messages) == [("user", [{"type": "text", "text": "Hi"}])]


@pytest.mark.parametrize("who", PROVIDERS)
def test_a_lone_system_message_becomes_a_user_message(who: str) -> None:
    assert sent(who, {"role": "system", "content": "Hi"}) == sent(who, HI)


def test_turns_of_one_role_are_joined_where_roles_must_alternate() -> None:
    messages = (HI, {"role": "user", "content": "Ho"}, {"role": "assistant", "content": "Ha"}, {"role": "assistant", "content": "He"}, HI)  # fmt: skip
    assert [(role, len(parts)) for role, parts in turns("anthropic", *messages)] == [("user", 2), ("assistant", 2), ("user", 1)]  # fmt: skip
    assert turns("gemini", *messages)[:2] == [
        ("user", [{"text": "Hi"}, {"text": "Ho"}]),
        ("model", [{"text": "Ha"}, {"text": "He"}]),
    ]


@pytest.mark.parametrize("who", PROVIDERS)
def test_empty_texts_are_omitted_and_a_refusal_is_sent_as_text(who: str) -> None:
    messages = (HI, {"role": "assistant", "content": None, "refusal": "No."}, {"role": "user", "content": ""}, HI)
    said = json.dumps(turns(who, *messages))
    assert '"No."' in said
    assert '""' not in said
    parts = [{"type": "text", "text": ""}, {"type": "text", "text": "Hi"}]
    assert sent(who, {"role": "user", "content": parts}) == sent(who, HI)


def test_claude_gets_no_text_of_only_white_space() -> None:
    assert turns("anthropic", HI, {"role": "assistant", "content": "\n\n"}, HI) == [("user", [{"type": "text", "text": "Hi"}] * 2)]  # fmt: skip
    with pytest.raises(UnsupportedParameterError, match="words of a user"):
        sent("anthropic", {"role": "user", "content": " "})


REFUSED: list[tuple[tuple[dict[str, Any], ...], str]] = [
    (({"role": "user", "content": ""},), "begins with a user's message"),
    (({"role": "assistant", "content": "Hi"},), "begins with a user's message"),
    ((HI, {"role": "function", "name": "f", "content": "1"}), r"messages\[1\]: role 'function'"),
    ((HI, {"role": "assistant", "content": None, "function_call": {"name": "f"}}), r"messages\[1\]: a function_call"),
    ((HI, {"role": "assistant", "audio": {"id": "audio_1"}}), r"messages\[1\]: a function_call or audio"),
    ((HI, {"role": "tool", "tool_call_id": "call_1", "content": "1"}), r"messages\[1\]: it answers no call"),
    ((HI, {"role": "assistant", "tool_calls": [{"id": "1", "custom": {}}]}), r"messages\[1\].tool_calls\[0\]"),
    (({"role": "user", "content": [{"type": "video_url", "video_url": {}}]},), "a part of type 'video_url'"),
    (({"role": "user", "content": [{"type": "file", "file": {"file_id": "file_1"}}]},), "a part of type 'file'"),
    (
        ({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}, HI),
        "only text",
    ),
]


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("messages", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_content_that_only_openai_accepts_is_refused(
    who: str, messages: tuple[dict[str, Any], ...], message: str
) -> None:
    with pytest.raises(UnsupportedParameterError, match=message) as caught:
        sent(who, *messages)
    assert caught.value.message.startswith(who)


# -- media ---------------------------------------------------------------------------------

PNG = "iVBORw0KGgo="
DATA = f"data:image/png;base64,{PNG}"
PDF = "data:application/pdf;base64,JVBERi0="
PLAIN = "data:text/plain;charset=utf-8,Sch%C3%B6n"
SCHOEN = base64.b64encode("Schön".encode()).decode()
NO = UnsupportedParameterError


def image(url: Any, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def file(data: str) -> dict[str, Any]:
    return {"type": "file", "file": {"file_data": data, "filename": "x"}}


WAV = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
MEDIA: list[tuple[dict[str, Any], Any, Any, Any]] = [
    (image(DATA),
     {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
     {"inlineData": {"mimeType": "image/png", "data": PNG}},
     {"type": "image_url", "image_url": {"url": DATA}}),
    (image(f"data:image/PNG;base64,{PNG[:4]}\n{PNG[4:]}"),
     {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
     {"inlineData": {"mimeType": "image/png", "data": PNG}},
     {"type": "image_url", "image_url": {"url": DATA}}),
    (image("https://x.example/a.JPG?b=c.png", detail="low"),
     {"type": "image", "source": {"type": "url", "url": "https://x.example/a.JPG?b=c.png"}},
     {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.JPG?b=c.png"}},
     {"type": "image_url", "image_url": {"url": "https://x.example/a.JPG?b=c.png", "detail": "low"}}),
    (image("https://x.example/photo"),
     {"type": "image", "source": {"type": "url", "url": "https://x.example/photo"}},
     {"fileData": {"fileUri": "https://x.example/photo"}},
     {"type": "image_url", "image_url": {"url": "https://x.example/photo"}}),
    (image("data:image/svg+xml;base64,PHN2Zz4="), NO,
     {"inlineData": {"mimeType": "image/svg+xml", "data": "PHN2Zz4="}},
     {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,PHN2Zz4="}}),
    (WAV, NO, {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}}, NO),
    (file(PDF),
     {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
     {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}}, NO),
    (file(PLAIN),
     {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Schön"}},
     {"inlineData": {"mimeType": "text/plain", "data": SCHOEN}}, NO),
    (file("data:application/zip;base64,UEs="), NO, {"inlineData": {"mimeType": "application/zip", "data": "UEs="}}, NO),
]  # fmt: skip


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("part", "anthropic", "gemini", "cohere"), MEDIA, ids=lambda one: str(one)[:60])
def test_media_are_sent_in_the_services_form_or_refused(
    who: str, part: dict[str, Any], anthropic: Any, gemini: Any, cohere: Any
) -> None:
    expected = {"anthropic": anthropic, "gemini": gemini, "cohere": cohere}[who]
    message = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}
    if expected is NO:
        with pytest.raises(UnsupportedParameterError):
            sent(who, message)
    else:
        ((role, parts),) = turns(who, message)
        assert (role, parts[1]) == ("user", expected)


BROKEN = [
    ({"type": "image_url"}, "'url' must be a string"),
    (image(7), "'url' must be a string"),
    (image("x.png"), "must begin with https://"),
    (image("file:///etc/passwd"), "must begin with https://"),
    (image("data:image/png;base64,"), "holds no data"),
    (image("data:image/png;base64,!!!"), "is not base64"),
    (image("data:image/png;base64,ä"), "is not base64"),
    ({"type": "text", "text": None}, "'text' must be a string"),
    ({"type": "input_audio", "input_audio": {"format": "wav"}}, "'data' must be a string"),
]


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize(("part", "message"), BROKEN, ids=[str(part)[:50] for part, _ in BROKEN])
def test_the_error_for_an_unreadable_part_names_its_position(who: str, part: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message) as caught:
        sent(who, HI, {"role": "user", "content": [{"type": "text", "text": "a"}, part]})
    assert caught.value.message.startswith("messages[1].content[1]: ")


# -- tools ---------------------------------------------------------------------------------


def call(id: str, name: str = "f", arguments: str = '{"a": 1}', **more: Any) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def result(id: str, content: Any = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


BY_NAME = [{"type": "function", "function": {"name": "f"}}]
TALK = (
    HI,
    {"role": "assistant", "content": "Look.", "tool_calls": [call("c1"), call("c2", "g", "")]},
    result("c1", '{"b": 2}'),
    result("c2", [{"type": "text", "text": "[3]"}]),
    {"role": "user", "content": "And?"},
)


def test_claude_gets_calls_and_all_their_results_in_two_turns() -> None:
    assert turns("anthropic", *TALK, tools=BY_NAME)[1:] == [
        ("assistant", [
            {"type": "text", "text": "Look."},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
        ]),
        ("user", [
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": '{"b": 2}'}]},
            {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "[3]"}]},
            {"type": "text", "text": "And?"},
        ]),
    ]  # fmt: skip


def test_gemini_gets_results_as_objects_with_the_names_of_their_functions() -> None:
    signature = "Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv"
    assert turns("gemini", *TALK)[1:] == [
        ("model", [
            {"text": "Look."},
            {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}, "thoughtSignature": signature},
            {"functionCall": {"id": "c2", "name": "g", "args": {}}},
        ]),
        ("user", [
            {"functionResponse": {"id": "c1", "name": "f", "response": {"b": 2}}},
            {"functionResponse": {"id": "c2", "name": "g", "response": {"output": [3]}}},
            {"text": "And?"},
        ]),
    ]  # fmt: skip
    old = turns("gemini", *TALK, model="gemini-2.5-flash")
    assert "thoughtSignature" not in json.dumps(old)


def test_cohere_gets_calls_as_they_are_with_the_plan_before_them() -> None:
    talk = (*TALK[:1], {**TALK[1], "reasoning": "First f."}, *TALK[2:])
    assert sent("cohere", *talk)["messages"][1:] == [
        {"role": "assistant", "content": "Look.", "tool_calls": [call("c1"), call("c2", "g", "{}")], "tool_plan": "First f."},
        {"role": "tool", "tool_call_id": "c1", "content": '{"b": 2}'},
        {"role": "tool", "tool_call_id": "c2", "content": "[3]"},
        {"role": "user", "content": "And?"},
    ]  # fmt: skip


def test_claude_gets_the_definitions_of_earlier_tools_but_may_not_call_them() -> None:
    body = sent("anthropic", *TALK)
    assert body["tools"] == [{"name": name, "input_schema": {"type": "object"}} for name in ("f", "g")]
    assert body["tool_choice"] == {"type": "none"}


def test_an_image_may_be_a_result_for_claude_only() -> None:
    talk = (*TALK[:2], result("c1", [image(DATA)]), result("c2"))
    assert turns("anthropic", *talk)[2][1][0]["content"][0]["type"] == "image"
    for who in ("gemini", "cohere"):
        with pytest.raises(UnsupportedParameterError, match="only text as the result of a tool"):
            sent(who, *talk)


@pytest.mark.parametrize("arguments", ["{", "[1]", "null", "[" * 100_000])
def test_arguments_that_are_not_an_object_are_sent_only_where_text_is_accepted(arguments: str) -> None:
    talk = (HI, {"role": "assistant", "tool_calls": [call("c1", arguments=arguments)]}, result("c1"))
    for who in ("anthropic", "gemini"):
        with pytest.raises(UnsupportedParameterError, match="as a JSON object"):
            sent(who, *talk)
    assert sent("cohere", *talk)["messages"][1]["tool_calls"][0]["function"]["arguments"] == arguments


@pytest.mark.parametrize("who", PROVIDERS)
@pytest.mark.parametrize("id", ["functions.f:0", "", "x" * 100, "ид"])
def test_ids_of_other_services_are_sanitized_alike_in_call_and_result(who: str, id: str) -> None:
    body = json.dumps(sent(who, HI, {"role": "assistant", "tool_calls": [call(id)]}, result(id)))
    assert body.count(f'"{plain_id(id)}"') == 2
    assert json.dumps(id) not in body or not id
    assert len(plain_id(id)) == 9
    assert plain_id(id) != plain_id(id + "!")


def test_generated_ids_fit_every_service_and_depend_only_on_their_origin() -> None:
    assert made_id("response", 0) == made_id("response", 0) != made_id("response", 1)
    assert made_id("response", 0).isalnum()
    assert plain_id("toolu_01-A") == "toolu_01-A"


# -- fields that are sent back --------------------------------------------------------------------

WRITTEN = [
    {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
    {"type": "text", "text": "Look."},
    {"type": "redacted_thinking", "data": "eHh4"},
    {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
]
OWN = {
    "role": "assistant",
    "content": "Look.",
    "tool_calls": [call("c1")],
    "extra_content": {"anthropic": {"content": WRITTEN}},
}


def test_claude_gets_its_thinking_back_in_its_position() -> None:
    assert turns("anthropic", HI, OWN, result("c1"))[1] == ("assistant", WRITTEN)
    assert "thinking" not in json.dumps(turns("gemini", HI, OWN, result("c1")))


EDITED: list[dict[str, Any]] = [
    {**OWN, "content": "Look!"},
    {**OWN, "tool_calls": [call("c1", "g")]},
    {**OWN, "extra_content": {"anthropic": {"content": "x"}}},
    {**OWN, "extra_content": {"anthropic": {"content": [7]}}},
    {**OWN, "extra_content": {"anthropic": None}},
    {**OWN, "extra_content": "x"},
    {**OWN, "extra_content": {"google": {"thought_signature": "c2ln"}}},
]


@pytest.mark.parametrize("message", EDITED, ids=lambda one: json.dumps(one)[-60:])
def test_an_edited_message_is_sent_without_its_thinking(message: dict[str, Any]) -> None:
    (_, blocks) = turns("anthropic", HI, message, result("c1"))[1]
    assert [block["type"] for block in blocks] == ["text", "tool_use"]
    assert blocks[0]["text"] == message["content"]


def test_gemini_gets_its_signatures_back() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    (_, parts) = turns("gemini", HI, {"role": "assistant", "content": None, "tool_calls": [call("c1", extra_content=extra)]}, result("c1"))[1]  # fmt: skip
    assert [part["thoughtSignature"] for part in parts] == ["c2ln"]
    (_, parts) = turns("gemini", HI, {"role": "assistant", "content": "Yes.", "extra_content": extra}, HI)[1]
    assert parts == [{"text": "Yes.", "thoughtSignature": "c2ln"}]
    for odd in ({"google": None}, {"google": {"thought_signature": 7}}, {}):
        (_, parts) = turns("gemini", HI, {"role": "assistant", "content": "Yes.", "extra_content": odd}, HI)[1]
        assert parts == [{"text": "Yes."}]


def test_the_texts_of_a_result_are_not_glued_together() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "count", "arguments": "{}"}}
    texts = [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}]
    messages = (HI, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_1", "content": texts})  # fmt: skip
    (part,) = turns("gemini", *messages)[-1][1]
    assert part["functionResponse"]["response"] == {"output": "1\n2"}
    assert turns("cohere", *messages)[-1] == ("tool", "1\n2")
    assert turns("cohere", {"role": "user", "content": texts}) == [("user", "1\n2")]


@pytest.mark.parametrize("arguments", ["", " \n"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    talk = (HI, {"role": "assistant", "tool_calls": [call("c1", arguments=arguments)]}, result("c1"))
    assert turns("anthropic", *talk)[1][1][0]["input"] == {}
    assert turns("gemini", *talk)[1][1][0]["functionCall"]["args"] == {}
    assert sent("cohere", *talk)["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"
