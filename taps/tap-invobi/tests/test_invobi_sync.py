"""How tap-invobi reads: what is asked for, what is spared, what the loader is told, and what is done when refused."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests

from conftest import read
from singer_rest_core import AccessRefused, RunIncomplete
from singer_rest_core.records.exact_json import decode, encode
from tap_invobi.details import Memory
from tap_invobi.tap import TapInvobi

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conftest import FakeClock, Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

STREAMS = ("invoices", "prompt_labels", "prompts", "invoice_details", "invoice_documents")
BASE = "/invobi/api/v1"


class ReadInvobi(Protocol):
    """Runs tap-invobi against the sandbox."""

    def __call__(self, select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        """Read the streams named, or all; `settings` go over those of the sandbox."""
        ...


@pytest.fixture
def invobi(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's Invobi."""
    return sandbox.admin.system("invobi")


@pytest.fixture
def read_invobi(invobi_settings: dict[str, Any], tmp_path: Path, sandbox: RunningSandbox) -> ReadInvobi:
    """Runs tap-invobi with a folder for documents."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        sandbox.admin.clear_requests()
        config = {**invobi_settings, "documents_url": str(tmp_path / "documents"), **settings}
        return read(TapInvobi, config, state=state, select=select)

    return run


def paths(sandbox: RunningSandbox) -> Counter[str]:
    """How often what was asked for since the last run began."""
    return Counter(request["path"].removeprefix(BASE) for request in sandbox.admin.requests())


def whole(reading: Reading) -> set[str]:
    """The streams of which the loader was told that they are whole."""
    return {message["stream"] for message in reading.of("ACTIVATE_VERSION")}


def present(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's records that are no tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" not in record]


def gone(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" in record]


def aged(state: dict[str, Any], days: float) -> dict[str, Any]:
    """The state as it would be if everything had been read that many days ago."""
    remembered = state["bookmarks"]["invoice_details"]["remembered"]
    moment = int((datetime.now(UTC) - timedelta(days=days)).timestamp())
    for key, text in remembered.items():
        memory = Memory.of(text)
        assert memory
        remembered[key] = str(Memory(memory.row, memory.detail, moment))
    return state


def test_a_first_run_reads_everything_once(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    reading = read_invobi()

    assert reading.error is None
    invoices = invobi.records("invoices")
    ids = [row["id"] for row in invoices]
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert sorted(reading.ids(stream)) == sorted(ids), stream
    assert reading.ids("prompts") == [row["id"] for row in invobi.records("prompts")]
    labels = {label["name"] for row in invobi.records("prompts") for label in row["labels"]}
    assert {record["name"] for record in reading.records["prompt_labels"]} == labels
    assert whole(reading) == set(STREAMS)
    assert paths(sandbox) == {
        "/invoices": 3,
        "/prompts": 1,
        "/prompts/labels": 1,
        **{f"/invoices/{key}": 1 for key in ids},
        **{f"/invoices/{key}/download": 1 for key in ids},
    }


def test_nothing_is_ever_sent_but_get_to_what_is_documented(sandbox: RunningSandbox, read_invobi: ReadInvobi) -> None:
    first = read_invobi()
    requests = sandbox.admin.requests()
    read_invobi(state=first.state, details="all", invoice_status="paid")
    requests += sandbox.admin.requests()

    assert len(requests) > 500
    assert {request["method"] for request in requests} == {"GET"}
    assert {request["authenticated"] for request in requests} == {True}
    assert not any(path.startswith("/prompts/") and path != "/prompts/labels" for path in paths(sandbox))


def test_a_detail_is_the_invoice_with_its_lists(invobi: SystemAdmin, read_invobi: ReadInvobi) -> None:
    records = {record["id"]: record for record in read_invobi("invoice_details").records["invoice_details"]}

    for row in invobi.records("invoices"):
        record = records[row["id"]]
        for name in ("from_details", "to_details", "items", "discounts", "taxes", "payment_details"):
            assert decode(encode(record[name])) == decode(encode(row[name])), name
        assert record["locale"] == row["locale"]
        assert record["_rescued_data"] is None


def test_a_run_with_nothing_new_asks_for_lists_alone(sandbox: RunningSandbox, read_invobi: ReadInvobi) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state)

    assert second.error is None
    assert paths(sandbox) == {"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}
    assert not second.ids("invoice_details")
    assert not second.ids("invoice_documents")
    assert whole(second) == {"invoices", "prompts", "prompt_labels"}
    remembered = [reading.state["bookmarks"]["invoice_details"]["remembered"] for reading in (first, second)]
    assert remembered[0] == remembered[1]


def test_the_state_is_not_sent_with_every_page(read_invobi: ReadInvobi) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, page_size=10)

    assert len(second.of("STATE")) <= 2 * len(STREAMS)


def test_what_is_remembered_of_an_invoice_is_short(read_invobi: ReadInvobi) -> None:
    state = read_invobi().state["bookmarks"]

    assert {len(text) for text in state["invoice_details"]["remembered"].values()} == {24}
    assert {len(text) for text in state["invoice_documents"]["remembered"].values()} == {8}


def test_changed_and_new_invoices_alone_are_read_again(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    first = read_invobi()
    changed = first.ids("invoices")[7]
    invobi.update("invoices", changed, {"paid_at": "2026-03-16", "title": "Another"})
    new = invobi.create("invoices")["id"]

    second = read_invobi(state=first.state)

    assert sorted(second.ids("invoice_details")) == sorted([changed, new])
    assert sorted(second.ids("invoice_documents")) == sorted([changed, new])
    titles = {record["id"]: record["title"] for record in second.records["invoice_details"]}
    assert titles[changed] == "Another"
    assert paths(sandbox) - Counter({"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}) == {
        path: 1 for key in (changed, new) for path in (f"/invoices/{key}", f"/invoices/{key}/download")
    }
    assert whole(second) == {"invoices", "prompts", "prompt_labels"}


def test_a_change_that_the_list_does_not_show_is_found_when_the_detail_is_too_old(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    first = read_invobi()
    silent = first.ids("invoices")[0]
    invobi.update("invoices", silent, {"items": [{"name": "Other work"}]})

    assert not read_invobi(state=aged(first.state, 29.9)).ids("invoice_details")
    third = read_invobi(state=aged(first.state, 30.1))

    assert len(third.ids("invoice_details")) == 250
    assert third.ids("invoice_documents") == [silent]
    assert sum(path.endswith("/download") for path in paths(sandbox)) == 1
    assert whole(third) == {"invoices", "prompts", "prompt_labels", "invoice_details"}


def test_detail_max_age_days_may_be_any_number(read_invobi: ReadInvobi) -> None:
    first = read_invobi("invoice_details")

    assert not read_invobi("invoice_details", state=aged(first.state, 1), detail_max_age_days=1.5).ids(
        "invoice_details"
    )
    assert read_invobi("invoice_details", state=aged(first.state, 2), detail_max_age_days=1.5).ids("invoice_details")


def test_deleted_invoices_are_told_of_in_every_stream_and_forgotten(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    first = read_invobi()
    dead = first.ids("invoices")[3:5]
    for key in dead:
        invobi.delete("invoices", key)

    second = read_invobi(state=first.state)

    assert second.error is None
    assert not set(dead) & set(second.ids("invoices"))
    assert "invoices" in whole(second)
    for stream in ("invoice_details", "invoice_documents"):
        assert gone(second, stream) == sorted(dead)
        assert not present(second, stream)
        assert stream not in whole(second)
        assert not set(dead) & second.state["bookmarks"][stream]["remembered"].keys()
        assert len(second.state["bookmarks"][stream]["remembered"]) == 248
    assert not [path for path in paths(sandbox) if path.startswith("/invoices/")]
    third = read_invobi(state=second.state)
    assert not third.ids("invoice_details")


def test_an_invoice_that_comes_back_is_read_again(invobi: SystemAdmin, read_invobi: ReadInvobi) -> None:
    first = read_invobi()
    row = invobi.delete("invoices", first.ids("invoices")[3])
    second = read_invobi(state=first.state)
    invobi.create("invoices", row)

    third = read_invobi(state=second.state)

    assert present(third, "invoice_details") == present(third, "invoice_documents") == [row["id"]]


def test_details_all_reads_all_of_them_each_time(read_invobi: ReadInvobi) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, details="all")

    assert len(second.ids("invoice_details")) == 250
    assert not second.ids("invoice_documents")
    assert "invoice_details" in whole(second)


def test_details_none_reads_none_and_forgets_none(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    first = read_invobi("invoices invoice_details")

    second = read_invobi("invoices invoice_details", state=first.state, details="none")

    assert second.error is None
    assert not second.ids("invoice_details")
    assert whole(second) == {"invoices"}
    assert second.state["bookmarks"]["invoice_details"] == first.state["bookmarks"]["invoice_details"]
    invobi.update("invoices", first.ids("invoices")[0], {"title": "Another"})
    assert len(read_invobi("invoices invoice_details", state=second.state).ids("invoice_details")) == 1
    assert paths(sandbox)["/invoices"] == 3


def test_documents_follow_the_list_where_details_are_not_read(invobi: SystemAdmin, read_invobi: ReadInvobi) -> None:
    first = read_invobi("invoice_documents")
    assert len(first.ids("invoice_documents")) == 250
    changed = first.ids("invoice_documents")[9]
    invobi.update("invoices", changed, {"title": "Another"})

    assert read_invobi("invoice_documents", state=first.state).ids("invoice_documents") == [changed]


def test_a_document_is_kept_under_its_invoices_id(tmp_path: Path, read_invobi: ReadInvobi) -> None:
    reading = read_invobi("invoice_documents")

    for record in reading.records["invoice_documents"]:
        content = (tmp_path / "documents" / record["name"]).read_bytes()
        assert record["name"] == f"invoices/{record['id']}.pdf"
        assert content.startswith(b"%PDF-")
        assert record["size"] == len(content)
        assert record["media_type"] == "application/pdf"


def test_documents_are_fetched_again_for_another_place(tmp_path: Path, read_invobi: ReadInvobi) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, documents_url=str(tmp_path / "elsewhere"))

    assert len(second.ids("invoice_documents")) == 250
    assert len(list((tmp_path / "elsewhere/invoices").iterdir())) == 250


def test_no_documents_are_fetched_unless_there_is_a_place_for_them(
    sandbox: RunningSandbox, read_invobi: ReadInvobi
) -> None:
    reading = read_invobi(documents_url=None)

    assert reading.error is None
    assert not reading.ids("invoice_documents")
    assert "invoice_documents" not in whole(reading)
    assert not [path for path in paths(sandbox) if path.endswith("/download")]


def test_an_answer_that_is_no_pdf_is_not_kept(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    html = "<html><body>Sign in</body></html>"
    sandbox.admin.add_fault("*/download", status=200, body=html, headers={"Content-Type": "text/html"})

    reading = read_invobi("invoice_documents")

    assert reading.error is None
    assert len(reading.ids("invoice_documents")) == 249
    assert len(list((tmp_path / "documents/invoices").iterdir())) == 249
    assert "answered with text/html instead of a PDF: not kept" in caplog.text
    assert len(read_invobi("invoice_documents", state=reading.state).ids("invoice_documents")) == 1


@pytest.mark.parametrize("status", ["paid", "unpaid"])
def test_with_a_status_nothing_is_taken_for_deleted(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi, status: str
) -> None:
    asked_for = {row["id"] for row in invobi.records("invoices") if (row["paid_at"] is None) == (status == "unpaid")}
    first = read_invobi(invoice_status=status)
    assert set(first.ids("invoices")) == set(first.ids("invoice_details")) == asked_for
    assert whole(first) == {"prompts", "prompt_labels"}
    assert all(
        ["status", status] in request["query"]
        for request in sandbox.admin.requests()
        if request["path"] == f"{BASE}/invoices"
    )
    moved = min(asked_for)
    invobi.update("invoices", moved, {"paid_at": "2026-03-01" if status == "unpaid" else None})

    second = read_invobi(invoice_status=status, state=first.state)

    assert not second.ids("invoice_details")
    assert whole(second) == {"prompts", "prompt_labels"}
    assert second.state["bookmarks"]["invoice_details"] == first.state["bookmarks"]["invoice_details"]


def test_what_is_deleted_while_one_status_is_read_is_told_when_all_are(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    first = read_invobi()
    dead = next(row["id"] for row in invobi.records("invoices") if row["paid_at"] is None)
    invobi.delete("invoices", dead)
    second = read_invobi(invoice_status="paid", state=first.state)

    third = read_invobi(state=second.state)

    assert not gone(second, "invoice_details")
    assert gone(third, "invoice_details") == gone(third, "invoice_documents") == [dead]
    assert not present(third, "invoice_details")
    assert paths(sandbox) == {"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}


@pytest.mark.parametrize("status", [400, 403])
def test_a_detail_that_is_refused_does_not_hold_up_the_others(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, status: int
) -> None:
    middle = read_invobi("invoices").ids("invoices")[150]
    sandbox.admin.add_fault(f"*/invoices/{middle}", status=status, body='{"error": "Bad luck"}')

    first = read_invobi("invoices invoice_details")
    second = read_invobi("invoices invoice_details", state=first.state)

    assert isinstance(first.error, RunIncomplete)
    assert set(first.ids("invoice_details")) == set(first.ids("invoices")) - {middle}
    assert second.error is None
    assert second.ids("invoice_details") == [middle]
    assert "invoice_details" not in whole(first) | whole(second)


def test_a_run_that_is_killed_anywhere_is_taken_up_at_its_last_state(
    sandbox: RunningSandbox, read_invobi: ReadInvobi
) -> None:
    first = read_invobi("invoices invoice_details")
    written: set[str] = set()
    states = []
    for message in first.messages:
        if message["type"] == "RECORD" and message["stream"] == "invoice_details":
            written.add(message["record"]["id"])
        elif message["type"] == "STATE":
            remembered = message["value"]["bookmarks"].get("invoice_details", {}).get("remembered", {}).keys()
            assert remembered <= written
            states.append((len(remembered), message["value"]))
    assert [count for count, _ in states if count] == [100, 200, 250]

    for count, state in states[-3:]:
        second = read_invobi("invoices invoice_details", state=state)

        assert len(second.ids("invoice_details")) == 250 - count
        assert sum(path.count("/") == 2 for path in paths(sandbox).elements()) == 250 - count


def test_an_invoice_that_is_deleted_after_the_list_was_read_does_no_harm(
    invobi: SystemAdmin, read_invobi: ReadInvobi, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invobi("invoices invoice_details")
    key = first.ids("invoices")[5]
    invobi.update("invoices", key, {"title": "Another"})
    change = {"action": "delete", "resource": "invoices", "id": key}
    invobi.script_changes("/invoices", after_request=3, changes=[change])

    second = read_invobi("invoices invoice_details", state=first.state)

    assert second.error is None
    assert not second.ids("invoice_details")
    assert "1 that the list names were not found" in caplog.text
    third = read_invobi("invoices invoice_details", state=second.state)
    assert gone(third, "invoice_details") == [key]


def test_rows_that_move_between_pages_are_neither_lost_nor_repeated(
    invobi: SystemAdmin, read_invobi: ReadInvobi
) -> None:
    ids = [row["id"] for row in invobi.records("invoices")]
    new: dict[str, Any] = {"action": "create", "resource": "invoices"}
    invobi.script_changes("/invoices", after_request=1, changes=[new])

    reading = read_invobi("invoices", page_size=50, concurrency=1)

    found = reading.ids("invoices")
    assert set(ids) < set(found)
    assert len(found) == len(set(found)) == 251
    assert whole(reading) == {"invoices"}


def test_a_list_that_never_comes_to_rest_marks_and_forgets_nothing(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadInvobi, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invobi("invoices invoice_details")
    dead = first.ids("invoices")[:2]
    for number, key in enumerate(dead):
        change = {"action": "delete", "resource": "invoices", "id": key}
        invobi.script_changes("/invoices", after_request=2 + 3 * number, changes=[change])

    second = read_invobi("invoices invoice_details", state=first.state, concurrency=1)

    assert "no row is taken for deleted" in caplog.text
    assert whole(second) == set()
    assert not second.ids("invoice_details")
    assert len(second.state["bookmarks"]["invoice_details"]["remembered"]) == 250
    assert paths(sandbox)["/invoices"] == 6


@pytest.mark.parametrize("concurrency", [2, 16])
def test_reading_ahead_changes_nothing_in_what_is_written(read_invobi: ReadInvobi, concurrency: int) -> None:
    def written(workers: int) -> dict[str, list[dict[str, Any]]]:
        return read_invobi(page_size=20, concurrency=workers).records

    assert written(1) == written(concurrency)


def test_the_limit_is_used_up_and_not_overrun(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 100, "period": 60}], system="invobi")

    reading = read_invobi("invoices invoice_details", concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoice_details")) == 250
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    # 253 requests: 100 in each minute.
    assert sum(clock_of_both.waits) == pytest.approx(120, rel=0.1)


def test_a_limit_that_others_have_used_up_is_waited_for_until_its_reset(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, clock_of_both: FakeClock
) -> None:
    now = parsedate_to_datetime(requests.get(sandbox.url + "/invobi/api/v1/invoices", timeout=10).headers["Date"])
    reset = now + timedelta(seconds=40)
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0"}
    headers["X-RateLimit-Reset"] = str(int(reset.timestamp()))
    sandbox.admin.add_fault("*/invoices", status=429, body='{"error": "Rate limit exceeded"}', headers=headers)

    reading = read_invobi("invoices", concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    assert 35 <= sum(clock_of_both.waits) <= 60


def test_a_smaller_limit_than_documented_is_learned_from_the_answers(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 20, "period": 60}], system="invobi")

    reading = read_invobi("invoices", page_size=10, concurrency=1)

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    # 25 requests: 20 in the first minute.
    assert sum(clock_of_both.waits) >= 50


def test_a_wrong_token_ends_the_run(read_invobi: ReadInvobi) -> None:
    reading = read_invobi(api_token="wr0ng-t0ken")

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error) == (
        "GET /invobi/api/v1/invoices answered 401: Invalid or expired API token. "
        "Check api_token (Invobi: account settings)"
    )


def test_a_stream_that_is_refused_is_skipped(
    sandbox: RunningSandbox, read_invobi: ReadInvobi, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/prompts", status=403, body='{"error": "Insufficient permissions"}')

    reading = read_invobi("invoices prompts")

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["prompts: skipped: GET /invobi/api/v1/prompts answered 403: Insufficient permissions"]


def test_no_token_and_no_content_reaches_the_log(read_invobi: ReadInvobi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reading = read_invobi()

    assert reading.error is None
    assert "sandbox-token" not in caplog.text
    assert "sandbox-token" not in str(reading.messages)
