"""Every tap through Meltano into a real PostgreSQL: everything, then nothing new, then changes and deletes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from scripts.system_changes import CHANGES_BY_TAP, rows_in_sandbox
from scripts.warehouse import Warehouse

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

SMALL = 40
"""The number of invoices that Invobi serves with details and documents without a wait."""

LISTS = {
    "tap-invoicetronic": ("company", "send", "receive", "update", "webhook"),
    "tap-invobi": ("invoices", "prompts"),
    "tap-covage": ("invoices", "orders", "quotes", "projects", "ennis", "catalog_categories"),
    "tap-2invoice": (
        "invoices",
        "clients",
        "products",
        "receipts",
        "document_series",
        "branch_offices",
        "inventories",
        "templates",
    ),
}
"""Streams of which the sandbox's rows and those of the warehouse must be the same."""

_INVOICETRONIC, _INVOBI, _COVAGE = "/invoicetronic/v1", "/invobi/api/v1", "/covage/api/v1"

NOTHING_NEW = {
    "tap-invoicetronic": {
        f"{_INVOICETRONIC}/{name}": 2 if name in {"send", "webhookhistory"} else 1
        for name in ("company", "log", "receive", "send", "status", "update", "webhook", "webhookhistory")
    },
    "tap-invobi": {f"{_INVOBI}/{name}": 1 for name in ("invoices", "prompts", "prompts/labels")},
    "tap-covage": {
        "/covage/auth/realms/covage/protocol/openid-connect/token": 1,
        **{
            f"{_COVAGE}/{name}": 1
            for name in ("catalog/category", "invoice", "referential/enni", "referential/project")
        },
        f"{_COVAGE}/order": 3,
        f"{_COVAGE}/quote": 2,
    },
}
"""The requests of a run with nothing new: no detail, no document. Lists without a marker of change are read completely,
like all lists of a tap that is not named."""


def narrowed(pipeline: Pipeline, sandbox: RunningSandbox, tap: str) -> Pipeline:
    """Return the pipeline of another tap, with an account small enough to need no waits."""
    if tap == "tap-invobi":
        account = sandbox.admin.system("invobi")
        for row in account.records("invoices")[SMALL:]:
            account.delete("invoices", row["id"])
    # Documents of Invoicetronic have tests of their own: one each costs more of the quota than there is.
    return replace(pipeline, tap=tap, environment={**pipeline.environment, "TAP_INVOICETRONIC_PAYLOADS": "none"})


def requests_by_path(sandbox: RunningSandbox) -> Counter[str]:
    """Return the number of requests for each path since the log was cleared."""
    return Counter(request["path"].rstrip("/") for request in sandbox.admin.requests())


@pytest.mark.parametrize("tap", sorted(LISTS))
def test_a_tap_reads_everything_then_nothing_then_the_changes(
    pipeline: Pipeline, sandbox: RunningSandbox, tap: str
) -> None:
    pipeline = narrowed(pipeline, sandbox, tap)
    code, output = pipeline.run()
    assert code == 0, output
    warehouse = Warehouse.at(pipeline.database_url)
    for stream in LISTS[tap]:
        keys = warehouse.streams[tap][stream].primary_keys
        there = {tuple(row[key] for key in keys) for row in rows_in_sandbox(sandbox.admin, tap, stream)}
        assert warehouse.keys(tap, stream) == there, stream

    everything = requests_by_path(sandbox)
    sandbox.admin.clear_requests()
    code, output = pipeline.run()
    assert code == 0, output
    nothing_new = requests_by_path(sandbox)
    assert nothing_new == NOTHING_NEW.get(tap, everything)

    sandbox.admin.advance_clock(86_400)
    changes = CHANGES_BY_TAP[tap](sandbox.admin)
    started = datetime.now(UTC)
    code, output = pipeline.run()
    assert code == 0, output
    missing = [change for change in changes if not warehouse.shows(tap, change, started)]
    # Of a list that may move while it is read, a row counts as deleted once two complete reads missed it.
    assert {change.stream for change in missing} <= ({"receipts"} if tap == "tap-2invoice" else set())
    if missing:
        code, output = pipeline.run()
        assert code == 0, output
    assert [change.what for change in missing if not (change.deleted and warehouse.shows(tap, change, started))] == []
    for change in changes:
        if change.stream == "invoice_details" and change.deleted:
            (detail,) = pipeline.rows("select * from invoice_details where id = %s", change.key["id"])
            assert detail["title"]
            assert detail["items"]
    for word in ("sandbox-token", "sandbox-password", "ik_test_sandbox"):
        assert word not in output
