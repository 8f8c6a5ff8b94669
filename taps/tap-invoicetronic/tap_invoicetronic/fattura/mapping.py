"""The mapping from XML to columns: where each value is in the XML, and which column it becomes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_invoicetronic.fattura.value_types import ValueType

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True)
class Leaf:
    """An element or attribute that holds one value.

    Args:
        path: The path below the element that the table is about, separated by `/`; an attribute's name starts with `@`.
        column: The column it becomes.
        type: How its text is parsed.
        description: The description in the schema.
        repeats: Whether it may occur several times; then the column is an array.
        words: What its codes mean, by code; the column `<column>_descrizione` says it. None if it is no such code.
    """

    path: str
    column: str
    type: ValueType
    description: str
    repeats: bool = False
    words: Mapping[str, str] | None = None

    @property
    def words_column(self) -> str:
        """The column that says what its code means."""
        return f"{self.column}_descrizione"

    @property
    def schema(self) -> dict[str, Any]:
        """The column's JSON schema."""
        if self.repeats:
            return {"type": ["array", "null"], "items": dict(self.type.schema), "description": self.description}
        nullable = {**self.type.schema, "type": [self.type.schema["type"], "null"]}
        return {**nullable, "description": self.description}


@dataclass(frozen=True)
class Block:
    """A repeated element with values of its own: an array of objects.

    Args:
        path: As in a `Leaf`.
        column: The column it becomes.
        parts: What it contains; paths are below it, and columns are properties of its objects.
        description: The description in the schema.
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
    """An element or attribute that a table knows: one of its parts, or an ancestor of one.

    Args:
        part: The part that is declared for it; None for an ancestor.
        children: The known elements and attributes in it by name, attributes with their `@`.
    """

    part: Part | None = None
    children: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """The mapping of one element.

    Args:
        parts: What the element contains.
    """

    parts: tuple[Part, ...]

    @cached_property
    def root(self) -> Node:
        """The element itself, with its parts arranged as a tree."""
        return compile_parts(self.parts)


def leaf(  # noqa: PLR0913 - what a column is
    path: str,
    value_type: ValueType,
    description: str,
    *,
    column: str = "",
    repeats: bool = False,
    words: Mapping[str, str] | None = None,
) -> Leaf:
    """Declare a value. By default its column is named like the element: `aliquota_iva` for `AliquotaIVA`."""
    return Leaf(path, column or _snake_case(path), value_type, description, repeats, words)


def block(path: str, description: str, *parts: Part) -> Block:
    """Declare an array of objects, whose column is named like the element."""
    return Block(path, _snake_case(path), parts, description)


def under(path: str, prefix: str, label: str, *parts: Part) -> tuple[Part, ...]:
    """Place parts below an element; parts that occur in several places are declared once and placed several times.

    Args:
        path: The path of the element.
        prefix: The prefix of their columns there.
        label: The beginning of their descriptions there.
        parts: The parts.

    Returns:
        The parts, for the table that has the element.
    """
    return tuple(_placed(part, path, prefix, label) for part in parts)


def properties(parts: tuple[Part, ...]) -> dict[str, dict[str, Any]]:
    """Return the JSON schemas of the columns of some parts, sorted by column."""
    columns = [part for part in parts if not isinstance(part, Rows)]
    return {part.column: part.schema for part in sorted(columns, key=lambda part: part.column)}


def codes_with_words(parts: tuple[Part, ...]) -> Iterator[Leaf]:
    """Return the values among some parts that are codes with a column for what they mean, in order."""
    for part in parts:
        if isinstance(part, Leaf) and part.words is not None:
            yield part


def compile_parts(parts: tuple[Part, ...]) -> Node:
    """Return parts as a tree of elements.

    Raises:
        ValueError: If two of them are declared for one path or one column.
    """
    root = Node()
    columns: set[str] = set()
    for part in parts:
        node = root
        for name in part.path.split("/"):
            node = node.children.setdefault(name, Node())
        if node.part is not None:
            raise ValueError(f"{part.path} is declared twice")
        node.part = part
        if isinstance(part, Rows):
            continue
        if part.column in columns:
            raise ValueError(f"the column {part.column} is declared twice")
        columns.add(part.column)
        if isinstance(part, Block):
            node.children = compile_parts(part.parts).children
    return root


def _placed(part: Part, path: str, prefix: str, label: str) -> Part:
    if isinstance(part, Rows):
        return replace(part, path=f"{path}/{part.path}")
    description = part.description
    if label:
        description = f"{label}{', ' if ': ' in description else ': '}{description}"
    return replace(part, path=f"{path}/{part.path}", column=f"{prefix}{part.column}", description=description)


def _snake_case(path: str) -> str:
    return _WORD_ENDS.sub("_", path.rpartition("/")[2].removeprefix("@")).lower()
