"""Answers of Productive for a list of any length, put together from rows that the sandbox has rendered once.

The shape of a row, what `include` and `fields` do to it, and the answers to faulty queries are the sandbox's own. Ids
and `last_activity_at` are filled in page by page, so memory does not grow with the list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.clock import Clock
from sandbox.gateway import ApiError, ApiRequest
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD, ProductiveApi
from sandbox.productive.paging import Address
from sandbox.productive.query import parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Query: TypeAlias = "Sequence[tuple[str, str]]"

FIRST_ID = 10_000_001
"""Ids are as wide in the first row as in the millionth."""

LARGEST_PAGE = 200
TEMPLATES = 600
"""Rows that differ in everything; a multiple of the page size. The 601st is like the first but for id and time."""

_INVOICES_AT_SCALE_ONE = 300
_SMALL = 0.25
"""A scale at which every list of the sandbox fits one page."""

_FIRST_ACTIVITY = datetime(2024, 1, 1, tzinfo=UTC)
_ROWS_AN_HOUR = LARGEST_PAGE
_SECONDS_A_ROW = 3600 // _ROWS_AN_HOUR
_HEADERS = {"x-auth-token": TOKEN, "x-organization-id": WORLD, "content-type": CONTENT_TYPE}
_ID, _HOUR = "@id@", "@hour@"


@dataclass(frozen=True)
class Invoice:
    """A rendered row, cut where its id and the hour of its last activity go, and what it brings into `included`."""

    before_id: bytes
    before_hour: bytes
    rest: bytes
    related: tuple[tuple[str, str], ...]


class Invoices:
    """The invoices as one combination of `include` and `fields` shows them."""

    def __init__(self, api: ProductiveApi, query: Query) -> None:
        """Render the templates.

        Args:
            api: A world with `TEMPLATES` invoices.
            query: The parameters of the request that do not say which page.
        """
        rows: list[dict[str, Any]] = []
        self._included: dict[tuple[str, str], bytes] = {}
        self.has_included = any(name == "include" for name, _ in query)
        for number in range(1, TEMPLATES // LARGEST_PAGE + 1):
            paging = [("page[number]", str(number)), ("page[size]", str(LARGEST_PAGE))]
            answer = _answer(api, "/invoices", [*query, *paging])
            rows += answer["data"]
            for record in answer.get("included", ()):
                self._included[record["type"], record["id"]] = _dump(record)
        self._templates = [_cut(row, place) for place, row in enumerate(rows)]
        self._hours: dict[int, bytes] = {}
        self._included_of: dict[tuple[int, int], bytes] = {}

    def rows(self, start: int, stop: int) -> list[bytes]:
        """The rows of a page, in pieces to be joined.

        Args:
            start: The first row, from 0.
            stop: The row behind the last.

        Returns:
            Pieces of JSON.
        """
        pieces: list[bytes] = []
        add = pieces.extend
        for index in range(start, stop):
            row = self._templates[index % TEMPLATES]
            add((b",", row.before_id, b"%d" % (FIRST_ID + index), row.before_hour, self._hour(index), row.rest))
        return pieces[1:]

    def included(self, start: int, stop: int) -> bytes:
        """What the rows of a page relate to, each once.

        Args:
            start: The first row, from 0.
            stop: The row behind the last.

        Returns:
            JSON objects with commas between.
        """
        place = (start % TEMPLATES, stop - start)
        if place not in self._included_of:
            refs = dict.fromkeys(
                ref for index in range(start, stop) for ref in self._templates[index % TEMPLATES].related
            )
            self._included_of[place] = b",".join(self._included[ref] for ref in refs if ref in self._included)
        return self._included_of[place]

    def _hour(self, index: int) -> bytes:
        number = index // _ROWS_AN_HOUR
        if number not in self._hours:
            self._hours[number] = f"{_FIRST_ACTIVITY + timedelta(hours=number):%Y-%m-%dT%H}".encode()
        return self._hours[number]


class Answers:
    """What the API answers.

    Args:
        invoices: Length of the list of invoices.
        list_rows: Most rows of every other list.
    """

    def __init__(self, *, invoices: int, list_rows: int = LARGEST_PAGE) -> None:
        """Generate the worlds whose rows are shown."""
        self.invoices = invoices
        self.list_rows = list_rows
        self._api = _api(TEMPLATES / _INVOICES_AT_SCALE_ONE)
        self._small = _api(_SMALL)
        self._shown: dict[tuple[tuple[str, str], ...], Invoices] = {}
        self._lists: dict[tuple[str, int, tuple[tuple[str, str], ...]], bytes] = {}

    def answer(self, resource: str, url: str, query: Query) -> bytes:
        """The body of a 200.

        Args:
            resource: A list of the API; any other list is empty.
            url: What was asked, without the query.
            query: The decoded query, in the order sent.

        Returns:
            JSON.

        Raises:
            ApiError: Any other answer.
        """
        if resource == "invoices":
            return self._invoices(url, query)
        key = (resource, self.list_rows, tuple(query))
        if key not in self._lists:
            self._lists[key] = self._list(resource, query)
        return self._lists[key]

    def _invoices(self, url: str, query: Query) -> bytes:
        asked = parse_query(query)
        shape = tuple(pair for pair in query if pair[0] == "include" or pair[0].startswith("fields["))
        if shape not in self._shown:
            self._shown[shape] = Invoices(self._api, shape)
        shown = self._shown[shape]
        skipped = rows_before(_bound(asked.filters), self.invoices)
        total, address = self.invoices - skipped, Address(url, query)
        links: dict[str, str] = {}
        meta: dict[str, int] = {"page_size": asked.size, "max_page_size": LARGEST_PAGE}
        if asked.after is not None:
            start = int(asked.after or 0)
            if start + asked.size < total:
                links["next"] = address.at(after=start + asked.size, size=asked.size)
        else:
            number, last = asked.number or 1, -(-total // asked.size)
            start = (number - 1) * asked.size
            links |= {"first": address.at(number=1, size=asked.size)}
            links |= {"last": address.at(number=max(last, 1), size=asked.size)}
            if number < last:
                links["next"] = address.at(number=number + 1, size=asked.size)
            meta = {"current_page": number, "total_pages": last, "total_count": total, **meta}
        first, stop = skipped + start, skipped + max(start, min(start + asked.size, total))
        pieces = [b'{"data":[', *shown.rows(first, stop), b"]"]
        if shown.has_included:
            pieces += (b',"included":[', shown.included(first, stop), b"]")
        pieces += (b',"links":', _dump(links), b',"meta":', _dump(meta), b"}")
        return b"".join(pieces)

    def _list(self, name: str, query: Query) -> bytes:
        if name not in self._small.catalogue:
            return _dump({"data": [], "links": {}, "meta": {"current_page": 1, "total_pages": 0, "total_count": 0}})
        answer = _answer(self._small, f"/{name}", query)
        if "next" in answer["links"]:
            raise ApiError(500, {"errors": [{"title": f"{name} is longer than a page"}]})
        rows = answer["data"][: self.list_rows]
        answer["data"] = rows
        if not rows and "included" in answer:
            answer["included"] = []
        if "total_count" in answer["meta"]:
            answer["meta"] |= {"total_count": len(rows), "total_pages": 1 if rows else 0}
        return _dump(answer)


def expected_sum(invoices: int) -> int:
    """The sum of `amount_with_tax` over the list.

    Args:
        invoices: Its length.

    Returns:
        Cents.
    """
    paging = ((("page[number]", str(number)), ("page[size]", str(LARGEST_PAGE))) for number in (1, 2, 3))
    api = _api(TEMPLATES / _INVOICES_AT_SCALE_ONE)
    pages = [_answer(api, "/invoices", query) for query in paging]
    amounts = [row["attributes"]["amount_with_tax"] or 0 for page in pages for row in page["data"]]
    rounds, rest = divmod(invoices, TEMPLATES)
    return rounds * sum(amounts) + sum(amounts[:rest])


def rows_before(bound: datetime | None, invoices: int) -> int:
    """How many rows a filter leaves out.

    Args:
        bound: The oldest `last_activity_at` that is asked for, or None.
        invoices: How many there are.

    Returns:
        The number of rows that are older.
    """
    if bound is None:
        return 0
    seconds = (bound - _FIRST_ACTIVITY).total_seconds()
    return min(max(-int(-seconds // _SECONDS_A_ROW), 0), invoices)


def _api(scale: float) -> ProductiveApi:
    api = ProductiveApi(Clock(), 1, scale)
    api.windows.replace(())  # the server counts by its own
    return api


def _answer(api: ProductiveApi, route: str, query: Query) -> dict[str, Any]:
    body = api.answer(ApiRequest("GET", route, f"http://127.0.0.1{route}", query, _HEADERS)).body
    if not isinstance(body, dict):
        msg = f"{route} is answered with no JSON object"
        raise TypeError(msg)
    return body


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _cut(row: dict[str, Any], place: int) -> Invoice:
    minute, second = divmod(place % _ROWS_AN_HOUR * _SECONDS_A_ROW, 60)
    moment = f"{_HOUR}:{minute:02}:{second:02}.000Z"
    marked = {**row, "id": _ID, "attributes": {**row["attributes"], "last_activity_at": moment}}
    before_id, rest = _dump(marked).split(_ID.encode())
    before_hour, rest = rest.split(_HOUR.encode())
    return Invoice(before_id, before_hour, rest, tuple(_related(row)))


def _related(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    targets = [relationship.get("data") for relationship in row["relationships"].values()]
    refs = [ref for target in targets if target for ref in (target if isinstance(target, list) else [target])]
    return [(ref["type"], ref["id"]) for ref in refs]


def _bound(filters: Mapping[str, Any]) -> datetime | None:
    """The bound of `filter[last_activity_at][gt_eq]`; any other filter is refused, lest it be overlooked."""
    if not filters:
        return None
    try:
        ((name, operations),) = filters.items()
        ((operation, (value,)),) = operations.items()
        if (name, operation) == ("last_activity_at", "gt_eq"):
            return datetime.fromisoformat(value)
    except (AttributeError, ValueError):
        pass
    raise ApiError(400, {"errors": [{"status": "400", "title": "Unsupported Filter", "detail": str(filters)}]})
