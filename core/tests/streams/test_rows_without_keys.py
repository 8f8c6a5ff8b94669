"""Rows whose key no loader can use: they are named and counted, and keep no other row from being written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from werkzeug import Response

from conftest import overriding_post_process, read, warnings_of
from singer_rest_core import RestStream, RestTap, settings_schema
from singer_rest_core.errors import RunIncomplete
from singer_rest_core.paging import NextLinkPaginator
from singer_rest_core.records.row_keys import LONGEST_KEY
from singer_rest_core.records.row_layout import FlatRows, ResourceRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from conftest import Reading
    from singer_rest_core.records.row_layout import RowLayout

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}


class Lines(RestStream):
    """A list in pages without a count."""

    name = "lines"
    primary_keys: tuple[str, ...] = ("id",)
    row_layout: RowLayout = FlatRows("data", envelope=("next",))

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path="/lines")

    @property
    def schema(self) -> dict[str, Any]:
        """A column for each key and a name."""
        keys = dict.fromkeys(self.primary_keys, self.config["key_type"])
        more = {"name": {"type": ["string", "null"]}, "_rescued_data": {"type": ["object", "null"]}}
        return {"type": "object", "properties": {**keys, **more}}

    def get_new_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator({}, next_link=lambda page: page.envelope.get("next"), takes=lambda _: True)

    def request_for(self, query: Any, token: Any) -> Any:  # noqa: ANN401 - the hook's form
        request = super().request_for(query, token)
        request.params = dict(token or {})
        return request


class Resources(Lines):
    """The same in JSON:API."""

    row_layout = ResourceRows(envelope=("errors", "next"))


class Pairs(Lines):
    """The same with a key of two columns."""

    primary_keys = ("id", "part")


class LineTap(RestTap):
    """One stream, which a test chooses."""

    name = "tap-line"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(api_url=None, page_size=None, start_date=None)
    stream: type[Lines] = Lines

    def discover_streams(self) -> Sequence[RestStream]:
        return [self.stream(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def run(
    server: HTTPServer,
    *pages: list[Any],
    stream: type[Lines] = Lines,
    key_type: object = None,
    state: Mapping[str, Any] | None = None,
) -> Reading:
    def answer(request: Request) -> Response:
        number = int(request.args.get("page", 1))
        following = f"/lines?page={number + 1}" if number < len(pages) else None
        return Response(json.dumps({"data": pages[number - 1], "next": following}))

    server.clear()
    server.expect_request("/lines").respond_with_handler(answer)
    tap = type("LineTap", (LineTap,), {"stream": stream})
    config = {"api_url": server.url_for("/").rstrip("/"), "key_type": key_type or _TEXT, "concurrency": 1}
    return read(tap, config, state=state)


PAGES = (
    [{"id": "a", "name": "1"}, {"name": "2"}, {"id": "b"}],
    [{"id": None}, {"id": {"n": 1}}, {"id": ["x"]}, {"id": True}, {"id": "x" * (LONGEST_KEY + 1)}, {"id": "c"}],
)


@pytest.mark.parametrize("by_page", [True, False])
def test_the_others_are_written_and_no_row_is_taken_as_deleted(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, by_page: bool
) -> None:
    if not by_page:
        monkeypatch.setattr(Lines, "post_process", overriding_post_process)
    first = run(httpserver, [{"id": "a"}, {"id": "b"}, {"id": "gone"}])
    assert first.error is None

    reading = run(httpserver, *PAGES, state=first.state)

    assert reading.ids("lines") == ["a", "b", "c"]
    assert reading.activated == []
    assert isinstance(reading.error, RunIncomplete)
    assert str(reading.error) == (
        "Records were left out, as they have no key that a loader can use: lines (6). Everything else is complete"
    )
    lines = [line for line in warnings_of(caplog) if "left out" in line]
    assert lines == [
        "lines: left out: row 2 of GET /lines: it has no id",
        "lines: left out: row 1 of GET /lines?page=2: it has no id",
        "lines: left out: row 2 of GET /lines?page=2: its id is an object that does not fit a string",
        "lines: left out: row 3 of GET /lines?page=2: its id is an array that does not fit a string",
        "lines: left out: row 4 of GET /lines?page=2: its id is a boolean that does not fit a string",
        "lines: more records are left out; they are counted at the end of the run",
    ]


def test_when_every_row_has_a_key_again_what_is_gone_is_marked(httpserver: HTTPServer) -> None:
    state = run(httpserver, *PAGES).state

    second = run(httpserver, [{"id": "a"}], state=state)
    third = run(httpserver, [{"id": "a"}], state=second.state)

    assert (second.error, third.error) == (None, None)
    assert third.activated == ["lines"]


@pytest.mark.parametrize("by_page", [True, False])
def test_a_resource_without_an_id_is_left_out(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, *, by_page: bool
) -> None:
    if not by_page:
        monkeypatch.setattr(Lines, "post_process", overriding_post_process)
    rows = [{"id": "1", "attributes": {}}, {"attributes": {"name": "x"}}, {"id": None}, {"attributes": {"id": "2"}}]

    reading = run(httpserver, rows, stream=Resources)

    assert reading.ids("lines") == ["1", "2"]
    assert "lines (2)" in str(reading.error)


def test_each_column_of_a_key_is_needed(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"id": 1, "part": 2}, {"id": 1}, {"id": 1, "part": "x"}, {"id": 1.0, "part": "3"}, {"id": 2**63, "part": 1}]

    reading = run(httpserver, rows, stream=Pairs, key_type=_NUMBER)

    assert [(record["id"], record["part"]) for record in reading.records["lines"]] == [(1, 2), (1, 3)]
    assert [line.rpartition(": ")[2] for line in warnings_of(caplog) if "left out" in line] == [
        "it has no part",
        "its part is a string that does not fit a 64-bit integer",
        "its id is a number that does not fit a 64-bit integer",
    ]


def test_a_row_that_is_no_object_still_fails_its_list(httpserver: HTTPServer) -> None:
    reading = run(httpserver, [{"id": "a"}, "b"])

    assert "1 of 1 streams failed" in str(reading.error)
