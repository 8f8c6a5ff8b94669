"""`skip_unchanged`: lists that are what they were, and what is derived from them, or written beside them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tap_productive.streams import STREAMS
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import FakeClock, Reading, ReadProductive
    from sandbox.server import RunningSandbox

DAY = 86_400.0
VALUES = "custom_field_values"
NAMES = "custom_fields custom_field_options"
LISTS = "expenses people prices services"
"""Lists without a time of change whose rows have custom fields."""


class Nights:
    """A tap that runs every night, and the tables of its loader."""

    def __init__(self, read: ReadProductive, clock: FakeClock, select: str, **settings: object) -> None:
        """Run no night yet."""
        self._read, self._clock, self._select = read, clock, select
        self._settings = settings
        self.state: Mapping[str, Any] = {}
        self.tables = LoadedTables()

    def next(self, select: str | None = None) -> Reading:
        """Run a night."""
        self._clock.advance(DAY)
        reading = self._read(select or self._select, state=self.state, **self._settings)
        assert reading.error is None
        self.state = reading.state or self.state
        self.tables.load(reading.messages)
        return reading

    def entry(self, stream: str) -> object:
        """Return what the state remembers of what was written of a stream."""
        return self.state["bookmarks"][stream].get("written_list")


def kinds(reading: Reading) -> set[str]:
    """The types of the messages."""
    return {message["type"] for message in reading.messages}


def values(tables: LoadedTables) -> Any:  # noqa: ANN401 - rows by key
    """The rows of the values of custom fields, and which are marked as deleted."""
    return tables.live(VALUES), tables.deleted(VALUES)


def test_a_second_night_writes_nothing_of_any_whole_list(read_productive: ReadProductive, clock: FakeClock) -> None:
    whole = [str(vars(stream)["name"]) for stream in STREAMS if "replication_key" not in vars(stream)]
    nights = Nights(read_productive, clock, " ".join([*whole, VALUES]), skip_unchanged=True)
    first = nights.next()

    second = nights.next()

    assert sum(map(len, first.records.values())) > 2000
    assert kinds(second) == {"STATE"}


def test_a_link_that_is_signed_anew_is_no_change(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    nights = Nights(read_productive, clock, "attachments", skip_unchanged=True)
    nights.next()
    for number, row in enumerate(sandbox.admin.records("attachments")):
        sandbox.admin.update("attachments", row["id"], {"url": f"https://files.example/{number}?signature=2"})
    assert kinds(nights.next()) == {"STATE"}

    sandbox.admin.update("attachments", row["id"], {"name": "other.pdf"})
    assert nights.next().records["attachments"]


@pytest.mark.slow
def test_values_of_custom_fields_are_those_of_a_tap_that_writes_everything(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    """Beside an incremental stream, which lets no night read all of their lists."""
    draw = random.Random(5)  # noqa: S311 - no secret
    selected = f"{NAMES} {LISTS} proposals {VALUES}"
    careful = Nights(read_productive, clock, selected, skip_unchanged=True)
    plain = Nights(read_productive, clock, selected)
    changes: list[tuple[str, set[str], set[str]]] = [
        ("first", set(), set()),
        ("none", set(), set()),
        ("value", {"services"}, {"services"}),
        ("name", {"expenses", "people", "services"}, {"custom_fields"}),
        ("none", set(), set()),
        ("cleared", {"services"}, {"services"}),
        ("new", {"people"}, {"people"}),
    ]
    for night, (change, written, lists_written) in enumerate(changes):
        rows = [row for row in sandbox.admin.records("services") if row["attributes"]["custom_fields"]]
        chosen = draw.choice(rows)
        field = next(iter(chosen["attributes"]["custom_fields"]))
        if change == "value":
            sandbox.admin.update("services", chosen["id"], {"custom_fields": {field: "another"}})
        elif change == "cleared":
            sandbox.admin.update("services", chosen["id"], {"custom_fields": {}})
        elif change == "name":
            sandbox.admin.update("custom_fields", field, {"name": "another name"})
        elif change == "new":
            sandbox.admin.update("people", "1", {"custom_fields": {field: "one more"}})
        plain.next()
        clock.advance(-DAY)

        reading = careful.next()

        assert values(careful.tables) == values(plain.tables)
        if night:
            of_whole_lists = {row["resource_type"] for row in reading.records[VALUES]} - {"proposals"}
            assert {*reading.records} - {"proposals", VALUES} == lists_written, change
            assert of_whole_lists == written, change


def test_values_are_written_where_the_stream_is_selected_later_than_its_lists(
    read_productive: ReadProductive, clock: FakeClock
) -> None:
    nights = Nights(read_productive, clock, f"{NAMES} {LISTS} proposals", skip_unchanged=True)
    nights.next()
    nights.next()

    late = nights.next(f"{NAMES} {LISTS} proposals {VALUES}")

    assert not late.records["services"]
    assert {"services", "people"} <= {row["resource_type"] for row in late.records[VALUES]}


def test_values_that_changed_in_a_night_without_the_stream_come_with_the_next_one_that_has_it(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    nights = Nights(read_productive, clock, f"{NAMES} services proposals {VALUES}", skip_unchanged=True)
    nights.next()
    row = next(row for row in sandbox.admin.records("services") if row["attributes"]["custom_fields"])
    field = next(iter(row["attributes"]["custom_fields"]))
    sandbox.admin.update("services", row["id"], {"custom_fields": {field: "changed"}})
    assert nights.next(f"{NAMES} services proposals").records["services"]

    reading = nights.next()

    assert not reading.records["services"]
    assert nights.tables.live(VALUES)["services", row["id"], field]["value"] == "changed"


def test_values_of_lists_alone_are_unchanged_as_a_whole(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    """All lists with custom fields are read completely where no incremental one is selected, on the first night."""
    selected = f"{NAMES} {LISTS} {VALUES}"
    nights = Nights(read_productive, clock, selected, skip_unchanged=True)
    rows = len(nights.next().records[VALUES])
    assert rows > 20
    assert kinds(nights.next()) == {"STATE"}
    sandbox.admin.update("services", sandbox.admin.records("services")[0]["id"], {"name": "renamed"})

    changed = nights.next()

    # A value whose row is older than that of its record counts as cleared.
    written = {row["resource_type"] for row in changed.records[VALUES]}
    assert written == {"services"} & {row["resource_type"] for row in changed.records[VALUES]}
    assert {row["resource_id"] for row in nights.tables.live(VALUES).values()}
    assert len(nights.tables.live(VALUES)) == rows


FED = "activities deleted_items expenses people payments services"


def test_with_activities_a_stream_without_a_change_sends_nothing(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock
) -> None:
    nights = Nights(read_productive, clock, FED, skip_unchanged=True, change_detection="activities")
    nights.next()
    payments = nights.entry("payments")
    assert payments is not None
    sandbox.admin.update("expenses", "1", {"name": "changed"})

    second = nights.next()

    assert {"expenses"} <= {message.get("stream") for message in second.messages}
    assert "payments" not in {message.get("stream") for message in second.messages}
    assert nights.entry("payments") == payments, "nothing was written: it is still what the table holds"
    assert nights.entry("expenses") is None, "rows were written outside of a complete read"
    before_rows = second.messages[: [message.get("stream") for message in second.messages].index("expenses")]
    states = [message for message in before_rows if message["type"] == "STATE"]
    assert "written_list" not in states[-1]["value"]["bookmarks"]["expenses"]


@pytest.mark.slow
@pytest.mark.parametrize("detection", ["none", "activities"])
def test_with_activities_and_tombstones_the_tables_are_those_of_a_tap_that_writes_everything(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, detection: str
) -> None:
    draw = random.Random(7)  # noqa: S311 - no secret
    lists = FED.split()[2:]
    settings: dict[str, Any] = {
        "change_detection": detection,
        "tombstones": True,
        "full_refresh_interval_days": 4,
        "page_size": 100,
    }
    careful = Nights(read_productive, clock, FED, skip_unchanged=True, **settings)
    plain = Nights(read_productive, clock, FED, **settings)
    for night in range(6):
        sandbox.admin.advance_clock(DAY)
        name = draw.choice(lists)
        row = draw.choice(sandbox.admin.records(name))
        if night % 3 == 1:
            sandbox.admin.update(name, row["id"], {"name": f"night {night}"})
        elif night % 3 == 2:
            sandbox.admin.delete(name, row["id"])
        plain.next()
        clock.advance(-DAY)

        careful.next()

        for each in lists:
            assert careful.tables.live(each) == plain.tables.live(each), each
            assert careful.tables.deleted(each) == plain.tables.deleted(each), each
