"""Documents and what they cost: only on request, as announced, once; and the invoices in them as rows."""

from __future__ import annotations

import base64
import json
import logging
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conftest import read
from singer_rest_core import RunIncomplete
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from conftest import FakeClock, Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

TAP = str(Path(sys.executable).with_name("tap-invoicetronic"))
LIVE_KEY, TEST_KEY = "ik_live_sandbox", "ik_test_sandbox"
INVOICES = "fattura fattura_line fattura_payment fattura_vat_summary"
DOCUMENTS = f"document {INVOICES}"
QUARTER = "2025-Q1"


class ReadDocuments(Protocol):
    """Runs tap-invoicetronic against the sandbox, documents kept in a folder of the test."""

    def __call__(
        self, select: str = DOCUMENTS, *, state: Mapping[str, Any] | None = None, **settings: object
    ) -> Reading:
        """Read the streams named; `settings` go over those of the sandbox."""
        ...


@pytest.fixture
def live(sandbox: RunningSandbox) -> SystemAdmin:
    """The admin of the live environment."""
    return sandbox.admin.system("invoicetronic/live")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where documents are kept."""
    return tmp_path / "documents"


@pytest.fixture
def settings(sandbox: RunningSandbox, folder: Path) -> dict[str, Any]:
    """Settings of the live environment with a place for documents."""
    return {"api_key": LIVE_KEY, "api_url": f"{sandbox.url}/invoicetronic/v1", "documents_url": str(folder)}


@pytest.fixture
def read_documents(settings: dict[str, Any]) -> ReadDocuments:
    """Runs tap-invoicetronic against the sandbox."""

    def run(select: str = DOCUMENTS, *, state: Mapping[str, Any] | None = None, **more: object) -> Reading:
        return read(TapInvoicetronic, settings | more, state=state, select=select)

    return run


def balance(live: SystemAdmin) -> int:
    return int(live.get("billing")["operation_left"])


def announced(lines: Iterable[str]) -> int:
    """How many operations a run said it would cost."""
    return sum(int(found) for line in lines for found in re.findall(r"this costs (\d+) operations", line))


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def oldest(live: SystemAdmin, direction: str, count: int) -> list[int]:
    rows = sorted(live.records(direction), key=lambda row: (row["created"][:19], row["id"]))
    return [row["id"] for row in rows[:count]]


def keys_of(records: list[dict[str, Any]]) -> set[tuple[str, int]]:
    return {(record["direction"], record["invoicetronic_id"]) for record in records}


def paths(sandbox: RunningSandbox) -> list[str]:
    return [request["path"].removeprefix("/invoicetronic/v1") for request in sandbox.admin.requests()]


@pytest.mark.parametrize("payloads", ["receive", "both"])
def test_an_opt_in_run_costs_exactly_what_it_announced(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture, payloads: str
) -> None:
    before = balance(live)

    reading = read_documents(payloads=payloads, payload_limit=20)

    assert reading.error is None
    lines = warnings_of(caplog)
    cost = 20 if payloads == "receive" else 10
    assert balance(live) == before - cost
    assert announced(lines) == cost
    assert lines[0].startswith(f"{cost} received invoices are fetched: this costs {cost} operations, 950 are left, ")
    assert lines[1:] == ["payload_limit 20 is reached: other documents are left to the next run"]
    assert sum(live.get("reads")["payloads"]["receive"].values()) == cost
    assert {(record["direction"], record["id"]) for record in reading.records["document"]} == {
        (direction, row_id)
        for direction in (["receive"] if payloads == "receive" else ["send", "receive"])
        for row_id in oldest(live, direction, cost)
    }


def test_documents_of_sent_invoices_cost_nothing_and_mark_nothing(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    read_flags = {row["id"]: row["is_read"] for row in live.records("receive")}
    before = balance(live)

    reading = read_documents(payloads="send", payload_limit=15)

    assert len(reading.records["document"]) == 15
    assert balance(live) == before
    assert {row["id"]: row["is_read"] for row in live.records("receive")} == read_flags
    assert warnings_of(caplog)[0] == "15 sent invoices are fetched: no cost is documented"
    assert not [path for path in paths(sandbox) if path.startswith(("/receive", "/export", "/status"))]


def test_the_balance_is_looked_at_before_each_costly_call(
    sandbox: RunningSandbox, read_documents: ReadDocuments
) -> None:
    read_documents("document", payloads="receive", payload_limit=5)

    asked = [path for path in paths(sandbox) if path == "/status" or path.startswith("/receive/")]
    assert asked[0] == "/status"
    assert [each.partition("/receive/")[0] for each in asked[1:]] == ["/status", ""] * 5


def test_the_next_run_goes_on_with_the_next_documents(live: SystemAdmin, read_documents: ReadDocuments) -> None:
    first = read_documents(payloads="both", payload_limit=30)
    second = read_documents(payloads="both", payload_limit=30, state=first.state)

    assert balance(live) == 950 - 30
    assert len(first.records["document"]) == len(second.records["document"]) == 30
    for stream in INVOICES.split():
        assert keys_of(first.records[stream]).isdisjoint(keys_of(second.records[stream])), stream
    fetched = first.records["document"] + second.records["document"]
    assert [record["id"] for record in fetched if record["direction"] == "receive"] == oldest(live, "receive", 30)


def test_nothing_new_is_two_lists_and_no_more(
    sandbox: RunningSandbox, read_documents: ReadDocuments, live: SystemAdmin
) -> None:
    for direction in ("send", "receive"):
        for row in sorted(live.records(direction), key=lambda row: int(row["id"]))[8:]:
            live.delete(direction, row["id"])
    first = read_documents(payloads="both")
    assert len(first.records["document"]) == 16
    sandbox.admin.clear_requests()

    second = read_documents(payloads="both", state=first.state)

    assert second.error is None
    assert second.records == {}
    assert sorted(paths(sandbox)) == ["/receive", "/send"]
    assert balance(live) == 950 - 8


def test_a_new_invoice_is_fetched_by_the_next_run(
    sandbox: RunningSandbox, read_documents: ReadDocuments, live: SystemAdmin
) -> None:
    first = read_documents(payloads="receive", start_date="2026-03-16")
    assert 0 < len(first.records["document"]) < 30
    sandbox.admin.advance_clock(86_400)
    new = live.create("receive")["id"]
    cost = balance(live)

    second = read_documents(payloads="receive", start_date="2026-03-16", state=first.state)

    assert [record["id"] for record in second.records["document"]] == [new]
    assert keys_of(second.records["fattura"]) == {("receive", new)}
    assert balance(live) == cost - 1


@pytest.mark.parametrize("lost", ["state", "rows"])
def test_what_is_kept_is_not_paid_for_again(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments, folder: Path, lost: str
) -> None:
    first = read_documents(payloads="both", payload_limit=20)
    left, kept = balance(live), files_in(folder)
    sandbox.admin.clear_requests()

    again = read_documents(
        payloads="both", payload_limit=0, state=None if lost == "state" else {"bookmarks": {"document": {}}}
    )

    assert again.records == first.records
    assert balance(live) == left
    assert files_in(folder) == kept
    assert not [path for path in paths(sandbox) if path.count("/") > 1]


def test_a_stream_that_is_selected_later_makes_its_rows_of_what_is_kept(
    live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    first = read_documents("document", payloads="receive", payload_limit=10)
    left = balance(live)

    second = read_documents("document fattura_line", payloads="receive", payload_limit=0, state=first.state)

    assert "document" not in second.records
    assert keys_of(second.records["fattura_line"]) == {("receive", row_id) for row_id in oldest(live, "receive", 10)}
    assert balance(live) == left


def test_files_that_are_gone_are_not_paid_for_again_either_once_their_rows_were_written(
    live: SystemAdmin, read_documents: ReadDocuments, folder: Path
) -> None:
    first = read_documents(payloads="receive", payload_limit=10)
    for path in folder.rglob("*.*"):
        path.unlink()
    left = balance(live)

    second = read_documents(payloads="receive", payload_limit=5, state=first.state)

    assert [record["id"] for record in second.records["document"]] == oldest(live, "receive", 15)[10:]
    assert balance(live) == left - 5


def test_a_run_that_is_killed_and_resumed_costs_no_more_in_total(
    live: SystemAdmin, settings: dict[str, Any], read_documents: ReadDocuments, tmp_path: Path
) -> None:
    with started(settings | {"payloads": "receive", "payload_limit": 25}, tmp_path) as child:
        _wait_until(lambda: len(live.get("reads")["payloads"]["receive"]) >= 7)
        child.kill()
    paid_before = live.get("reads")["payloads"]["receive"]
    assert 7 <= len(paid_before) < 25

    resumed = read_documents(payloads="receive", payload_limit=25 - len(paid_before))

    paid = live.get("reads")["payloads"]["receive"]
    # SIGKILL may strike between an answer and its file: then that one document is asked for again, and no other.
    lost = sum(paid.values()) - len(paid)
    assert lost <= 1
    assert 950 - balance(live) == 25
    assert [record["id"] for record in resumed.records["document"]] == oldest(live, "receive", 25 - lost)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_document_that_is_under_way_when_a_signal_comes_is_kept(
    sandbox: RunningSandbox,
    settings: dict[str, Any],
    read_documents: ReadDocuments,
    tmp_path: Path,
    signum: signal.Signals,
) -> None:
    live, folder = sandbox.admin.system("invoicetronic/live"), Path(settings["documents_url"])
    sandbox.admin.add_fault(f"*/receive/{oldest(live, 'receive', 4)[-1]}", delay_ms=1500)
    with started(settings | {"payloads": "receive", "payload_limit": 10}, tmp_path) as child:
        _wait_until(lambda: len(files_in(folder)) == 3)
        time.sleep(0.3)  # the fourth is being waited for
        child.send_signal(signum)
        assert child.wait(timeout=10) == 128 + signum

    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")
    paid = live.get("reads")["payloads"]["receive"]
    assert {int(row_id) for row_id in paid} == set(oldest(live, "receive", 4))
    assert len(files_in(folder)) == 4
    lines = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    state = [json.loads(line)["value"] for line in lines if '"type":"STATE"' in line][-1]

    resumed = read_documents(payloads="receive", payload_limit=6, state=state)
    assert sum(live.get("reads")["payloads"]["receive"].values()) == 10
    assert {record["id"] for record in resumed.records["document"]} >= set(oldest(live, "receive", 10)[4:])


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_paid_request_that_was_refused_and_waits_is_given_up_when_a_signal_comes(
    sandbox: RunningSandbox, settings: dict[str, Any], tmp_path: Path, concurrency: int
) -> None:
    sandbox.admin.add_fault("*/receive/*", status=429, headers={"Retry-After": "60"}, times=20)
    more = {"payloads": "receive", "payload_limit": 3, "concurrency": concurrency}
    with started(settings | more, tmp_path) as child:
        _wait_until(lambda: any("/receive/" in request["path"] for request in sandbox.admin.requests()))
        time.sleep(0.3)
        before = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 128 + signal.SIGTERM
        assert time.monotonic() - before < 3
    last = (tmp_path / "out").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["type"] == "STATE"


def test_a_paid_request_without_an_answer_does_not_outlast_the_patience_of_a_container(
    sandbox: RunningSandbox, settings: dict[str, Any], tmp_path: Path
) -> None:
    sandbox.admin.add_fault("*/receive/*", delay_ms=40_000)
    with started(settings | {"payloads": "receive", "payload_limit": 3, "request_timeout": 60}, tmp_path) as child:
        _wait_until(lambda: "operations" in (tmp_path / "log").read_text(encoding="utf-8"))
        time.sleep(1.5)
        before = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 128 + signal.SIGTERM
        assert 15 < time.monotonic() - before < 25


@contextmanager
def started(config: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The tap in a process of its own, which is gone at the end."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        child = subprocess.Popen([TAP, "--config", str(folder / "config.json")], stdout=out, stderr=log)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_an_empty_balance_ends_the_fetching_and_nothing_else(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    live.put("billing", {"operation_left": 3})

    reading = read_documents(payloads="both", payload_limit=20)

    assert reading.error is None
    directions = [record["direction"] for record in reading.records["document"]]
    assert directions.count("receive") == announced(warnings_of(caplog)) == 3
    assert directions.count("send") > 3
    assert balance(live) == 0
    assert "the account has no operations left: other received invoices are not fetched" in warnings_of(caplog)


def test_a_refusal_for_the_balance_is_told_plainly(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_invoicetronic.account.Account.operations_left", lambda _: 5)
    live.put("billing", {"operation_left": 0})

    reading = read_documents("document", payloads="receive")

    assert reading.error is None
    assert "document" not in reading.records
    assert any("(usage_limit_exceeded). Buy operations, then run again" in line for line in warnings_of(caplog))
    assert reading.state["bookmarks"]["document"].get("receive", {}).get("newest") is None


def test_without_a_look_at_the_balance_nothing_is_spent(live: SystemAdmin, read_documents: ReadDocuments) -> None:
    live.put("restricted_keys", {"ik_live_reader": {"permissions": {"receive": "Read", "send": "Read"}}})

    reading = read_documents("document", payloads="receive", api_key="ik_live_reader")

    assert isinstance(reading.error, RunIncomplete)
    assert balance(live) == 950
    assert live.get("reads")["payloads"]["receive"] == {}


def test_a_restricted_key_gets_the_documents_it_may_read(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    live.put("restricted_keys", {"ik_live_reader": {"permissions": {"send": "Read", "status": "Read"}}})

    reading = read_documents(
        api_key="ik_live_reader", payloads="both", payload_limit=3, export_periods=["2025-02"], export_type="send"
    )

    assert reading.error is None
    for stream in ("document", "fattura"):
        assert {record["direction"] for record in reading.records[stream]} == {"send"}
    assert len(reading.records["document"]) == 3
    told = warnings_of(caplog)
    answered = "answered 403: Forbidden: The key has no access to"
    meant = "(subkey_not_allowed): the API key has no permission for it"
    assert f"receive is left out: GET /invoicetronic/v1/receive {answered} receive {meant}" in told
    assert f"export of 2025-02 is not made: GET /invoicetronic/v1/export {answered} export {meant}" in told
    assert sum("answered 403" in line for line in told) == 2


def test_in_the_test_environment_nothing_is_charged_and_the_balance_stops_nothing(
    sandbox: RunningSandbox, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture, folder: Path
) -> None:
    test = sandbox.admin.system("invoicetronic/test")
    test.put("billing", {"operation_left": 0})

    reading = read_documents("document", api_key=TEST_KEY, payloads="receive", payload_limit=5)

    assert reading.error is None
    assert len(reading.records["document"]) == 5
    assert all(name.startswith("test/receive/") for name in files_in(folder))
    assert paths(sandbox).count("/status") == 1 + 5
    assert "nothing is charged in the test environment, 0 operations are left" in warnings_of(caplog)[0]


def test_an_invoice_that_is_deleted_meanwhile_is_passed_over(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    gone = oldest(live, "receive", 3)[1]
    sandbox.admin.add_fault(f"*/receive/{gone}", status=404)

    reading = read_documents("document", payloads="receive", payload_limit=5)

    assert reading.error is None
    assert [record["id"] for record in reading.records["document"]] == [
        row_id for row_id in oldest(live, "receive", 5) if row_id != gone
    ]
    assert any("the invoice was deleted meanwhile" in line for line in warnings_of(caplog))


def test_what_cannot_be_fetched_is_asked_for_by_one_stream_alone(
    sandbox: RunningSandbox,
    live: SystemAdmin,
    read_documents: ReadDocuments,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deleted, broken = oldest(live, "receive", 3)[1:]
    sandbox.admin.add_fault(f"*/receive/{deleted}", times=100, status=404)
    sandbox.admin.add_fault(f"*/receive/{broken}", times=100, status=500)

    reading = read_documents(payloads="receive", payload_limit=5)

    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.records["document"]) == len(reading.records["fattura"]) == 1
    asked = paths(sandbox)
    assert asked.count(f"/receive/{deleted}") == 1
    assert asked.count(f"/receive/{broken}") == 6  # tries
    assert announced(warnings_of(caplog)) == 5


def test_a_document_is_the_file_as_the_sender_made_it(
    live: SystemAdmin, read_documents: ReadDocuments, folder: Path
) -> None:
    signed = next(row for row in live.records("receive") if row["encoding"] == "Base64" and ".p7m" in row["file_name"])
    reading = read_documents("document", payloads="receive", start_date=signed["created"], payload_limit=5)

    record = next(record for record in reading.records["document"] if record["id"] == signed["id"])
    content = (folder / record["name"]).read_bytes()
    assert record["name"] == f"live/receive/{signed['id']}.xml.p7m"
    assert record["media_type"] == "application/pkcs7-mime"
    assert record["size"] == len(content)
    assert record["file_name"] == signed["file_name"]
    assert not content.startswith(b"<")


def test_a_payload_that_is_no_invoice_is_kept_and_told_and_not_fetched_again(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    odd = oldest(live, "receive", 2)
    live.update("receive", odd[0], {"payload": "", "encoding": "Xml"})
    live.update("receive", odd[1], {"payload": "<html><body>hush</body></html>", "encoding": "Xml"})

    first = read_documents(payloads="receive", payload_limit=4)
    again = read_documents(payloads="receive", payload_limit=0)

    assert first.error is again.error is None
    assert [record["size"] for record in first.records["document"]][:2] == [0, 30]
    assert keys_of(first.records["fattura"]) == {("receive", row_id) for row_id in oldest(live, "receive", 4)[2:]}
    told = [line for line in warnings_of(caplog) if "no rows are made of it" in line]
    assert len(told) == 4  # once a run and document
    assert "hush" not in "".join(told)
    assert balance(live) == 950 - 4


def test_an_export_costs_exactly_what_it_announced_and_is_made_once(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    before = balance(live)

    first = read_documents(export_periods=[QUARTER])
    cost = announced(warnings_of(caplog))
    sandbox.admin.clear_requests()
    second = read_documents(export_periods=[QUARTER], state=first.state)
    third = read_documents(export_periods=[QUARTER])

    assert first.error is second.error is third.error is None
    assert balance(live) == before - cost
    assert cost > 5
    assert live.get("reads")["exports"] == 1
    assert second.records == {}
    assert third.records == first.records
    archive, *files = first.records["document"]
    assert archive["name"] == "live/export/2025-q1-both.zip"
    assert archive["media_type"] == "application/zip"
    assert (archive["id"], archive["period"]) == (None, QUARTER)
    assert {(record["direction"], record["id"]) for record in files} == keys_of(first.records["fattura"])


def test_what_an_export_brought_is_not_fetched_by_itself_too(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    exported = read_documents(export_periods=[QUARTER], export_type="receive").records["document"][1:]
    left = balance(live)
    start = min(row["created"] for row in live.records("receive") if row["id"] in {each["id"] for each in exported})
    sandbox.admin.clear_requests()

    reading = read_documents(payloads="receive", start_date=start, payload_limit=3)

    again = {record["name"] for record in reading.records["document"]}
    fetched = [path for path in paths(sandbox) if path.startswith("/receive/")]
    assert len(fetched) == 3
    assert balance(live) == left - 3
    assert len(again & {record["name"] for record in exported}) == len(again) - 3 > 0


def test_an_export_that_would_cost_more_than_the_limit_is_not_made(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    reading = read_documents(export_periods=[QUARTER], payload_limit=5)

    assert reading.error is None
    assert reading.records == {}
    assert balance(live) == 950
    assert live.get("reads")["exports"] == 0
    (line,) = warnings_of(caplog)
    assert re.match(
        rf"export of {QUARTER} is not made: it would cost \d+ operations; 950 are left, "
        "and payload_limit 5 allows this run 5 more",
        line,
    )


def test_an_export_that_the_balance_does_not_cover_is_not_made(
    live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    live.put("billing", {"operation_left": 2})

    assert read_documents(export_periods=[QUARTER]).records == {}
    assert live.get("reads")["exports"] == 0


def test_an_export_of_sent_invoices_costs_nothing(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    reading = read_documents(export_periods=["2025-02"], export_type="send", payload_limit=0)

    assert {record["direction"] for record in reading.records["document"]} == {None, "send"}
    assert balance(live) == 950
    assert "/status" not in paths(sandbox)


def test_a_period_that_is_not_over_waits_and_one_without_invoices_is_none(
    live: SystemAdmin, read_documents: ReadDocuments, caplog: pytest.LogCaptureFixture
) -> None:
    reading = read_documents(export_periods=["2031-01", "2001-01"])

    assert reading.error is None
    assert reading.records == {}
    assert balance(live) == 950
    lines = warnings_of(caplog)
    assert "export of 2031-01: the period is not over; it is exported once, when it is" in lines
    assert "export of 2001-01: the API has no invoices for it" in lines


def test_company_id_narrows_exports_and_payloads(
    sandbox: RunningSandbox, live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    company = live.records("receive")[0]["company_id"]

    reading = read_documents(payloads="receive", payload_limit=100, export_periods=["2025-02"], company_id=company)

    assert reading.error is None
    companies = {("receive", row["id"]): row["company_id"] for row in live.records("receive")}
    companies |= {("send", row["id"]): row["company_id"] for row in live.records("send")}
    assert {companies[each] for each in keys_of(reading.records["fattura"])} == {company}
    (export,) = [request for request in sandbox.admin.requests() if request["path"].endswith("/export")]
    assert ["company_id", str(company)] in export["query"]


def test_a_member_that_leads_out_of_the_archive_ends_the_stream(
    live: SystemAdmin, read_documents: ReadDocuments, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evil = base64.b64encode(b"<x/>").decode()
    live.put("behaviour", {"export_members": {"../../evil.xml": evil}})

    reading = read_documents("document", export_periods=["2025-02"])

    assert isinstance(reading.error, RunIncomplete)
    assert not [path for path in folder.parent.rglob("*") if path.name == "evil.xml"]
    assert live.get("reads")["exports"] == 1
    assert (
        "document: failed: export of 2025-02: ZIP member '../../evil.xml' has a path outside the archive. "
        "live/export/2025-02-both.zip stays as it came; to go on without it, take 2025-02 out of export_periods"
    ) in warnings_of(caplog)


@pytest.mark.parametrize("fault", [{"times": 6, "status": 500}, {"status": 200, "body": "<html>Wartung</html>"}])
def test_an_export_that_is_no_archive_is_not_kept_and_asked_for_by_one_stream_alone(
    sandbox: RunningSandbox,
    live: SystemAdmin,
    read_documents: ReadDocuments,
    fault: dict[str, Any],
) -> None:
    sandbox.admin.add_fault("*/export", **fault)

    first = read_documents(export_periods=["2025-02"])
    second = read_documents(export_periods=["2025-02"], state=first.state)

    assert isinstance(first.error, RunIncomplete)
    assert first.records == {}
    assert second.error is None
    assert second.records["document"]
    assert live.get("reads")["exports"] == 1


def test_files_of_an_export_find_their_invoices_whatever_they_are_called(
    live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    live.put("behaviour", {"export_names": "id"})

    reading = read_documents("document fattura", export_periods=["2025-02"])

    assert reading.error is None
    _archive, *files = reading.records["document"]
    assert len(files) > 10
    assert {record["direction"] for record in files} == {"send", "receive"}
    assert {(record["direction"], record["id"]) for record in files} == keys_of(reading.records["fattura"])


def test_a_member_that_matches_no_invoice_is_kept_and_told(
    live: SystemAdmin, read_documents: ReadDocuments, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stray = base64.b64encode(b"<?xml version='1.0'?><x/>").decode()
    live.put("behaviour", {"export_members": {"IT01234567890/receive/stray.xml": stray}})

    reading = read_documents(export_periods=["2025-02"])

    assert reading.error is None
    (record,) = [record for record in reading.records["document"] if record["file_name"] == "stray.xml"]
    assert (record["id"], record["direction"], record["period"]) == (None, None, "2025-02")
    assert (folder / record["name"]).read_bytes() == base64.b64decode(stray)
    assert "export of 2025-02: stray.xml matches no invoice: no rows are made of it" in warnings_of(caplog)


def test_a_concurrent_export_is_waited_for(
    sandbox: RunningSandbox, read_documents: ReadDocuments, clock: FakeClock
) -> None:
    sandbox.admin.add_fault("*/export", status=429, headers={"Retry-After": "1"})

    reading = read_documents("document", export_periods=["2025-02"])

    assert reading.error is None
    assert reading.records["document"]
    assert 1 <= sum(clock.waits) < 2


def test_totals_are_the_sums_of_lines_and_vat_summaries_to_the_cent(
    live: SystemAdmin, read_documents: ReadDocuments
) -> None:
    live.put("billing", {"operation_left": 10_000})
    reading = read_documents(payloads="both", payload_limit=10_000)
    assert reading.error is None
    records = reading.records
    assert len(records["document"]) == len(live.records("send")) + len(live.records("receive")) > 800

    def by_body(stream: str) -> dict[tuple[str, int, int], list[dict[str, Any]]]:
        rows = defaultdict(list)
        for row in records[stream]:
            rows[row["direction"], row["invoicetronic_id"], row["body_number"]].append(row)
        return rows

    lines, summaries = by_body("fattura_line"), by_body("fattura_vat_summary")
    stated = 0
    for fattura in records["fattura"]:
        key = fattura["direction"], fattura["invoicetronic_id"], fattura["body_number"]
        if fattura["importo_totale_documento"] is None:
            continue
        stated += 1
        if fattura["formato_trasmissione"] == "FSM10":
            total = sum(Decimal(line["importo"]) for line in lines[key])
        else:
            total = _total(fattura, summaries[key])
            assert _taxable(fattura, lines[key]) == sum(
                _decimal(row["imponibile_importo"])
                - _decimal(row["spese_accessorie"])
                - _decimal(row["arrotondamento"])
                for row in summaries[key]
            ), key
        assert _decimal(fattura["importo_totale_documento"]) == total, key
    assert stated > 600


def _decimal(value: object) -> Decimal:
    return Decimal(str(value or 0))


def _total(fattura: dict[str, Any], summaries: list[dict[str, Any]]) -> Decimal:
    """Taxable and tax of every rate, discounts of the whole document, rounding."""
    total = sum((_decimal(row["imponibile_importo"]) + _decimal(row["imposta"]) for row in summaries), Decimal())
    for change in fattura["sconto_maggiorazione"] or []:
        amount = _decimal(change["importo"])
        total += amount if change["tipo"] == "MG" else -amount
    return total + _decimal(fattura["arrotondamento"])


def _taxable(fattura: dict[str, Any], lines: list[dict[str, Any]]) -> Decimal:
    funds = fattura["dati_cassa_previdenziale"] or []
    return sum((_decimal(line["prezzo_totale"]) for line in lines), Decimal()) + sum(
        (_decimal(fund["importo_contributo_cassa"]) for fund in funds), Decimal()
    )


def test_rows_join_to_send_and_receive_and_to_each_other(read_documents: ReadDocuments) -> None:
    reading = read_documents(f"send receive {DOCUMENTS}", payloads="both", payload_limit=60)

    listed = {(direction, row_id) for direction in ("send", "receive") for row_id in reading.ids(direction)}
    bodies = {
        (record["direction"], record["invoicetronic_id"], record["body_number"])
        for record in reading.records["fattura"]
    }
    assert keys_of(reading.records["fattura"]) <= listed
    for stream in ("fattura_line", "fattura_vat_summary", "fattura_payment"):
        rows = reading.records[stream]
        assert {(row["direction"], row["invoicetronic_id"], row["body_number"]) for row in rows} <= bodies
        positions = [(row["direction"], row["invoicetronic_id"], row["body_number"], row["position"]) for row in rows]
        assert len(set(positions)) == len(positions) > 0


def test_rows_of_documents_are_never_taken_for_deleted(read_documents: ReadDocuments) -> None:
    assert read_documents(payloads="send", payload_limit=5).of("ACTIVATE_VERSION") == []


def test_a_test_of_the_connection_spends_nothing(
    live: SystemAdmin, settings: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings | {"payloads": "both", "export_periods": [QUARTER]}), encoding="utf-8")

    done = subprocess.run([TAP, "--config", str(config), "--test"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert balance(live) == 950
    assert live.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}
    assert files_in(folder) == set()
