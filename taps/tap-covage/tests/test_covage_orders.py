"""Details and history of orders: one request each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from conftest import queries_to
from tap_covage.tap import TapCovage

if TYPE_CHECKING:
    from conftest import ReadTap
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
    assert {*reading.activated} == {"order_details", "order_history"}
    assert not reading.records["orders"]
    assert len(queries_to(sandbox, "/order/")) == 3  # read once for both


def test_order_details_and_history_are_not_selected_by_default(covage_settings: dict[str, Any]) -> None:
    streams = TapCovage(config=covage_settings).streams

    assert {name for name, stream in streams.items() if not stream.selected} == {"order_details", "order_history"}


def test_an_order_that_is_deleted_meanwhile_does_no_harm(sandbox: RunningSandbox, read_covage: ReadTap) -> None:
    sandbox.admin.add_fault("*/CMD_X_00000007/", status=404)

    reading = read_covage("orders order_details")

    assert reading.error is None
    assert len(reading.records["order_details"]) == 59
    assert {*reading.activated} == {"orders"}
