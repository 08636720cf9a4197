"""What services refuse in a JSON Schema, by their own pages and by what their users report; written apart from the rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]


class RefusedError(Exception):
    """What the service would answer with a 400."""


def places(node: Any, path: str = "$") -> Iterator[tuple[str, Schema]]:
    """Yield every schema in a schema."""
    if not isinstance(node, dict):
        raise RefusedError(f"{path} is no schema: {node!r}")
    yield path, node
    for key in ("properties", "$defs", "definitions"):
        for name, one in node.get(key, {}).items():
            yield from places(one, f"{path}.{name}")
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for one in node.get(key, []):
            yield from places(one, path)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from places(node[key], f"{path}.*")


def hold(condition: object, message: str) -> None:
    if not condition:
        raise RefusedError(message)


def _only(schema: Schema, accepted: str, *, bare_refs: bool = True) -> None:
    for path, node in places(schema):
        if wrong := set(node) - set(accepted.split()):
            raise RefusedError(f"{path}: {sorted(wrong)} not permitted")
        if isinstance(node.get("$ref"), str):
            hold(
                node["$ref"] == "#" or node["$ref"].removeprefix("#/$defs/") in schema.get("$defs", {}),
                f"{path}: dangling",
            )
            hold(not bare_refs or set(node) == {"$ref"}, f"{path}: $ref cannot have keywords {set(node) - {'$ref'}}")


def _closed(schema: Schema, *, all_required: bool) -> None:
    for path, node in places(schema):
        hold({"type", "anyOf", "$ref"} & set(node), f"{path}: schema must have a 'type' key")
        if node.get("type") == "object" or "properties" in node:
            hold(node.get("additionalProperties") is False, f"{path}: additionalProperties:false must be set")
            if all_required:
                hold(set(node.get("required", ())) == set(node["properties"]), f"{path}: required must list every key")
        if node.get("type") == "array":
            hold("items" in node, f"{path}: array schema missing items")


def _recursive(schema: Schema) -> set[str]:
    """Return the names of definitions that lead back to themselves."""
    direct = {
        name: {one["$ref"].rpartition("/")[2] for _, one in places(node) if "$ref" in one}
        for name, node in schema.get("$defs", {}).items()
    }
    reached = {name: set(to) for name, to in direct.items()}
    for _ in reached:
        for name, to in reached.items():
            reached[name] = to | {far for near in to for far in direct.get(near, ())}
    return {name for name, to in reached.items() if name in to or "#" in to}


COMMON = "type properties required additionalProperties items anyOf enum $ref $defs title description"
NUMBERS = "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"
FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def openai(schema: Schema) -> None:
    hold(schema.get("type") == "object" and "anyOf" not in schema, "schema must be a JSON Schema of 'type: \"object\"'")
    _only(schema, f"{COMMON} {NUMBERS} const pattern format minItems maxItems")
    _closed(schema, all_required=True)
    for path, node in places(schema):
        hold(node.get("format", "date") in FORMATS, f"{path}: not a valid format")
        hold("(?" not in node.get("pattern", ""), f"{path}: regex lookahead is not supported")
    hold(sum(len(node.get("properties", ())) for _, node in places(schema)) <= 5000, "too many properties")


def groq(schema: Schema) -> None:
    hold(schema.get("type") == "object", "the root is no object")
    _only(schema, f"{COMMON} const")
    _closed(schema, all_required=True)


def cerebras(schema: Schema) -> None:
    _only(schema, f"{COMMON} {NUMBERS} const")
    _closed(schema, all_required=True)
    hold(not _recursive(schema), "recursive schemas are not supported")


def bedrock(schema: Schema) -> None:
    groq(schema)
    hold(not _recursive(schema), "recursive schemas are not supported")


def anthropic(schema: Schema) -> None:
    _only(schema, f"{COMMON} const default format minItems pattern")
    _closed(schema, all_required=False)
    hold(not _recursive(schema), "recursive schemas are not supported")
    optional = unions = 0
    for path, node in places(schema):
        hold(node.get("format", "date") in FORMATS | {"uri"}, f"{path}: format")
        hold(node.get("minItems", 0) in (0, 1), f"{path}: minItems")
        hold(not re.search(r"\\b|\\\d|\(\?[=!<]", node.get("pattern", "")), f"{path}: pattern")
        hold(not any(isinstance(one, (dict, list)) for one in node.get("enum", ())), f"{path}: enum")
        optional += len(node.get("properties", {}).keys() - set(node.get("required", ())))
        unions += "anyOf" in node or isinstance(node.get("type"), list)
    hold(
        optional <= 24 and unions <= 16,
        f"schemas contain too many optional parameters ({optional}) or unions ({unions})",
    )


def gemini(schema: Schema) -> None:
    _only(schema, f"{COMMON} format minItems maxItems minimum maximum prefixItems propertyOrdering")
    circular = _recursive(schema)
    for path, node in places(schema):
        hold(node.get("format", "date") in {"date", "date-time", "time"}, f"{path}: format")
        hold(all(type(one) in (str, int, float) for one in node.get("enum", ())), f"{path}: enum")
    for name in circular:
        for path, node in places(schema["$defs"][name]):
            for required in node.get("required", ()):
                inner = [one for _, one in places(node["properties"][required])]
                refs = {one["$ref"].rpartition("/")[2] for one in inner if "$ref" in one}
                hold(not refs & circular, f"{path}.{required}: a cyclic reference in a required property")


def cohere(schema: Schema) -> None:
    hold(schema.get("type") == "object", "the root is no object")
    accepted = "type properties required items enum $ref $defs title description const default format pattern"
    _only(schema, accepted, bare_refs=False)
    for path, node in places(schema):
        hold(node.get("format", "date") in {"date", "date-time", "time", "uuid"}, f"{path}: format")
        hold(not re.search(r"[$^]|\?[=!]", node.get("pattern", "")), f"{path}: pattern")
        if node.get("type") == "object":
            hold(node.get("required"), f"{path}: an object without a required field")


def xai(schema: Schema) -> None:
    for path, node in places(schema):
        refused = {"minLength", "maxLength", "minItems", "maxItems", "minContains", "maxContains", "allOf", "oneOf"}
        hold(not refused & set(node), f"{path}: {refused & set(node)}")


def fireworks(schema: Schema) -> None:
    for path, node in places(schema):
        refused = {"minLength", "maxLength", "minItems", "maxItems", "pattern", "oneOf"}
        hold(not refused & set(node), f"{path}: {refused & set(node)}")


def llamacpp(schema: Schema) -> None:
    for path, node in places(schema):
        pattern = node.get("pattern", "^$")
        hold(pattern.startswith("^") and pattern.endswith("$"), f"{path}: Pattern must start with '^' and end with '$'")


CHECKS: dict[str, Callable[[Schema], None]] = {
    "openai": openai, "azure": groq, "openrouter": groq, "groq": groq, "cerebras": cerebras, "anthropic": anthropic,
    "vercel": groq, "cloudflare-gateway": groq, "bedrock": bedrock, "gemini": gemini, "cohere": cohere, "xai": xai, "fireworks": fireworks, "llamacpp": llamacpp, "ollama": llamacpp,
}  # fmt: skip


ALWAYS = {"xai", "fireworks", "llamacpp", "ollama"}
"""These services enforce a schema with or without `strict`."""


def schema_sent(name: str, body: dict[str, Any]) -> Schema | None:
    """Return the schema that a request asks a service to enforce; None if it asks for none."""
    if "generationConfig" in body:
        return body["generationConfig"].get("responseJsonSchema")
    if "output_config" in body:
        return body["output_config"]["format"]["schema"]
    form = body.get("response_format") or {}
    wrapped = form.get("json_schema")
    if form.get("type") == "json_schema":
        return wrapped["schema"] if wrapped["strict"] or name in ALWAYS else None
    return wrapped  # Cohere's form
