"""Details that fail for good: they are requested last and ever more rarely, and hold up nothing else."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from conftest import paths_requested, warnings_of
from singer_rest_core import RunIncomplete
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

BASE = "/invobi/api/v1"
DAY = 86_400

ORDERS: dict[str, Callable[[list[str]], list[str]]] = {
    "first": lambda ids: ids[:6],
    "last": lambda ids: ids[-6:],
    "scattered": lambda ids: random.Random(250).sample(ids, k=6),  # noqa: S311 - no secret
}
"""Which six of the invoices fail."""


def details_requested(sandbox: RunningSandbox) -> set[str]:
    """The invoices whose details the last run requested."""
    paths = paths_requested(sandbox, BASE)
    return {path.split("/")[2] for path in paths if path.startswith("/invoices/") and not path.endswith("/download")}


@pytest.mark.parametrize(("order", "concurrency"), [("first", 1), ("last", 2), ("scattered", 8), ("first", 16)])
def test_six_details_that_fail_for_good_hold_up_none_of_the_others(  # noqa: PLR0913, PLR0917 - fixtures
    sandbox: RunningSandbox,
    invobi: SystemAdmin,
    read_invobi: ReadTap,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    order: str,
    concurrency: int,
) -> None:
    ids = read_invobi("invoices").ids("invoices")
    bad = set(ORDERS[order](ids))
    for key in bad:
        sandbox.admin.add_fault(f"*/invoices/{key}", status=500, body='{"error": "Server error"}', times=1000)

    reading = read_invobi("invoices invoice_details", concurrency=concurrency)
    assert isinstance(reading.error, RunIncomplete)
    assert set(reading.ids("invoice_details")) == set(ids) - bad, "in the first run already"

    clock.advance(DAY)
    new = invobi.create("invoices")["id"]
    reading = read_invobi("invoices invoice_details", state=reading.state, concurrency=concurrency)
    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("invoice_details") == [new]
    assert details_requested(sandbox) == {new} | bad

    outcomes = []
    for _ in range(7):
        clock.advance(DAY)
        caplog.clear()
        reading = read_invobi("invoices invoice_details", state=reading.state, concurrency=concurrency)
        is_asked = details_requested(sandbox) == bad
        outcomes.append(is_asked)
        assert is_asked == isinstance(reading.error, RunIncomplete)
        if not is_asked:
            (line,) = warnings_of(caplog)
            assert line.startswith("invoice_details: 6 rows failed in earlier runs and are not requested in this one")
    assert outcomes == [False, True, False, False, False, True, False]


@pytest.mark.parametrize("answer", [{"status": 200, "body": '{"invoice": null}'}, {"drop": True}])
def test_a_detail_whose_answer_is_never_of_use_holds_up_neither_the_others_nor_its_pdf(
    sandbox: RunningSandbox, read_invobi: ReadTap, answer: dict[str, Any]
) -> None:
    ids = read_invobi("invoices").ids("invoices")
    sandbox.admin.add_fault(f"*/invoices/{ids[0]}", times=1000, **answer)

    reading = read_invobi()

    assert isinstance(reading.error, RunIncomplete)
    assert set(reading.ids("invoice_details")) == set(ids[1:])
    assert set(reading.ids("invoice_documents")) == set(ids)
    sandbox.admin.clear_faults()
    reading = read_invobi(state=reading.state)
    assert reading.error is None
    assert reading.ids("invoice_details") == [ids[0]]


def test_a_failing_detail_keeps_no_deleted_invoice_alive(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap, clock: FakeClock
) -> None:
    tables, reading = LoadedTables(), read_invobi("invoices invoice_details")
    tables.load(reading.messages)
    bad, dead = reading.ids("invoices")[:2]
    invobi.update("invoices", bad, {"title": "Another"})
    sandbox.admin.add_fault(f"*/invoices/{bad}", status=500, times=1000)
    invobi.delete("invoices", dead)

    for _ in range(3):
        clock.advance(DAY)
        reading = read_invobi("invoices invoice_details", state=reading.state)
        tables.load(reading.messages)

    assert tables.deleted("invoice_details") == tables.deleted("invoices") == {dead}
