"""How tap-covage reads: what is asked for, what is read again, what the loader is told."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conftest import read
from singer_rest_core import RunIncomplete
from tap_covage.tap import TapCovage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conftest import Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

BASE = "/covage/api/v1"
KEYS = {
    "catalog_categories": "name",
    "ennis": "reference",
    "invoices": "invoice_number",
    "orders": "order_reference",
    "projects": "code",
    "quotes": "id",
}
WHOLE = KEYS.keys() - {"invoices"}


class ReadCovage(Protocol):
    """Runs tap-covage against the sandbox."""

    def __call__(self, select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        """Read the streams named, or those selected by default; `settings` go over those of the sandbox."""
        ...


@pytest.fixture
def covage(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's Covage."""
    return sandbox.admin.system("covage")


@pytest.fixture
def read_covage(covage_settings: dict[str, Any], tmp_path: Path, sandbox: RunningSandbox) -> ReadCovage:
    """Runs tap-covage with a folder for documents."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        sandbox.admin.clear_requests()
        config = {**covage_settings, "documents_url": str(tmp_path / "documents"), **settings}
        return read(TapCovage, config, state=state, select=select)

    return run


def asked(sandbox: RunningSandbox, path: str) -> list[dict[str, str]]:
    """The queries of the requests to a path since the last run began."""
    requests = [request for request in sandbox.admin.requests() if request["path"] == f"{BASE}{path}"]
    return [{name: value for name, value in request["query"]} for request in requests]  # noqa: C416 - pairs are lists


def downloads(sandbox: RunningSandbox) -> Counter[str]:
    """Of which invoices PDFs were asked for since the last run began."""
    paths = (request["path"].removeprefix(f"{BASE}/invoice/") for request in sandbox.admin.requests())
    return Counter(path.removesuffix("/download/") for path in paths if path.endswith("/download/"))


def whole(reading: Reading) -> set[str]:
    """The streams of which the loader was told that they are whole."""
    return {message["stream"] for message in reading.of("ACTIVATE_VERSION")}


def keys(reading: Reading, stream: str) -> list[str]:
    """The keys of a stream's records, in order."""
    return [record[KEYS.get(stream, "invoice_number")] for record in reading.records[stream]]


def bookmark(reading: Reading, stream: str) -> str:
    """The bookmark of a stream after a run."""
    return str(reading.state["bookmarks"][stream]["replication_key_value"])


def test_a_first_run_reads_every_row_once(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadCovage
) -> None:
    reading = read_covage()

    assert reading.error is None
    for stream, key in KEYS.items():
        expected = sorted(row[key] for row in covage.records(stream))
        assert expected, stream
        assert sorted(keys(reading, stream)) == expected, stream
    assert sorted(keys(reading, "invoice_documents")) == sorted(keys(reading, "invoices"))
    assert whole(reading) == WHOLE
    assert set(downloads(sandbox).values()) == {1}
    assert len(sandbox.admin.requests()) == 1 + 2 + 3 + 2 + 1 + 1 + 1 + 150  # login, lists, documents


def test_the_generated_world_fits_the_schemas(read_covage: ReadCovage) -> None:
    reading = read_covage()

    rescued = {
        (stream, name)
        for stream, records in reading.records.items()
        for record in records
        for name in record["_rescued_data"] or ()
    }
    assert rescued == set()


def test_invoices_are_walked_by_cursor_and_nothing_else_of_the_link_is_used(
    sandbox: RunningSandbox, read_covage: ReadCovage
) -> None:
    reading = read_covage("invoices", page_size=40)

    queries = asked(sandbox, "/invoice/")
    assert len(reading.records["invoices"]) == 150
    assert len(queries) == 4
    assert queries[0] == {"page_size": "40"}
    assert all(query.keys() == {"page_size", "cursor"} for query in queries[1:])
    assert len({query["cursor"] for query in queries[1:]}) == 3
    # The link's host is a placeholder that does not exist; all were asked of the sandbox.
    assert {request["status"] for request in sandbox.admin.requests()} == {200}


def test_empty_texts_stay_empty_texts(read_covage: ReadCovage) -> None:
    records = read_covage("orders").records["orders"]

    assert "" in {record["project_id"] for record in records}
    assert "" in {record["cancellation_reason"] for record in records}
    assert None not in {record["cancellation_reason"] for record in records}


def test_the_next_run_asks_from_the_bookmark_less_the_look_back(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadCovage
) -> None:
    first = read_covage()
    newest = max(row["accounting_date"] for row in covage.records("invoices"))
    bound = (date.fromisoformat(newest) - timedelta(days=60)).isoformat()
    assert bookmark(first, "invoices") == bookmark(first, "invoice_documents") == newest

    second = read_covage(state=first.state)

    assert second.error is None
    assert asked(sandbox, "/invoice/") == [{"accounting_date_gt": bound, "page_size": "100"}]
    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= bound}
    assert set(keys(second, "invoices")) == due
    assert 0 < len(due) < 150
    assert bookmark(second, "invoices") == newest
    assert not second.records["invoice_documents"]
    assert not downloads(sandbox)
    assert len(sandbox.admin.requests()) == 1 + 1 + 3 + 2 + 1 + 1 + 1


def test_lookback_days_may_be_set(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
    first = read_covage("invoices")

    read_covage("invoices", state=first.state, lookback_days=0)

    assert asked(sandbox, "/invoice/")[0]["accounting_date_gt"] == bookmark(first, "invoices")


def test_new_changed_and_late_invoices_are_read_by_the_next_run(covage: SystemAdmin, read_covage: ReadCovage) -> None:
    first = read_covage()
    newest = date.fromisoformat(bookmark(first, "invoices"))
    new = covage.create("invoices", {"accounting_date": newest.isoformat()})["invoice_number"]
    late = covage.create("invoices", {"accounting_date": (newest - timedelta(days=59)).isoformat()})["invoice_number"]
    changed = next(
        row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] == newest.isoformat()
    )
    covage.update("invoices", changed, {"customer_name": "ANOTHER SA"})

    second = read_covage(state=first.state)

    assert {new, late, changed} <= set(keys(second, "invoices"))
    assert sorted(keys(second, "invoice_documents")) == sorted({new, late, changed})


def test_the_bookmark_moves_at_the_end_only(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
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
    assert bookmark(second, "invoices") == max(record["accounting_date"] for record in second.records["invoices"])


def test_an_accounting_date_in_the_future_does_not_hide_what_comes_before_it(
    covage: SystemAdmin, read_covage: ReadCovage
) -> None:
    covage.create("invoices", {"accounting_date": "2999-12-31"})

    reading = read_covage("invoices")

    assert bookmark(reading, "invoices") < "2999"


@pytest.mark.parametrize("start_date", ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T09:30:00+02:00"])
def test_start_date_bounds_the_first_run(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadCovage, start_date: str
) -> None:
    reading = read_covage("invoices invoice_documents", start_date=start_date)

    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= "2026-01-01"}
    assert set(keys(reading, "invoices")) == set(keys(reading, "invoice_documents")) == due
    assert asked(sandbox, "/invoice/")[0]["accounting_date_gt"] == "2026-01-01"


def test_deleted_rows_of_whole_lists_are_told_by_the_version(covage: SystemAdmin, read_covage: ReadCovage) -> None:
    first = read_covage()
    for stream in WHOLE:
        covage.delete(stream, keys(first, stream)[0])

    second = read_covage(state=first.state)

    assert whole(second) == WHOLE
    for stream in WHOLE:
        assert keys(second, stream) == keys(first, stream)[1:], stream


def test_a_document_is_kept_under_its_invoices_number(tmp_path: Path, read_covage: ReadCovage) -> None:
    for record in read_covage("invoice_documents").records["invoice_documents"]:
        content = (tmp_path / "documents" / record["name"]).read_bytes()
        assert record["name"].startswith(f"invoices/{record['invoice_number']}")
        assert content.startswith(b"%PDF-")
        assert record["size"] == len(content)


def test_documents_may_be_asked_for_later_than_invoices(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
    first = read_covage(documents_url=None)
    assert first.error is None
    assert not downloads(sandbox)
    assert not first.records["invoice_documents"]

    second = read_covage(state=first.state)

    assert len(second.records["invoice_documents"]) == 150
    assert len(second.records["invoices"]) < 150
    third = read_covage(state=second.state)
    assert not third.records["invoice_documents"]
    assert len(asked(sandbox, "/invoice/")) == 1


def test_invoices_that_are_read_anew_do_not_fetch_old_documents_again(read_covage: ReadCovage) -> None:
    first = read_covage()
    second = read_covage(state=first.state)
    del second.state["bookmarks"]["invoices"]
    state = {"bookmarks": {"invoice_documents": second.state["bookmarks"]["invoice_documents"]}}

    third = read_covage(state=state)

    assert len(third.records["invoices"]) == 150
    assert not third.records["invoice_documents"]


def test_what_is_remembered_of_documents_is_of_the_look_back_alone(
    covage: SystemAdmin, read_covage: ReadCovage
) -> None:
    first = read_covage()
    second = read_covage(state=first.state)

    remembered = second.state["bookmarks"]["invoice_documents"]["remembered"]
    bound = (date.fromisoformat(bookmark(first, "invoices")) - timedelta(days=60)).isoformat()
    due = {row["invoice_number"] for row in covage.records("invoices") if row["accounting_date"] >= bound}
    assert remembered.keys() == due


def test_documents_are_all_fetched_for_another_place(
    sandbox: RunningSandbox, tmp_path: Path, read_covage: ReadCovage
) -> None:
    first = read_covage()

    second = read_covage(state=first.state, documents_url=str(tmp_path / "elsewhere"))

    assert len(sandbox.admin.requests()) == 1 + (1 + 2) + 3 + 2 + 1 + 1 + 1 + 150  # invoices once more, and whole

    assert len(second.records["invoice_documents"]) == 150
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 150


def test_a_document_that_is_refused_does_not_hold_up_the_others(
    sandbox: RunningSandbox, read_covage: ReadCovage
) -> None:
    sandbox.admin.add_fault("*/download/", skip=40, status=403, body='{"detail": "Permission denied"}')

    first = read_covage("invoices invoice_documents", concurrency=1)
    second = read_covage("invoices invoice_documents", state=first.state, concurrency=1)

    assert isinstance(first.error, RunIncomplete)
    assert len(first.records["invoice_documents"]) == 149
    assert "replication_key_value" not in first.state["bookmarks"]["invoice_documents"]
    assert second.error is None
    assert len(second.records["invoice_documents"]) == 1
    assert bookmark(second, "invoice_documents")


def test_a_document_that_is_not_there_yet_is_asked_for_again(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadCovage, caplog: pytest.LogCaptureFixture
) -> None:
    newest = max(covage.records("invoices"), key=lambda row: row["accounting_date"])["invoice_number"]
    sandbox.admin.add_fault(f"*/{newest}/download/", status=404, body='{"detail": "Not found."}')

    first = read_covage()
    second = read_covage(state=first.state)

    assert first.error is None
    assert len(first.records["invoice_documents"]) == 149
    assert "1 that the list names were not found (404)" in caplog.text
    assert keys(second, "invoice_documents") == [newest]


def test_order_details_and_history_are_read_when_selected(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadCovage
) -> None:
    reading = read_covage("order_details order_history")

    assert reading.error is None
    assert all("order_reference" in message["schema"]["properties"] for message in reading.of("SCHEMA"))
    references = {row["order_reference"] for row in covage.records("orders")}
    assert {record["order_reference"] for record in reading.records["order_details"]} == references
    steps = Counter(row["order_reference"] for row in covage.records("order_history"))
    assert Counter(record["order_reference"] for record in reading.records["order_history"]) == steps
    places = [(record["order_reference"], record["position"]) for record in reading.records["order_history"]]
    assert len(set(places)) == len(places)
    assert all(record["step"]["step"] for record in reading.records["order_history"])
    assert whole(reading) == {"order_details", "order_history"}
    assert not reading.records["orders"]
    assert len(asked(sandbox, "/order/")) == 3  # read once for both


def test_order_details_and_history_are_not_selected_by_default(covage_settings: dict[str, Any]) -> None:
    streams = TapCovage(config=covage_settings).streams

    assert {name for name, stream in streams.items() if not stream.selected} == {"order_details", "order_history"}


def test_an_order_that_is_deleted_meanwhile_does_no_harm(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
    sandbox.admin.add_fault("*/CMD_X_00000007/", status=404)

    reading = read_covage("orders order_details")

    assert reading.error is None
    assert len(reading.records["order_details"]) == 59
    assert whole(reading) == {"orders"}


@pytest.mark.parametrize("concurrency", [2, 16])
def test_reading_ahead_changes_nothing_in_what_is_written(read_covage: ReadCovage, concurrency: int) -> None:
    def written(workers: int) -> dict[str, list[dict[str, Any]]]:
        return read_covage(concurrency=workers).records

    assert written(1) == written(concurrency)


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_api_url_may_end_in_the_path_of_the_api(
    covage_settings: dict[str, Any], read_covage: ReadCovage, ending: str
) -> None:
    reading = read_covage("projects order_details", api_url=covage_settings["api_url"] + ending)

    assert reading.error is None
    assert len(reading.records["projects"]) == 6
    assert len(reading.records["order_details"]) == 60


def test_a_redirect_within_the_origin_is_followed(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
    sandbox.admin.add_fault("*/catalog/category/", redirect_to=f"{BASE}/catalog/category")

    reading = read_covage("catalog_categories")

    assert reading.error is None
    assert len(reading.records["catalog_categories"]) == 2
    assert [request["status"] for request in sandbox.admin.requests()] == [200, 302, 301, 200]


def test_a_redirect_to_another_origin_is_refused(sandbox: RunningSandbox, read_covage: ReadCovage) -> None:
    sandbox.admin.add_fault("*/catalog/category/", redirect_to="https://elsewhere.example.com/api/v1/catalog/category/")

    reading = read_covage("catalog_categories")

    assert "leads to elsewhere.example.com: the token is only sent to 127.0.0.1" in str(reading.error)


def test_a_stream_that_is_refused_is_skipped(
    sandbox: RunningSandbox, read_covage: ReadCovage, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/quote/", status=403, body='{"detail": "Permission denied"}')

    reading = read_covage("projects quotes")

    assert reading.error is None
    assert len(reading.records["projects"]) == 6
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["quotes: skipped: GET /covage/api/v1/quote/ answered 403: Permission denied"]
