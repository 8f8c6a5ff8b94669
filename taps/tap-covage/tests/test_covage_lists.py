"""Lists of Covage: every row, completely, by cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to, warnings_of
from singer_rest_core import RunIncomplete
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock, Reading, ReadTap
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
COMPLETE = KEYS.keys() - {"invoices"}
OF_SEVERAL_PAGES = {"orders", "quotes"}


def keys(reading: Reading, stream: str) -> list[str]:
    """The keys of a stream's records, in order."""
    return [record[KEYS.get(stream, "invoice_number")] for record in reading.records[stream]]


def test_a_first_run_reads_every_row_once(sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap) -> None:
    reading = read_covage()

    assert reading.error is None
    for stream, key in KEYS.items():
        expected = sorted(row[key] for row in covage.records(stream))
        assert expected, stream
        assert sorted(keys(reading, stream)) == expected, stream
    assert sorted(keys(reading, "invoice_documents")) == sorted(keys(reading, "invoices"))
    assert {*reading.activated} == COMPLETE - OF_SEVERAL_PAGES
    assert len(queries_to(sandbox, "/download/")) == 150
    assert len(sandbox.admin.requests()) == 1 + 2 + 3 + 2 + 1 + 1 + 1 + 150  # login, lists, documents


def test_the_generated_world_fits_the_schemas(read_covage: ReadTap) -> None:
    reading = read_covage()

    rescued = {
        (stream, name)
        for stream, records in reading.records.items()
        for record in records
        for name in record["_rescued_data"] or ()
    }
    assert rescued == set()


def test_empty_texts_stay_empty_texts(read_covage: ReadTap) -> None:
    records = read_covage("orders").records["orders"]

    assert "" in {record["project_id"] for record in records}
    assert "" in {record["cancellation_reason"] for record in records}
    assert None not in {record["cancellation_reason"] for record in records}


@CONCURRENCY
def test_deleted_rows_of_complete_lists_are_marked(covage: SystemAdmin, read_covage: ReadTap, concurrency: int) -> None:
    """At once in lists of one page; in others by the second read that does not find them, as a cursor may slip."""
    tables = LoadedTables()
    reading = read_covage(" ".join(COMPLETE), concurrency=concurrency)
    tables.load(reading.messages)
    dead = {stream: keys(reading, stream)[0] for stream in COMPLETE}
    for stream, key in dead.items():
        covage.delete(stream, key)

    reading = read_covage(" ".join(COMPLETE), state=reading.state, concurrency=concurrency)
    tables.load(reading.messages)
    for stream in COMPLETE:
        assert tables.deleted(stream) == (set() if stream in OF_SEVERAL_PAGES else {dead[stream]}), stream

    reading = read_covage(" ".join(COMPLETE), state=reading.state, concurrency=concurrency)
    tables.load(reading.messages)
    for stream in COMPLETE:
        assert tables.deleted(stream) == {dead[stream]}, stream


def test_a_list_that_suddenly_has_no_rows_marks_none_and_fails_its_stream(
    covage: SystemAdmin, read_covage: ReadTap, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As where an account has lost a permission and is answered with 200 and no rows."""
    tables = LoadedTables()
    reading = read_covage("orders projects")
    tables.load(reading.messages)
    for row in covage.records("orders"):
        covage.delete("orders", row["order_reference"])
    clock.advance(86_400)

    reading = read_covage("orders projects", state=reading.state)

    tables.load(reading.messages)
    assert isinstance(reading.error, RunIncomplete)
    assert "1 of 2 streams failed: orders" in str(reading.error)
    assert "orders: failed: the list has 0 rows; the last complete read found 60" in caplog.text
    assert tables.deleted("orders") == set()
    clock.advance(86_400)
    reading = read_covage("orders projects", state=reading.state)
    tables.load(reading.messages)
    assert isinstance(reading.error, RunIncomplete)
    assert len(tables.deleted("orders")) == 60
    assert read_covage("orders projects", state=reading.state).error is None


@pytest.mark.parametrize("concurrency", [2, 16])
def test_reading_ahead_changes_nothing_in_what_is_written(read_covage: ReadTap, concurrency: int) -> None:
    def written(workers: int) -> dict[str, list[dict[str, Any]]]:
        return read_covage(concurrency=workers).records

    assert written(1) == written(concurrency)


@pytest.mark.parametrize("ending", ["", "/", "/api/v1", "/api/v1/"])
def test_api_url_may_end_in_the_path_of_the_api(
    covage_settings: dict[str, Any], read_covage: ReadTap, ending: str
) -> None:
    reading = read_covage("projects order_details", api_url=covage_settings["api_url"] + ending)

    assert reading.error is None
    assert len(reading.records["projects"]) == 6
    assert len(reading.records["order_details"]) == 60


def test_a_redirect_within_the_origin_is_followed(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    sandbox.admin.add_fault("*/catalog/category/", redirect_to=f"{BASE}/catalog/category")

    reading = read_covage("catalog_categories")

    assert reading.error is None
    assert len(reading.records["catalog_categories"]) == 2
    assert [request["status"] for request in sandbox.admin.requests()] == [200, 302, 301, 200]


def test_a_redirect_to_another_origin_is_refused(
    sandbox: RunningSandbox, read_covage: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/catalog/category/", redirect_to="https://elsewhere.example.com/api/v1/catalog/category/")

    reading = read_covage("catalog_categories projects")

    assert "leads to elsewhere.example.com: the token is only sent to 127.0.0.1" in caplog.text
    assert isinstance(reading.error, RunIncomplete)
    assert reading.records["projects"]


def test_a_stream_that_is_refused_is_skipped(
    sandbox: RunningSandbox, read_covage: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/quote/", status=403, body='{"detail": "Permission denied"}')

    reading = read_covage("projects quotes")

    assert reading.error is None
    assert len(reading.records["projects"]) == 6
    assert warnings_of(caplog) == ["quotes: skipped: GET /covage/api/v1/quote/ answered 403: Permission denied"]
