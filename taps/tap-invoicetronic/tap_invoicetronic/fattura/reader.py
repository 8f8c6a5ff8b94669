"""An element read by its table: known values become columns, everything else is rescued, nothing is dropped."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, cast

from tap_invoicetronic.fattura.mapping import Block, Leaf, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml import etree

    from tap_invoicetronic.fattura.mapping import Node, Table

Values = tuple[dict[str, Any], dict[str, Any]]
"""Columns, and rescued values."""

_TEXT = "text()"
_BLANK = " \t\r\n"


class ElementReader:
    """Reads one element.

    `columns` has the values. `rescued` has, by path, what the table does not know, what occurs again where one is
    expected, and texts that do not fit their column; repeated elements are lists, elements with children are objects.
    `rows` has the elements that are rows of other tables, unread.

    Prefixes do not matter: an element belongs to the format if it has no namespace or that of the root. Others, and
    attributes with a namespace, are named `{namespace}name`.

    Args:
        element: The element.
        table: Its mapping.
        path: The beginning of the paths of rescued values.
    """

    def __init__(self, element: etree._Element, table: Table, path: str = "") -> None:
        """Read the element."""
        self.columns: dict[str, Any] = {}
        self.rescued: dict[str, Any] = {}
        self.rows: dict[str, list[etree._Element]] = defaultdict(list)
        tag = str(element.getroottree().getroot().tag)
        self._namespace = tag[: tag.find("}") + 1]
        self._walk(element, table.root, path, self.columns)

    @property
    def values(self) -> Values:
        """The columns, and the rescued values."""
        return self.columns, self.rescued

    def _rescue(self, path: str, value: Any) -> None:  # noqa: ANN401 - a text, or an object of texts
        """Keep a value that has no column."""
        _add(self.rescued, path, value)

    def _walk(self, element: etree._Element, node: Node, path: str, columns: dict[str, Any]) -> None:
        self._attributes(element, node, path, columns)
        self._stray_texts(element, path, (element.text,))
        counts: Counter[str] = Counter()
        for child in element:
            name = self._name(child)
            counts[name] += 1
            known, below = node.children.get(name), _joined(path, name)
            if known is None:
                self._rescue(below, self._content_of(child))
            elif isinstance(known.part, Rows):
                self.rows[name].append(child)
            elif isinstance(known.part, Leaf):
                self._leaf(child, known.part, below, columns)
            elif isinstance(known.part, Block):
                item: dict[str, Any] = {}
                columns.setdefault(known.part.column, []).append(item)
                self._walk(child, known, f"{below}[{counts[name]}]", item)
            elif counts[name] > 1:
                # The element may occur once only: reading both would mix their values.
                self._rescue(below, self._content_of(child))
            else:
                self._walk(child, known, below, columns)

    def _attributes(self, element: etree._Element, node: Node | None, path: str, columns: dict[str, Any]) -> None:
        for name, text in _attributes(element):
            known = node.children.get(name) if node else None
            if known is not None and isinstance(known.part, Leaf):
                self._value(text, known.part, _joined(path, name), columns)
            else:
                self._rescue(_joined(path, name), text)

    def _leaf(self, element: etree._Element, leaf: Leaf, path: str, columns: dict[str, Any]) -> None:
        self._attributes(element, None, path, columns)
        for child in element:
            self._rescue(_joined(path, self._name(child)), self._content_of(child))
        self._stray_texts(element, path)
        self._value(element.text or "", leaf, path, columns)

    def _value(self, text: str, leaf: Leaf, path: str, columns: dict[str, Any]) -> None:
        """Put a text into its column. An empty text has no value."""
        if not text or (not text.strip(_BLANK) and leaf.type.schema.get("type") != "string"):
            return
        if leaf.column in columns and not leaf.repeats:
            self._rescue(path, text)
            return
        value, is_complete = leaf.type.parse(text)
        if not is_complete:
            self._rescue(path, text)
        if value is None:
            return
        if leaf.repeats:
            columns.setdefault(leaf.column, []).append(value)
        else:
            columns[leaf.column] = value

    def _stray_texts(self, element: etree._Element, path: str, texts: tuple[str | None, ...] = ()) -> None:
        """Keep text between elements, which the format does not allow."""
        for text in (*texts, *(child.tail for child in element)):
            if text and text.strip(_BLANK):
                self._rescue(_joined(path, _TEXT), text)

    def _content_of(self, element: etree._Element) -> str | dict[str, Any]:
        """Return everything that an unknown element contains."""
        content: dict[str, Any] = dict(_attributes(element))
        for child in element:
            _add(content, self._name(child), self._content_of(child))
        if not content:
            return element.text or ""
        for text in (element.text, *(child.tail for child in element)):
            if text and text.strip(_BLANK):
                _add(content, _TEXT, text)
        return content

    def _name(self, element: etree._Element) -> str:
        return str(element.tag).removeprefix(self._namespace)


def _attributes(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, text in cast("Iterable[tuple[str, str]]", element.items()):
        yield f"@{name}", text


def _joined(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _add(values: dict[str, Any], key: str, value: Any) -> None:  # noqa: ANN401 - a text, or an object of texts
    """Add a value under a key; a second value makes it a list."""
    if key not in values:
        values[key] = value
    elif isinstance(values[key], list):
        values[key].append(value)
    else:
        values[key] = [values[key], value]
