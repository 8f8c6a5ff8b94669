"""A small tap against a real local server: what its user gets of streams that end each in its own way."""

from __future__ import annotations

import io
import json
import logging
import signal
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import typing as th
from werkzeug import Response

from conftest import CONCURRENCY
from singer_rest_core import (
    AccessRefused,
    NextLinkPaginator,
    RestStream,
    RestTap,
    RunIncomplete,
    settings_schema,
)
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer import sdk_stream, sdk_tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping, Sequence
    from pathlib import Path

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from conftest import FakeClock
    from singer_rest_core import ListQuery, PageParams

_TOKEN = "tok-5ecret-0123456789"
_NULLABLE_TEXT = {"type": ["string", "null"]}
_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": _NULLABLE_TEXT,
        "amount": {"type": ["number", "null"]},
        "updated_at": {**_NULLABLE_TEXT, "format": "date-time"},
        "_rescued_data": {"type": ["object", "null"]},
    },
}


class _List(RestStream):
    """A list walked by its next links."""

    primary_keys = ("id",)
    row_layout = FlatRows("data", envelope=("next",))
    schema = _SCHEMA
    secret_fields = frozenset({"password"})

    def __init__(self, tap: RestTap) -> None:
        super().__init__(tap, path=f"/{self.name}")

    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator(
            {}, next_link=lambda page: page.envelope.get("next"), takes=lambda name: name == "after"
        )

    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {"from": query.since, **(token or {})}
        return request


class Accounts(_List):
    """Read whole."""

    name = "accounts"


class Bookings(_List):
    """Read whole."""

    name = "bookings"


class Changes(_List):
    """Read by their changes, in order."""

    name = "changes"
    replication_key = "updated_at"
    is_sorted = True


class TinyTap(RestTap):
    """Three streams of one API."""

    name = "tap-tiny"
    refusal_hint = "Check auth_token"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("auth_token", th.StringType, required=True, secret=True),
        api_url=None,
        page_size=(10, 10),
        start_date="Rows before it are not read.",
    )

    def discover_streams(self) -> Sequence[RestStream]:
        return [Accounts(self), Bookings(self), Changes(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["X-Auth-Token"] = self.config["auth_token"]
        return request


@pytest.fixture(autouse=True)
def _our_signal_handlers() -> Iterator[None]:
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    yield
    for signum, handler in handlers.items():
        signal.signal(signum, handler)


@contextmanager
def _captured(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.BytesIO]:
    raw = io.BytesIO()
    with monkeypatch.context() as patch:
        wrapper = io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
        patch.setattr(sys, "stdout", wrapper)
        yield raw
        wrapper.detach()


Messages = list[dict[str, Any]]


class _World:
    """The server and the runs against it."""

    def __init__(self, server: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._monkeypatch = monkeypatch

    def serve(self, name: str, *pages: list[dict[str, Any]] | Response) -> None:
        """Give the pages of one list; a response stands for a page that fails."""

        def answer(request: Request) -> Response:
            self.asked.append((name, request.args.to_dict()))
            number = int(request.args.get("after", "0"))
            page = pages[number]
            if isinstance(page, Response):
                return page
            following = f"https://elsewhere.example/{name}?after={number + 1}" if number + 1 < len(pages) else None
            return _json(200, {"data": page, "next": following})

        self.server.expect_request(f"/{name}").respond_with_handler(answer)

    def tap(
        self,
        *,
        state: dict[str, Any] | None = None,
        catalog: dict[str, Any] | None = None,
        kind: type[TinyTap] = TinyTap,
        **config: object,
    ) -> TinyTap:
        settings = {"api_url": self.server.url_for("/"), "auth_token": _TOKEN, **config}
        return kind(config=settings, state=state, catalog=catalog)

    def run(self, tap: TinyTap, *, how: Callable[[], object] | None = None) -> tuple[Messages, BaseException | None]:
        """Give the messages of a run, and what it ended in."""
        ended: BaseException | None = None
        with _captured(self._monkeypatch) as out:
            try:
                (how or tap.sync_all)()
            except Exception as error:  # noqa: BLE001 - handed on to the test
                ended = error
        return [json.loads(line) for line in out.getvalue().splitlines()], ended


@pytest.fixture
def world(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> _World:
    return _World(httpserver, monkeypatch)


def _json(status: int, body: object) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def _row(number: int, updated_at: str | None = None, **more: object) -> dict[str, Any]:
    return {"id": str(number), "updated_at": updated_at, **more}


def _day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def _of(messages: Messages, kind: str, stream: str | None = None) -> Messages:
    return [entry for entry in messages if entry["type"] == kind and (stream is None or entry.get("stream") == stream)]


def _ids(messages: Messages, stream: str) -> list[str]:
    return [entry["record"]["id"] for entry in _of(messages, "RECORD", stream)]


def _bookmark(message: dict[str, Any], stream: str = "changes") -> str | None:
    value: str | None = message["value"]["bookmarks"].get(stream, {}).get("replication_key_value")
    return value


_THREE_PAGES = (
    [_row(1, _day(1)), _row(2, _day(2))],
    [_row(3, _day(3)), _row(4, _day(3))],
    [_row(5, _day(5))],
)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(owner, name) for owner, names in (sdk_stream.PINNED | sdk_tap.PINNED).items() for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_the_sdk_still_has_the_private_names_we_rely_on(world: _World, owner: type, name: str) -> None:
    tap = world.tap()
    instance = {"Stream": tap.streams["accounts"]}.get(owner.__name__, tap)
    on_class = any(name in vars(base) for base in owner.__mro__)
    assert on_class or name in vars(instance), f"singer-sdk has no {owner.__name__}.{name} any more"
    if on_class:
        assert any(name in vars(base) for base in owner.__mro__ if base.__module__.startswith("singer_sdk."))


def test_one_stream_refused_and_one_broken_leave_the_third_complete(
    world: _World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    world.serve("accounts", _json(403, {"errors": [{"title": "Not for you"}]}))
    world.serve("bookings", [_row(1)], _json(500, {"message": f"oops {_TOKEN}"}))
    world.serve("changes", *_THREE_PAGES)
    messages, ended = world.run(world.tap())
    assert _ids(messages, "changes") == ["1", "2", "3", "4", "5"]
    assert _ids(messages, "bookings") == ["1"]
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(5)
    assert _of(messages, "ACTIVATE_VERSION") == []
    assert isinstance(ended, RunIncomplete)
    assert str(ended).startswith("1 of 3 streams failed: bookings. ")
    lines = [record.getMessage() for record in caplog.records]
    assert "accounts: skipped: GET /accounts answered 403: Not for you" in lines
    assert "bookings: failed: GET /bookings answered 500: oops *** (6 tries)" in lines
    assert lines[-1].endswith(
        "1 streams read to their end, 1 skipped: accounts (GET /accounts answered 403: Not for you), "
        "1 failed: bookings",
    )
    assert _TOKEN not in caplog.text
    assert not any(record.exc_info for record in caplog.records if record.levelno > logging.DEBUG)


def test_refused_credentials_end_the_run_at_once(world: _World) -> None:
    world.serve("accounts", _json(401, {"message": "Bad token"}))
    world.serve("bookings", [_row(1)])
    world.serve("changes", [_row(1)])
    _, ended = world.run(world.tap())
    assert isinstance(ended, AccessRefused)
    assert str(ended) == "GET /accounts answered 401: Bad token. Check auth_token"
    assert [name for name, _ in world.asked] == ["accounts"]


def test_a_fault_of_the_tap_fails_its_stream_and_keeps_its_traceback(
    world: _World,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def total_of(stream: RestStream, answer: requests.Response) -> int:
        raise ZeroDivisionError(stream.name, answer)

    monkeypatch.setattr(Bookings, "total_of", total_of)
    world.serve("accounts", [_row(1)])
    world.serve("bookings", [_row(1)])
    world.serve("changes", *_THREE_PAGES)
    messages, ended = world.run(world.tap())
    assert isinstance(ended, RunIncomplete)
    assert _ids(messages, "changes") == ["1", "2", "3", "4", "5"]
    (fault,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert fault.exc_info is not None
    assert fault.exc_info[0] is ZeroDivisionError


def test_a_run_in_which_nothing_could_be_read_is_no_success(world: _World) -> None:
    for name in ("accounts", "bookings", "changes"):
        world.serve(name, _json(403, {}))
    _, ended = world.run(world.tap())
    assert isinstance(ended, RunIncomplete)


def test_a_bookmark_in_the_state_that_cannot_be_read_is_told_in_one_line(world: _World) -> None:
    state = {"bookmarks": {"changes": {"replication_key": "updated_at", "replication_key_value": "soon"}}}
    for name in ("accounts", "bookings", "changes"):
        world.serve(name, [])
    _, ended = world.run(world.tap(state=state))
    assert "changes (replication_key_value 'soon'): correct the state" in str(ended)


def test_a_version_is_activated_after_the_last_record_of_a_complete_read(world: _World) -> None:
    world.serve("accounts", [_row(1)])
    world.serve("bookings", [_row(1)], _json(404, {}))
    world.serve("changes", [])
    messages, _ = world.run(world.tap())
    (activate,) = _of(messages, "ACTIVATE_VERSION")
    assert activate["stream"] == "accounts"
    records = _of(messages, "RECORD", "accounts")
    assert {entry["version"] for entry in records} == {activate["version"]}
    assert messages.index(activate) > messages.index(records[-1])


def test_a_read_of_several_pages_without_a_count_activates_the_version_of_the_read_before(world: _World) -> None:
    for name in ("bookings", "changes"):
        world.serve(name, [])
    world.serve("accounts", [_row(1)], [_row(2)])
    first, _ = world.run(world.tap())
    assert _of(first, "ACTIVATE_VERSION", "accounts") == []
    (version,) = {entry["version"] for entry in _of(first, "RECORD", "accounts")}

    world.serve("accounts", [_row(1)], [_row(3)])
    second, _ = world.run(world.tap(state=_of(first, "STATE")[-1]["value"]))
    assert [entry["version"] for entry in _of(second, "ACTIVATE_VERSION", "accounts")] == [version]


def test_an_empty_table_is_replaced_too(world: _World) -> None:
    for name in ("accounts", "bookings", "changes"):
        world.serve(name, [])
    messages, ended = world.run(world.tap())
    assert ended is None
    assert [entry["stream"] for entry in _of(messages, "ACTIVATE_VERSION")] == ["accounts", "bookings"]


def test_an_incremental_stream_never_replaces_its_table(world: _World) -> None:
    world.serve("accounts", [])
    world.serve("bookings", [])
    world.serve("changes", *_THREE_PAGES)
    messages, _ = world.run(world.tap())
    assert _of(messages, "ACTIVATE_VERSION", "changes") == []
    assert all("version" not in entry for entry in _of(messages, "RECORD", "changes"))


def test_a_connection_test_reads_one_record_a_stream_and_replaces_no_table(world: _World) -> None:
    world.serve("accounts", [_row(1)])
    world.serve("bookings", [_row(1), _row(2)])
    world.serve("changes", *_THREE_PAGES)
    tap = world.tap()
    messages, ended = world.run(tap, how=tap.run_connection_test)
    assert ended is None
    assert [len(_ids(messages, name)) for name in ("accounts", "bookings", "changes")] == [1, 1, 1]
    assert _of(messages, "ACTIVATE_VERSION") == []
    assert all("version" not in entry for entry in _of(messages, "RECORD"))


@pytest.mark.parametrize("how", ["sync_all", "run_connection_test"])
def test_a_tap_may_speak_once_before_its_first_stream(world: _World, how: str) -> None:
    asked_before: list[int] = []

    class Speaking(TinyTap):
        def before_streams(self) -> None:
            asked_before.append(len(world.asked))

    for name in ("accounts", "bookings", "changes"):
        world.serve(name, [_row(1)])
    tap = world.tap(kind=Speaking)
    world.run(tap, how=getattr(tap, how))
    assert asked_before == [0]
    assert len(world.asked) == 3


@pytest.mark.parametrize("broken", [False, True])
def test_a_stream_keeps_its_own_mark_only_once_it_was_read_to_its_end(world: _World, *, broken: bool) -> None:
    class Marked(Changes):
        def note_completion(self, state: MutableMapping[str, Any]) -> None:
            state["mark"] = "set"

    class MarkedTap(TinyTap):
        def discover_streams(self) -> Sequence[RestStream]:
            return [Marked(self)]

    world.serve("changes", _THREE_PAGES[0], _json(500, {}) if broken else _THREE_PAGES[1])
    messages, _ = world.run(world.tap(kind=MarkedTap))
    marks = ["mark" in entry["value"]["bookmarks"]["changes"] for entry in _of(messages, "STATE")]
    assert marks[-1] is not broken
    assert not any(marks[:-1])


@CONCURRENCY
def test_a_redirect_to_another_origin_fails_its_stream_and_the_others_go_on(
    world: _World, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    world.serve("accounts", [_row(1)])
    world.serve("bookings", Response(status=302, headers={"Location": "https://elsewhere.example/bookings"}))
    world.serve("changes", [_row(1, _day(1))])
    messages, ended = world.run(world.tap(concurrency=concurrency))
    assert str(ended).startswith("1 of 3 streams failed: bookings.")
    assert (_ids(messages, "accounts"), _ids(messages, "changes")) == (["1"], ["1"])
    assert caplog.text.count("GET /bookings leads to elsewhere.example: the token is only sent to localhost") == 1


def test_a_connection_test_fails_when_a_stream_does(world: _World) -> None:
    world.serve("accounts", [_row(1)])
    world.serve("bookings", _json(404, {}))
    world.serve("changes", [])
    tap = world.tap()
    _, ended = world.run(tap, how=tap.run_connection_test)
    assert isinstance(ended, RunIncomplete)


def _assert_no_state_is_ahead(messages: Messages) -> None:
    """Every bookmark in a STATE is that of a record of the lines before, and no later line is older than it."""
    for place, message in enumerate(messages):
        if message["type"] == "STATE" and (bookmark := _bookmark(message)):
            before = [entry["record"]["updated_at"] for entry in _of(messages[:place], "RECORD", "changes")]
            after = [entry["record"]["updated_at"] for entry in _of(messages[place:], "RECORD", "changes")]
            assert bookmark in before
            assert all(value >= bookmark for value in after if value)


def test_state_follows_every_page_of_an_ordered_stream_and_is_never_ahead(world: _World) -> None:
    world.serve("accounts", [])
    world.serve("bookings", [])
    world.serve("changes", *_THREE_PAGES)
    messages, ended = world.run(world.tap())
    assert ended is None
    begun = messages.index(_of(messages, "SCHEMA", "changes")[0])
    assert [
        entry["record"]["id"] if entry["type"] == "RECORD" else _bookmark(entry) for entry in messages[begun + 1 :]
    ] == ["1", "2", _day(2), "3", "4", _day(3), "5", _day(5), _day(5)]
    assert _of(messages, "STATE")[-1]["value"]["bookmarks"]["changes"].keys() == {
        "replication_key",
        "replication_key_value",
    }
    _assert_no_state_is_ahead(messages)


def test_a_failure_on_a_later_page_keeps_the_state_of_the_pages_before(world: _World) -> None:
    world.serve("accounts", [])
    world.serve("bookings", [])
    world.serve("changes", *_THREE_PAGES[:2], _json(500, {}))
    messages, ended = world.run(world.tap())
    assert isinstance(ended, RunIncomplete)
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(3)


def test_the_next_run_asks_from_the_bookmark_on(world: _World) -> None:
    for name in ("accounts", "bookings"):
        world.serve(name, [])
    world.serve("changes", *_THREE_PAGES)
    messages, _ = world.run(world.tap())
    world.asked.clear()
    world.run(world.tap(state=_of(messages, "STATE")[-1]["value"]))
    assert [params["from"] for name, params in world.asked if name == "changes"] == [_day(5)] * 3


def test_a_start_date_bounds_the_first_run(world: _World) -> None:
    for name in ("accounts", "bookings", "changes"):
        world.serve(name, [])
    world.run(world.tap(start_date="2026-01-03"))
    assert {path.rsplit("/", 1)[-1]: params for path, params in world.asked} == {
        "accounts": {},
        "bookings": {},
        "changes": {"from": "2026-01-03"},
    }


def test_rows_out_of_order_hold_the_bookmark_back_until_the_end(
    world: _World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    world.serve("accounts", [])
    world.serve("bookings", [])
    pages = ([_row(1, _day(9)), _row(2, _day(4))], [_row(3, _day(5))])
    state = {"bookmarks": {"changes": {"replication_key": "updated_at", "replication_key_value": _day(1)}}}
    world.serve("changes", *pages, _json(500, {}))
    messages, _ = world.run(world.tap(state=state))
    assert {_bookmark(entry) for entry in _of(messages, "STATE")} == {_day(1)}
    assert caplog.text.count("do not come in the order of updated_at") == 1
    world.server.clear()
    for name in ("accounts", "bookings"):
        world.serve(name, [])
    world.serve("changes", *pages)
    messages, ended = world.run(world.tap(state=state))
    assert ended is None
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(9)


def test_a_bookmark_is_not_newer_than_the_run(world: _World, clock: FakeClock) -> None:
    world.serve("accounts", [])
    world.serve("bookings", [])
    before = clock.now().replace(microsecond=0)
    world.serve("changes", [_row(1, (before + timedelta(days=300)).isoformat())])
    messages, _ = world.run(world.tap())
    kept = datetime.fromisoformat(_bookmark(_of(messages, "STATE")[-1]) or "")
    assert before <= kept <= clock.now()


def test_an_empty_page_with_a_next_link_is_not_the_end(world: _World) -> None:
    world.serve("accounts", [], [], [_row(1)])
    world.serve("bookings", [])
    world.serve("changes", [_row(1, _day(1))], [], [_row(2, _day(2))])
    messages, ended = world.run(world.tap())
    assert ended is None
    assert _ids(messages, "accounts") == ["1"]
    assert _ids(messages, "changes") == ["1", "2"]


def test_with_batches_no_state_goes_before_its_batch_and_no_table_is_replaced(world: _World, tmp_path: Path) -> None:
    world.serve("accounts", [_row(1)], [_row(2)])
    world.serve("bookings", [])
    world.serve("changes", *_THREE_PAGES)
    batch = {"encoding": {"format": "jsonl", "compression": "none"}, "storage": {"root": tmp_path.as_uri()}}
    messages, ended = world.run(world.tap(batch_config={**batch, "batch_size": 1}))
    assert ended is None
    kinds = [(entry["type"], entry.get("stream")) for entry in messages]
    last_batch = max(place for place, kind in enumerate(kinds) if kind == ("BATCH", "changes"))
    for place, message in enumerate(messages):
        if message["type"] == "STATE" and _bookmark(message):
            assert place > last_batch
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(5)
    assert _of(messages, "RECORD") == []
    # Rows in batch files carry no version: a loader would take them for deleted.
    assert _of(messages, "ACTIVATE_VERSION") == []


def _catalog(world: _World) -> dict[str, Any]:
    catalog: dict[str, Any] = world.tap().catalog_dict
    return catalog


def _select(catalog: dict[str, Any], stream: str, breadcrumb: list[str], *, selected: bool) -> None:
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            for metadata in entry["metadata"]:
                if metadata["breadcrumb"] == breadcrumb:
                    metadata["metadata"]["selected"] = selected
                    return
    pytest.fail(f"{stream} {breadcrumb} is not in the catalog")


def test_a_deselected_stream_is_not_asked_for(world: _World) -> None:
    catalog = _catalog(world)
    _select(catalog, "accounts", [], selected=False)
    _select(catalog, "bookings", [], selected=False)
    world.serve("changes", *_THREE_PAGES)
    messages, ended = world.run(world.tap(catalog=catalog))
    assert ended is None
    assert {name for name, _ in world.asked} == {"changes"}
    assert {entry["stream"] for entry in _of(messages, "SCHEMA")} == {"changes"}


def test_a_deselected_field_is_not_written_and_the_bookmark_moves_all_the_same(world: _World) -> None:
    catalog = _catalog(world)
    for name in ("name", "updated_at"):
        _select(catalog, "changes", ["properties", name], selected=False)
    for name in ("accounts", "bookings"):
        world.serve(name, [])
    world.serve("changes", [_row(1, _day(1), name="a", amount="1.50")])
    messages, ended = world.run(world.tap(catalog=catalog))
    assert ended is None
    (message,) = _of(messages, "RECORD")
    assert "name" not in message["record"]
    assert message["record"]["amount"] == 1.5
    (schema,) = _of(messages, "SCHEMA", "changes")
    assert "name" not in schema["schema"]["properties"]
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(1)


def test_stream_maps_still_work_and_the_bookmark_does_not_need_the_mapped_fields(world: _World) -> None:
    for name in ("accounts", "bookings"):
        world.serve(name, [])
    world.serve("changes", *_THREE_PAGES)
    maps = {
        "changes": {"id": "id", "number": "int(record['id'])", "__filter__": "record['id'] != '3'", "__else__": None}
    }
    messages, ended = world.run(world.tap(stream_maps=maps))
    assert ended is None
    assert [entry["record"]["number"] for entry in _of(messages, "RECORD", "changes")] == [1, 2, 4, 5]
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(5)


def test_drift_is_kept_and_reported_once_and_secrets_go_nowhere(
    world: _World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = [_row(number, new="x", amount="a lot", password="hunter2") for number in (1, 2)]
    world.serve("accounts", rows)
    for name in ("bookings", "changes"):
        world.serve(name, [])
    messages, ended = world.run(world.tap())
    assert ended is None
    for message in _of(messages, "RECORD"):
        assert message["record"]["_rescued_data"] == {"amount": "a lot", "new": "x"}
        assert message["record"]["amount"] is None
        assert "password" not in message["record"]
    warnings = [record.getMessage() for record in caplog.records if "_rescued_data" in record.getMessage()]
    assert warnings == [
        "accounts: field amount is a string that does not fit a number; its value is kept in _rescued_data",
        "accounts: field new is not in the schema; its value is kept in _rescued_data",
    ]
    assert "hunter2" not in json.dumps(messages) + caplog.text


def test_a_catalog_without_rescued_data_is_told_what_it_loses(
    world: _World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalog = _catalog(world)
    for entry in catalog["streams"]:
        del entry["schema"]["properties"]["_rescued_data"]
    world.serve("accounts", [_row(1, new="x")])
    for name in ("bookings", "changes"):
        world.serve(name, [])
    messages, _ = world.run(world.tap(catalog=catalog))
    (message,) = _of(messages, "RECORD")
    assert message["record"].keys() == {"id", "name", "amount", "updated_at"}
    assert "its value is lost, as the catalog leaves out _rescued_data" in caplog.text


def test_an_unknown_setting_is_warned_about_with_a_suggestion(
    world: _World,
    caplog: pytest.LogCaptureFixture,
) -> None:
    world.tap(start_dat="2026-01-01", quux=_TOKEN)
    lines = [record.getMessage() for record in caplog.records]
    assert "Setting start_dat is unknown and has no effect: did you mean start_date?" in lines
    assert "Setting quux is unknown and has no effect" in lines
    assert _TOKEN not in caplog.text


def test_a_full_table_forced_by_the_catalog_keeps_the_bookmark_for_later(world: _World) -> None:
    catalog = _catalog(world)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
    for name in ("accounts", "bookings"):
        world.serve(name, [])
    world.serve("changes", *_THREE_PAGES)
    state = {"bookmarks": {"changes": {"replication_key": "updated_at", "replication_key_value": _day(2)}}}
    messages, ended = world.run(world.tap(catalog=catalog, state=state))
    assert ended is None
    assert len(_ids(messages, "changes")) == 5
    assert len({entry["version"] for entry in _of(messages, "RECORD", "changes")}) == 1
    assert _bookmark(_of(messages, "STATE")[-1]) == _day(2)


@pytest.mark.parametrize("concurrency", [2, 16])
def test_a_list_that_is_read_ahead_of_its_turn_brings_no_other_of_that_turn_forward(
    world: _World, concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in (Bookings, Changes):
        monkeypatch.setattr(stream, "turn", 1)
    monkeypatch.setattr(Bookings, "turn_ahead", 0)
    world.serve("accounts", *([_row(number)] for number in range(40)))
    world.serve("bookings", *([_row(number)] for number in range(3)))
    world.serve("changes", *_THREE_PAGES)

    messages, ended = world.run(world.tap(concurrency=concurrency))

    assert ended is None
    assert [entry["stream"] for entry in _of(messages, "SCHEMA")] == ["accounts", "bookings", "changes"]
    asked = [name for name, _ in world.asked]
    last_account = max(place for place, name in enumerate(asked) if name == "accounts")
    assert asked.index("bookings") < last_account < asked.index("changes")
