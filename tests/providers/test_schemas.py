"""A JSON Schema keeps the published rules of the service that gets it; `helpers/schema_checks.py` has them once more."""

from __future__ import annotations

import copy
import enum
import json
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from helpers.catalogue import PROVIDERS, at, completed
from helpers.driving import MODES, run
from helpers.schema_checks import CHECKS, schema_sent
from msgspec import Meta
from pydantic import BaseModel, Field

from g4f_lite import ChatRequest, UnsupportedParameterError
from g4f_lite.call.structured import response_model
from g4f_lite.testing import FaultServer, replies

each_checked = pytest.mark.parametrize("name", CHECKS)
HI = ({"role": "user", "content": "Hi"},)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Hero(BaseModel):
    name: str = Field(min_length=1, max_length=30, pattern=r"^\w+\b.*$")
    age: int = Field(ge=0, le=150, description="In years.")
    site: str = Field(default="x", json_schema_extra={"format": "uri"})
    colour: Colour = Colour.RED
    born: date | None = None
    id: uuid.UUID


class Team(BaseModel):
    hero: Hero = Field(description="The boss.")
    heroes: list[Hero] = Field(min_length=2, max_length=5)
    pair: tuple[int, str]
    kind: Literal["a", "b", None]
    money: Decimal


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]  # a `oneOf`


class Node(BaseModel):
    value: int
    children: list[Node]
    parent: Node | None = None


class Described(BaseModel):
    value: int
    next: list[DescribedLink]


class DescribedLink(BaseModel):
    to: Described = Field(description="Where it leads.", default=None)


class Open(BaseModel):
    tags: dict[str, int]
    anything: Any = None


class Limited(msgspec.Struct):
    a: Annotated[int, Meta(ge=0, le=150, description="A.")]
    b: Annotated[str, Meta(min_length=2)] = "bb"
    c: set[str] = set()
    d: tuple[int, float] = (1, 2.0)
    e: timedelta | None = None
    f: Literal["x", "y"] = "x"


class Typed(TypedDict):
    zeta: int
    alpha: str
    middle: NotRequired[float]


@dataclass
class Data:
    typed: Typed
    several: list[Typed]
    name: str = "n"


class Chain(msgspec.Struct):
    next: Chain | None
    value: int


class First(msgspec.Struct, tag="first"):
    x: int


class Second(msgspec.Struct, tag="second"):
    y: str


ManyOptional = msgspec.defstruct("ManyOptional", [(f"f{index}", int, 0) for index in range(30)])
ManyUnions = msgspec.defstruct("ManyUnions", [(f"f{index}", int | None, None) for index in range(30)])
Large = msgspec.defstruct("Large", [(f"a_long_name_for_a_property_{index}", int) for index in range(501)])
Empty = pydantic.create_model("Empty")

MODELS = [
    Hero, Team, Pets, Node, Described, Open, Limited, Typed, Data, Chain, First | Second, ManyOptional, ManyUnions, Large, Empty,
    list[Hero], list[Limited], list[Node], Hero | None, Cat | Dog, dict[str, Hero], tuple[Cat, ...],
]  # fmt: skip
MODEL_IDS = {"anthropic": "claude-haiku-5-5", "gemini": "gemini-3.8-flash"}


def sent(name: str, **params: Any) -> dict[str, Any]:
    request = ChatRequest(**{"messages": HI, "model": MODEL_IDS.get(name, "m"), **params})
    body: dict[str, Any] = json.loads(completed(PROVIDERS[name]).build_request(request, key="k", stream=False).body)
    return body


def asking(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **more}}}


def properties(**of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": of, "required": list(of), "additionalProperties": False}


@each_checked
@pytest.mark.parametrize("model", MODELS, ids=lambda model: response_model(model).name)
def test_what_is_sent_keeps_the_rules_of_the_service(name: str, model: Any) -> None:
    known = response_model(model)
    before = copy.deepcopy(known.schema)
    body = sent(name, response_format=known.response_format)
    if (schema := schema_sent(name, body)) is not None:
        CHECKS[name](schema)
    elif name in ("anthropic", "cohere"):
        assert "JSON Schema" in json.dumps(body)
    else:  # the service takes any schema, if it need not enforce it
        assert body["response_format"]["json_schema"] == {**known.response_format["json_schema"], "strict": False}
    assert known.schema == before


ENFORCED: dict[str, list[Any]] = {
    "openai": [
        Hero,
        Team,
        Pets,
        Node,
        Limited,
        Typed,
        Data,
        Chain,
        First | Second,
        ManyOptional,
        ManyUnions,
        list[Hero],
    ],
    "groq": [Hero, Team, Pets, Node, Limited, Typed, Data, Chain, First | Second, list[Hero]],
    "cerebras": [Hero, Team, Pets, Limited, Typed, Data, First | Second, list[Hero]],
    "anthropic": [Hero, Team, Pets, Limited, Typed, Data, First | Second, ManyOptional, list[Hero], Empty],
    "gemini": MODELS,
    "cohere": [Typed, Data, ManyOptional, list[Data]],
    "xai": MODELS,
}


@pytest.mark.parametrize(
    ("name", "model"),
    [(name, model) for name, models in ENFORCED.items() for model in models],
    ids=lambda one: one if isinstance(one, str) else response_model(one).name,
)
def test_what_a_service_can_enforce_it_enforces(name: str, model: Any) -> None:
    assert schema_sent(name, sent(name, response_format=response_model(model).response_format)) is not None


def test_what_a_service_refuses_is_told_in_the_description() -> None:
    schema = schema_sent("anthropic", sent("anthropic", response_format=response_model(Hero).response_format)) or {}
    age = schema["properties"]["age"]
    assert age == {"type": "integer", "title": "Age", "description": "In years. (minimum: 0) (maximum: 150)"} | age
    assert not {"minimum", "maximum"} & set(age)
    assert "maxLength: 30" in schema["properties"]["name"]["description"]
    openai = schema_sent("openai", sent("openai", response_format=response_model(Hero).response_format)) or {}
    assert (openai["properties"]["age"]["minimum"], openai["properties"]["age"]["maximum"]) == (0, 150)
    assert openai["properties"]["site"]["description"] == '(default: "x") (format: "uri")'


def test_a_described_reference_is_inlined_and_others_are_not() -> None:
    schema = schema_sent("openai", sent("openai", response_format=response_model(Team).response_format)) or {}
    assert schema["properties"]["hero"]["description"] == "The boss."
    assert schema["properties"]["hero"]["properties"]["age"]["type"] == "integer"
    assert schema["properties"]["heroes"]["items"] == {"$ref": "#/$defs/Hero"}


def test_a_schema_that_cannot_be_enforced_is_told() -> None:
    for name, form in (("anthropic", None), ("cohere", {"type": "json_object"})):
        body = sent(name, response_format=response_model(Node).response_format)
        assert body.get("response_format") == form
        assert "output_config" not in body
        assert "JSON Schema" in json.dumps(body)
    for name in ("deepseek", "zai"):
        for messages in (HI, ({"role": "system", "content": "Be brief."}, *HI)):
            body = sent(name, messages=messages, response_format=response_model(Hero).response_format)
            assert body["response_format"] == {"type": "json_object"}
            assert [message["role"] for message in body["messages"]] == ["system", "user"]
            assert body["messages"][0]["content"].startswith("Be brief." * (len(messages) - 1))
            assert '"maxLength":30' in body["messages"][0]["content"]
    body = sent("anthropic", model="claude-3-5-haiku-latest", response_format=response_model(Typed).response_format)
    assert "output_config" not in body
    assert "zeta" in body["system"]


def test_a_caller_who_insists_on_strict_is_refused_what_the_service_cannot_enforce() -> None:
    for name in ("openai", "groq", "anthropic", "cerebras"):
        with pytest.raises(
            UnsupportedParameterError, match=rf"{name} cannot enforce the response_format: tags may have"
        ):
            sent(name, **asking(properties(tags={"type": "object"}), strict=True))
    with pytest.raises(UnsupportedParameterError, match="deepseek cannot enforce the response_format"):
        sent("deepseek", **asking(properties(a={"type": "string"}), strict=True))
    tool = {"type": "function", "function": {"name": "f", "parameters": properties(a={}), "strict": True}}
    with pytest.raises(
        UnsupportedParameterError, match="openai cannot enforce the parameters of 'f': a may be any value"
    ):
        sent("openai", tools=[tool])


def test_a_callers_own_schema_is_changed_only_where_the_service_would_refuse_it() -> None:
    loose = {"type": "object", "properties": {"a": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}}
    for strict in ({}, {"strict": False}):
        assert (
            sent("openai", **asking(loose, **strict))["response_format"] == asking(loose, **strict)["response_format"]
        )
    assert schema_sent("openai", sent("openai", **asking(loose, strict=True))) == properties(
        a={"anyOf": [{"type": "string"}, {"type": "integer"}]}
    )
    assert schema_sent("anthropic", sent("anthropic", **asking(loose))) == {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
        "additionalProperties": False,
    }
    for strict in ({}, {"strict": False}, {"strict": True}):
        assert (
            sent("mistral", **asking(loose, **strict))["response_format"] == asking(loose, **strict)["response_format"]
        )


ALL_OF = {
    "allOf": [{"$ref": "#/definitions/Base"}, {"type": "object", "properties": {"b": {"const": 1}}, "required": ["b"]}],
    "definitions": {
        "Base": {"type": "object", "properties": {"a": {"$ref": "#/definitions/Id"}}},
        "Id": {"type": "string"},
    },
}


@each_checked
def test_an_older_and_composed_schema_keeps_the_rules(name: str) -> None:
    body = sent(name, **asking(ALL_OF, strict=True))
    schema = schema_sent(name, body) or {}
    CHECKS[name](schema)
    if name not in ("llamacpp", "ollama"):
        assert list(schema["properties"]) == ["a", "b"]


@pytest.mark.parametrize(
    "circular",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        {"type": "object", "properties": {"a": {"$ref": "#", "description": "Again."}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"allOf": [{"$ref": "#"}]}}},
        {"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#/$defs/A"}]}}, "$defs": {"A": {"items": {"$ref": "#/$defs/A"}}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/schema.json"}}},
    ],
    ids=lambda one: json.dumps(one)[:60],
)  # fmt: skip
@pytest.mark.parametrize("name", [*CHECKS, "mistral", "deepseek"])
def test_a_circular_schema_ends_in_a_request_or_a_refusal(name: str, circular: dict[str, Any]) -> None:
    for strict in (True, False, None):
        try:
            body = sent(name, **asking(circular, strict=strict))
        except UnsupportedParameterError:
            continue
        assert body


UNION = {
    "oneOf": [
        {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        {"$ref": "#/$defs/Named"},
    ],
    "properties": {"note": {"type": "string"}},
    "$defs": {"Named": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
}


def tool(parameters: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "f", "parameters": parameters, **more}}]


def parameters_sent(name: str, tools: list[dict[str, Any]]) -> dict[str, Any]:
    [declared] = sent(name, tools=tools)["tools"]
    if name == "gemini":
        [declared] = declared["functionDeclarations"]
    of: dict[str, Any] = declared.get("function", declared)
    return of.get("parameters") or of.get("input_schema") or of["parametersJsonSchema"]


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "azure", "openrouter"])
def test_parameters_of_a_tool_have_no_union_at_their_root(name: str) -> None:
    parameters = parameters_sent(name, tool(UNION))
    assert not {"oneOf", "anyOf", "allOf"} & set(parameters)
    assert set(parameters["properties"]) == {"note", "id", "name"}
    assert (parameters["type"], parameters["required"]) == ("object", [])
    assert "id or name" in parameters["description"]
    assert parameters_sent(name, tool(ALL_OF))["required"] == ["b"]


@pytest.mark.parametrize("name", ["openai", "anthropic", "groq", "cerebras"])
def test_parameters_of_a_strict_tool_keep_the_rules(name: str) -> None:
    for parameters in (Hero.model_json_schema(), Team.model_json_schema(), {}, {"type": "object"}):
        CHECKS[name](parameters_sent(name, tool(parameters, strict=True)))
    assert parameters_sent(name, tool(Open.model_json_schema())) == Open.model_json_schema()


def test_parameters_of_every_tool_keep_the_rules_of_gemini() -> None:
    for model in (Hero, Team, Node, Pets, Open):
        CHECKS["gemini"](parameters_sent("gemini", tool(model.model_json_schema())))


def test_a_schema_whose_references_double_again_and_again_is_not_inlined() -> None:
    step = {"type": "object", "properties": {}, "required": ["a", "b"], "additionalProperties": False}
    defined = {
        f"D{level}": {
            **step,
            "properties": {name: {"$ref": f"#/$defs/D{level + 1}", "description": name} for name in ("a", "b")},
        }
        for level in range(40)
    } | {"D40": {"type": "string"}}
    schema = {"$ref": "#/$defs/D0", "$defs": defined}
    assert (
        sent("openai", **asking(schema, strict=None))["response_format"]
        == asking(schema, strict=False)["response_format"]
    )


AS_IT_IS = ["mistral", "together", "vllm", "nebius"]


@pytest.mark.parametrize("name", AS_IT_IS)
def test_other_services_get_schemas_as_they_are(name: str) -> None:
    for model in (Hero, Open, Node):
        known = response_model(model)
        wrapped = sent(name, response_format=known.response_format)["response_format"]["json_schema"]
        assert (wrapped["schema"], wrapped["strict"]) == (known.schema, known.strict)
    assert sent(name, tools=tool(UNION))["tools"] == tool(UNION)


ANSWER = '{"zeta": 1, "alpha": "a"}'


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["deepseek", "anthropic", "gemini", "cohere", "openai"])
def test_an_answer_becomes_an_object_with_every_service(name: str, mode: str, server: FaultServer) -> None:
    for model, text, parsed in (
        (Typed, ANSWER, {"zeta": 1, "alpha": "a"}),
        (dict[str, Data], f'{{"x": {{"typed": {ANSWER}, "several": []}}}}', {"x": Data({"zeta": 1, "alpha": "a"}, [])}),
    ):
        server.script(replies.answer(text))
        outcome = run(mode, at(name, server), {"provider": name, "response_model": model})
        assert outcome.completion is not None, outcome.error
        assert outcome.completion.parsed == parsed


def test_fine_tuned_models_of_openai_take_no_restrictions_of_values() -> None:
    format = response_model(Hero).response_format
    schema = schema_sent("openai", sent("openai", model="ft:gpt-4o:org::x", response_format=format)) or {}
    assert "minimum" not in schema["properties"]["age"]
