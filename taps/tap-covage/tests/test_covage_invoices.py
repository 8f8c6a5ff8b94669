"""Invoices: read by cursor, from the bookmark less the look-back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from conftest import queries_to
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from conftest import Reading, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def test_invoices_are_read_by_cursor_and_nothing_else_of_the_link_is_used(
    sandbox: RunningSandbox, read_covage: ReadTap
) -> None:
    reading = read_covage("invoices", page_size=40)

    queries = queries_to(sandbox, "/invoice/")
    assert len(reading.records["invoices"]) == 150
    assert len(queries) == 4
    assert queries[0] == {"page_size": "40"}
    assert all(query.keys() == {"page_size", "cursor"} for query in queries[1:])
    assert len({query["cursor"] for query in queries[1:]}) == 3
    # The link's host is a placeholder that does not exist; all requests reached the sandbox.
    assert {request["status"] for request in sandbox.admin.requests()} == {200}


def numbers(reading: Reading, stream: str) -> list[str]:
    """The invoice numbers of a stream's records, in order."""
    return [record["invoice_number"] for record in reading.records[stream]]


def test_the_next_run_reads_from_the_bookmark_less_the_look_back(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap
) -> None:
    first = read_covage()
    newest = max(row["accounting_date"] for row in covage.records("invoices"))
    bound = (date.fromisoformat(newest) - timedelta(days=60)).isoformat()
    assert first.bookmark("invoices") == first.bookmark("invoice_documents") == newest

    second = read_covage(state=first.state)

    assert second.error is None
    assert queries_to(sandbox, "/invoice/") == [{"accounting_date_gt": bound, "page_size": "100"}]
    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= bound}
    assert set(numbers(second, "invoices")) == due
    assert 0 < len(due) < 150
    assert second.bookmark("invoices") == newest
    assert not second.records["invoice_documents"]
    assert not queries_to(sandbox, "/download/")
    assert len(sandbox.admin.requests()) == 1 + 1 + 3 + 2 + 1 + 1 + 1


def test_lookback_days_may_be_set(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    first = read_covage("invoices")

    read_covage("invoices", state=first.state, lookback_days=0)

    assert queries_to(sandbox, "/invoice/")[0]["accounting_date_gt"] == first.bookmark("invoices")


def test_new_changed_and_late_invoices_are_read_by_the_next_run(covage: SystemAdmin, read_covage: ReadTap) -> None:
    first = read_covage()
    newest = date.fromisoformat(first.bookmark("invoices"))
    new = covage.create("invoices", {"accounting_date": newest.isoformat()})["invoice_number"]
    late = covage.create("invoices", {"accounting_date": (newest - timedelta(days=59)).isoformat()})["invoice_number"]
    changed = next(
        row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] == newest.isoformat()
    )
    covage.update("invoices", changed, {"customer_name": "ANOTHER SA"})

    second = read_covage(state=first.state)

    assert {new, late, changed} <= set(numbers(second, "invoices"))
    assert sorted(numbers(second, "invoice_documents")) == sorted({new, late, changed})


def test_the_bookmark_moves_only_at_the_end(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    sandbox.admin.add_fault("*/invoice/", query="cursor", skip=1, status=400, body='{"detail": "Bad luck"}')

    first = read_covage("invoices", page_size=40)

    assert isinstance(first.error, RunIncomplete)
    assert len(first.records["invoices"]) == 80
    assert all(
        "replication_key_value" not in message["value"].get("bookmarks", {}).get("invoices", {})
        for message in first.of("STATE")
    )
    second = read_covage("invoices", page_size=40, state=first.state)
    assert len(second.records["invoices"]) == 150
    assert second.bookmark("invoices") == max(record["accounting_date"] for record in second.records["invoices"])


def test_an_accounting_date_in_the_future_does_not_hide_what_comes_before_it(
    covage: SystemAdmin, read_covage: ReadTap
) -> None:
    covage.create("invoices", {"accounting_date": "2999-12-31"})

    reading = read_covage("invoices")

    assert reading.bookmark("invoices") < "2999"


@pytest.mark.parametrize("start_date", ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T09:30:00+02:00"])
def test_start_date_bounds_the_first_run(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap, start_date: str
) -> None:
    reading = read_covage("invoices invoice_documents", start_date=start_date)

    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= "2026-01-01"}
    assert set(numbers(reading, "invoices")) == set(numbers(reading, "invoice_documents")) == due
    assert queries_to(sandbox, "/invoice/")[0]["accounting_date_gt"] == "2026-01-01"
