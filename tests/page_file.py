"""What stands in the file of a page, for tests of it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from invoicing_page.content import Limits, content
from invoicing_page.page import page
from tests.generated_marts import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]


@dataclass(frozen=True)
class PageFile:
    """The file of a page.

    Args:
        html: What it holds.
    """

    html: str

    @classmethod
    def of(cls, url: str, limits: Limits | None = None) -> PageFile:
        """Make the page of a database's marts."""
        return cls(page(content(url, "invoicing", NOW, limits or Limits()), "Invoices"))

    @cached_property
    def elements(self) -> list[tuple[str, dict[str, str | None], str]]:
        """Each element that starts in the file: its name, its attributes, the text that follows."""
        return _Elements.of(self.html)

    def texts(self, name: str) -> list[str]:
        """Return the text within each element of a name."""
        return [text for element, _, text in self.elements if element == name]

    @cached_property
    def content(self) -> dict[str, Any]:
        """What the page embeds."""
        ((_, _, text),) = [each for each in self.elements if each[1].get("id") == "content"]
        embedded: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(text)))
        return embedded

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a table, amounts as decimals in units of their currency."""
        return list(self._rows(table))

    def _rows(self, table: str) -> Iterator[Row]:
        columns = self.content["tables"][table]["columns"]
        for place in range(self.content["tables"][table]["rows"]):
            yield {name: self._value(name, column, place) for name, column in columns.items()}

    def _value(self, name: str, column: Row, place: int) -> Any:  # noqa: ANN401 - of any column
        if "codes" in column:
            code = column["codes"][place]
            return None if code is None else column.get("texts", self.content["choices"].get(name))[code]
        value = column["values"][place]
        return value if name in _NUMBERS or value is None else Decimal(value).scaleb(-self.content["scale"])


_NUMBERS = {
    "issued_on",
    "due_on",
    "days_overdue",
    "invoices",
    "month",
    "payments",
    "credit_notes",
    "is_overdue",
    "payments_known",
    "unbilled_minutes",
    "is_closed",
    "loaded",
    "rows",
    "failed",
}


class _Elements(HTMLParser):
    """Collects the elements of a file, as a browser would find them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self._is_within = False

    @classmethod
    def of(cls, html: str) -> list[tuple[str, dict[str, str | None], str]]:
        """Return the elements of a file."""
        parser = cls()
        parser.feed(html)
        parser.close()
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        self._is_within = True

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._is_within = False

    def handle_data(self, data: str) -> None:
        if self._is_within:
            name, attributes, text = self.found[-1]
            self.found[-1] = (name, attributes, text + data)


def addresses(html: str) -> set[str]:
    """Return the addresses that stand in a file, but for names of XML vocabularies, which nothing ever fetches."""
    found = set(re.findall(r"(?:\w+:|(?<=[\"'`(=]))//[a-z0-9-]+\.[^\s\"'`<>)]*", html, re.IGNORECASE))
    return found - {"http://www.w3.org/2000/svg", "http://www.w3.org/2000/xmlns/", "http://www.w3.org/1999/xlink"}
