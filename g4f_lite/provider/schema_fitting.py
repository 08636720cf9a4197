"""Rewrites a JSON Schema so that it keeps the rules of a service. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from ..value import JSONObject
from .schema_rules import SchemaRules

SUBSCHEMA = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
SUBSCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_DEFINITIONS = ("$defs", "definitions")
SUBSCHEMAS_BY_NAME = ("properties", "patternProperties", *_DEFINITIONS)
_ANNOTATIONS = frozenset(
    """
    $anchor $comment $id $schema contentEncoding contentMediaType deprecated discriminator readOnly title writeOnly
    """.split()
)
"""Keywords that are left out without a word: they restrict nothing, and tell a model nothing."""
_MOST_PLACES = 20_000
"""Definitions that take the place of references may double the size of a schema, again and again."""
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class UnfitSchemaError(Exception):
    """No rewriting makes the schema keep the rules; the message says which part of it, and why."""


def fit(schema: JSONObject, rules: SchemaRules) -> JSONObject:
    """
    Return a copy of the schema that keeps the rules.

    What fits it fits the given schema, too, except for what its descriptions tell.

    Raises:
        UnfitSchemaError: it cannot be made to keep them.
    """
    try:
        fitted = Fitting(schema, rules).whole()
        size = Size.of(fitted)
    except RecursionError:
        raise UnfitSchemaError("the schema is nested too deeply") from None
    except (AttributeError, TypeError, ValueError) as error:  # the caller wrote it
        raise UnfitSchemaError(f"the schema is invalid: {error}") from None
    if rules.max_optional is not None and size.optional > rules.max_optional and not rules.all_required:
        return fit(schema, msgspec.structs.replace(rules, all_required=True))
    for limit, is_, what in (
        (rules.max_properties, size.properties, "properties"),
        (rules.max_depth, size.depth, "levels"),
        (rules.max_enum, size.enum, "values of enums"),
        (rules.max_unions, size.unions, "unions"),
        (rules.max_characters, len(msgspec.json.encode(fitted)) if rules.max_characters else 0, "characters"),
    ):
        if limit is not None and is_ > limit:
            raise UnfitSchemaError(f"the schema has {is_} {what}; the limit is {limit}")
    return fitted


def subschemas(node: Mapping[str, Any]) -> Iterator[tuple[str, JSONObject]]:
    """Yield the schemas that are parts of a schema, each with the name of a property, or with ""."""
    for key in SUBSCHEMA:
        if isinstance(one := node.get(key), dict):
            yield "", one
    for key in SUBSCHEMAS:
        if isinstance(several := node.get(key), list):
            yield from (("", one) for one in several if isinstance(one, dict))
    for key in SUBSCHEMAS_BY_NAME:
        if isinstance(named := node.get(key), dict):
            yield from (
                (name if key == "properties" else "", one) for name, one in named.items() if isinstance(one, dict)
            )


class Size(NamedTuple):
    """How large a schema is."""

    properties: int
    optional: int
    enum: int
    unions: int
    depth: int

    @classmethod
    def of(cls, node: JSONObject) -> Size:
        properties, parts = node.get("properties") or {}, [cls.of(part) for _, part in subschemas(node)]
        return cls(
            len(properties) + sum(part.properties for part in parts),
            len(properties.keys() - set(node.get("required") or ())) + sum(part.optional for part in parts),
            len(node.get("enum") or ()) + sum(part.enum for part in parts),
            ("anyOf" in node or isinstance(node.get("type"), list)) + sum(part.unions for part in parts),
            ("properties" in node) + max((part.depth for part in parts), default=0),
        )


class Fitting:
    """The rewriting of one schema."""

    def __init__(self, schema: JSONObject, rules: SchemaRules) -> None:
        self.root, self.rules = schema, rules
        self._places = 0
        self._names: dict[str, str] = {}
        """The references that are kept: their pointers in the given schema to their names in `$defs`."""
        self._reached: dict[str, frozenset[str]] = {}

    def whole(self) -> JSONObject:
        root = self._merged(self.without_ref(self.root), "")
        if self.rules.object_root and (_kind(root) != "object" or any(union in root for union in ("anyOf", "oneOf"))):
            raise UnfitSchemaError("the root of the schema is no object")
        fitted = self._node({name: one for name, one in root.items() if name not in _DEFINITIONS}, "#", "")
        defined: JSONObject = {}
        while waiting := [pointer for pointer, name in self._names.items() if name not in defined]:
            for pointer in waiting:
                defined[self._names[pointer]] = self._node(self._target(pointer), pointer, self._names[pointer])
        if defined:
            fitted["$defs"] = defined
        if self.rules.all_required and not _has_end(fitted):
            raise UnfitSchemaError("each object of the schema needs another one within it")
        return fitted

    # -- references ------------------------------------------------------------------------

    def _target(self, pointer: str) -> JSONObject:
        found: Any = self.root
        try:
            for escaped in pointer.removeprefix("#").split("/")[1:]:
                step = unquote(escaped).replace("~1", "/").replace("~0", "~")
                found = found[int(step)] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, ValueError, TypeError):
            found = None
        if not pointer.startswith("#") or not isinstance(found, dict):
            raise UnfitSchemaError(f"the schema refers to {pointer!r}, which is not in it")
        return found

    def without_ref(self, node: JSONObject) -> JSONObject:
        """Return a schema that begins with a reference with the schema that it refers to in its place."""
        seen = set()
        while isinstance(pointer := node.get("$ref"), str):
            if pointer in seen:
                raise UnfitSchemaError(f"{pointer} refers to itself only")
            seen.add(pointer)
            node = {**self._target(pointer), **{name: one for name, one in node.items() if name != "$ref"}}
        return node

    def _reach(self, pointer: str) -> frozenset[str]:
        """Return what a definition refers to, directly or not."""
        if pointer not in self._reached:
            found, waiting = set(), [self._target(pointer)]
            while waiting:
                node = waiting.pop()
                if isinstance(ref := node.get("$ref"), str) and ref not in found:
                    found.add(ref)
                    waiting.append(self._target(ref))
                own = {name: one for name, one in node.items() if name not in _DEFINITIONS}
                waiting.extend(part for _, part in subschemas(own))
            self._reached[pointer] = frozenset(found)
        return self._reached[pointer]

    def _reference(self, node: JSONObject, path: str) -> JSONObject | None:
        """Return what a reference becomes; None: its target takes its place."""
        pointer = node["$ref"]
        if self.rules.recursion == "none" and pointer in self._reach(pointer):
            raise UnfitSchemaError(f"{path or 'the schema'} may contain itself")
        others = {name: one for name, one in node.items() if name != "$ref"}
        if self.rules.bare_refs and others.keys() - _ANNOTATIONS:
            if pointer not in self._reach(pointer):
                return None
            around = self._kept(others)  # the target contains itself, so it cannot take the place of the reference
            return {**around, "anyOf": [self._reference({"$ref": pointer}, path)]}
        if pointer == "#":
            return {"$ref": "#"}
        if pointer not in self._names:
            name = unquote(pointer).rpartition("/")[2]
            while name in self._names.values():
                name += "_"
            self._names[pointer] = name
        kept = {} if self.rules.bare_refs else self._kept(others)
        return {"$ref": f"#/$defs/{self._names[pointer]}", **kept}

    def _closes_circle(self, node: JSONObject, inside: str) -> bool:
        """Return whether a property leads back to the definition that it is in, without another property between."""
        if isinstance(pointer := node.get("$ref"), str):
            return pointer == inside or inside in self._reach(pointer)
        return any(self._closes_circle(part, inside) for name, part in subschemas(node) if not name)

    # -- one place -------------------------------------------------------------------------

    def _node(self, node: JSONObject, inside: str, path: str) -> JSONObject:
        """
        Args:
            inside: pointer of the definition that the node is in.
            path: names of properties, for messages.
        """
        self._places += 1
        if self._places > _MOST_PLACES:
            raise UnfitSchemaError("the schema is too large without references")
        if isinstance(node.get("$ref"), str):
            if (reference := self._reference(node, path)) is not None:
                return reference
            node = self.without_ref(node)
        node = self._kept(self._merged(node, path))
        if self.rules.closed and not node.keys() & {"type", "anyOf", "$ref", "enum", "const"}:
            raise UnfitSchemaError(f"{path or 'the schema'} may be any value")
        if _kind(node) == "object":
            self._object(node, inside, path)
        if _kind(node) == "array":
            items = node.get("items")
            if self.rules.closed and not isinstance(items, dict):
                raise UnfitSchemaError(f"{path or 'the schema'} may contain any values")
            if isinstance(items, dict):
                node["items"] = self._node(items, inside, f"{path}[]")
        for key in SUBSCHEMAS:
            if isinstance(several := node.get(key), list):
                node[key] = [self._node(one, inside, path) if isinstance(one, dict) else one for one in several]
        return node

    def _object(self, node: JSONObject, inside: str, path: str) -> None:
        rules, properties = self.rules, node.get("properties")
        other = node.get("additionalProperties")
        if rules.closed:
            if (properties is None and other is not False) or (not properties and other):
                raise UnfitSchemaError(f"{path or 'the schema'} may have properties of any name")
            node["additionalProperties"] = False
            properties = properties or {}
        elif isinstance(other, dict):
            node["additionalProperties"] = self._node(other, inside, f"{path}.*")
        if rules.one_required and not properties:
            raise UnfitSchemaError(f"{path or 'the schema'} has no property that could be required")
        if not isinstance(properties, dict):
            return
        required = [name for name in node.get("required") or () if name in properties]
        if rules.all_required or (rules.one_required and not required):
            required = list(properties)
        if rules.recursion == "optional":
            required = [name for name in required if not self._closes_circle(properties[name], inside)]
        if required or "required" in node or rules.all_required:
            node["required"] = required
        node["properties"] = {
            name: self._node(one if isinstance(one, dict) else {}, inside, f"{path}.{name}".lstrip("."))
            for name, one in properties.items()
        }

    def _merged(self, node: JSONObject, path: str) -> JSONObject:
        """Return a schema without the forms of composition that the service refuses."""
        accepts = self.rules.accepts
        if "allOf" in node and not accepts("allOf"):
            node = self._all_of(node, path)
        if "oneOf" in node and not accepts("oneOf") and "anyOf" not in node:
            node = {"anyOf" if name == "oneOf" else name: one for name, one in node.items()}
        if "const" in node and not accepts("const"):
            node = {
                "enum" if name == "const" else name: [one] if name == "const" else one for name, one in node.items()
            }
        if (
            self.rules.enums
            and "null" not in self.rules.enums
            and None in (values := node.get("enum") or ())
            and values[1:]
        ):
            others = {name: one for name, one in node.items() if name not in ("enum", "type")}
            some = [value for value in values if value is not None]
            node = {**others, "anyOf": [{"enum": some}, {"type": "null"}]}
        if "prefixItems" in node and not accepts("prefixItems"):
            node = self._tuple(node, path)
        if "anyOf" in node and not accepts("anyOf"):
            raise UnfitSchemaError(f"{path or 'the schema'} may have one of several types")
        if node.get("anyOf") and self.rules.closed and not all(map(_says_its_type, node["anyOf"])):
            self._tell(node := dict(node), "anyOf")  # alternatives of what is required
        return dict(node)

    def _all_of(self, node: JSONObject, path: str) -> JSONObject:
        merged = {name: one for name, one in node.items() if name != "allOf"}
        for part in node["allOf"]:
            for name, one in self.without_ref(part if isinstance(part, dict) else {}).items():
                if name == "properties":
                    merged[name] = {**merged.get(name, {}), **one}
                elif name == "required":
                    merged[name] = list(dict.fromkeys([*merged.get(name, ()), *one]))
                elif merged.setdefault(name, one) != one and name not in ("description", "default", *_ANNOTATIONS):
                    raise UnfitSchemaError(f"{path or 'the schema'} has an allOf whose parts differ in {name}")
        return self._all_of(merged, path) if "allOf" in merged else merged

    def _tuple(self, node: JSONObject, path: str) -> JSONObject:
        """Return a tuple as a list of any of its types; the description tells the order."""
        node = dict(node)
        kinds = [one for one in node["prefixItems"] if isinstance(one, dict)]
        if isinstance(node.get("items"), dict):
            kinds.append(node["items"])
        else:
            node.pop("items", None)
        self._tell(node, "prefixItems")
        unique = [one for index, one in enumerate(kinds) if one not in kinds[:index]]
        return {**node, "items": unique[0] if len(unique) == 1 else {"anyOf": unique}} if unique else node

    def _kept(self, node: JSONObject) -> JSONObject:
        """Return a schema without the keywords that the service refuses; its description tells them."""
        rules, node = self.rules, dict(node)
        if rules.keywords is not None and "type" not in node and (kind := _kind(node)):
            node["type"] = kind
        for name in [name for name in node if not rules.accepts(name)]:
            says_nothing = (
                name in _ANNOTATIONS
                or node[name] is None
                or (name == "additionalProperties" and node[name] in (True, False))
            )
            if says_nothing:
                del node[name]
            else:
                self._tell(node, name)
        if rules.formats is not None and node.get("format", "") not in {*rules.formats, ""}:
            self._tell(node, "format")
        if rules.refused_patterns and re.search(rules.refused_patterns, str(node.get("pattern", ""))):
            self._tell(node, "pattern")
        if rules.max_min_items is not None and node.get("minItems", 0) > rules.max_min_items:
            self._tell(node, "minItems")
        if rules.enums is not None and not all(_TYPES.get(type(one)) in rules.enums for one in node.get("enum") or ()):
            self._tell(node, "enum")
        return node

    def _tell(self, node: JSONObject, name: str) -> None:
        """Move a keyword into the description."""
        said = f"{name}: {msgspec.json.encode(node.pop(name)).decode()}"
        node["description"] = f"{node['description']} ({said})" if node.get("description") else f"({said})"


def _kind(node: JSONObject) -> str | list[str]:
    """Return the type that a schema says, or that its values or its properties show; "" for none."""
    kind: str | list[str] = node.get("type") or ""
    if (
        isinstance(kind, list)
        and len(named := [one for one in kind if one != "null"]) == 1
        and named[0] in ("object", "array")
    ):
        return named[0]
    if kind:
        return kind
    if "properties" in node:
        return "object"
    values = [node["const"]] if "const" in node else node.get("enum") or ()
    kinds = list(dict.fromkeys(_TYPES.get(type(value), "") for value in values))
    return "" if "" in kinds or not kinds else kinds[0] if len(kinds) == 1 else kinds


def _says_its_type(node: object) -> bool:
    return isinstance(node, dict) and bool(node.keys() & {"$ref", "anyOf", "oneOf", "allOf"} or _kind(node))


def _has_end(schema: JSONObject) -> bool:
    """Return whether something fits the schema without going in circles for ever."""
    parts = {f"#/$defs/{name}": one for name, one in schema.get("$defs", {}).items()} | {"#": schema}
    ending: set[str] = set()
    while more := {pointer for pointer, one in parts.items() if pointer not in ending and _ends(one, ending)}:
        ending |= more
    return "#" in ending


def _ends(node: JSONObject, ending: set[str]) -> bool:
    if "$ref" in node:
        return node["$ref"] in ending
    if "anyOf" in node:
        return any(_ends(one, ending) for one in node["anyOf"])
    kind = node.get("type")
    if isinstance(kind, list) and "null" in kind:
        return True
    if kind in ("array", ["array"]):
        return not node.get("minItems") or _ends(node["items"], ending)
    return all(_ends(one, ending) for one in (node.get("properties") or {}).values())
