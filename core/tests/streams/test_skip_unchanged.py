"""`skip_unchanged`: a list that is what it was is not written again, and its table is what it would be otherwise."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import signal
import stat
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import typing as th
from typing_extensions import override
from werkzeug import Response

from conftest import CollectingWriter, Reading, overriding_post_process, read
from singer_rest_core import DerivedStream, NumberedPaginator, RestStream, RestTap, settings_schema
from singer_rest_core.errors import RunInterrupted
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer import held_lines
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from conftest import FakeClock
    from singer_rest_core import Page, PageParams, Record
    from singer_rest_core.paging.list_query import ListQuery
    from singer_rest_core.streams.base import BaseStream

DAY = 86_400.0
PAGE_SIZE = 3


class CertainList(RestStream):
    """A list in one page: what it lacks is gone. Its links are signed anew each time."""

    name = "certain"
    primary_keys = ("id",)
    row_layout = FlatRows("rows")
    volatile_columns = frozenset({"link"})
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "amount": {"type": ["number", "null"]},
            "link": {"type": ["string", "null"]},
            "_rescued_data": {"type": ["object", "null"]},
        },
    }

    def __init__(self, tap: Tap) -> None:
        """Bind it."""
        super().__init__(tap, path=f"/{self.name}")


class NumberedList(CertainList):
    """A list by page number: a row is gone once two complete reads missed it."""

    name = "numbered"

    @override
    def paginator(self, query: ListQuery) -> BaseAPIPaginator[Any]:
        return NumberedPaginator("page", last_page=lambda page: page.answer.json()["pages"])

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = dict(token or {})
        return request


class Changes(NumberedList):
    """A list by its time of change, the last day of which is read again."""

    name = "changes"
    replication_key = "changed_at"
    is_sorted = True
    lookback = timedelta(days=1)
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            **CertainList.schema["properties"],
            "changed_at": {"type": ["string", "null"], "format": "date-time"},
        },
    }

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        return replace(request, params={**request.params, **({"since": query.since} if query.since else {})})


class Amounts(DerivedStream):
    """Made of what the run has seen of the list."""

    name = "amounts"
    primary_keys = ("id",)
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "text": {"type": ["string", "null"]}},
    }

    def __init__(self, tap: Tap, listing: SeenList) -> None:
        """Bind it."""
        super().__init__(tap)
        self._listing = listing

    @override
    def make_records(self) -> Iterator[Record]:
        for row in self._listing.seen:
            yield {"id": row["id"], "text": f"amount {row['amount']}"}
        self.has_read_all = self._listing.has_read_all
        self.rows_read = len(self._listing.seen)


class SeenList(CertainList):
    """A list that another stream is made of."""

    name = "seen"

    def __init__(self, tap: Tap) -> None:
        """Bind it."""
        super().__init__(tap)
        self.seen: list[Mapping[str, Any]] = []

    @override
    def accept_page(self, page: Page, query: ListQuery) -> Page:
        names = ("id", "amount")
        columns = [page.column(name) for name in names]
        self.seen += [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        return super().accept_page(page, query)


class ListTap(RestTap):
    """The lists."""

    name = "tap-list"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("token", th.StringType), api_url=None, page_size=None, start_date=None
    )

    @override
    def discover_streams(self) -> Sequence[BaseStream]:
        seen = SeenList(self)
        return [CertainList(self), NumberedList(self), Changes(self), seen, Amounts(self, seen)]

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


LISTS = ("certain", "numbered", "seen", "changes")


class World:
    """Lists on a server, the state of a tap that reads them, and the tables of its loader."""

    def __init__(self, server: HTTPServer, clock: FakeClock) -> None:
        """Fill the lists."""
        self.rows: dict[str, dict[str, Any]] = {
            name: {key: {"amount": place} for place, key in enumerate("abcdefg")} for name in LISTS
        }
        for place, row in enumerate(self.rows["changes"].values()):
            row["changed_at"] = _text(clock.now() + timedelta(hours=6 * place - 40))
        self.state: dict[str, Any] = {}
        self.tables = LoadedTables()
        self.reading = Reading()
        self.signature = 0
        self.signs_anew = True
        self.on_request: Callable[[Request], Response | None] = lambda _request: None
        self.shuffle: Callable[[list[Any]], None] = lambda _rows: None
        self.url = server.url_for("/").rstrip("/")
        self.clock = clock
        for name in LISTS:
            server.expect_request(f"/{name}").respond_with_handler(self._list)

    def _list(self, request: Request) -> Response:
        other = self.on_request(request)
        if other is not None:
            return other
        self.signature += self.signs_anew
        name = request.path[1:]
        rows = [
            {"id": key, "link": f"https://files.example/{key}?signature={self.signature}", **values}
            for key, values in self.rows[name].items()
        ]
        self.shuffle(rows)
        if name == "changes":
            since = request.args.get("since", "").replace("Z", ".000Z")
            rows = sorted((row for row in rows if row["changed_at"] >= since), key=lambda row: row["changed_at"])
        elif name != "numbered":
            return Response(json.dumps({"rows": rows}))
        number = int(request.args.get("page", "1"))
        part = rows[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        return Response(json.dumps({"rows": part, "pages": -(-len(rows) // PAGE_SIZE)}))

    def config(self, **settings: object) -> dict[str, Any]:
        """Return the settings of the tap."""
        return {"api_url": self.url, "concurrency": 1, "skip_unchanged": True, **settings}

    def night(self, select: str = "*", *, load: bool = True, **settings: object) -> Reading:
        """Run the tap a day later, and load what it wrote."""
        self.clock.advance(DAY)
        self.reading = read(ListTap, self.config(**settings), state=self.state, select=select)
        if load:
            self.tables.load(self.reading.messages)
            self.state = self.reading.state or self.state
        return self.reading

    def kinds(self, stream: str = "certain") -> list[str]:
        """Return the types of the messages of a stream in the last run, each once."""
        return list(dict.fromkeys(each["type"] for each in self.reading.messages if each.get("stream") == stream))

    def entry(self, stream: str = "certain") -> dict[str, Any] | None:
        """Return what the state remembers of what was written of a stream."""
        held: dict[str, Any] | None = self.state["bookmarks"][stream].get("written_list")
        return held

    def expect(self, stream: str = "certain") -> None:
        """Assert that the table holds the rows of the list, and that no other is there or not marked as deleted."""
        assert _amounts(self.tables, stream) == {
            key: Decimal(str(row["amount"])) for key, row in self.rows[stream].items()
        }


@pytest.fixture
def world(httpserver: HTTPServer, clock: FakeClock) -> World:
    """Three lists of seven rows."""
    return World(httpserver, clock)


WRITTEN = ["SCHEMA", "RECORD", "ACTIVATE_VERSION"]


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _change(world: World, key: str, amount: int, *, is_moved: bool = True) -> None:
    """Change a row of the incremental list now, and its time of change, too, unless the API forgets that."""
    row = world.rows["changes"].setdefault(key, {"changed_at": ""})
    row["amount"] = amount
    if is_moved or not row["changed_at"]:
        row["changed_at"] = _text(world.clock.now())


def test_rows_within_the_look_back_that_have_not_changed_are_not_written_again(world: World) -> None:
    assert len(world.night("changes").records["changes"]) == 7
    for _ in range(3):
        assert {message["type"] for message in world.night("changes").messages} == {"STATE"}
    _change(world, "b", 20)

    assert "b" in world.night("changes").ids("changes")
    world.expect("changes")
    for _ in range(2):
        assert {message["type"] for message in world.night("changes").messages} == {"STATE"}


def test_a_row_within_the_look_back_that_changed_without_its_time_is_written(world: World) -> None:
    world.night("changes")
    _change(world, "f", 50, is_moved=False)

    assert "f" in world.night("changes").ids("changes")
    world.expect("changes")


def test_rows_without_a_time_of_change_are_written_when_they_come_again(world: World) -> None:
    world.night("changes")
    world.rows["changes"]["x"] = {"amount": 1, "changed_at": "9999"}  # no time: its value is rescued
    assert world.night("changes").ids("changes")[-1] == "x"
    world.rows["changes"]["x"]["amount"] = 2
    assert world.night("changes").ids("changes")[-1] == "x"
    world.expect("changes")


def test_a_second_run_with_nothing_new_writes_nothing_but_state(world: World) -> None:
    world.night("certain seen amounts")
    assert world.kinds() == WRITTEN

    for _ in range(3):
        assert {message["type"] for message in world.night("certain seen amounts").messages} == {"STATE"}
        world.expect()


def test_by_default_everything_is_written_and_the_state_knows_nothing_of_it(world: World) -> None:
    for _ in range(2):
        world.night(skip_unchanged=False)
        assert world.kinds() == WRITTEN
        assert "written" not in str(world.state)


def test_what_is_written_of_a_changed_list_is_what_is_written_without_the_setting(world: World) -> None:
    world.signs_anew = False
    plain = world.night(load=False, skip_unchanged=False)
    careful = world.night(load=False)

    def of_streams(reading: Reading) -> list[bytes]:
        kept = [message for message in reading.messages if message["type"] != "STATE"]
        return [encode({**each, "time_extracted": None, "version": None}) for each in kept]

    assert of_streams(careful) == of_streams(plain)
    world.state = careful.state
    world.rows["numbered"]["b"]["amount"] = 7.25
    changed = world.night("numbered", load=False)
    assert [line for line in of_streams(changed) if b"RECORD" in line] == [
        line for line in of_streams(world.night("numbered", load=False, skip_unchanged=False)) if b"RECORD" in line
    ]


def test_a_change_in_one_row_writes_that_list_alone(world: World) -> None:
    world.night()
    world.night()
    world.rows["certain"]["c"]["amount"] = "3.5"

    reading = world.night()

    assert {name: len(rows) for name, rows in reading.records.items()} == {"certain": 7}
    world.expect()


def test_the_order_of_the_rows_does_not_matter(world: World) -> None:
    world.night("certain")
    world.shuffle = random.Random(4).shuffle  # noqa: S311 - no secret

    for _ in range(3):
        assert not world.night("certain").records


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop("c"),
        lambda rows: rows.update(h={"amount": 1}),
        lambda rows: rows["c"].update(amount="2.50"),  # 2 before
        lambda rows: rows["c"].update(color="red"),  # rescued
        lambda rows: rows.update(a=rows["b"], b=rows["a"]),
        lambda rows: rows.update(x=rows.pop("a")),
    ],
)
def test_any_change_is_written(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    world.night("certain")
    change(world.rows["certain"])

    assert len(world.night("certain").records["certain"]) == len(world.rows["certain"])
    assert not world.night("certain").records
    world.expect()


def test_of_rows_that_come_twice_the_last_one_counts_whatever_their_order_was_before(world: World) -> None:
    rows = [{"id": "a", "amount": 1}, {"id": "a", "amount": 2}]
    for order in (rows, rows[::-1], rows):
        body = json.dumps({"rows": order})
        world.on_request = lambda _request, body=body: Response(body)  # type: ignore[misc]
        world.night("certain")
        assert world.tables.live("certain")["a"]["amount"] == order[-1]["amount"]


def test_equal_rows_do_not_cancel_each_other_out(world: World) -> None:
    """As they would with an exclusive or: rows without what tells them apart, twice each, are not the same as none."""
    maps = {"certain": {"id": "'x'", "amount": "amount", "__key_properties__": ["id"], "__else__": None}}
    world.rows["certain"] = {key: {"amount": amount} for key, amount in zip("abcd", (1, 1, 2, 2), strict=True)}
    world.night("certain", stream_maps=maps)
    world.rows["certain"] = {key: {"amount": amount} for key, amount in zip("abcd", (3, 3, 4, 4), strict=True)}

    assert len(world.night("certain", stream_maps=maps).records["certain"]) == 4


def test_values_that_differ_each_time_are_left_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.night("certain")
    assert not world.night("certain").records

    monkeypatch.setattr(CertainList, "volatile_columns", frozenset())
    assert world.night("certain").records
    assert world.night("certain").records


def test_records_written_one_by_one_are_compared_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CertainList, "post_process", overriding_post_process)
    world.night("certain")
    assert not world.night("certain").messages[1:]
    world.rows["certain"]["a"]["amount"] = 9
    assert len(world.night("certain").records["certain"]) == 7
    world.expect()


def test_what_decides_how_a_table_looks_writes_it_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = ListTap(config=world.config()).catalog_dict
    (entry,) = [each for each in catalog["streams"] if each["tap_stream_id"] == "certain"]

    def night(**settings: object) -> bool:
        """Run a night with the catalog; returns whether the list was written, and asserts that it is not again."""
        written = []
        for _ in range(2):
            world.clock.advance(DAY)
            reading = read(ListTap, world.config(**settings), state=world.state, select="certain", catalog=catalog)
            world.state = reading.state or world.state
            written.append(bool(reading.records))
        assert not written[1]
        return written[0]

    assert night()
    entry["metadata"].append({"breadcrumb": ["properties", "link"], "metadata": {"selected": False}})
    assert night(), "another selection"
    assert night(stream_maps={"certain": {"amount": "amount"}}), "stream maps"
    assert night(stream_maps={"certain": {"amount": "amount", "more": "1"}}), "other stream maps"
    monkeypatch.setattr(ListTap, "plugin_version", "99.1")
    assert night(), "another version of the tap"
    entry["schema"]["properties"]["amount"]["type"] = ["string", "null"]
    assert night(), "another schema"


def test_a_stream_without_rows_has_its_table_made_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.rows["changes"] = {}
    assert [bool(world.night("changes").of("SCHEMA")) for _ in range(3)] == [True, False, False]
    monkeypatch.setattr(ListTap, "plugin_version", "99.1")
    assert [bool(world.night("changes").of("SCHEMA")) for _ in range(2)] == [True, False]


def test_a_list_is_written_again_after_the_interval_in_any_case(world: World) -> None:
    written = [bool(world.night("certain", full_refresh_interval_days=3).records) for _ in range(8)]

    assert written == [True, False, False, True, False, False, True, False]


def test_a_digest_is_kept_only_with_an_activate_version(world: World) -> None:
    for _ in range(2):
        assert world.night("certain", emit_activate_version_messages=False).records["certain"]
        assert world.entry() is None
    world.night("certain")
    assert (world.entry() or {})["deletes_told"]
    world.night("certain", emit_activate_version_messages=False)
    assert world.entry() is None


def test_rows_that_one_read_missed_are_marked_by_the_next_without_writing_the_list_again(world: World) -> None:
    for _ in range(3):
        world.night("numbered")
    assert not world.reading.activated
    del world.rows["numbered"]["d"]

    world.night("numbered")
    assert world.kinds("numbered")[:2] == ["SCHEMA", "RECORD"]
    assert "d" in world.tables.live("numbered"), "one complete read missed it"
    assert (world.entry("numbered") or {})["deletes_told"] is False

    world.night("numbered")
    assert world.kinds("numbered") == ["SCHEMA", "ACTIVATE_VERSION"]
    assert world.tables.deleted("numbered") == {"d"}
    world.expect("numbered")

    assert {message["type"] for message in world.night("numbered").messages} == {"STATE"}
    world.rows["numbered"]["d"] = {"amount": 4}
    world.night("numbered")
    world.expect("numbered")


def test_a_list_that_lacks_most_rows_waits_for_a_second_night_and_is_believed_then(world: World) -> None:
    world.rows["certain"] = {str(number): {"amount": number} for number in range(60)}
    world.night("certain")
    world.rows["certain"] = {"1": {"amount": 1}}

    world.night("certain")
    assert len(world.tables.live("certain")) == 60
    world.night("certain")

    assert world.kinds() == ["SCHEMA", "ACTIVATE_VERSION"]
    world.expect()
    assert not world.night("certain").of("SCHEMA")


def test_a_derived_stream_keeps_its_rows_when_its_list_is_unchanged(world: World) -> None:
    for _ in range(3):
        world.night("seen amounts")
        assert world.tables.live("amounts")["b"]["text"] == "amount 1"
        assert len(world.tables.live("amounts")) == 7
    world.rows["seen"].pop("b")
    world.night("seen amounts")
    assert world.tables.deleted("amounts") == {"b"}
    world.night("amounts", load=False)


@pytest.mark.parametrize(
    ("stream", "nights_before"),
    [
        ("certain", 1),
        ("numbered", 2),
        ("changes", 2),
        *(pytest.param("numbered", nights, marks=pytest.mark.slow) for nights in (1, 3)),
    ],
)
def test_a_load_killed_anywhere_is_made_good_by_the_next_even_if_the_list_is_again_what_it_was(
    world: World, stream: str, nights_before: int
) -> None:
    """A loader that commits every message as it comes, and is killed after any of them."""
    for _ in range(nights_before):
        world.night(stream, full_refresh_interval_days=1000)
    rows, state, tables = copy.deepcopy(world.rows), world.state, copy.deepcopy(world.tables)
    if stream == "changes":  # a bookmark passes changes that are taken back, so these do not move their time
        for key in ("f", "g"):
            _change(world, key, 60, is_moved=False)
    else:
        world.rows[stream] |= {"b": {"amount": 50}, "new": {"amount": 51}}
    killed = world.night(stream, load=False, full_refresh_interval_days=1000).messages

    for end in range(len(killed) + 1):
        for rows_next in (rows, world.rows):
            world.tables = copy.deepcopy(tables)
            world.tables.load(killed[:end])
            states = [message["value"] for message in killed[:end] if message["type"] == "STATE"]
            world.state = decode(encode(states[-1] if states else state))
            held, world.rows = world.rows, rows_next
            world.night(stream, full_refresh_interval_days=1000)
            if stream == "numbered":  # it tells of deletes once two reads agree
                world.night(stream, full_refresh_interval_days=1000)
            world.expect(stream)
            world.rows = held


def test_a_read_that_fails_writes_what_came_and_holds_nothing_back_the_next_time(world: World) -> None:
    world.night("numbered")
    world.night("numbered")
    world.on_request = lambda request: Response("no", 400) if request.args.get("page") == "3" else None

    failed = world.night("numbered")

    assert len(failed.records["numbered"]) == 2 * PAGE_SIZE
    before_rows = failed.messages[: [message["type"] for message in failed.messages].index("SCHEMA")]
    assert "written_list" not in str(before_rows[-1]["value"])
    assert world.entry("numbered") is None
    world.on_request = lambda _request: None
    assert len(world.night("numbered").records["numbered"]) == 7
    world.expect("numbered")


def test_a_read_that_is_refused_before_any_row_writes_nothing_and_forgets_nothing(world: World) -> None:
    world.night()
    world.night()
    world.on_request = lambda _request: Response("{}", 403)

    refused = world.night("certain numbered")

    assert not refused.records
    assert not refused.of("SCHEMA")
    world.on_request = lambda _request: None
    assert not world.night().records


@pytest.mark.parametrize("stream", ["numbered", "changes"])
def test_a_signal_while_rows_are_held_back_leaves_the_state_of_before(world: World, stream: str) -> None:
    selected = f"certain {stream}"
    world.night(selected)
    world.night(selected)
    before = world.state["bookmarks"][stream].get("replication_key_value")
    world.rows[stream]["g"]["amount"] = 70
    for key in "cde" if stream == "changes" else "":  # some in the first page, whose bookmark must not be kept
        _change(world, key, 71)
    writer = CollectingWriter()
    tap = ListTap(config=world.config(), state=decode(encode(world.state)), message_writer=writer)
    for each in tap.streams.values():
        each.selected = each.name in selected.split()

    def interrupt(request: Request) -> Response | None:
        if request.args.get("page") == "2":
            tap.streams[stream].interrupted = True  # type: ignore[attr-defined]
        return None

    listing = tap.streams[stream]
    accept = listing.accept_page  # type: ignore[attr-defined]

    def accept_or_stop(page: Page, query: ListQuery) -> Page:
        if getattr(listing, "interrupted", False):
            raise RunInterrupted(signal.SIGTERM)
        accepted: Page = accept(page, query)
        return accepted

    world.on_request = interrupt
    listing.accept_page = accept_or_stop  # type: ignore[attr-defined]
    with pytest.raises(RunInterrupted):
        tap.sync_all()

    kinds = [message["type"] for message in writer.messages]
    assert set(kinds) == {"STATE"}
    world.state = writer.messages[-1]["value"]
    entries = world.state["bookmarks"][stream].keys() & {"written_list", "written_rows"}
    assert not entries, "the next run holds nothing back"
    assert world.state["bookmarks"][stream].get("replication_key_value") == before
    assert world.entry("certain") is not None
    world.on_request = lambda _request: None
    world.night(selected)
    world.expect(stream)


def test_no_state_passes_rows_that_are_held_back(world: World) -> None:
    world.night("changes")
    world.night("changes")
    before = world.state["bookmarks"]["changes"]["replication_key_value"]
    for key in "cde":
        _change(world, key, 71)

    messages = world.night("changes").messages

    first_row = [message["type"] for message in messages].index("RECORD")
    states = [
        message["value"]["bookmarks"]["changes"] for message in messages[:first_row] if message["type"] == "STATE"
    ]
    assert {state["replication_key_value"] for state in states} == {before}
    world.expect("changes")


def test_switched_off_and_on_again_nothing_old_is_taken_for_what_the_table_holds(world: World) -> None:
    before = copy.deepcopy(world.rows)
    world.night()
    world.rows["certain"]["a"]["amount"] = 100
    world.night(skip_unchanged=False)
    assert world.entry() is None
    world.rows = before

    world.night()

    world.expect()


def test_a_complete_read_by_a_version_without_the_setting_is_noticed(world: World) -> None:
    world.night()
    held = {name: world.state["bookmarks"]["certain"][name] for name in ("written_list", "written_schema")}
    world.rows["certain"]["a"]["amount"] = 100
    world.night(skip_unchanged=False)
    world.state["bookmarks"]["certain"] |= held  # which such a version leaves where it is
    world.rows["certain"]["a"]["amount"] = 0

    world.night()

    world.expect()


@pytest.mark.parametrize("held", [None, 5, "x", {}, {"digest": 1}, {"digest": "", "rows": "many"}, []])
def test_a_state_that_cannot_be_read_writes_everything(world: World, held: object) -> None:
    world.night()
    world.state["bookmarks"]["certain"]["written_list"] = held

    assert len(world.night().records["certain"]) == 7
    world.expect()


def test_a_state_of_the_version_before_is_taken_up(world: World) -> None:
    world.night(skip_unchanged=False)
    world.night(skip_unchanged=False)
    assert len(world.night("certain").records["certain"]) == 7
    assert not world.night("certain").records


def test_tombstones_remove_the_digest_before_they_are_written(world: World) -> None:
    world.night("certain")
    tap = ListTap(config=world.config(), state=decode(encode(world.state)), message_writer=CollectingWriter())
    stream = tap.streams["certain"]
    stream.write_deletes([{"id": "a"}])  # type: ignore[attr-defined]
    writer = tap.message_writer
    assert isinstance(writer, CollectingWriter)

    assert [message["type"] for message in writer.messages] == ["STATE", "SCHEMA", "RECORD"]
    world.tables.load(writer.messages)
    world.state = writer.messages[0]["value"]
    assert world.entry() is None
    world.night("certain")
    world.expect()


def test_a_list_of_any_size_is_held_back_in_a_file_that_nobody_else_can_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: set[tuple[int, int]] = set()
    before = {status.st_ino for status in _files_without_a_name()}

    def look(request: Request) -> None:
        """Look for the file while the last page is requested."""
        if request.args.get("page") == "3":
            files.update(
                (stat.S_IMODE(status.st_mode), status.st_size)
                for status in _files_without_a_name()
                if status.st_ino not in before
            )

    monkeypatch.setattr(held_lines, "IN_MEMORY", 200)
    for _ in range(2):
        world.night("numbered")
    assert not files
    world.on_request = look
    world.night("numbered")
    assert not world.reading.records
    ((mode, size),) = files
    assert mode == 0o600
    assert size > 2 * PAGE_SIZE * 100
    world.rows["numbered"]["g"]["amount"] = 3

    assert world.night("numbered").ids("numbered") == list("abcdefg")
    world.expect("numbered")


def _files_without_a_name() -> list[os.stat_result]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            status = link.stat()
            if stat.S_ISREG(status.st_mode) and not status.st_nlink:
                found.append(status)
    return found


def test_a_full_disk_lets_the_list_be_written_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.night("numbered")
    world.night("numbered")
    world.rows["numbered"]["g"]["amount"] = 70
    add, calls = held_lines.HeldLines.add, []

    def full(held: held_lines.HeldLines, lines: bytes) -> None:
        calls.append(lines)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        add(held, lines)

    monkeypatch.setattr(held_lines.HeldLines, "add", full)

    assert world.night("numbered").ids("numbered") == list("abcdefg")
    assert world.reading.error is None
    world.expect("numbered")


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 20))])
def test_whatever_happens_over_many_nights_the_tables_are_those_of_a_tap_that_writes_everything(
    world: World, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    plain_state: dict[str, Any] = {}
    plain_tables = LoadedTables()
    names = ["certain", "numbered"]
    written = 0
    for _ in range(8):
        for name in names:
            _change_list(world.rows[name], draw)
        world.clock.advance(DAY)
        plain = read(ListTap, world.config(skip_unchanged=False), state=plain_state, select=" ".join(names))
        plain_state = plain.state
        plain_tables.load(plain.messages)
        world.clock.advance(-DAY)
        written += sum(map(len, world.night(" ".join(names), full_refresh_interval_days=5).records.values()))

        for name in names:
            assert _amounts(world.tables, name) == _amounts(plain_tables, name)
            assert world.tables.deleted(name) == plain_tables.deleted(name)
        world.expect("certain")
    assert written


def _amounts(tables: LoadedTables, name: str) -> dict[str, Decimal]:
    return {key: Decimal(str(row["amount"])) for key, row in tables.live(name).items()}


def _change_list(rows: dict[str, Any], draw: random.Random) -> None:
    """Change a list in half of the nights: a row comes, goes, comes back, or gets another value."""
    kind = draw.choice(["none", "none", "none", "new", "gone", "value"])
    key = draw.choice("abcdefgh")
    if kind == "new":
        rows[key] = {"amount": draw.randrange(3)}
    elif kind == "gone" and len(rows) > 1:
        rows.pop(key, None)
    elif kind == "value" and key in rows:
        rows[key]["amount"] = draw.randrange(3)
