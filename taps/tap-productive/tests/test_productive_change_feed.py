"""Lists without a time of change, read only as far as activities name changed rows (`change_detection: activities`)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from conftest import queries_to, read, warnings_of
from tap_productive.streams import STREAMS
from tap_productive.streams.finance import Expenses
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conftest import FakeClock, Reading, ReadProductive
    from sandbox.server import RunningSandbox

FED = sorted(str(vars(stream)["name"]) for stream in STREAMS if stream.feed is not None)
SELECTED = " ".join(["activities", "deleted_items", *FED])


@pytest.fixture
def first(sandbox: RunningSandbox, read_productive: ReadProductive) -> Reading:
    reading = read_productive(SELECTED, change_detection="activities")
    assert reading.error is None
    sandbox.admin.clear_requests()
    return reading


def test_lists_are_read_completely_on_the_first_run(sandbox: RunningSandbox, first: Reading) -> None:
    assert FED == [
        "expenses",
        "invoice_attributions",
        "line_items",
        "payments",
        "people",
        "purchase_orders",
        "resource_requests",
        "services",
    ]
    for stream in FED:
        assert set(first.ids(stream)) == {row["id"] for row in sandbox.admin.records(stream)}
        assert stream in first.activated


def test_a_run_without_new_activities_requests_almost_nothing_of_the_lists(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading
) -> None:
    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    # The bookmark is inclusive: the newest activity is read once more, and what it is about.
    assert len(second.ids("activities")) == 1
    for stream in FED:
        assert len(queries_to(sandbox, f"/{stream}")) <= 1, stream
        assert len(second.ids(stream)) < len(first.ids(stream)), stream
        assert stream not in second.activated


def test_how_many_requests_it_saves(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    def requests_of_second_run(detection: str) -> int:
        sandbox.admin.reset()
        sandbox.admin.set_limits([])
        before = read_productive(SELECTED, change_detection=detection, page_size=20)
        sandbox.admin.update("payments", "1", {"note": "found"})
        sandbox.admin.update("expenses", "1", {"name": "found"})
        sandbox.admin.clear_requests()
        after = read_productive(SELECTED, change_detection=detection, page_size=20, state=before.state)
        for stream, column in (("payments", "note"), ("expenses", "name")):
            assert "found" in {record[column] for record in after.records[stream]}
        return sum(len(queries_to(sandbox, f"/{stream}")) for stream in FED)

    completely, by_activities = requests_of_second_run("none"), requests_of_second_run("activities")

    assert completely == 109
    assert by_activities == 5


@pytest.mark.parametrize(
    ("stream", "column"),
    [
        ("expenses", "name"),
        ("people", "title"),
        ("purchase_orders", "note"),
        ("resource_requests", "title"),
        ("line_items", "description"),
        ("payments", "note"),
        ("services", "description"),
    ],
)
def test_a_changed_row_is_read_and_few_others(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading, stream: str, column: str
) -> None:
    changed = first.ids(stream)[-1]
    sandbox.admin.update(stream, changed, {column: "changed"})

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert {record[column] for record in second.records[stream] if record["id"] == changed} == {"changed"}
    assert len(second.ids(stream)) < len(first.ids(stream))
    assert len(second.ids(stream)) == len(set(second.ids(stream)))
    (request,) = queries_to(sandbox, f"/{stream}")
    given = {name for name in request if name.startswith("filter[")} - {"filter[with_draft]"}
    assert given <= {"filter[id]", "filter[invoice_id]", "filter[deal_id]"}
    assert len(given) == 1
    assert stream not in second.activated


@pytest.mark.parametrize("kind", ["Payment", "payment"])
def test_a_row_whose_activity_does_not_name_what_it_belongs_to_is_requested_by_its_id(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading, kind: str
) -> None:
    changed = first.ids("payments")[-1]
    about: dict[str, Any] = {
        "item_type": kind,
        "item_id": int(changed),
        "invoice_id": None,
        "parent_type": None,
        "root_type": None,
    }
    sandbox.admin.create("activities", about)

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert changed in second.ids("payments")
    assert changed in {query.get("filter[id]") for query in queries_to(sandbox, "/payments")}


@pytest.mark.parametrize("role", ["parent", "root"])
def test_what_a_row_belongs_to_may_be_named_as_parent_or_root(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading, role: str
) -> None:
    line = first.records["line_items"][0]
    nothing: dict[str, Any] = dict.fromkeys(f"{each}_type" for each in ("item", "parent", "root"))
    about = {"item_type": "LineItem", "item_id": int(line["id"]), "invoice_id": None}
    invoice = {f"{role}_type": "Invoice", f"{role}_id": int(line["invoice_id"])}
    sandbox.admin.create("activities", nothing | about | invoice)

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert line["id"] in second.ids("line_items")
    assert all("filter[id]" not in query for query in queries_to(sandbox, "/line_items"))


def test_a_filter_by_ids_that_is_refused_makes_the_run_read_the_list_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    first: Reading,
) -> None:
    sandbox.admin.update("people", first.ids("people")[-1], {"title": "changed"})
    sandbox.admin.set_refusals(filters={"people": ["id"]})

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert second.error is None
    assert sorted(second.ids("people")) == sorted(first.ids("people"))
    assert "people" in second.activated
    assert warnings_of(caplog) == ["people: the API refuses to filter by id: it is read completely"]


def test_many_changed_ids_are_requested_in_several_requests(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading
) -> None:
    changed = first.ids("expenses")[:201]
    for each in changed:
        sandbox.admin.update("expenses", each, {"name": "changed"})

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert set(changed) <= set(second.ids("expenses"))
    requested = [query["filter[id]"].split(",") for query in queries_to(sandbox, "/expenses")]
    assert {*map(len, requested)} <= {*range(1, 101)}
    assert set(changed) <= {each for ids in requested for each in ids}


def test_a_list_that_missed_a_run_is_read_completely(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    first: Reading,
) -> None:
    sandbox.admin.update("expenses", first.ids("expenses")[-1], {"name": "changed"})
    sandbox.admin.add_fault("*/expenses", times=100, status=500)
    second = read_productive(SELECTED, change_detection="activities", state=first.state)
    assert second.error is not None
    sandbox.admin.clear_faults()

    third = read_productive(SELECTED, change_detection="activities", state=second.state)

    assert set(third.ids("expenses")) == set(first.ids("expenses"))
    assert "expenses" in third.activated
    fourth = read_productive(SELECTED, change_detection="activities", state=third.state)
    assert len(fourth.ids("expenses")) < len(first.ids("expenses"))


def test_lists_are_read_completely_if_the_activities_cannot_be_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    first: Reading,
) -> None:
    sandbox.admin.add_fault("*/activities", times=100, status=500)

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert second.error is not None
    for stream in FED:
        assert set(second.ids(stream)) == set(first.ids(stream)), stream


def test_lists_are_read_completely_every_full_refresh_interval_days(
    read_productive: ReadProductive, first: Reading, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=7, minutes=1).total_seconds())

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    for stream in FED:
        assert set(second.ids(stream)) == set(first.ids(stream)), stream
    assert set(FED) <= {*second.activated}


def test_a_deleted_row_of_a_list_gets_a_tombstone(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading
) -> None:
    gone = first.ids("expenses")[-1]
    sandbox.admin.delete("expenses", gone)

    second = read_productive(SELECTED, change_detection="activities", tombstones=True, state=first.state)

    assert gone in {record["id"] for record in second.records["expenses"] if record.get("_sdc_deleted_at")}


class EarlyExpenses(Expenses):
    """The list of expenses under a name that comes before `activities`."""

    name = "a_list_of_expenses"
    schema = {"properties": {"id": {"type": "string"}, "name": {"type": ["string", "null"]}}}  # noqa: RUF012 - a property of the SDK


class TapWithAnEarlyList(TapProductive):
    """Reads `activities`, and a list with a feed whose name comes before it."""

    def discover_streams(self) -> Sequence[Any]:
        return [*super().discover_streams(), EarlyExpenses(self, path="/expenses")]


def test_activities_are_read_before_every_list_whatever_its_name(
    sandbox: RunningSandbox, productive_settings: dict[str, Any]
) -> None:
    settings = productive_settings | {"change_detection": "activities"}
    selected = f"activities {EarlyExpenses.name}"
    first = read(TapWithAnEarlyList, settings, select=selected)
    changed = sandbox.admin.update("expenses", first.ids(EarlyExpenses.name)[-1], {"name": "changed"})
    sandbox.admin.clear_requests()

    second = read(TapWithAnEarlyList, settings, select=selected, state=first.state)

    assert second.error is None
    assert [message["stream"] for message in second.of("SCHEMA")] == ["activities", EarlyExpenses.name]
    assert "changed" in {record["name"] for record in second.records[EarlyExpenses.name]}
    (query,) = queries_to(sandbox, "/expenses")
    assert changed["id"] in query["filter[id]"].split(",")
    assert len(second.ids(EarlyExpenses.name)) < len(first.ids(EarlyExpenses.name))
