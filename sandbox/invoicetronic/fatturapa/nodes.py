"""An XML document as plain nodes, its serialization, and its leaves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INDENT = "  "


@dataclass(frozen=True)
class Node:
    """One element.

    Attributes:
        name: Its name, with a prefix if it is in a namespace.
        text: Its text, if it is a leaf.
        children: Its children, if it is not a leaf.
        attributes: Its attributes, namespace declarations included.
    """

    name: str
    text: str = ""
    children: Sequence[Node] = ()
    attributes: Mapping[str, str] | None = None

    def child(self, name: str) -> Node:
        """Return the first child with a name.

        Raises:
            KeyError: There is no such child.
        """
        for child in self.children:
            if child.name == name:
                return child
        raise KeyError(name)


def to_xml(node: Node, *, pretty: bool) -> str:
    """Return the node as XML, with line breaks and indentation if `pretty`."""
    return "".join(_lines(node, "\n" if pretty else ""))


def _lines(node: Node, before: str) -> Iterator[str]:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in (node.attributes or {}).items())
    if node.children:
        yield f"<{node.name}{attributes}>"
        inner = before + INDENT if before else ""
        for child in node.children:
            yield inner
            yield from _lines(child, inner)
        yield f"{before}</{node.name}>"
    elif node.text:
        yield f"<{node.name}{attributes}>{escape(node.text)}</{node.name}>"
    else:
        yield f"<{node.name}{attributes}/>"


def leaves(node: Node) -> Iterator[tuple[str, str]]:
    """Yield path and text of each leaf that has text, in document order.

    A path is relative to `node`, and its steps are numbered from 1 among elements of the same name, as in XPath:
    `FatturaElettronicaBody[2]/DatiGenerali[1]/DatiGeneraliDocumento[1]/Numero[1]`.
    """
    seen: Counter[str] = Counter()
    for child in node.children:
        seen[child.name] += 1
        step = f"{child.name}[{seen[child.name]}]"
        if child.children:
            yield from ((f"{step}/{path}", text) for path, text in leaves(child))
        elif child.text:
            yield step, child.text
