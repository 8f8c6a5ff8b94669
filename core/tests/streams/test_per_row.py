"""Streams that send a request for each row of a list: what they spare, remember, and report as gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import requests
from singer_sdk import typing as th
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core import RestTap, RunIncomplete, body_of, settings_schema
from singer_rest_core.records import row_digest
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer.writer import ExactWriter
from singer_rest_core.streams.per_row import DetailStream, IndexedList

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_httpserver import HTTPServer
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from werkzeug import Request

    from singer_rest_core import Record
    from singer_rest_core.streams.base import BaseStream

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": ["string", "null"]},
        "_rescued_data": {"type": ["object", "null"]},
    },
}


class Things(IndexedList[str]):
    """A list in one page."""

    name = "things"
    primary_keys = ("id",)
    schema = _SCHEMA
    row_layout = FlatRows("things")

    def __init__(self, tap: Tap) -> None:
        """Bind it."""
        super().__init__(tap, path="/things")

    def get_new_paginator(self) -> BaseAPIPaginator[Any]:
        return SinglePagePaginator()

    def index_entry(self, row: Record) -> str:
        return row_digest(row)


class AThing(DetailStream[str]):
    """By its name before the list it is derived from."""

    name = "a_thing"
    primary_keys = ("id",)
    schema = _SCHEMA

    def __init__(self, tap: Tap, things: Things) -> None:
        """Bind it."""
        super().__init__(tap)
        self._things = things

    def listed(self) -> Mapping[str, str]:
        return self._things.index()

    @property
    def list_is_complete(self) -> bool:
        return True

    @property
    def list_is_certain(self) -> bool:
        return True

    def is_due(self, entry: str, remembered: str | None) -> bool:
        return entry != remembered

    def memory(self, entry: str, answer: requests.Response) -> str:  # noqa: ARG002 - the hook's form
        return entry

    def request_for_row(self, key: str) -> HTTPRequest:
        return HTTPRequest(f"{self.config['api_url']}/things/{key}")

    def record_of(self, key: str, entry: str, answer: requests.Response) -> Record | None:  # noqa: ARG002 - the hook's form
        body: Record = body_of(answer)
        return body if body["id"] == key else None


class ThingTap(RestTap):
    """A list and its details."""

    name = "tap-thing"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("token", th.StringType), api_url=None, page_size=None, start_date=None
    )

    def discover_streams(self) -> Sequence[BaseStream]:
        """Return both."""
        things = Things(self)
        return [AThing(self, things), things]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Need no credentials."""
        return request


class _Writer(ExactWriter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:  # noqa: ARG002 - nothing is buffered
        self.messages += [decode(line) for line in lines.splitlines()]


class World:
    """Things on a server, and the state of a tap that reads them."""

    def __init__(self, server: HTTPServer) -> None:
        """Answer for six things."""
        self.things: dict[str, Any] = {letter: letter.upper() for letter in "abcdef"}
        self.more: list[dict[str, Any]] = []
        self.answers: dict[str, tuple[str, int]] = {}
        self.state: dict[str, Any] = {}
        self.asked: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self._url = server.url_for("/").rstrip("/")
        server.expect_request("/things").respond_with_handler(self._list)
        for letter in "abcdefgh":
            server.expect_request(f"/things/{letter}").respond_with_handler(self._one)

    def _list(self, _request: Request) -> Response:
        self.asked.append("list")
        rows = [{"id": key, "name": name} for key, name in self.things.items()]
        return Response(json.dumps({"things": [*rows, *rows[:1], *self.more]}))

    def _one(self, request: Request) -> Response:
        key = request.path[-1]
        self.asked.append(key)
        text, status = self.answers.get(key, (json.dumps({"id": key, "name": "detail"}), 200))
        return Response(text, status)

    def read(self, *streams: str, **settings: object) -> list[str]:
        """Run the tap once; returns what was requested."""
        self.asked = []
        writer = _Writer()
        config = {"api_url": self._url, "concurrency": 1, **settings}
        tap = ThingTap(config=config, state=decode(encode(self.state)), message_writer=writer)
        for stream in tap.streams.values():
            stream.selected = stream.name in (streams or ("a_thing", "things"))
        try:
            tap.sync_all()
        finally:
            self.messages = writer.messages
            states = [message["value"] for message in writer.messages if message["type"] == "STATE"]
            self.state = states[-1] if states else self.state
        return self.asked

    def read_and_fail(self) -> list[str]:
        """Run the tap once, whose second stream fails; returns what was requested."""
        with pytest.raises(RunIncomplete, match="a_thing"):
            self.read()
        return self.asked

    def records(self, stream: str = "a_thing") -> list[str]:
        """The ids of the records of the last run that are no tombstones."""
        return [
            message["record"]["id"]
            for message in self.messages
            if message["type"] == "RECORD"
            and message["stream"] == stream
            and "_sdc_deleted_at" not in message["record"]
        ]

    def gone(self) -> list[str]:
        """The ids of the tombstones of the last run."""
        records = [message["record"] for message in self.messages if message["type"] == "RECORD"]
        return [record["id"] for record in records if "_sdc_deleted_at" in record]

    def activated(self) -> set[str]:
        """The streams whose version the last run activated."""
        return {message["stream"] for message in self.messages if message["type"] == "ACTIVATE_VERSION"}

    @property
    def remembered(self) -> list[str]:
        """What the state knows of."""
        return sorted(self.state["bookmarks"]["a_thing"]["remembered"])


@pytest.fixture
def world(httpserver: HTTPServer) -> World:
    return World(httpserver)


def test_the_list_is_read_once_before_what_is_derived_from_it(world: World) -> None:
    assert world.read() == ["list", *"abcdef"]
    assert world.records("things") == world.records() == list("abcdef")
    assert world.activated() == {"things", "a_thing"}


def test_a_row_that_comes_twice_is_written_once(world: World) -> None:
    world.read("things")

    assert world.records("things") == list("abcdef")


def test_a_row_that_comes_again_with_other_values_is_written_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It changed between two pages; or what is taken for its key is none, and nothing may be lost of it."""
    world.more = [{"id": "b", "name": "other"}]

    world.read()

    assert world.records("things") == [*"abcdef", "b"]
    assert world.records() == list("abcdef")
    assert "things: 1 rows have the id of another row, but other values: a loader keeps the last of them" in caplog.text


def test_the_list_is_read_for_its_details_alone(world: World) -> None:
    assert world.read("a_thing") == ["list", *"abcdef"]
    assert world.records("things") == []


def test_with_nothing_new_the_list_alone_is_requested(world: World) -> None:
    world.read()

    assert world.read() == ["list"]
    assert world.activated() == {"things"}
    assert world.gone() == []


def test_only_changed_and_new_rows_are_requested(world: World) -> None:
    world.read()
    world.things |= {"c": "changed", "g": "new"}

    assert world.read() == ["list", "c", "g"]
    assert world.records() == ["c", "g"]
    assert world.remembered == list("abcdefg")


def test_a_row_that_is_gone_is_reported_by_its_key_and_forgotten(world: World) -> None:
    world.read()
    del world.things["b"], world.things["e"]

    world.read()

    assert world.gone() == ["b", "e"]
    assert world.activated() == {"things"}
    schema = [message for message in world.messages if message["type"] == "SCHEMA"][-1]
    assert list(schema["schema"]["properties"]) == ["id", "_sdc_deleted_at"]
    assert schema["key_properties"] == ["id"]
    assert world.remembered == list("acdf")
    assert world.read() == ["list"]
    assert world.gone() == []


def test_a_row_that_is_gone_is_not_reported_where_the_version_does(world: World) -> None:
    world.read()
    world.things = {"c": "changed"}

    world.read()

    assert world.activated() == {"things", "a_thing"}
    assert world.gone() == []
    assert world.remembered == ["c"]


def test_stream_maps_do_not_get_rows_without_their_columns(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.read()
    del world.things["b"]

    world.read(stream_maps={"a_thing": {"id": "id", "loud": "name.upper()", "__else__": None}})

    assert world.gone() == []
    assert "1 deleted rows are not reported" in caplog.text


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_row_that_is_not_found_is_requested_again(
    world: World, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    world.answers["c"] = ('{"error": "gone"}', 404)

    world.read(concurrency=concurrency)

    assert world.records() == list("abdef")
    assert world.activated() == {"things"}
    assert "a_thing: 1 rows of the list were not found (404)" in caplog.text
    world.answers = {}
    assert world.read() == ["list", "c"]


def test_a_row_whose_answer_is_of_no_use_is_requested_again(world: World) -> None:
    world.answers["c"] = ('{"id": "x"}', 200)
    world.read()

    assert world.records() == list("abdef")
    assert world.activated() == {"things"}
    assert world.read() == ["list", "c"]


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("status", [400, 403])
def test_a_row_that_is_refused_does_not_hold_up_the_others(
    world: World, caplog: pytest.LogCaptureFixture, concurrency: int, status: int
) -> None:
    world.answers["b"] = world.answers["d"] = ('{"error": "no"}', status)
    with pytest.raises(RunIncomplete, match="a_thing"):
        world.read(concurrency=concurrency)
    assert world.records() == world.remembered == list("acef")
    assert world.activated() == {"things"}
    assert f"a_thing: failed: GET /things/b answered {status}: no; 1 more were refused" in caplog.text

    world.answers = {}

    assert world.read() == ["list", "b", "d"]


def test_a_row_that_is_gone_is_reported_although_another_is_refused(world: World) -> None:
    world.read()
    del world.things["a"]
    world.things["d"] = "changed"
    world.answers["d"] = ('{"error": "no"}', 400)

    world.read_and_fail()

    assert world.gone() == ["a"]
    assert world.remembered == list("bcdef")


def test_after_too_many_refusals_nothing_more_is_requested(world: World) -> None:
    world.things |= {"g": "G"}
    world.answers = dict.fromkeys("bcdefg", ('{"error": "no"}', 400))
    world.read_and_fail()
    world.things |= {"h": "H"}

    assert world.read_and_fail() == ["list", *"bcdefg"]


def test_a_row_that_is_never_answered_ends_the_stream(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is hardly the row that is wrong then."""
    send = requests.Session.send

    def send_but_c(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        if request.path_url.endswith("/c"):
            raise requests.ConnectionError("connection lost")
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", send_but_c)
    world.answers["b"] = ('{"error": "no"}', 400)

    world.read_and_fail()

    assert world.records() == world.remembered == ["a"]
    assert "a_thing: failed: GET /things/c: connection lost (6 tries)" in caplog.text


def test_a_stream_whose_every_row_is_forbidden_is_skipped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.answers = dict.fromkeys("abcdef", ('{"error": "not for you"}', 403))

    assert world.read() == ["list", *"abcdef"]
    assert "a_thing: skipped: GET /things/a answered 403: not for you" in caplog.text


def test_a_row_without_a_key_fails_its_list(world: World) -> None:
    world.things = {None: "nameless"}  # type: ignore[dict-item] # on purpose

    with pytest.raises(RunIncomplete, match="2 of 2 streams failed"):
        world.read()

    assert world.records("things") == []


@pytest.mark.parametrize("remembered", [["a"], None, {"a": 1, "b": None, "c": "x"}])
def test_a_state_of_another_form_is_not_trusted(world: World, remembered: object) -> None:
    world.state = {"bookmarks": {"a_thing": {"remembered": remembered}}}

    assert world.read() == ["list", *"abcdef"]
