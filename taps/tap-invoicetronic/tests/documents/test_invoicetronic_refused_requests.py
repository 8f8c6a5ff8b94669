"""What the API refuses for want of balance or permission is requested once a run, whatever streams there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account

    Warnings = Callable[[], list[str]]

LISTS = ["company", "log", "receive", "send", "subkey", "update", "webhook", "webhookhistory"]
DOCUMENTS = ["document", "fattura", "fattura_line", "fattura_payment", "fattura_vat_summary"]
EVERYTHING = [*LISTS, *DOCUMENTS, "status"]


def with_outdated_balance(account: Account) -> None:
    """Let the balance be 0, and /status say that it is 5: others have spent the rest in between."""
    account.live.put("billing", {"operation_left": 0})
    account.sandbox.admin.add_fault("*/status", times=1000, status=200, body='{"operation_left": 5}')


@CONCURRENCY
def test_after_a_refused_document_no_stream_requests_another_one(account: Account, concurrency: int) -> None:
    with_outdated_balance(account)

    reading = account.read(payloads="receive", concurrency=concurrency)

    assert reading.error is None
    assert len([path for path in account.requested() if path.startswith("/receive/")]) == 1


def test_after_an_export_refused_for_the_balance_nothing_that_costs_is_requested(account: Account) -> None:
    with_outdated_balance(account)

    reading = account.read(payloads="both", payload_limit=20, export_periods=["2025-02", "2025-03"])

    assert reading.error is None
    asked = account.requested()
    assert asked.count("/export") == 1
    assert not [path for path in asked if path.startswith("/receive/")]
    assert {record["direction"] for record in reading.records["document"]} == {"send"}


def test_after_an_export_refused_for_the_permission_no_other_one_is_requested(
    account: Account, warnings: Warnings
) -> None:
    permissions = {"send": "Read", "receive": "Read", "status": "Read"}
    account.live.put("restricted_keys", {"ik_live_reader": {"permissions": permissions}})

    reading = account.read(
        api_key="ik_live_reader", payloads="receive", payload_limit=20, export_periods=["2025-02", "2025-03"]
    )

    assert reading.error is None
    assert account.requested().count("/export") == 1
    assert len(reading.records["document"]) == 20
    assert sum("is not made: GET /invoicetronic/v1/export answered 403" in line for line in warnings()) == 2


@CONCURRENCY
@pytest.mark.parametrize("selected", [EVERYTHING, DOCUMENTS, ["fattura"]], ids=len)
def test_a_list_refused_for_the_balance_is_requested_once(
    account: Account, concurrency: int, selected: list[str]
) -> None:
    account.live.put("billing", {"operation_left": 0, "refused_at_zero": "receive"})

    reading = account.read(
        *selected, payloads="both", payload_limit=5, export_periods=["2025-02"], concurrency=concurrency
    )

    assert isinstance(reading.error, RunIncomplete)
    assert account.requested().count("/receive") == 1
    assert len({record["invoicetronic_id"] for record in reading.records["fattura"]}) == 5


def test_a_balance_that_may_not_be_read_is_requested_once(account: Account) -> None:
    account.live.put("restricted_keys", {"ik_live_reader": {"permissions": {"receive": "Read", "send": "Read"}}})

    reading = account.read(
        *EVERYTHING, api_key="ik_live_reader", payloads="receive", export_periods=["2025-02", "2025-03"]
    )

    assert isinstance(reading.error, RunIncomplete)
    assert account.requested().count("/status") == 1
    assert account.balance() == 950
    assert account.live.get("reads")["exports"] == 0


@CONCURRENCY
@pytest.mark.parametrize("selected", [EVERYTHING, DOCUMENTS], ids=len)
@pytest.mark.parametrize(
    "settings",
    [{}, {"payloads": "both"}, {"export_periods": ["2025-02"]}, {"payloads": "receive", "export_periods": ["2025-02"]}],
)
def test_a_run_that_may_read_nothing_is_not_a_success(
    account: Account, concurrency: int, selected: list[str], settings: dict[str, Any]
) -> None:
    if not settings and selected != EVERYTHING:
        selected = ["company", *selected]
    account.sandbox.admin.add_fault("*", times=1000, status=403)

    reading = account.read(*selected, concurrency=concurrency, **settings)

    assert isinstance(reading.error, RunIncomplete)
    assert str(reading.error).startswith("No stream could be read")
    assert len(account.requested()) == len(set(account.requested()))


def test_a_run_that_reads_one_list_of_those_it_may_is_a_success(account: Account) -> None:
    account.live.put("restricted_keys", {"ik_live_reader": {"permissions": {"company": "Read"}}})

    assert account.read(*EVERYTHING, api_key="ik_live_reader").error is None
    assert account.read(*EVERYTHING, api_key="ik_live_reader", payloads="both").error is None
