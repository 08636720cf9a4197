"""Makes the JSON Schemas of a request keep the rules of the service that gets it. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ..errors.exceptions import UnsupportedParameterError
from ..types.chat_request import ChatRequest
from ..value import JSONObject
from .schema_fitting import Fitting, UnfitSchemaError, fit, subschemas
from .schema_rules import AS_IT_IS, SchemaRules

_UNIONS = ("anyOf", "oneOf", "allOf")
_TOLD = "Answer with JSON alone. It must fit this JSON Schema:\n"


def fit_schemas(request: ChatRequest, rules: SchemaRules, service: str) -> ChatRequest:
    """
    Return the request with schemas that keep the rules: that of `response_format`, and the parameters of tools.

    `strict: None` in `response_format` becomes True if the service can enforce the schema, else False.

    Raises:
        UnsupportedParameterError: the service cannot enforce a schema with `strict: true`.
    """
    if request.tools and rules != AS_IT_IS:
        request = msgspec.structs.replace(request, tools=[_fit_tool(tool, rules, service) for tool in request.tools])
    asked: Any = request.response_format or {}
    wrapped = asked.get("json_schema")
    if asked.get("type") != "json_schema" or not isinstance(wrapped, dict):
        return request
    schema, strict = wrapped.get("schema"), wrapped.get("strict", False)
    if not isinstance(schema, dict) or (strict is False and rules.applies == "strict"):
        return request
    try:
        schema = _fit(schema, rules)
        strict = is_strict(schema) if strict is None else strict
    except UnfitSchemaError as unfit:
        if strict:
            raise UnsupportedParameterError(f"{service} cannot enforce the response_format: {unfit}") from None
        if rules.applies != "strict":
            return _in_prompt(request, schema, rules)
        strict = False
    return msgspec.structs.replace(
        request, response_format={**asked, "json_schema": {**wrapped, "schema": schema, "strict": strict}}
    )


def is_strict(schema: JSONObject) -> bool:
    """Return whether all objects of a schema are closed, and all their properties required."""
    if schema.get("type") == "object":
        required, properties = schema.get("required") or (), schema.get("properties")
        if properties is None or schema.get("additionalProperties") is not False or set(required) != set(properties):
            return False
    return all(is_strict(part) for _, part in subschemas(schema))


def _fit(schema: JSONObject, rules: SchemaRules) -> JSONObject:
    if rules.applies == "told":
        raise UnfitSchemaError("it enforces no JSON Schema")
    return schema if rules == AS_IT_IS else fit(schema, rules)


def _in_prompt(request: ChatRequest, schema: JSONObject, rules: SchemaRules) -> ChatRequest:
    """Return the request with the schema as text in the first system message."""
    text = _TOLD + msgspec.json.encode(schema).decode()
    messages: Sequence[JSONObject] = request.messages
    first = messages[0] if messages else {}
    if first.get("role") in ("system", "developer") and isinstance(said := first.get("content"), str):
        messages = ({**first, "content": f"{said}\n\n{text}"}, *messages[1:])
    else:
        messages = ({"role": "system", "content": text}, *messages)
    form = {"type": "json_object"} if rules.json_object else None
    return msgspec.structs.replace(request, messages=tuple(messages), response_format=form)


# -- tools ---------------------------------------------------------------------------------


def _fit_tool(tool: JSONObject, rules: SchemaRules, service: str) -> JSONObject:
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(parameters := function.get("parameters"), dict):
        return tool
    strict = function.get("strict") is True and rules.applies != "told"
    try:
        if strict or rules.tools:
            if rules.closed and not parameters.keys() - {"type", "description", "title", "$schema"}:
                parameters = {**parameters, "type": "object", "properties": {}}
            parameters = fit(parameters, rules)
        elif rules.object_root:
            parameters = _without_union(parameters)
    except UnfitSchemaError as unfit:
        if strict:
            name = function.get("name")
            raise UnsupportedParameterError(f"{service} cannot enforce the parameters of {name!r}: {unfit}") from None
    except (AttributeError, TypeError):  # they are invalid, which the service says best
        return tool
    return {**tool, "function": {**function, "parameters": parameters}}


def _without_union(parameters: JSONObject) -> JSONObject:
    """Return parameters with the properties of all members of a union at the root; the description tells the sets."""
    if not any(union in parameters for union in _UNIONS):
        return parameters
    fitting = Fitting(parameters, AS_IT_IS)
    merged = {name: one for name, one in parameters.items() if name not in _UNIONS}
    properties, required = dict(merged.get("properties") or {}), set(merged.get("required") or ())
    for union in _UNIONS:
        members = [fitting.without_ref(one) for one in parameters.get(union) or () if isinstance(one, dict)]
        for member in members:
            properties = {**(member.get("properties") or {}), **properties}
        sets = [set(member.get("required") or ()) for member in members]
        if sets:
            required |= set.union(*sets) if union == "allOf" else set.intersection(*sets)
        if union != "allOf" and members:
            required_sets = " or ".join(", ".join(sorted(one)) or "nothing" for one in sets)
            merged["description"] = f"{merged.get('description') or ''} (required: {required_sets})".strip()
    return {**merged, "type": "object", "properties": properties, "required": sorted(required)}
