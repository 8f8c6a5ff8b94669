"""A list of things and a request for each of them, on a server of the test, read by a tap of its own."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import typing as th
from singer_sdk.pagination import SinglePagePaginator
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from conftest import Reading, read
from singer_rest_core import RequestFailed, RestTap, body_of, settings_schema
from singer_rest_core.records import row_digest
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.streams import DetailStream, IndexedList
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests
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
        return self._things.has_read_all

    @property
    def list_is_certain(self) -> bool:
        return bool(self.config["list_is_certain"])

    @property
    def finds_deletes(self) -> bool:
        return bool(self.config["list_has_all_rows"])

    def is_due(self, entry: str, remembered: str | None) -> bool:
        return entry != remembered

    def memory(self, entry: str, answer: requests.Response) -> str:  # noqa: ARG002 - the hook's form
        return entry

    def request_for_row(self, key: str) -> HTTPRequest:
        return HTTPRequest(f"{self.config['api_url']}/things/{key}")

    def record_of(self, key: str, entry: str, answer: requests.Response) -> Record | None:  # noqa: ARG002 - the hook's form
        body = body_of(answer)
        if not isinstance(body, dict):
            raise RequestFailed(f"GET {answer.request.path_url} did not answer an object")
        return body if body["id"] == key else None


class ThingTap(RestTap):
    """A list and its details."""

    name = "tap-thing"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("list_is_certain", th.BooleanType, default=True),
        th.Property("list_has_all_rows", th.BooleanType, default=True),
        api_url=None,
        page_size=None,
        start_date=None,
    )

    def discover_streams(self) -> Sequence[BaseStream]:
        """Return both."""
        things = Things(self)
        return [AThing(self, things), things]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Need no credentials."""
        return request


class World:
    """Things on a server, the state of a tap that reads them, and the tables of its loader."""

    def __init__(self, server: HTTPServer) -> None:
        """Answer for six things."""
        self.things: dict[str, Any] = {letter: letter.upper() for letter in "abcdef"}
        """The rows of the list: names by id."""
        self.more: list[dict[str, Any]] = []
        """Rows at the end of the list."""
        self.answers: dict[str, tuple[str, int]] = {}
        """Text and status of the answers for things whose answer is not the usual one."""
        self.state: dict[str, Any] = {}
        self.asked: list[str] = []
        """What the last run requested."""
        self.reading = Reading()
        self.tables = LoadedTables()
        self._url = server.url_for("/").rstrip("/")
        server.expect_request("/things").respond_with_handler(self._list)
        server.expect_request(re.compile("/things/.+")).respond_with_handler(self._one)

    def _list(self, _request: Request) -> Response:
        self.asked.append("list")
        rows = [{"id": key, "name": name} for key, name in self.things.items()]
        return Response(json.dumps({"things": [*rows, *rows[:1], *self.more]}))

    def _one(self, request: Request) -> Response:
        key = request.path.rpartition("/")[2]
        self.asked.append(key)
        text, status = self.answers.get(key, (json.dumps({"id": key, "name": "detail"}), 200))
        return Response(text, status)

    def read(self, *streams: str, **settings: object) -> list[str]:
        """Run the tap once; returns what was requested."""
        self.asked = []
        config = {"api_url": self._url, "concurrency": 1, **settings}
        selected = " ".join(streams or ("a_thing", "things"))
        self.reading = read(ThingTap, config, state=self.state, select=selected)
        self.state = self.reading.state or self.state
        self.tables.load(self.reading.messages)
        return self.asked

    @property
    def error(self) -> str:
        """What the last run ended in; empty if it ended well."""
        return str(self.reading.error or "")

    def records(self, stream: str = "a_thing") -> list[str]:
        """The ids of the records of the last run that are no tombstones."""
        return [record["id"] for record in self.reading.records[stream] if "_sdc_deleted_at" not in record]

    def gone(self) -> list[str]:
        """The ids of the tombstones of the last run."""
        records = [record for records in self.reading.records.values() for record in records]
        return [record["id"] for record in records if "_sdc_deleted_at" in record]

    def activated(self) -> set[str]:
        """The streams whose version the last run activated."""
        return {*self.reading.activated}

    @property
    def remembered(self) -> list[str]:
        """The rows that the state remembers."""
        return sorted(self.state["bookmarks"]["a_thing"]["remembered"])

    @property
    def failed(self) -> list[str]:
        """The rows that the state remembers as failed."""
        return sorted(self.state["bookmarks"]["a_thing"].get("failed", {}))


@pytest.fixture
def world(httpserver: HTTPServer) -> World:
    """Six things on a server."""
    return World(httpserver)
