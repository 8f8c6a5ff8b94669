"""The rows of the list of invoices: rendered once by the sandbox, with ids and times filled in page by page.

So memory does not grow with the length of the list. The shape of a row, and what `include` and `fields` do to it, are
the sandbox's own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.server.sandbox_api import fetch, to_json, unlimited_api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.server.sandbox_api import Query
    from sandbox.productive.api import ProductiveApi

FIRST_ID = 10_000_001
"""Ids have as many digits in the first row as in the millionth."""

LARGEST_PAGE = 200
TEMPLATES = 600
"""Rows that differ in every column; a multiple of the page size. Row 601 equals row 1 except for its id and time."""

_INVOICES_AT_SCALE_ONE = 300
_FIRST_ACTIVITY = datetime(2024, 1, 1, tzinfo=UTC)
_ROWS_PER_HOUR = LARGEST_PAGE
_SECONDS_PER_ROW = 3600 // _ROWS_PER_HOUR
_FIRST_CREATED, _DAYS = datetime(2024, 1, 1, tzinfo=UTC), 1000
"""Rows are created evenly over these days, however many there are."""
_FILLED_IN = frozenset({"created_at", "last_activity_at"})
_ID, _HOUR, _DAY = "@id@", "@hour@", "@day@"


@dataclass(frozen=True)
class RowTemplate:
    """A rendered row, split where its id, the day it was created, and the hour of its last activity belong.

    Args:
        before_id: JSON before the id.
        before_day: JSON between the id and the date of `created_at`.
        before_hour: JSON between that and the date and hour of `last_activity_at`.
        rest: JSON after that.
        related: Types and ids of what it relates to.
    """

    before_id: bytes
    before_day: bytes
    before_hour: bytes
    rest: bytes
    related: tuple[tuple[str, str], ...]


class InvoiceRows:
    """The invoices as one combination of `include` and `fields` shows them.

    Args:
        api: A world with `TEMPLATES` invoices.
        query: The parameters of the request that do not select the page.
    """

    def __init__(self, api: ProductiveApi, query: Query) -> None:
        """Render the templates."""
        rows: list[dict[str, Any]] = []
        self._included: dict[tuple[str, str], bytes] = {}
        self.has_included = any(name == "include" for name, _ in query)
        for page in _template_pages(api, query):
            rows += page["data"]
            for record in page.get("included", ()):
                self._included[record["type"], record["id"]] = to_json(record)
        self._templates = [_template(row, place) for place, row in enumerate(rows)]
        self._hours: dict[int, bytes] = {}
        self._included_by_page: dict[tuple[int, int], bytes] = {}

    def rows(self, start: int, stop: int, invoices: int) -> list[bytes]:
        """Return the rows of a page as pieces of JSON to be joined.

        Args:
            start: Index of the first row, from 0.
            stop: Index after the last row.
            invoices: Length of the list.
        """
        pieces: list[bytes] = []
        add = pieces.extend
        for index in range(start, stop):
            row = self._templates[index % TEMPLATES]
            add((b",", row.before_id, b"%d" % (FIRST_ID + index), row.before_day, _day(index * _DAYS // invoices)))
            add((row.before_hour, self._hour(index), row.rest))
        return pieces[1:]

    def included(self, start: int, stop: int) -> bytes:
        """Return what the rows of a page relate to, each resource once, as JSON objects separated by commas.

        Args:
            start: Index of the first row, from 0.
            stop: Index after the last row.
        """
        page = (start % TEMPLATES, stop - start)
        if page not in self._included_by_page:
            references = dict.fromkeys(
                reference for index in range(start, stop) for reference in self._templates[index % TEMPLATES].related
            )
            self._included_by_page[page] = b",".join(
                self._included[reference] for reference in references if reference in self._included
            )
        return self._included_by_page[page]

    def _hour(self, index: int) -> bytes:
        number = index // _ROWS_PER_HOUR
        if number not in self._hours:
            self._hours[number] = f"{_FIRST_ACTIVITY + timedelta(hours=number):%Y-%m-%dT%H}".encode()
        return self._hours[number]


def api_with_templates() -> ProductiveApi:
    """Return a world with `TEMPLATES` invoices."""
    return unlimited_api(TEMPLATES / _INVOICES_AT_SCALE_ONE)


def sum_of_amounts(invoices: int) -> int:
    """Return the sum of `amount_with_tax` over the list, in cents.

    Args:
        invoices: Length of the list.
    """
    amounts = _template_amounts()
    repetitions, rest = divmod(invoices, TEMPLATES)
    return repetitions * sum(amounts) + sum(amounts[:rest])


def rows_before(bound: datetime | None, invoices: int) -> int:
    """Return how many rows are older than a bound.

    Args:
        bound: The oldest `last_activity_at` that is requested, or None.
        invoices: Length of the list.
    """
    if bound is None:
        return 0
    seconds = (bound - _FIRST_ACTIVITY).total_seconds()
    return min(max(-int(-seconds // _SECONDS_PER_ROW), 0), invoices)


def created_before(bound: datetime | None, invoices: int) -> int | None:
    """Return how many rows were created before a moment.

    Args:
        bound: The moment, or None.
        invoices: Length of the list.

    Returns:
        How many; None if there is no bound.
    """
    if bound is None:
        return None
    days = math.ceil((bound - _FIRST_CREATED) / timedelta(days=1))
    return min(max(-(-days * invoices // _DAYS), 0), invoices)


@cache
def _day(number: int) -> bytes:
    return f"{_FIRST_CREATED + timedelta(days=number):%Y-%m-%d}".encode()


@cache
def _template_amounts() -> tuple[int, ...]:
    pages = _template_pages(api_with_templates(), ())
    return tuple(row["attributes"]["amount_with_tax"] or 0 for page in pages for row in page["data"])


def _template_pages(api: ProductiveApi, query: Query) -> list[dict[str, Any]]:
    return [
        fetch(api, "/invoices", [*query, ("page[number]", str(number)), ("page[size]", str(LARGEST_PAGE))])
        for number in range(1, TEMPLATES // LARGEST_PAGE + 1)
    ]


def _template(row: dict[str, Any], place: int) -> RowTemplate:
    minute, second = divmod(place % _ROWS_PER_HOUR * _SECONDS_PER_ROW, 60)
    moment = f"{_HOUR}:{minute:02}:{second:02}.000Z"
    others = {name: value for name, value in row["attributes"].items() if name not in _FILLED_IN}
    attributes = {"created_at": f"{_DAY}T00:00:00.000Z", "last_activity_at": moment, **others}
    before_id, rest = to_json({**row, "id": _ID, "attributes": attributes}).split(_ID.encode())
    before_day, rest = rest.split(_DAY.encode())
    before_hour, rest = rest.split(_HOUR.encode())
    return RowTemplate(before_id, before_day, before_hour, rest, tuple(_references(row)))


def _references(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    targets = [relationship.get("data") for relationship in row["relationships"].values()]
    resources = [one for target in targets if target for one in (target if isinstance(target, list) else [target])]
    return [(resource["type"], resource["id"]) for resource in resources]
