"""YAML as values with their lines, read as LiteLLM reads it (YAML 1.1, plain values only)."""

from __future__ import annotations

from typing import Any, TypeAlias

import yaml

from ...errors.exceptions import ConfigurationError

_MOST_BYTES = 1 << 20
_MOST_NODES = 50_000
"""With what aliases repeat."""
_DEEPEST = 40
_MAP, _SEQUENCE, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "merge"))

Value: TypeAlias = "dict[str, Node] | list[Node] | str | int | float | bool | None"


class Node:
    """A value, and the line on which it begins, from 1."""

    __slots__ = ("line", "value")

    def __init__(self, value: Any, line: int) -> None:
        self.value: Value = value
        self.line = line

    @property
    def table(self) -> dict[str, Node]:
        """Its entries; none if it is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """Its items; none if it is no sequence."""
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self) -> str:
        """Its text; "" if it is none."""
        return self.value if isinstance(self.value, str) else ""

    @property
    def number(self) -> float | None:
        """Its number; None if it is none."""
        return None if isinstance(self.value, bool) or not isinstance(self.value, int | float) else self.value


def read_yaml(text: str) -> Node:
    """
    Return the root of a file.

    Raises:
        ConfigurationError: it is no YAML, has a value of another kind than YAML's plain ones, or is too large.
    """
    if len(text) > _MOST_BYTES:
        raise ConfigurationError(f"the file has more than {_MOST_BYTES >> 20} MiB")
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        return _Reader(loader).read(root, 0) if root is not None else Node({}, 1)
    except RecursionError:
        raise ConfigurationError(f"the file is nested more than {_DEEPEST} deep") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # ValueError: such as a day that there is not
        raise ConfigurationError(" ".join(str(error).split())) from None


class _Reader:
    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._count = 0

    def read(self, node: Any, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._count += 1
        if self._count > _MOST_NODES:
            raise ConfigurationError(f"line {line}: the file has more than {_MOST_NODES} values, with its aliases")
        if depth > _DEEPEST:
            raise ConfigurationError(f"line {line}: the file is nested more than {_DEEPEST} deep")
        if isinstance(node, yaml.ScalarNode):
            value = self._loader.construct_object(node)
            return Node(value if value is None or isinstance(value, str | int | float) else str(node.value), line)
        if node.tag not in (_MAP, _SEQUENCE):
            raise ConfigurationError(f"line {line}: {node.tag} is no plain value")
        if isinstance(node, yaml.SequenceNode):
            return Node([self.read(one, depth + 1) for one in node.value], line)
        return Node(self._entries(node, depth), line)

    def _entries(self, node: Any, depth: int) -> dict[str, Node]:
        merged: dict[str, Node] = {}
        own: dict[str, Node] = {}
        for name, value in node.value:
            if name.tag == _MERGE:
                for one in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    merged = {**self.read(one, depth + 1).table, **merged}
            elif isinstance(name, yaml.ScalarNode):
                own[name.value] = self.read(value, depth + 1)
            else:
                raise ConfigurationError(f"line {name.start_mark.line + 1}: a name must be a text")
        return {**merged, **own}
