"""Details of invoices: which of them are requested again."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from conftest import FakeClock, paths_requested
from singer_rest_core import RunIncomplete
from singer_rest_core.records import decode, encode, row_digest
from tap_invobi.details import InvoiceDetails, Memory
from tap_invobi.tap import TapInvobi

if TYPE_CHECKING:
    from conftest import Reading, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox
BASE = "/invobi/api/v1"
DAY = 86_400


def present(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's records that are no tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" not in record]


def gone(reading: Reading, stream: str) -> list[str]:
    """The ids of a stream's tombstones."""
    return [record["id"] for record in reading.records[stream] if "_sdc_deleted_at" in record]


def test_a_detail_is_the_invoice_with_its_lists(invobi: SystemAdmin, read_invobi: ReadTap) -> None:
    records = {record["id"]: record for record in read_invobi("invoice_details").records["invoice_details"]}

    for row in invobi.records("invoices"):
        record = records[row["id"]]
        for name in ("from_details", "to_details", "items", "discounts", "taxes", "payment_details"):
            assert decode(encode(record[name])) == decode(encode(row[name])), name
        assert record["locale"] == row["locale"]
        assert record["_rescued_data"] is None


def test_what_is_remembered_of_an_invoice_is_short(read_invobi: ReadTap) -> None:
    state = read_invobi().state["bookmarks"]

    assert {len(text) for text in state["invoice_details"]["remembered"].values()} == {24}
    assert {len(text) for text in state["invoice_documents"]["remembered"].values()} == {8}


def test_only_changed_and_new_invoices_are_read_again(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap
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
    assert paths_requested(sandbox, BASE) - Counter({"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}) == {
        path: 1 for key in (changed, new) for path in (f"/invoices/{key}", f"/invoices/{key}/download")
    }
    assert new not in first.ids("invoice_details")


def test_a_change_that_the_list_does_not_show_is_found_when_the_detail_is_too_old(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap, clock: FakeClock
) -> None:
    first = read_invobi()
    silent = first.ids("invoices")[0]
    invobi.update("invoices", silent, {"items": [{"name": "Other work"}]})

    clock.advance(14.9 * DAY)
    assert not read_invobi(state=first.state).ids("invoice_details")
    clock.advance(15.2 * DAY)
    third = read_invobi(state=first.state)

    assert len(third.ids("invoice_details")) == 250
    assert third.ids("invoice_documents") == [silent]
    assert sum(path.endswith("/download") for path in paths_requested(sandbox, BASE)) == 1


def test_detail_max_age_days_may_be_any_number(read_invobi: ReadTap, clock: FakeClock) -> None:
    first = read_invobi("invoice_details")

    clock.advance(0.7 * DAY)
    assert not read_invobi("invoice_details", state=first.state, detail_max_age_days=1.5).ids("invoice_details")
    clock.advance(1 * DAY)
    later = read_invobi("invoice_details", state=first.state, detail_max_age_days=1.5)
    assert len(later.ids("invoice_details")) == 250


def test_details_that_were_read_in_one_night_are_read_again_in_many(read_invobi: ReadTap, clock: FakeClock) -> None:
    state: dict[str, Any] = {}
    ages: dict[str, int] = {}
    nights: list[int] = []

    for night in range(46):
        reading = read_invobi("invoice_details", state=state)
        state = reading.state
        for key in reading.ids("invoice_details"):
            assert night == 0 or 15 <= night - ages[key] <= 30
            ages[key] = night
        nights.append(len(reading.ids("invoice_details")))
        clock.advance(DAY)

    assert nights[0] == 250
    assert max(nights[1:]) < 50


def test_two_thousand_details_are_spread_over_the_nights(invobi_settings: dict[str, Any]) -> None:
    """As the stream decides it, without requests."""
    tap = TapInvobi(config=invobi_settings)
    details = tap.streams["invoice_details"]
    assert isinstance(details, InvoiceDetails)
    clock = tap.clock
    assert isinstance(clock, FakeClock)
    rows = {str(number): row_digest({"id": number}) for number in range(2_000)}
    remembered: dict[str, str] = {}
    read_in: dict[str, list[int]] = defaultdict(list)

    for night in range(60):
        due = [key for key, row in rows.items() if details.is_due(row, remembered.get(key))]
        for key in due:
            read_in[key].append(night)
            read_at = int(clock.now().timestamp())
            remembered[key] = Memory(rows[key], "0123abcd", read_at).to_state()
        clock.advance(DAY)

    counts = Counter(night for nights in read_in.values() for night in nights)
    assert counts[0] == 2_000
    assert all(counts[night] == 0 for night in range(1, 15))
    assert max(counts[night] for night in range(15, 60)) < 200, "a tenth of them, not all at once"
    assert all(counts[night] > 0 for night in (*range(16, 30), *range(35, 60)))
    for nights in read_in.values():
        assert all(15 <= later - earlier <= 30 for earlier, later in itertools.pairwise(nights))


def test_an_invoice_that_comes_back_is_read_again(invobi: SystemAdmin, read_invobi: ReadTap) -> None:
    first = read_invobi()
    row = invobi.delete("invoices", first.ids("invoices")[3])
    second = read_invobi(state=first.state)
    third = read_invobi(state=second.state)
    assert gone(third, "invoice_details") == [row["id"]]
    invobi.create("invoices", row)

    fourth = read_invobi(state=third.state)

    assert present(fourth, "invoice_details") == present(fourth, "invoice_documents") == [row["id"]]


def test_details_all_reads_all_details_each_time(read_invobi: ReadTap) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, details="all")

    assert len(second.ids("invoice_details")) == 250
    assert not second.ids("invoice_documents")
    (activated,) = (each for each in second.of("ACTIVATE_VERSION") if each["stream"] == "invoice_details")
    assert activated["version"] == next(each["version"] for each in first.of("RECORD"))


def test_details_none_reads_and_forgets_no_details(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap
) -> None:
    first = read_invobi("invoices invoice_details")

    second = read_invobi("invoices invoice_details", state=first.state, details="none")

    assert second.error is None
    assert not second.ids("invoice_details")
    assert {*second.activated} == {"invoices"}
    assert second.state["bookmarks"]["invoice_details"] == first.state["bookmarks"]["invoice_details"]
    invobi.update("invoices", first.ids("invoices")[0], {"title": "Another"})
    assert len(read_invobi("invoices invoice_details", state=second.state).ids("invoice_details")) == 1
    assert paths_requested(sandbox, BASE)["/invoices"] == 3


@pytest.mark.parametrize("status", [400, 403])
def test_a_detail_that_is_refused_does_not_hold_up_the_others(
    sandbox: RunningSandbox, read_invobi: ReadTap, status: int
) -> None:
    middle = read_invobi("invoices").ids("invoices")[150]
    sandbox.admin.add_fault(f"*/invoices/{middle}", status=status, body='{"error": "Bad luck"}')

    first = read_invobi("invoices invoice_details")
    second = read_invobi("invoices invoice_details", state=first.state)

    assert isinstance(first.error, RunIncomplete)
    assert set(first.ids("invoice_details")) == set(first.ids("invoices")) - {middle}
    assert second.error is None
    assert second.ids("invoice_details") == [middle]
    assert "invoice_details" not in [*first.activated, *second.activated]


def test_a_killed_run_is_continued_from_any_of_its_states(sandbox: RunningSandbox, read_invobi: ReadTap) -> None:
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
        assert sum(path.count("/") == 2 for path in paths_requested(sandbox, BASE).elements()) == 250 - count
