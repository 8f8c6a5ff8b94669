"""How tables are declared: where each value stands in the XML, and which column it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_invoicetronic.fattura.kinds import Kind

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Leaf:
    """An element or attribute that holds one value.

    Args:
        path: Below the element that the table is about, parted by `/`; an attribute has `@` before its name.
        column: The column it becomes.
        kind: How its text is read.
        description: For the schema.
        repeats: Whether it may occur several times; then the column is an array.
    """

    path: str
    column: str
    kind: Kind
    description: str
    repeats: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The column's JSON schema."""
        if self.repeats:
            return {"type": ["array", "null"], "items": dict(self.kind.schema), "description": self.description}
        nullable = {**self.kind.schema, "type": [self.kind.schema["type"], "null"]}
        return {**nullable, "description": self.description}


@dataclass(frozen=True)
class Block:
    """A repeated element with values of its own: an array of objects.

    Args:
        path: As of a `Leaf`.
        column: The column it becomes.
        parts: What is in it; paths and columns start anew.
        description: For the schema.
    """

    path: str
    column: str
    parts: tuple[Part, ...]
    description: str

    @property
    def schema(self) -> dict[str, Any]:
        """The column's JSON schema."""
        items = {"type": "object", "properties": properties(self.parts)}
        return {"type": ["array", "null"], "items": items, "description": self.description}


@dataclass(frozen=True)
class Rows:
    """A repeated element that is a row of another table."""

    path: str


Part = Leaf | Block | Rows


@dataclass
class Node:
    """A place in the XML that a table knows: a part of it, or the way there.

    Args:
        part: What is declared for just this place.
        inside: The places in it by name, attributes with their `@`.
    """

    part: Part | None = None
    inside: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """What is known of one kind of element.

    Args:
        parts: What is in it.
    """

    parts: tuple[Part, ...]

    @cached_property
    def root(self) -> Node:
        """The element itself, compiled for reading."""
        return compiled(self.parts)


def leaf(path: str, kind: Kind, description: str, *, column: str = "", repeats: bool = False) -> Leaf:
    """Declare a value. Its column has the element's own name unless told otherwise: `AliquotaIVA`, `aliquota_iva`."""
    return Leaf(path, column or _snake_case(path), kind, description, repeats)


def block(path: str, description: str, *parts: Part) -> Block:
    """Declare an array of objects, whose column has the element's own name."""
    return Block(path, _snake_case(path), parts, description)


def under(path: str, prefix: str, label: str, *parts: Part) -> tuple[Part, ...]:
    """Put parts that occur in several places into one of them.

    Args:
        path: The element they stand in.
        prefix: What their columns begin with there.
        label: What their descriptions begin with there.
        parts: The parts.

    Returns:
        The same parts, for the table that the element is in.
    """
    return tuple(_moved(part, path, prefix, label) for part in parts)


def properties(parts: tuple[Part, ...]) -> dict[str, dict[str, Any]]:
    """Give the JSON schemas of the columns of some parts, sorted."""
    columns = [part for part in parts if not isinstance(part, Rows)]
    return {part.column: part.schema for part in sorted(columns, key=lambda part: part.column)}


def compiled(parts: tuple[Part, ...]) -> Node:
    """Arrange parts by place.

    Raises:
        ValueError: If two of them are declared for one place or one column.
    """
    root = Node()
    columns: set[str] = set()
    for part in parts:
        node = root
        for name in part.path.split("/"):
            node = node.inside.setdefault(name, Node())
        if node.part is not None:
            raise ValueError(f"{part.path} is declared twice")
        node.part = part
        if isinstance(part, Rows):
            continue
        if part.column in columns:
            raise ValueError(f"the column {part.column} is declared twice")
        columns.add(part.column)
        if isinstance(part, Block):
            node.inside = compiled(part.parts).inside
    return root


def _moved(part: Part, path: str, prefix: str, label: str) -> Part:
    if isinstance(part, Rows):
        return replace(part, path=f"{path}/{part.path}")
    description = part.description
    if label:
        description = f"{label}{', ' if ': ' in description else ': '}{description}"
    return replace(part, path=f"{path}/{part.path}", column=f"{prefix}{part.column}", description=description)


def _snake_case(path: str) -> str:
    return _WORD_ENDS.sub("_", path.rpartition("/")[2].removeprefix("@")).lower()
