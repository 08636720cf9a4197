"""`ask --schema` checks the answer; `-c` asks who has answered last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.commands import Cli

from g4f_lite.cli.schema_fit import misfit
from g4f_lite.testing import FaultServer, replies

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TREE = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {
    "below": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "size": {"type": "integer", "minimum": 0},
}, "additionalProperties": False}}}  # fmt: skip
EITHER = {"anyOf": [{"type": "null"}, {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"}]}


@pytest.mark.parametrize(
    ("schema", "answer", "problem"),
    [
        (CITY, '{"city": "Rome"}', None),
        (CITY, "It is Rome.", "it is no JSON: "),
        (CITY, "", "it is no JSON: "),
        (CITY, "{}", "it lacks 'city'"),
        (CITY, '{"city": 1}', "it.city is 1, not string"),
        (CITY, '["Rome"]', 'it is ["Rome"], not object'),
        (TREE, '{"below": [{"size": 1.0}, {"below": []}]}', None),
        (TREE, '{"below": [{"below": [{"size": true}]}]}', "it.below[0].below[0].size is true, not integer"),
        (TREE, '{"size": -1}', "it.size is -1; minimum is 0"),
        (TREE, '{"height": 1}', "it.height must not be there"),
        (EITHER, "null", None),
        (EITHER, '"ab"', None),
        (EITHER, '"a1"', 'it fits none of `anyOf`: "a1"'),
        ({"enum": ["a", "b"]}, '"c"', 'it is "c", not one of ["a", "b"]'),
        ({"allOf": [{"minItems": 1}, {"maxItems": 2}]}, "[1, 2, 3]", "it has 3 items, too few or too many"),
        ({"patternProperties": {"^x_": {}}, "additionalProperties": False}, '{"x_1": 1}', None),
        ({"patternProperties": {"^x_": {}}, "additionalProperties": False}, '{"y": 1}', "it.y must not be there"),
        ({"prefixItems": [{}, {}], "items": False}, "[1, 2]", None),
        ({"prefixItems": [{}, {}], "items": False}, "[1, 2, 3]", "it[2] must not be there"),
        ({"$ref": "#"}, "1", None),
        ({"required": 7, "pattern": "(", "minimum": "x"}, "{}", None),
        ({"pattern": "(?<year>x)"}, '"y"', None),
        ({"const": 1, "$ref": "#/nowhere", "own": 1}, "1", None),
    ],
)
def test_what_fits(schema: dict[str, Any], answer: str, problem: str | None) -> None:
    found = misfit(answer, schema)
    assert found == problem or (problem is not None and found is not None and found.startswith(problem))


def test_an_answer_of_endless_brackets_does_not_fit() -> None:
    assert str(misfit("[" * 200_000, {})).startswith("it is no JSON: ")


def test_an_answer_that_does_not_fit_is_a_failure(cli: Cli, groq: FaultServer) -> None:
    for options in ([], ["--no-stream"]):
        groq.script(replies.answer('{"town": "Rome"}'))
        ran = cli("ask", "hi", "-p", "groq", "--schema", json.dumps(CITY), *options)
        assert (ran.code, ran.out) == (1, '{"town": "Rome"}\n')
        assert ran.err == "Error: the answer does not fit the schema: it lacks 'city'\n"


@pytest.mark.parametrize("command", [["ask", "-c", "hi"], ["chat", "-c"]], ids=lambda command: command[0])
def test_a_conversation_keeps_its_model(cli: Cli, groq: FaultServer, command: list[str], tmp_path: Path) -> None:
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "config.toml").write_text('model = "by-default"')
    cli("logs", "on")
    groq.on("first", replies.answer("one"), replies.answer("two"))
    cli("ask", "hi", "-p", "groq", "-m", "first")
    cli(*command, stdin=b"again\n" if command[0] == "chat" else b"")
    assert [request.json["model"] for request in groq.received] == ["first", "first"]
    cli(*command, "-p", "groq", "-m", "other", stdin=b"again\n" if command[0] == "chat" else b"")
    assert groq.received[-1].json["model"] == "other"
