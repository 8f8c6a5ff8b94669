"""The server's list of invoices is complete, in order, and shaped as the sandbox shapes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bench.comparison import expected_totals, totals
from bench.server.invoice_rows import FIRST_ID, rows_before, sum_of_amounts
from bench.server.responses import Responses
from sandbox.gateway import ApiError

INVOICES = 1250
URL = "http://127.0.0.1/invoices"


@pytest.fixture(scope="module")
def responses() -> Responses:
    return Responses(invoices=INVOICES)


def all_pages(responses: Responses, *query: tuple[str, str]) -> list[dict[str, Any]]:
    """Return the page for a query and all that follow it by `links.next`."""
    pages: list[dict[str, Any]] = []
    following = list(query)
    while True:
        pages.append(json.loads(responses.body("invoices", URL, following)))
        link = pages[-1]["links"].get("next")
        if link is None:
            return pages
        following = parse_qsl(urlsplit(link).query, keep_blank_values=True)


@pytest.mark.parametrize("size", [30, 200])
def test_every_row_is_served_once_and_in_order(responses: Responses, size: int) -> None:
    pages = all_pages(responses, ("sort", "last_activity_at"), ("page[size]", str(size)))
    rows = [row for page in pages for row in page["data"]]
    moments = [row["attributes"]["last_activity_at"] for row in rows]
    assert [row["id"] for row in rows] == [str(FIRST_ID + index) for index in range(INVOICES)]
    assert moments == sorted(moments)
    assert len(set(moments)) == INVOICES
    assert pages[0]["meta"]["total_count"] == INVOICES


def test_the_expected_totals_are_those_of_the_served_rows(responses: Responses) -> None:
    rows = [row for page in all_pages(responses, ("page[size]", "200")) for row in page["data"]]
    assert sum_of_amounts(INVOICES) == sum(row["attributes"]["amount_with_tax"] or 0 for row in rows)
    assert expected_totals(INVOICES) == totals((row["id"], row["attributes"]["amount_with_tax"]) for row in rows)


def test_a_cursor_and_a_page_number_lead_to_the_same_rows(responses: Responses) -> None:
    by_number = responses.body("invoices", URL, [("page[number]", "3"), ("page[size]", "200")])
    by_cursor = responses.body("invoices", URL, [("page[after]", "400"), ("page[size]", "200")])
    assert json.loads(by_number)["data"] == json.loads(by_cursor)["data"]


def test_included_resources_are_those_that_the_rows_relate_to(responses: Responses) -> None:
    query = [("include", "company,creator"), ("fields[people]", "id"), ("page[size]", "50")]
    page = json.loads(responses.body("invoices", URL, query))
    references = {
        (row["relationships"][name]["data"]["type"], row["relationships"][name]["data"]["id"])
        for row in page["data"]
        for name in ("company", "creator")
    }
    assert {(resource["type"], resource["id"]) for resource in page["included"]} == references


def test_a_filter_leaves_out_older_rows() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    assert rows_before(None, 100) == 0
    assert rows_before(first, 100) == 0
    assert rows_before(first + timedelta(seconds=1), 100) == 1
    assert rows_before(first + timedelta(seconds=18), 100) == 1
    assert rows_before(first + timedelta(days=400), 100) == 100


def test_an_unknown_filter_is_refused(responses: Responses) -> None:
    with pytest.raises(ApiError):
        responses.body("invoices", URL, [("filter[company_id]", "3")])


def test_other_lists_are_the_sandboxs_and_unknown_ones_are_empty(responses: Responses) -> None:
    query = [("page[size]", "200")]
    payments = responses.body("payments", "http://127.0.0.1/payments", query)
    assert len(json.loads(payments)["data"]) > 1
    assert json.loads(responses.body("nothing", "http://127.0.0.1/nothing", query))["data"] == []
