"""Declarations of a schema's blocks, and how a block is filled: with given values, and with random ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sandbox.invoicetronic.fatturapa.nodes import Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.invoicetronic.fatturapa.draw import Draw

Value: TypeAlias = Callable[["Draw"], str]
"""Generates the text of a leaf."""

Given: TypeAlias = Mapping[str, "str | Given | Sequence[str | Given] | None"]
"""Values given for the elements of a block: a text, a block, several of them, or None for absent."""


@dataclass(frozen=True)
class Element:
    """An element of a block.

    Attributes:
        name: Its name.
        content: The generator of its text, or its block. None if it is present only when given.
        least: The minimum number of occurrences.
        most: The maximum number of occurrences; None for any number.
    """

    name: str
    content: Value | Block | None
    least: int = 1
    most: int | None = 1


@dataclass(frozen=True)
class OneOf:
    """Alternatives of which one is present: the one that values are given for, or a random one."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Block:
    """The elements of a block, in the schema's order."""

    parts: tuple[Element | OneOf, ...]

    @property
    def names(self) -> set[str]:
        """The names of its own elements, without those in alternatives."""
        return {part.name for part in self.parts if isinstance(part, Element)}


@dataclass(frozen=True)
class Schema:
    """A format: its root, and the two blocks below it."""

    namespace: str
    root: str
    header: Block
    body: Block


def block(*parts: Element | OneOf) -> Block:
    """Return a block of these parts."""
    return Block(parts)


def one_of(*blocks: Block) -> OneOf:
    """Return a choice between these blocks."""
    return OneOf(blocks)


def required(name: str, content: Value | Block) -> Element:
    """Return an element that is always present."""
    return Element(name, content)


def optional(name: str, content: Value | Block) -> Element:
    """Return an element that may be absent."""
    return Element(name, content, least=0)


def repeated(name: str, content: Value | Block, *, least: int = 0) -> Element:
    """Return an element that may occur any number of times."""
    return Element(name, content, least=least, most=None)


def given(name: str) -> Element:
    """Return a leaf that is present only if its text is given."""
    return Element(name, None, least=0)


def given_block(name: str, content: Block) -> Element:
    """Return a block that occurs as often as it is given."""
    return Element(name, content, least=0, most=0)


def fill_block(declared: Block, draw: Draw, given_values: Given) -> list[Node]:
    """Return the nodes of a block: given values, and random ones for the rest.

    Raises:
        KeyError: A value is given for an element that the block does not have.
    """
    nodes: list[Node] = []
    known: set[str] = set()
    for part in declared.parts:
        if isinstance(part, OneOf):
            names = [{*alternative.names} for alternative in part.blocks]
            known.update(*names)
            fitting = [
                alternative
                for alternative, own in zip(part.blocks, names, strict=True)
                if own & {name for name, value in given_values.items() if value is not None}
            ]
            chosen = fitting[0] if fitting else draw.one_of(part.blocks)
            nodes += fill_block(
                chosen, draw, {name: given_values[name] for name in chosen.names if name in given_values}
            )
            continue
        known.add(part.name)
        if part.name in given_values:
            nodes += [_node(part, draw, value) for value in _several(given_values[part.name])]
        elif part.content is not None and part.most != 0:
            nodes += [_node(part, draw, None) for _ in range(draw.times(part.least, part.most))]
    unknown = set(given_values) - known
    if unknown:
        raise KeyError(f"the block has no {', '.join(sorted(unknown))}")
    return nodes


def _several(value: str | Given | Sequence[str | Given] | None) -> Sequence[str | Given]:
    """Return what is given, as a list."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str | Mapping) else value


def _node(element: Element, draw: Draw, value: str | Given | None) -> Node:
    if isinstance(value, str):
        return Node(element.name, value)
    if isinstance(element.content, Block):
        return Node(element.name, children=fill_block(element.content, draw, value or {}))
    if element.content is None:
        raise KeyError(f"{element.name} is a leaf: its text must be given")
    return Node(element.name, element.content(draw))
