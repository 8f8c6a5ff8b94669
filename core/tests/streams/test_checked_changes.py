"""Incremental lists whose order and filter are checked, on both record paths."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from werkzeug import Response

from singer_rest_core import NumberedPaginator, RestStream, RestTap, settings_schema
from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from singer_rest_core import ListQuery, PageParams

_PAGE = 4


class Letters(RestStream):
    """Filtered and sorted by the API, if it keeps to it."""

    name = "letters"
    primary_keys = ("id",)
    replication_key = "created"
    filter_slack = timedelta(days=1)
    is_sorted = True
    row_layout = FlatRows(None)
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "created": {"type": ["string", "null"], "format": "date-time"},
            "_rescued_data": {"type": ["object", "null"]},
        },
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path="/letters")

    def get_new_paginator(self) -> BaseAPIPaginator[PageParams]:
        return NumberedPaginator("page", last_page=lambda page: int(page.answer.headers["Pages"]))

    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {**(token or {}), **({"since": query.since} if query.since else {})}
        return request


class Postcards(Letters):
    """What cannot be asked for ahead of its turn."""

    name = "postcards"

    def first_request(self) -> None:
        """Nobody knows it yet."""


class PostTap(RestTap):
    """One stream."""

    name = "tap-post"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        api_url=None, page_size=(_PAGE, _PAGE), start_date="No."
    )

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


def _day(number: int) -> str:
    return f"2026-01-{number:02}T00:00:00Z"


def _serve(server: HTTPServer, whole: list[int], changes: list[int]) -> None:
    """Give letters by their days: all, or what is taken for the changes where they are asked for."""

    def page(request: Request) -> Response:
        days = changes if "since" in request.args else whole
        first = (int(request.args["page"]) - 1) * _PAGE
        rows = [{"id": day, "created": _day(day)} for day in days[first : first + _PAGE]]
        return Response(json.dumps(rows), headers={"Pages": str(-(-len(days) // _PAGE))})

    server.expect_request("/letters").respond_with_handler(page)


def _read(server: HTTPServer, bookmark: int | None, *, sdk: bool) -> tuple[list[int], dict[str, Any]]:
    known = {"replication_key": "created", "replication_key_value": _day(bookmark)} if bookmark else None
    state = {"bookmarks": {"letters": known}} if known else {}
    writer = _Writer()
    tap = PostTap(config={"api_url": server.url_for("/").rstrip("/")}, state=state, message_writer=writer)
    if sdk:
        vars(tap.streams["letters"])["page_codec"] = None
    tap.sync_all()
    ids = [message["record"]["id"] for message in writer.messages if message["type"] == "RECORD"]
    return ids, writer.messages[-1]["value"]["bookmarks"]["letters"]


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


both_paths = pytest.mark.parametrize("sdk", [True, False], ids=["SDK's path", "typed path"])


@both_paths
def test_a_filter_that_is_kept_to_within_the_slack_is_trusted(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, sdk: bool
) -> None:
    _serve(httpserver, whole=list(range(1, 11)), changes=[7, 8, 9, 10])

    ids, state = _read(httpserver, 8, sdk=sdk)

    assert ids == [7, 8, 9, 10]
    assert state["replication_key_value"] == _day(10)
    assert _warnings(caplog) == []


@both_paths
@pytest.mark.parametrize("changes", [[6, 7, 8, 9, 10], [8, 9, 10, 6]])
def test_a_filter_that_is_not_kept_to_makes_the_list_read_completely(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, changes: list[int], *, sdk: bool
) -> None:
    _serve(httpserver, whole=list(range(1, 11)), changes=changes)

    ids, state = _read(httpserver, 8, sdk=sdk)

    assert set(ids) == set(range(1, 11))
    assert state["replication_key_value"] == _day(10)
    assert len(_warnings(caplog)) == 1
    assert "is read completely" in _warnings(caplog)[0]


@both_paths
def test_an_order_that_is_not_kept_to_makes_the_list_read_completely(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, sdk: bool
) -> None:
    _serve(httpserver, whole=list(range(1, 11)), changes=[8, 10, 9])

    ids, state = _read(httpserver, 8, sdk=sdk)

    assert set(ids) == set(range(1, 11))
    assert state["replication_key_value"] == _day(10)
    assert _warnings(caplog) == [
        "letters: rows do not come in ascending order of created, as was asked for: it is read completely"
    ]


@both_paths
def test_what_is_not_checked_is_not_read_twice(
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    sdk: bool,
) -> None:
    monkeypatch.setattr(Letters, "filter_slack", None)
    _serve(httpserver, whole=list(range(1, 11)), changes=[3, 10, 9])

    ids, state = _read(httpserver, 8, sdk=sdk)

    assert ids == [3, 10, 9]
    assert state["replication_key_value"] == _day(10)
    assert "the bookmark moves only at the end" in _warnings(caplog)[0]


def test_streams_are_read_by_turn_and_name_and_requested_ahead_where_that_is_possible(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Parcels(Letters):
        name = "parcels"

    monkeypatch.setattr(Letters, "turn", 1)
    monkeypatch.setattr(Parcels, "turn", 0)
    monkeypatch.setattr(Postcards, "turn", 0)
    monkeypatch.setattr(PostTap, "discover_streams", lambda tap: [Letters(tap), Postcards(tap), Parcels(tap)])
    for path in ("/letters", "/parcels", "/postcards"):
        httpserver.expect_request(path).respond_with_json([], headers={"Pages": "1"})
    tap = PostTap(config={"api_url": httpserver.url_for("/").rstrip("/")}, message_writer=_Writer())
    tap.sync_all()

    assert list(tap.streams) == ["parcels", "postcards", "letters"]
    assert [stream.name for stream in tap.streams.values()] == tap.run.result.complete
