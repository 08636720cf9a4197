"""What a service accepts in the JSON Schemas that it enforces, as its provider declares it. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Literal

import msgspec

from ..errors.exceptions import ConfigurationError
from ..errors.quoted_values import quoted, shortened
from ..errors.suggestions import did_you_mean
from ..value import Value

STRUCTURE = frozenset("$defs $ref description enum items properties required title type".split())
"""Keywords that every service accepts that enforces schemas."""


class SchemaRules(Value, frozen=True):
    """
    The keys of `Provider.schema_rules`.

    A schema is rewritten before it is sent, so that it keeps the rules. A keyword that the service refuses goes into
    the `description` of its place.

    Attributes:
        applies: to all schemas, or only to those with `strict: true`; `told`: the service enforces no schema, so that
            it gets the schema as text, in a system message.
        tools: whether the rules also apply to the parameters of tools without `strict`.
        json_object: whether a schema that is told goes with `{"type": "json_object"}`.
        keywords: the keywords that the service accepts besides those of `STRUCTURE`; None: all.
        formats: the values of `format` that it accepts; None: all.
        enums: the JSON types that values of an `enum` may have; None: all.
        refused_patterns: a regular expression; a `pattern` in which it is found is refused.
        max_min_items: the largest `minItems`; None: any.
        closed: each object needs `additionalProperties: false`, and each place a type.
        all_required: each property must be required.
        one_required: each object needs a required property.
        object_root: the root must be an object, and no union.
        bare_refs: beside a `$ref` there may be nothing else.
        recursion: whether a schema may refer to itself; `optional`: in properties that are not required.
        max_properties, max_depth, max_enum, max_unions, max_characters: sizes of the whole schema; None: any.
        max_optional: how many properties may be optional; beyond that, all become required.
    """

    applies: Literal["always", "strict", "told"] = "strict"
    tools: bool = False
    json_object: bool = True
    keywords: frozenset[str] | None = None
    formats: frozenset[str] | None = None
    enums: frozenset[str] | None = None
    refused_patterns: str | None = None
    max_min_items: int | None = None
    closed: bool = False
    all_required: bool = False
    one_required: bool = False
    object_root: bool = False
    bare_refs: bool = False
    recursion: Literal["any", "optional", "none"] = "any"
    max_properties: int | None = None
    max_depth: int | None = None
    max_enum: int | None = None
    max_unions: int | None = None
    max_optional: int | None = None
    max_characters: int | None = None

    def accepts(self, keyword: str) -> bool:
        return self.keywords is None or keyword in STRUCTURE or keyword in self.keywords


_SETS = ("keywords", "formats", "enums")


AS_IT_IS = SchemaRules()
"""Schemas are sent as they are."""


def rules_of(declared: Mapping[str, Any]) -> SchemaRules:
    """
    Raises:
        ConfigurationError: a key is unknown.
    """
    try:
        return SchemaRules(**declared)
    except TypeError as error:
        raise ConfigurationError(f"schema_rules: {shortened(str(error))}") from None


def check_rules(name: str, declared: Mapping[str, Any]) -> None:
    """
    Check `Provider.schema_rules`.

    Raises:
        ConfigurationError: a key is unknown, or has another value than it may have.
    """
    known = SchemaRules.__struct_fields__
    for key, value in declared.items():
        if key not in known:
            hint = did_you_mean(key, known, f"; there are {', '.join(known)}")
            raise ConfigurationError(f"{name}'s schema_rules: no key {quoted(key)}{hint}")
        if key in _SETS and not (value is None or isinstance(value, Set)):
            raise ConfigurationError(
                f"{name}'s schema_rules: {key} must be a set of texts, such as {{'one'}}, not {quoted(value)}"
            )
        try:
            msgspec.convert({key: value}, SchemaRules)
        except msgspec.ValidationError:
            raise ConfigurationError(f"{name}'s schema_rules: {key} cannot be {quoted(value)}") from None
