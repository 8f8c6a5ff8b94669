"""One page of a list: filter, search, sort, slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.invoicetronic.problems import Refused, invalid
from sandbox.invoicetronic.timestamps import parse_ticks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sandbox.invoicetronic.resources import Resource, Row

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 200

INSTANTS = {"created", "last_update", "date_sent", "date_time", "failure_notified_at", "previous_key_expires_at"}


@dataclass(frozen=True)
class SortRules:
    """Deviations in sorting, about which nothing is documented.

    Attributes:
        refused: Fields that are answered with 400.
        ignored: Fields that are accepted without effect.
    """

    refused: Collection[str] = ()
    ignored: Collection[str] = ()


@dataclass(frozen=True)
class Page:
    """The rows of a page, and the total number of rows."""

    rows: Sequence[Row]
    total: int


def page_of(resource: Resource, rows: Sequence[Row], query: Mapping[str, str], rules: SortRules) -> Page:
    """Return the requested page. Unknown parameters are ignored (reported by a third party).

    Raises:
        Refused: A value is invalid, the page is too large, or the sort is not supported.
    """
    number, size = _positive(query, "page", 1), _positive(query, "page_size", DEFAULT_PAGE_SIZE)
    if size > MAX_PAGE_SIZE:
        # What happens above 200 is not documented, only that it "cannot be greater".
        raise Refused(400, "page_size", MAX_PAGE_SIZE)
    order = _order(resource, rows, query.get("sort", ""), rules)
    kept = list(rows)
    for name, make in resource.filters.items():
        if name in query:
            try:
                test = make(query[name])
            except ValueError:
                raise invalid(name) from None
            kept = [row for row in kept if test(row)]
    if resource.searched and query.get("q"):
        sought = query["q"].casefold()
        kept = [row for row in kept if any(sought in (row[name] or "").casefold() for name in resource.searched)]
    kept = _sorted(kept, order)
    start = (number - 1) * size
    return Page(kept[start : start + size], len(kept))


def _positive(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise invalid(name)
    return int(text)


def _order(resource: Resource, rows: Sequence[Row], sort: str, rules: SortRules) -> str:
    """Return the field to sort by, with a hyphen before it for descending order."""
    name = sort.removeprefix("-")
    if not resource.sorts or not name or name in rules.ignored:
        return resource.default_sort
    if name in rules.refused or any(name not in row or isinstance(row[name], dict | list) for row in rows):
        # Which fields are accepted is not documented: here all that hold single values.
        raise Refused(400, "sort", name)
    return sort


def _sorted(rows: Sequence[Row], order: str) -> list[Row]:
    """Sort by one field and then by id; nulls are the largest, as in PostgreSQL (inferred)."""
    name = order.removeprefix("-")
    by_id = sorted(rows, key=lambda row: int(row["id"]))
    return sorted(by_id, key=lambda row: _key(name, row[name]), reverse=order.startswith("-"))


def _key(name: str, value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - any value of a row
    if value is None:
        return True, 0
    return False, parse_ticks(value) if name in INSTANTS else value
