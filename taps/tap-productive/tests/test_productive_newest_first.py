"""Changes of lists that are sorted but not filtered: read newest first, down to the bookmark, whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, queries_to, warnings_of
from singer_rest_core.records import instant
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import Reading, ReadProductive
    from sandbox.server import RunningSandbox

_PAGE = 10


def _state(stream: str, key: str, bookmark: str) -> dict[str, Any]:
    kept = {"replication_key": key, "replication_key_value": bookmark, "full_refreshed_at": "2999-01-01T00:00:00Z"}
    return {"bookmarks": {stream: kept}}


def _bookmark(sandbox: RunningSandbox, stream: str, key: str) -> str:
    """Return a time that half of the rows are older than."""
    times = sorted((row["attributes"][key] for row in sandbox.admin.records(stream)), key=instant)
    return str(times[len(times) // 2])


def _due(sandbox: RunningSandbox, stream: str, key: str, bookmark: str) -> set[str]:
    rows = sandbox.admin.records(stream)
    return {row["id"] for row in rows if instant(row["attributes"][key]) >= instant(bookmark)}


@CONCURRENCY
@pytest.mark.parametrize("after_request", [1, 2])
@pytest.mark.parametrize(("stream", "key"), [("pages", "updated_at"), ("projects", "last_activity_at")])
def test_rows_that_come_or_change_between_two_pages_do_not_make_it_read_completely(  # noqa: PLR0913 - parameters
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    concurrency: int,
    after_request: int,
    *,
    stream: str,
    key: str,
) -> None:
    bookmark = _bookmark(sandbox, stream, key)
    due = _due(sandbox, stream, key, bookmark)
    oldest = min(sandbox.admin.records(stream), key=lambda row: instant(row["attributes"][key]))["id"]
    changes = [
        {"action": "create", "resource": stream},
        {"action": "update", "resource": stream, "id": oldest},
        {"action": "create", "resource": stream},
    ]
    sandbox.admin.script_changes(f"/{stream}", after_request=after_request, changes=changes)

    reading = read_productive(
        stream, concurrency=concurrency, page_size=_PAGE, lookback_days=0, state=_state(stream, key, bookmark)
    )

    assert warnings_of(caplog) == []
    assert due <= set(reading.ids(stream))
    assert len(queries_to(sandbox, f"/{stream}")) <= len(due) // _PAGE + 2
    assert {query["sort"] for query in queries_to(sandbox, f"/{stream}")} == {f"-{key}"}
    following = read_productive(stream, concurrency=concurrency, lookback_days=0, state=reading.state)
    new = _due(sandbox, stream, key, bookmark) - due
    assert len(new) == 3
    assert new <= {*reading.ids(stream), *following.ids(stream)}


def _without_filter(sandbox: RunningSandbox, read_productive: ReadProductive) -> Reading:
    """Read invoices until the run remembers that the API does not filter them."""
    sandbox.admin.set_refusals(filters={"invoices": ["last_activity_at"]})
    return read_productive("invoices", state=read_productive("invoices").state)


@CONCURRENCY
def test_a_new_invoice_between_two_pages_does_not_make_invoices_read_completely(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    state = _without_filter(sandbox, read_productive).state
    changed = [row["id"] for row in sandbox.admin.records("invoices")][:30]
    for each in changed:
        sandbox.admin.update("invoices", each)
    sandbox.admin.script_changes(
        "/invoices", after_request=1, changes=[{"action": "create", "resource": "invoices"} for _ in range(2)]
    )
    caplog.clear()
    sandbox.admin.clear_requests()

    reading = read_productive("invoices", concurrency=concurrency, page_size=_PAGE, lookback_days=0, state=state)

    assert reading.error is None
    assert warnings_of(caplog) == []
    assert set(changed) <= set(reading.ids("invoices"))
    assert len(reading.ids("invoices")) < len(changed) + _PAGE
    assert len(queries_to(sandbox, "/invoices")) <= len(changed) // _PAGE + 2


@CONCURRENCY
def test_newest_first_by_page_number_loses_no_row_that_a_deletion_moves_up(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    sandbox.admin.set_refusals(keyset_sorts={"pages": ["*"]})
    bookmark = _bookmark(sandbox, "pages", "updated_at")
    due = _due(sandbox, "pages", "updated_at", bookmark)
    by_age = sorted(sandbox.admin.records("pages"), key=lambda row: instant(row["attributes"]["updated_at"]))
    sandbox.admin.script_changes(
        "/pages", after_request=2, changes=[{"action": "delete", "resource": "pages", "id": by_age[-1]["id"]}]
    )
    tables = LoadedTables()

    reading = read_productive(
        "pages", concurrency=concurrency, page_size=5, state=_state("pages", "updated_at", bookmark)
    )
    tables.load(reading.messages)

    assert due <= tables.live("pages").keys()
