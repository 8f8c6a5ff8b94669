"""Requests that cost money are sent once; one whose answer is lost is accounted for, and sent again in a later run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, Reading
    from documents.conftest import Account

    Warnings = Callable[[], list[str]]

SELECTED = pytest.mark.parametrize(
    "streams", [("document", "fattura", "fattura_line", "fattura_payment", "fattura_vat_summary"), ("fattura_line",)]
)
CHARGED: tuple[dict[str, Any], ...] = (
    {"truncate": True},
    {"status": 500, "carried_out": True},
    {"drop": True, "carried_out": True},
    {"not_json": True, "carried_out": True},
    {"status": 200, "body": "[]", "carried_out": True},
)
NOT_CHARGED: tuple[dict[str, Any], ...] = ({"status": 503}, {"drop": True}, {"not_json": True})

DAY = 86_400


def lose(account: Account, row_id: int, fault: dict[str, Any], *, times: int = 1) -> None:
    account.sandbox.admin.add_fault(f"*/receive/{row_id}", times=times, **fault)


def requests_for(account: Account, *ids: int) -> list[int]:
    asked = account.requested()
    return [asked.count(f"/receive/{row_id}") for row_id in ids]


def complete(streams: tuple[str, ...]) -> list[str]:
    """The streams that have rows of every invoice; some invoices ask for no payment."""
    return [stream for stream in streams if stream != "fattura_payment"]


def ids_of(reading: Reading, stream: str) -> list[int]:
    """The received invoices that a stream has rows of, in order, each once."""
    column = "id" if stream == "document" else "invoicetronic_id"
    return list(dict.fromkeys(record[column] for record in reading.records.get(stream, [])))


@CONCURRENCY
@SELECTED
def test_three_lost_answers_within_a_limit_of_three_cost_three_operations(
    account: Account, concurrency: int, streams: tuple[str, ...]
) -> None:
    lost = account.oldest("receive", 3)
    for row_id in lost:
        lose(account, row_id, {"truncate": True}, times=100)

    reading = account.read(*streams, payloads="receive", payload_limit=3, concurrency=concurrency)

    assert isinstance(reading.error, RunIncomplete)
    assert reading.records == {}
    assert requests_for(account, *lost) == [1, 1, 1]
    assert account.balance() == 950 - 3


@CONCURRENCY
@SELECTED
def test_lost_answers_do_not_keep_other_documents_from_being_read(
    account: Account, warnings: Warnings, concurrency: int, streams: tuple[str, ...]
) -> None:
    faults = (*CHARGED, *NOT_CHARGED)
    oldest = account.keep_oldest("receive", 20)
    lost = oldest[1 : len(faults) + 1]
    for row_id, fault in zip(lost, faults, strict=True):
        lose(account, row_id, fault)

    first = account.read(*streams, payloads="receive", payload_limit=10, concurrency=concurrency)

    read = [row_id for row_id in oldest if row_id not in lost][: 10 - len(CHARGED)]
    assert isinstance(first.error, RunIncomplete)
    for stream in complete(streams):
        assert ids_of(first, stream) == read
    assert requests_for(account, *lost) == [1] * len(lost)
    assert account.balance() == 950 - 10
    lines = [line for line in warnings() if "did not arrive" in line and "failed" not in line]
    charged = ": 1 operation was charged, but the document did not arrive: it is requested again in a later run"
    free = ": the document did not arrive, and nothing was charged: it is requested again in a later run"
    assert [line.endswith(charged) for line in lines] == [True] * len(CHARGED) + [False] * len(NOT_CHARGED)
    assert [line.endswith(free) for line in lines] == [False] * len(CHARGED) + [True] * len(NOT_CHARGED)

    account.sandbox.admin.clear_requests()
    second = account.read(*streams, payloads="receive", concurrency=concurrency, state=first.state)

    assert second.error is None
    for stream in complete(streams):
        assert ids_of(second, stream)[-len(lost) :] == lost, "requested after all others"
        assert sorted(read + ids_of(second, stream)) == oldest
    assert requests_for(account, *lost, *read) == [1] * len(lost) + [0] * len(read)
    assert account.balance() == 950 - len(oldest) - len(CHARGED)


@CONCURRENCY
def test_a_document_whose_answer_is_always_lost_is_paid_for_three_times_and_no_more(
    account: Account, warnings: Warnings, clock: FakeClock, concurrency: int
) -> None:
    lost = account.keep_oldest("receive", 5)[0]
    lose(account, lost, {"truncate": True}, times=100)
    state: dict[str, Any] = {}
    errors = []

    for _night in range(6):
        reading = account.read(payloads="receive", concurrency=concurrency, state=state)
        state = reading.state
        errors.append(type(reading.error))
        clock.advance(DAY)

    assert requests_for(account, lost) == [3]
    assert account.paid()[str(lost)] == 3
    assert errors == [RunIncomplete] * 3 + [type(None)] * 3
    path = f"live/receive/{lost}"
    assert any("After 3 such failures it is not requested again: download it" in line for line in warnings())
    told = [line for line in warnings() if line.startswith("1 documents or exports")]
    assert len(told) == 3
    assert f"({path}) were paid for 3 times and did not arrive" in told[0]


def test_a_document_that_was_given_up_is_read_once_the_user_has_stored_it(account: Account) -> None:
    lost, other = account.keep_oldest("receive", 2)
    lose(account, lost, {"truncate": True}, times=3)
    state: dict[str, Any] = {}
    for _night in range(3):
        state = account.read(payloads="receive", payload_limit=2, state=state).state
    paid = account.balance()
    path = account.folder / f"live/receive/{lost}.xml"
    path.write_bytes((account.folder / f"live/receive/{other}.xml").read_bytes())

    reading = account.read(payloads="receive", payload_limit=0, state=state)

    assert reading.error is None
    for stream in ("document", "fattura", "fattura_line"):
        assert ids_of(reading, stream) == [lost]
    assert account.balance() == paid
    assert account.read(payloads="receive", payload_limit=0, state=reading.state).records == {}


@SELECTED
def test_a_document_that_fails_for_good_is_requested_less_and_less_often(
    account: Account, clock: FakeClock, streams: tuple[str, ...]
) -> None:
    lost = account.keep_oldest("receive", 3)[0]
    lose(account, lost, {"status": 500}, times=100)
    state: dict[str, Any] = {}
    tried = []

    for night in range(30):
        before = requests_for(account, lost)
        reading = account.read(*streams, payloads="receive", state=state)
        state = reading.state
        is_tried = requests_for(account, lost) != before
        assert (reading.error is not None) is is_tried
        if is_tried:
            tried.append(night)
        clock.advance(DAY + 60)

    assert tried == [0, 1, 2, 3, 5, 9, 17]
    assert account.paid().get(str(lost)) is None


def test_failures_are_remembered_whichever_streams_are_selected(account: Account) -> None:
    lost = account.keep_oldest("receive", 3)[0]
    lose(account, lost, {"truncate": True}, times=100)
    state: dict[str, Any] = {}

    for streams in ("document", "fattura", "fattura_line", "document", "fattura_payment"):
        reading = account.read(streams, payloads="receive", state=state)
        state = {"bookmarks": state.get("bookmarks", {}) | reading.state.get("bookmarks", {})}

    assert requests_for(account, lost) == [3]


@SELECTED
def test_nothing_more_is_spent_when_the_balance_is_not_known_after_a_lost_answer(
    account: Account, streams: tuple[str, ...]
) -> None:
    first, second = account.oldest("receive", 2)
    lose(account, second, {"truncate": True})
    # Balance: for the announcement, before each of the two documents, and after the lost answer.
    account.sandbox.admin.add_fault("*/status", skip=3, times=100, status=500)

    reading = account.read(*streams, payloads="both", payload_limit=20)

    assert isinstance(reading.error, RunIncomplete)
    asked = [path for path in account.requested() if path.startswith("/receive/")]
    assert asked == [f"/receive/{first}", f"/receive/{second}"]
    assert account.requested().count("/status") == 3 + 6, "one request and its retries, by one stream"
    assert account.balance() == 950 - 2
    stream = streams[-1]
    assert {record["direction"] for record in reading.records[stream]} == {"send", "receive"}


def test_operations_that_others_spend_are_not_counted_as_the_price_of_a_lost_answer(account: Account) -> None:
    lost, other = account.oldest("receive", 2)
    lose(account, lost, {"truncate": True})
    account.sandbox.admin.add_fault("*/status", skip=2, status=200, body='{"operation_left": 900}')

    reading = account.read("document", payloads="receive", payload_limit=2)

    assert ids_of(reading, "document") == [other]


def test_a_lost_answer_in_the_test_environment_costs_nothing_and_needs_no_balance(account: Account) -> None:
    test = account.sandbox.admin.system("invoicetronic/test")
    rows = sorted(test.records("receive"), key=lambda row: (row["created"][:19], row["id"]))
    lose(account, rows[0]["id"], {"truncate": True})

    reading = account.read("document", api_key="ik_test_sandbox", payloads="receive", payload_limit=2)

    assert isinstance(reading.error, RunIncomplete)
    assert ids_of(reading, "document") == [row["id"] for row in rows[1:3]]
    assert account.requested().count("/status") == 1


def test_a_request_that_was_turned_away_with_429_is_sent_again(account: Account, clock: FakeClock) -> None:
    row_id = account.oldest("receive", 1)[0]
    account.sandbox.admin.add_fault(f"*/receive/{row_id}", times=2, status=429, headers={"Retry-After": "5"})

    reading = account.read("document", payloads="receive", payload_limit=1)

    assert reading.error is None
    assert ids_of(reading, "document") == [row_id]
    assert requests_for(account, row_id) == [3]
    assert account.balance() == 950 - 1
    assert sum(clock.waits) >= 10


@pytest.mark.slow
def test_documents_that_fail_one_after_another_end_the_fetching_of_their_list(account: Account) -> None:
    account.keep_oldest("receive", 25)
    account.sandbox.admin.add_fault("*/receive/*", times=1000, status=500)

    first = account.read("document", "fattura", payloads="both", payload_limit=30)

    assert isinstance(first.error, RunIncomplete)
    assert len([path for path in account.requested() if path.startswith("/receive/")]) == 10
    assert len({path for path in account.requested() if path.startswith("/send/")}) > 10
    account.sandbox.admin.clear_faults()

    second = account.read("document", "fattura", payloads="both", payload_limit=1000, state=first.state)

    assert second.error is None
    rows = first.records["document"] + second.records["document"]
    everything = {(each, row["id"]) for each in ("send", "receive") for row in account.live.records(each)}
    assert {(record["direction"], record["id"]) for record in rows} == everything
    assert len(rows) == len(everything)


def test_a_document_that_cannot_be_stored_is_paid_for_once(account: Account) -> None:
    (account.folder / "live").mkdir(parents=True)
    (account.folder / "live/receive").write_bytes(b"a file where a folder should be")

    reading = account.read(payloads="receive", payload_limit=20)

    assert isinstance(reading.error, RunIncomplete)
    assert account.balance() == 950 - 1
    assert sum(account.paid().values()) == 1
    again = account.read(payloads="receive", payload_limit=0, state=reading.state)
    assert sum(account.paid().values()) == 1
    assert again.state["bookmarks"]["document"]["receive"]["postponed"]
