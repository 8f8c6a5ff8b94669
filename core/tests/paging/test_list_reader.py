"""Lists that move, lie about their filters, or do not end in one night: what a loader holds afterwards."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from werkzeug import Response

from conftest import CONCURRENCY
from singer_rest_core import NextLinkPaginator, NumberedPaginator, RestStream, RestTap, settings_schema
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer.writer import ExactWriter
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from conftest import FakeClock
    from singer_rest_core import ListQuery, Page, PageParams
    from singer_rest_core.paging import RefusedRequest, Window

_COUNT = 800
_START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=_COUNT)
_PAGE = 10
_PATIENCE = 10.0
_TEXT = {"type": ["string", "null"]}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class Letters(RestStream):
    """A list by cursor, counted by number, and filtered by the time that its rows were created."""

    name = "letters"
    primary_keys = ("id",)
    window_column = "created_at"
    row_layout = FlatRows("rows", envelope=("next", "total"))
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "created_at": _TEXT, "rank": {"type": ["integer", "null"]}},
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path="/letters")

    def paginator(self, query: ListQuery) -> NextLinkPaginator | NumberedPaginator:
        if query.by_number:
            return NumberedPaginator("page", last_page=lambda page: -(-page.envelope["total"] // _PAGE))
        return NextLinkPaginator(
            {"after": ""}, next_link=lambda page: page.envelope.get("next"), takes=lambda name: name == "after"
        )

    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        window = query.column or ""
        request.params = {**(token or {}), **({"between": window} if window else {})}
        return request

    def count_request(self, query: ListQuery) -> HTTPRequest | None:
        request = super().request_for(query, None)
        request.params = {"page": "1", "size": "1"}
        return request

    def count_of(self, answer: requests.Response) -> int | None:
        total: int | None = decode(answer.content).get("total")
        return total

    def total_of(self, page: Page) -> int | None:
        total: int | None = page.envelope.get("total")
        return total

    def in_window(self, query: ListQuery, window: Window) -> ListQuery:
        ends = [_text(end) if end else "" for end in (window.start, window.end)]
        return replace(query, column="/".join(ends))

    def without_cursor(self, query: ListQuery) -> ListQuery:
        return replace(query, by_number=True)

    def adapt(self, refused: RefusedRequest[ListQuery]) -> ListQuery | None:
        return None if refused.query.by_number else self.without_cursor(refused.query)


class LetterTap(RestTap):
    """One stream."""

    name = "tap-letter"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(api_url=None, page_size=None, start_date=None)

    def discover_streams(self) -> Sequence[RestStream]:
        return [Letters(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Writer(ExactWriter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:  # noqa: ARG002 - nothing is buffered
        self.messages += [decode(line) for line in lines.splitlines()]


class World:
    """Letters on a server, changed between requests; and the runs of a tap with its loader."""

    def __init__(self, server: HTTPServer) -> None:
        """Hold a letter for each day."""
        self.rows: dict[int, dict[str, Any]] = {}
        for number in range(_COUNT):
            self.create(number)
        self.order: Callable[[dict[str, Any]], Any] = lambda row: (row["created_at"] or "", row["id"])
        self.on_request: Callable[[int], object] = lambda _number: None
        self.filters = True
        self.refuses: Callable[[Request], bool] = lambda _request: False
        self.asked: list[dict[str, str]] = []
        self.state: dict[str, Any] = {}
        self.tables = LoadedTables()
        self.messages: list[dict[str, Any]] = []
        self.error: BaseException | None = None
        self._url = server.url_for("/").rstrip("/")
        server.expect_request("/letters").respond_with_handler(self._answer)

    def create(self, number: int, *, created_at: str | None = "") -> None:
        """Add a letter."""
        moment = _text(_START + timedelta(days=number)) if created_at == "" else created_at
        self.rows[number] = {"id": number, "created_at": moment, "rank": number}

    def _answer(self, request: Request) -> Response:
        self.asked.append(dict(request.args))
        if self.refuses(request):
            return Response('{"error": "no"}', 400)
        rows = sorted(self._selected(request), key=self.order)
        if "page" in request.args:
            first, size = (int(request.args["page"]) - 1) * _PAGE, int(request.args.get("size", _PAGE))
            body = {"rows": rows[first : first + size], "total": len(rows)}
        else:
            after = json.loads(request.args["after"]) if request.args["after"] else None
            rest = [row for row in rows if after is None or list(self.order(row)) > after]
            link = f"?after={json.dumps(list(self.order(rest[_PAGE - 1])))}" if len(rest) > _PAGE else None
            body = {"rows": rest[:_PAGE], "next": link}
        answer = Response(json.dumps(body))
        self.on_request(len(self.asked))
        return answer

    def _selected(self, request: Request) -> list[dict[str, Any]]:
        start, _, end = request.args.get("between", "/").partition("/")
        if not self.filters or not (start or end):
            return list(self.rows.values())
        return [row for row in self.rows.values() if row["created_at"] and start <= row["created_at"] < (end or "9")]

    def read(self, concurrency: int = 1, *, writer: _Writer | None = None, **settings: object) -> None:
        """Run the tap once, and load what it writes."""
        self.asked.clear()
        writer = writer or _Writer()
        config = {"api_url": self._url, "concurrency": concurrency, **settings}
        tap = LetterTap(config=config, state=decode(encode(self.state)), message_writer=writer)
        self.error = None
        try:
            tap.sync_all()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        self.messages = writer.messages
        self.tables.load(writer.messages)
        states = [message["value"] for message in writer.messages if message["type"] == "STATE"]
        self.state = states[-1] if states else self.state

    @property
    def ids(self) -> list[int]:
        """The ids of the records of the last run, in order."""
        return [message["record"]["id"] for message in self.messages if message["type"] == "RECORD"]

    @property
    def activated(self) -> list[int]:
        """The versions that the last run activated."""
        return [message["version"] for message in self.messages if message["type"] == "ACTIVATE_VERSION"]

    @property
    def version(self) -> int:
        """The version of the records of the last run."""
        (version,) = {message["version"] for message in self.messages if message["type"] == "RECORD"}
        return int(version)


@pytest.fixture
def world(httpserver: HTTPServer) -> World:
    return World(httpserver)


@CONCURRENCY
def test_a_long_list_is_read_in_windows_in_turn_and_activates_its_own_version(world: World, concurrency: int) -> None:
    world.read(concurrency)

    assert sorted(world.ids) == list(range(_COUNT))
    assert world.activated == [world.version]
    assert len({query["between"] for query in world.asked if "between" in query}) >= 3
    assert len(world.asked) <= 2 + 1.05 * _COUNT / _PAGE
    ids, world.state = world.ids, {}
    world.read(1)
    assert world.ids == ids
    assert ids[_PAGE] != _PAGE, "the second page of the first window comes before a page of the others"


@CONCURRENCY
@pytest.mark.parametrize("after", [1, 2, 4, 20])
def test_rows_that_go_and_come_at_once_lose_no_other(world: World, concurrency: int, after: int) -> None:
    def move(number: int) -> None:
        if number == after:
            for gone in range(15):
                del world.rows[gone]
                world.create(1000 + gone, created_at=_text(_START + timedelta(days=100)))

    world.on_request = move
    before = set(world.rows)
    world.read(concurrency)

    assert before & set(world.rows) <= world.tables.live("letters").keys()
    world.read(concurrency)
    assert world.tables.live("letters").keys() == set(world.rows)


@CONCURRENCY
def test_rows_without_the_time_of_the_windows_are_found_by_the_count(world: World, concurrency: int) -> None:
    for number in range(1000, 1005):
        world.create(number, created_at=None)
    world.create(2000, created_at="9999-12-31T00:00:00Z")
    world.read(concurrency)

    assert set(world.ids) == set(world.rows)
    assert len(world.ids) == len(world.rows)
    assert world.activated == [world.version]


@CONCURRENCY
def test_a_filter_that_does_nothing_is_noticed_at_the_first_page(
    world: World, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    world.filters = False
    with caplog.at_level(logging.WARNING):
        world.read(concurrency)

    assert world.ids == list(range(_COUNT))
    assert world.activated == [world.version]
    assert len(caplog.records) == 1
    assert len(world.asked) < 1.5 * _COUNT / _PAGE


@CONCURRENCY
def test_a_filter_that_is_refused_does_not_end_the_read(world: World, concurrency: int) -> None:
    world.refuses = lambda request: "between" in request.args
    world.read(concurrency)

    assert world.ids == list(range(_COUNT))
    assert world.error is None


@CONCURRENCY
def test_a_filter_that_drops_rows_is_noticed_by_the_count(world: World, concurrency: int) -> None:
    hidden = [world.rows[number] for number in range(50, 60)]
    select = world._selected  # noqa: SLF001 - the test bends the server

    def selected(request: Request) -> list[dict[str, Any]]:
        found = select(request)
        return [row for row in found if row not in hidden] if "between" in request.args else found

    world._selected = selected  # type: ignore[method-assign] # noqa: SLF001 - as above
    world.read(concurrency)

    assert sorted(world.ids) == list(range(_COUNT))
    assert world.activated == [world.version]


@CONCURRENCY
def test_a_keyset_over_a_changing_column_is_checked_by_the_count(
    world: World, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Rows that have not come yet change so that they lie behind the cursor."""
    monkeypatch.setattr(Letters, "window_column", None)
    world.order = lambda row: (row["rank"], row["id"])

    def move(number: int) -> None:
        if number == 6:
            for late in range(200, 220):
                world.rows[late]["rank"] = -late

    world.on_request = move
    world.read(concurrency)

    assert set(world.ids) == set(range(_COUNT))
    assert world.tables.live("letters").keys() == set(world.rows)


@CONCURRENCY
def test_a_count_that_is_never_reached_activates_the_version_of_the_read_before(world: World, concurrency: int) -> None:
    world.read(concurrency)
    first = world.version
    world.rows[5000] = {"id": 1, "created_at": _text(_START), "rank": 0}  # counted, but no row of its own
    gone = world.rows.pop(7)["id"]
    world.read(concurrency)
    assert world.activated == [first]
    assert world.tables.deleted("letters") == set()

    world.read(concurrency)

    assert world.tables.deleted("letters") == {gone}


def test_a_list_that_is_answered_by_number_is_read_by_number(world: World) -> None:
    world.refuses = lambda request: "after" in request.args
    world.read()
    first = world.version
    assert world.ids == list(range(_COUNT))
    assert world.activated == []

    world.read()
    assert world.activated == [first]


def test_a_list_of_one_page_is_not_counted(world: World) -> None:
    world.rows = {number: world.rows[number] for number in range(_PAGE)}
    world.read()

    assert len(world.asked) == 1
    assert world.activated == [world.version]


@CONCURRENCY
def test_a_list_that_loses_most_of_its_rows_tells_no_deletes_until_a_later_read_agrees(
    world: World, concurrency: int, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    world.read(concurrency)
    world.rows = {number: world.rows[number] for number in range(100)}
    world.read(concurrency)
    assert world.activated == []
    assert world.error is None
    assert "the list has 100 rows; the last complete read found 800" in caplog.text

    clock.advance(19 * 3600)
    world.read(concurrency)
    assert world.activated == []

    clock.advance(1.1 * 3600)
    world.read(concurrency)
    assert world.tables.live("letters").keys() == set(range(100))


def test_a_list_that_recovers_has_lost_nothing(world: World, clock: FakeClock) -> None:
    rows = dict(world.rows)
    world.read()
    world.rows = {0: rows[0]}
    world.read()
    world.rows = rows
    clock.advance(21 * 3600)
    world.read()

    assert world.tables.live("letters").keys() == set(range(_COUNT))
    world.rows = {0: rows[0]}
    world.read()
    assert world.activated == []


def test_a_list_that_is_suddenly_empty_ends_the_run_both_times(world: World, clock: FakeClock) -> None:
    world.read()
    world.rows = {}
    world.read()
    assert world.activated == []
    assert "1 of 1 streams failed" in str(world.error)

    clock.advance(20 * 3600)
    world.read()
    assert "1 of 1 streams failed" in str(world.error)
    assert world.tables.live("letters") == {}

    clock.advance(20 * 3600)
    world.read()
    assert world.error is None


@CONCURRENCY
@pytest.mark.parametrize("requests_a_night", [12, 25, 40])
def test_a_first_load_that_does_not_fit_into_one_night_is_continued(
    world: World, concurrency: int, requests_a_night: int
) -> None:
    nights = 0

    def end_of_the_night(request: Request) -> bool:  # noqa: ARG001 - counts alone
        return len(world.asked) > requests_a_night

    world.refuses = end_of_the_night
    versions = set()
    while nights == 0 or world.error is not None:
        nights += 1
        assert nights < 20
        before = set(world.rows)
        world.read(concurrency)
        versions |= {message["version"] for message in world.messages if message["type"] == "RECORD"}
        world.create(1000 + nights)
        del world.rows[nights]
        assert world.tables.deleted("letters") == set()

    assert nights > 2
    assert len(versions) == 1
    throughout = before & set(range(100, _COUNT))
    assert throughout <= world.tables.live("letters").keys()
    assert "unfinished_read" not in world.state["bookmarks"]["letters"]

    world.refuses = lambda _request: False
    world.read(concurrency)
    world.read(concurrency)
    assert world.tables.live("letters").keys() == set(world.rows)


@CONCURRENCY
@pytest.mark.parametrize("forgotten", [0, -1])
def test_a_place_that_the_api_has_forgotten_begins_the_read_again_once(
    world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture, forgotten: int, concurrency: int
) -> None:
    world.refuses = lambda _request: len(world.asked) > 12
    world.read()
    old = world.version
    clock.advance(60)
    (place,) = [state["unfinished_read"]["place"] for state in world.state["bookmarks"].values()]
    cursor = [each for each in place["places"] if each][forgotten]
    refused: list[str] = []

    def forgets(request: Request) -> bool:
        if request.args.get("after") != cursor["after"] or refused:
            return False
        refused.append(request.args["after"])
        return True

    world.refuses = forgets
    world.read(concurrency)

    assert "begins again" in caplog.text
    assert world.version > old
    assert set(world.ids) == set(range(_COUNT))


class _WaitingWriter(_Writer):
    """A loader that takes a page only once the API was asked for the next one."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.came_late = 0
        self._asked = world.asked
        self._changed = threading.Condition()
        world.on_request = self._hear

    def _hear(self, _number: int) -> None:
        with self._changed:
            self._changed.notify_all()

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:
        super().write_lines(lines, flush=flush)
        pages = sum(message["type"] == "RECORD" for message in self.messages) // _PAGE
        if 0 < pages < _COUNT // _PAGE:
            with self._changed:
                came = self._changed.wait_for(lambda: self._walked > pages, _PATIENCE)
            self.came_late += not came

    @property
    def _walked(self) -> int:
        return sum("after" in query for query in self._asked)


@pytest.mark.parametrize("concurrency", [2, 16])
def test_the_next_page_of_a_walk_is_asked_for_while_one_is_written(
    world: World, concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Letters, "window_column", None)
    writer = _WaitingWriter(world)
    world.read(concurrency, writer=writer)

    assert writer.came_late == 0
    assert world.ids == list(range(_COUNT))
    assert len(world.asked) == _COUNT // _PAGE + 2


@CONCURRENCY
@pytest.mark.parametrize("page", [2, 3, 40])
def test_a_page_that_cannot_be_read_keeps_no_page_before_it_from_being_written(
    world: World, concurrency: int, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it was asked for before that page was handed on; the next run goes on there."""
    monkeypatch.setattr(Letters, "window_column", None)
    monkeypatch.setattr(Letters, "adapt", lambda *_: None)
    unread = (page - 1) * _PAGE
    world.refuses = lambda request: request.args.get("after", "").endswith(f" {unread - 1}]")
    world.read(concurrency)

    failure = world.error
    assert failure is not None
    assert world.ids == list(range(unread))
    world.refuses = lambda _request: False
    world.read(concurrency)
    assert world.error is None
    assert world.ids == list(range(unread, _COUNT))


@CONCURRENCY
def test_a_list_that_is_read_in_windows_is_not_asked_for_its_second_page(world: World, concurrency: int) -> None:
    """What it is asked for before them is its first page, and its count."""
    world.read(concurrency)
    walked = [query for query in world.asked if "after" in query and "between" not in query]
    assert len(walked) == 1
