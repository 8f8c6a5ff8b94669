"""Lists without a time of change, read by what activities tell of them (setting `change_detection: activities`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from conftest import Reading, ReadProductive
    from sandbox.server import RunningSandbox

FED = sorted(str(vars(stream)["name"]) for stream in STREAMS if stream.feed is not None)
SELECTED = " ".join(["activities", "deleted_items", *FED])


def asked(sandbox: RunningSandbox, stream: str) -> list[dict[str, str]]:
    return [
        {name: value for name, value in request["query"]}  # noqa: C416 - pairs come as lists
        for request in sandbox.admin.requests()
        if request["path"].endswith(f"/{stream}")
    ]


@pytest.fixture
def first(sandbox: RunningSandbox, read_productive: ReadProductive) -> Reading:
    reading = read_productive(SELECTED, change_detection="activities")
    assert reading.error is None
    sandbox.admin.clear_requests()
    return reading


def test_lists_are_read_whole_on_the_first_run(sandbox: RunningSandbox, first: Reading) -> None:
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
    activated = {message["stream"] for message in first.of("ACTIVATE_VERSION")}
    for stream in FED:
        assert set(first.ids(stream)) == {row["id"] for row in sandbox.admin.records(stream)}
        assert stream in activated


def test_a_run_without_activities_asks_for_nothing_of_them(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading
) -> None:
    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    # The bookmark is inclusive: the newest activity is read once more, and what it is about.
    assert len(second.ids("activities")) == 1
    for stream in FED:
        assert len(asked(sandbox, stream)) <= 1, stream
        assert len(second.ids(stream)) < len(first.ids(stream)), stream
        assert stream not in {message["stream"] for message in second.of("ACTIVATE_VERSION")}


def test_how_many_requests_it_spares(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
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
        return sum(len(asked(sandbox, stream)) for stream in FED)

    whole, spared = requests_of_second_run("none"), requests_of_second_run("activities")

    assert whole == 109
    assert spared == 5


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
    (request,) = asked(sandbox, stream)
    given = {name for name in request if name.startswith("filter[")} - {"filter[with_draft]"}
    assert given <= {"filter[id]", "filter[invoice_id]", "filter[deal_id]"}
    assert len(given) == 1
    assert stream not in {message["stream"] for message in second.of("ACTIVATE_VERSION")}


@pytest.mark.parametrize("kind", ["Payment", "payment"])
def test_a_row_whose_activity_does_not_say_what_it_is_part_of_is_asked_for_by_its_id(
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
    assert changed in {query.get("filter[id]") for query in asked(sandbox, "payments")}


@pytest.mark.parametrize("side", ["parent", "root"])
def test_what_a_row_is_part_of_may_be_told_as_parent_or_root(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading, side: str
) -> None:
    line = first.records["line_items"][0]
    nothing: dict[str, Any] = dict.fromkeys(f"{each}_type" for each in ("item", "parent", "root"))
    about = {"item_type": "LineItem", "item_id": int(line["id"]), "invoice_id": None}
    told = {f"{side}_type": "Invoice", f"{side}_id": int(line["invoice_id"])}
    sandbox.admin.create("activities", nothing | about | told)

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert line["id"] in second.ids("line_items")
    assert all("filter[id]" not in query for query in asked(sandbox, "line_items"))


def test_a_filter_by_ids_that_is_refused_makes_the_run_read_the_list_whole(
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
    assert "people" in {message["stream"] for message in second.of("ACTIVATE_VERSION")}
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["people: the API refuses to filter by id: it is read whole"]


def test_many_changed_ids_are_asked_for_in_several_requests(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_productive.change_feed._IDS_A_REQUEST", 2)
    changed = first.ids("expenses")[:5]
    for each in changed:
        sandbox.admin.update("expenses", each, {"name": "changed"})

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert set(changed) <= set(second.ids("expenses"))
    assert len(asked(sandbox, "expenses")) >= 3


def test_a_list_that_missed_a_run_is_read_whole(
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
    assert "expenses" in {message["stream"] for message in third.of("ACTIVATE_VERSION")}
    fourth = read_productive(SELECTED, change_detection="activities", state=third.state)
    assert len(fourth.ids("expenses")) < len(first.ids("expenses"))


def test_without_activities_lists_are_read_whole(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    first: Reading,
) -> None:
    sandbox.admin.add_fault("*/activities", times=100, status=500)

    second = read_productive(SELECTED, change_detection="activities", state=first.state)

    assert second.error is not None
    for stream in FED:
        assert set(second.ids(stream)) == set(first.ids(stream)), stream


def test_lists_are_read_whole_now_and_then(read_productive: ReadProductive, first: Reading) -> None:
    state: dict[str, Any] = first.state
    for stream in FED:
        long_ago = datetime.now(UTC) - timedelta(days=7, minutes=1)
        state["bookmarks"][stream]["read_whole_at"] = long_ago.isoformat()

    second = read_productive(SELECTED, change_detection="activities", state=state)

    for stream in FED:
        assert set(second.ids(stream)) == set(first.ids(stream)), stream
    assert set(FED) <= {message["stream"] for message in second.of("ACTIVATE_VERSION")}


def test_what_a_list_loses_is_told_by_tombstones(
    sandbox: RunningSandbox, read_productive: ReadProductive, first: Reading
) -> None:
    gone = first.ids("expenses")[-1]
    sandbox.admin.delete("expenses", gone)

    second = read_productive(SELECTED, change_detection="activities", tombstones=True, state=first.state)

    assert gone in {record["id"] for record in second.records["expenses"] if record.get("_sdc_deleted_at")}
