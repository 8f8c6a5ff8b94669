"""What documents cost: as announced, within the limit and the balance, and nothing unless a setting asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account

    Warnings = Callable[[], list[str]]
    Announced = Callable[[], int]


@pytest.mark.parametrize("payloads", ["receive", "both"])
def test_an_opt_in_run_costs_exactly_what_it_announced(
    account: Account, warnings: Warnings, announced: Announced, payloads: str
) -> None:
    before = account.balance()

    reading = account.read(payloads=payloads, payload_limit=20)

    assert reading.error is None
    lines = warnings()
    cost = 20 if payloads == "receive" else 10
    assert account.balance() == before - cost
    assert announced() == cost
    assert lines[0].startswith(f"{cost} received invoices are fetched: this costs {cost} operations, 950 are left, ")
    assert lines[1:] == ["payload_limit 20 is reached: other documents are left to the next run"]
    assert sum(account.paid().values()) == cost
    assert {(record["direction"], record["id"]) for record in reading.records["document"]} == {
        (direction, row_id)
        for direction in (["receive"] if payloads == "receive" else ["send", "receive"])
        for row_id in account.oldest(direction, cost)
    }


def test_documents_of_sent_invoices_cost_nothing_and_mark_nothing(account: Account, warnings: Warnings) -> None:
    read_flags = {row["id"]: row["is_read"] for row in account.live.records("receive")}
    before = account.balance()

    reading = account.read(payloads="send", payload_limit=15)

    assert len(reading.records["document"]) == 15
    assert account.balance() == before
    assert {row["id"]: row["is_read"] for row in account.live.records("receive")} == read_flags
    assert warnings()[0] == "15 sent invoices are fetched: no cost is documented"
    assert not [path for path in account.requested() if path.startswith(("/receive", "/export", "/status"))]


def test_the_balance_is_requested_before_each_costly_request(account: Account) -> None:
    account.read("document", payloads="receive", payload_limit=5)

    asked = [path for path in account.requested() if path == "/status" or path.startswith("/receive/")]
    assert asked[0] == "/status"
    assert [each.partition("/receive/")[0] for each in asked[1:]] == ["/status", ""] * 5


def test_in_the_test_environment_the_balance_stops_nothing_and_is_requested_once(
    account: Account, warnings: Warnings
) -> None:
    test = account.sandbox.admin.system("invoicetronic/test")
    test.put("billing", {"operation_left": 0})

    reading = account.read("document", api_key="ik_test_sandbox", payloads="receive", payload_limit=5)

    assert reading.error is None
    assert len(reading.records["document"]) == 5
    assert all(name.startswith("test/receive/") for name in account.files())
    assert account.requested().count("/status") == 1
    assert "nothing is charged in the test environment, 0 operations are left" in warnings()[0]


def test_an_empty_balance_ends_the_fetching_of_received_invoices_and_nothing_else(
    account: Account, warnings: Warnings, announced: Announced
) -> None:
    account.live.put("billing", {"operation_left": 3})

    reading = account.read(payloads="both", payload_limit=20)

    assert reading.error is None
    directions = [record["direction"] for record in reading.records["document"]]
    assert directions.count("receive") == announced() == 3
    assert directions.count("send") > 3
    assert account.balance() == 0
    assert "the account has no operations left: other received invoices are not fetched" in warnings()


def test_a_document_refused_for_the_balance_is_reported_with_what_to_do(
    account: Account, warnings: Warnings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_invoicetronic.documents.balance.OperationsBudget.operations_left", lambda _: 5)
    account.live.put("billing", {"operation_left": 0})

    reading = account.read("document", payloads="receive")

    assert reading.error is None
    assert "document" not in reading.records
    assert any("(usage_limit_exceeded). Buy operations, then run again" in line for line in warnings())
    assert reading.state["bookmarks"]["document"].get("receive", {}).get("newest") is None


def test_nothing_is_spent_while_the_balance_is_unknown(account: Account) -> None:
    account.live.put("restricted_keys", {"ik_live_reader": {"permissions": {"receive": "Read", "send": "Read"}}})

    reading = account.read("document", payloads="receive", api_key="ik_live_reader")

    assert isinstance(reading.error, RunIncomplete)
    assert account.balance() == 950
    assert account.paid() == {}
