"""Details and history of orders: one request each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to
from singer_rest_core import RunIncomplete
from tap_covage.tap import TapCovage
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock, ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def test_order_details_and_history_are_read_when_selected(
    sandbox: RunningSandbox, covage: SystemAdmin, read_covage: ReadTap
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
    assert not reading.records["orders"]
    assert len(queries_to(sandbox, "/order/")) == 3  # read once for both
    assert reading.activated == []
    second = read_covage("order_details order_history", state=reading.state)
    versions = {message["version"] for message in second.of("ACTIVATE_VERSION")}
    assert versions == {message["version"] for message in reading.of("RECORD")}


def test_order_details_and_history_are_not_selected_by_default(covage_settings: dict[str, Any]) -> None:
    streams = TapCovage(config=covage_settings).streams

    assert {name for name, stream in streams.items() if not stream.selected} == {"order_details", "order_history"}


def test_details_of_a_deleted_order_are_marked_once_two_reads_of_the_list_missed_it(
    covage: SystemAdmin, read_covage: ReadTap
) -> None:
    tables, reading = LoadedTables(), read_covage("order_details")
    tables.load(reading.messages)
    covage.delete("orders", "CMD_X_00000007")

    reading = read_covage("order_details", state=reading.state)
    tables.load(reading.messages)
    assert tables.deleted("order_details") == set()

    tables.load(read_covage("order_details", state=reading.state).messages)
    assert tables.deleted("order_details") == {"CMD_X_00000007"}


def test_an_order_that_is_not_found_does_no_harm(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    sandbox.admin.add_fault("*/CMD_X_00000007/", status=404)
    first = read_covage("orders order_details")
    assert first.error is None
    assert len(first.records["order_details"]) == 59

    second = read_covage("orders order_details", state=first.state)

    assert second.error is None
    assert second.records["order_details"][-1]["order_reference"] == "CMD_X_00000007", "requested behind the others"
    assert second.activated == ["orders"]


@CONCURRENCY
@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 200, "body": '{"detail": "Not available"}'}])
def test_orders_that_fail_for_good_hold_up_none_of_the_others(
    sandbox: RunningSandbox, read_covage: ReadTap, clock: FakeClock, answer: dict[str, Any], concurrency: int
) -> None:
    """Also if the list begins with more of them than are requested in vain."""
    every = [record["order_reference"] for record in read_covage("orders").records["orders"]]
    bad = every[:25]
    for reference in bad:
        sandbox.admin.add_fault(f"*/order/{reference}/", times=1000, **answer)
    tables = LoadedTables()
    state: dict[str, Any] = {}
    for _ in range(2):
        reading = read_covage("order_details", state=state, concurrency=concurrency)
        assert isinstance(reading.error, RunIncomplete)
        tables.load(reading.messages)
        state = reading.state
    assert tables.live("order_details").keys() == set(every) - set(bad)
    for _ in range(2):
        clock.advance(86_400)
        reading = read_covage("order_details", state=state, concurrency=concurrency)
        state = reading.state

    assert len(reading.records["order_details"]) == 35
    assert state["bookmarks"]["order_details"]["failed"].keys() == set(bad)
    assert reading.activated == []
