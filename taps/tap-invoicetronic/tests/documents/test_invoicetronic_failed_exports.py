"""An export that fails, or whose archive cannot be read, does not keep anything else from being read."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, Reading
    from documents.conftest import Account

    Warnings = Callable[[], list[str]]
    Announced = Callable[[], int]

SELECTED = pytest.mark.parametrize(
    "streams", [("document", "fattura", "fattura_line", "fattura_payment", "fattura_vat_summary"), ("fattura",)]
)
PERIODS = ["2025-02", "2025-03"]
DAY = 86_400


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return buffer.getvalue()


ARCHIVES = {
    "refused": archive({"../../evil.xml": b"<x/>"}),
    "broken": archive({"IT01234567890/receive/a.xml": b"<x/>" * 1000})[:-30],
    "oversized": archive({"IT01234567890/receive/a.xml": bytes(8 << 20)}),
}


def store_archive(account: Account, content: bytes) -> None:
    """Store the archive of the first period as if an earlier run had exported it."""
    path = account.folder / "live/export/2025-02-both.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def exports(account: Account) -> list[str]:
    """The months that were exported so far, in order."""
    requests = [request for request in account.sandbox.admin.requests() if request["path"].endswith("/export")]
    return [value for request in requests for name, value in request["query"] if name == "month"]


def fetched(account: Account) -> list[int]:
    """The received invoices whose documents were requested one by one so far."""
    return [int(path.rpartition("/")[2]) for path in account.requested() if path.startswith("/receive/")]


def read_in(account: Account, period: str) -> set[int]:
    """The received invoices of a period."""
    rows = account.live.records("receive")
    return {row["id"] for row in rows if any(each["date"].startswith(period) for each in row["documents"])}


@pytest.fixture(autouse=True)
def _small_world(account: Account) -> None:
    """Only the invoices of January to March 2025 that were received, and ten that were sent."""
    for direction in ("send", "receive"):
        rows = sorted(account.live.records(direction), key=lambda row: int(row["id"]))
        kept = {row["id"] for row in rows if row["documents"][0]["date"][:7] in {"2025-01", *PERIODS}}
        kept = set(sorted(kept)[:10]) if direction == "send" else kept
        for row in rows:
            if row["id"] not in kept:
                account.live.delete(direction, row["id"])


def complete(streams: tuple[str, ...]) -> list[str]:
    """The streams that have rows of every invoice; some invoices ask for no payment."""
    return [stream for stream in streams if stream != "fattura_payment"]


def received(reading: Reading, stream: str) -> set[int]:
    """The received invoices that a stream has rows of."""
    column = "id" if stream == "document" else "invoicetronic_id"
    return {record[column] for record in reading.records[stream] if record["direction"] == "receive"}


@pytest.mark.parametrize("kind", list(ARCHIVES))
@SELECTED
def test_an_archive_that_cannot_be_read_keeps_nothing_else_from_being_read(
    account: Account, warnings: Warnings, clock: FakeClock, kind: str, streams: tuple[str, ...]
) -> None:
    store_archive(account, ARCHIVES[kind])
    settings: dict[str, Any] = {"export_periods": PERIODS, "payloads": "receive", "payload_limit": 1000}
    everything = {row["id"] for row in account.live.records("receive")}

    first = account.read(*streams, state=None, **settings)

    assert isinstance(first.error, RunIncomplete)
    assert exports(account) == ["3"]
    for stream in complete(streams):
        assert received(first, stream) == everything
    assert any("export of 2025-02:" in line and "is read again after" in line for line in warnings())
    for stream in streams:
        assert first.state["bookmarks"][stream]["exported"] == ["2025-03-both"]

    before = len(warnings())
    second = account.read(*streams, state=first.state, **settings)
    assert second.error is None
    assert second.records == {}
    told = (
        "1 documents or exports (live/export/2025-02-both) failed in earlier runs: they are tried again in a later run"
    )
    assert warnings()[before:] == [f"{told}, not in this one"]

    clock.advance(8 * DAY)
    third = account.read(*streams, state=second.state, **settings)
    assert isinstance(third.error, RunIncomplete)
    assert third.state["bookmarks"][streams[0]]["failed_archives"]["2025-02-both"]["failures"] == 2

    (account.folder / "live/export/2025-02-both.zip").unlink()
    clock.advance(30 * DAY)
    last = account.read(*streams, state=third.state, **settings)
    assert last.error is None
    assert exports(account) == ["3", "2"]
    assert "failed_archives" not in last.state["bookmarks"][streams[0]]


@CONCURRENCY
@SELECTED
def test_an_export_whose_answer_is_lost_is_charged_once_and_requested_again_by_the_next_run(
    account: Account, warnings: Warnings, announced: Announced, concurrency: int, streams: tuple[str, ...]
) -> None:
    account.sandbox.admin.add_fault("*/export", truncate=True)
    settings: dict[str, Any] = {"export_periods": PERIODS, "payloads": "receive", "payload_limit": 1000}
    period = read_in(account, "2025-02")
    everything = {row["id"] for row in account.live.records("receive")}

    first = account.read(*streams, concurrency=concurrency, **settings)

    assert isinstance(first.error, RunIncomplete)
    assert exports(account) == ["2", "3"]
    assert period.isdisjoint(fetched(account)), "the next export has them, and costs nothing"
    for stream in complete(streams):
        assert received(first, stream) == everything - period
    assert 950 - account.balance() == announced()
    charged = [
        line for line in warnings() if line.startswith("export of 2025-02: ") and "charged, but the archive" in line
    ]
    assert len(charged) == 1

    left = account.balance()
    account.sandbox.admin.clear_requests()
    second = account.read(*streams, concurrency=concurrency, state=first.state, **settings)

    assert second.error is None
    assert exports(account) == ["2"]
    assert fetched(account) == []
    assert account.balance() == left
    for stream in complete(streams):
        assert received(second, stream) == period
        assert "failed_exports" not in second.state["bookmarks"][stream]

    account.sandbox.admin.clear_requests()
    third = account.read(*streams, concurrency=concurrency, state=second.state, **settings)
    assert third.records == {}
    assert sorted(account.requested()) == ["/receive"]


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"drop": True}, {"not_json": True}, {"status": 400, "body": '{"title": "Bad Request"}'}]
)
def test_an_export_that_failed_and_was_not_charged_takes_nothing_from_the_limit(
    account: Account, warnings: Warnings, fault: dict[str, Any]
) -> None:
    account.sandbox.admin.add_fault("*/export", **fault)
    cost = len(
        [
            row
            for row in account.live.records("receive")
            if not row["is_read"] and row["id"] in read_in(account, "2025-02")
        ]
    )

    first = account.read(export_periods=["2025-02"], payloads="receive", payload_limit=cost + 2)

    assert isinstance(first.error, RunIncomplete)
    assert exports(account) == ["2"]
    assert received(first, "document") == set(account.oldest("receive", cost + 2))
    assert account.balance() == 950 - cost - 2
    assert sum("export of 2025-02: GET" in line for line in warnings()) == 1


def test_an_export_whose_answer_is_always_lost_is_requested_three_times_while_it_costs(
    account: Account, clock: FakeClock, warnings: Warnings
) -> None:
    account.sandbox.admin.add_fault("*/export", times=100, truncate=True)
    state: dict[str, Any] = {}
    requested, charged = [], []

    for night in range(5):
        # Something to pay for in each export: without it, a second export is free.
        for row in account.live.records("receive"):
            if row["id"] in list(read_in(account, "2025-02"))[:1]:
                account.live.update("receive", row["id"], {"is_read": False})
        before = account.balance()
        reading = account.read("document", export_periods=["2025-02"], state=state)
        state = reading.state
        assert (reading.error is None) is (night >= 3)
        requested.append(len(exports(account)))
        charged.append(before - account.balance() > 0)
        clock.advance(DAY + 60)

    assert requested == [1, 2, 3, 3, 3]
    assert charged == [True, True, True, False, False]
    assert any("store it as live/export/2025-02-both.zip below documents_url" in line for line in warnings())


@SELECTED
def test_nothing_more_is_spent_when_the_balance_is_not_known_after_a_lost_export(
    account: Account, streams: tuple[str, ...]
) -> None:
    account.sandbox.admin.add_fault("*/export", truncate=True)
    account.sandbox.admin.add_fault("*/status", skip=1, times=100, status=500)

    reading = account.read(*streams, export_periods=PERIODS, payloads="both", payload_limit=1000)

    assert isinstance(reading.error, RunIncomplete)
    assert exports(account) == ["2"]
    assert fetched(account) == []
    assert {record["direction"] for record in reading.records[streams[0]]} == {"send"}


def test_an_export_waits_when_another_one_is_being_made_and_costs_what_it_announced(
    account: Account, announced: Announced
) -> None:
    account.sandbox.admin.add_fault("*/export", times=3, status=429, headers={"Retry-After": "1"})

    reading = account.read("document", export_periods=["2025-02"])

    assert reading.error is None
    assert len(exports(account)) == 4
    assert 950 - account.balance() == announced()
