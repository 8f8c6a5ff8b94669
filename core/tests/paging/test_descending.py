"""Lists that are sorted but not filtered: read down to the bookmark, on both record paths."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk import typing as th
from werkzeug import Response

from singer_rest_core import ListQuery, NumberedPaginator, RestStream, RestTap, settings_schema
from singer_rest_core.paging.descending import DescendingRead
from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.streams.rest import HTTPRequest
    from werkzeug import Request

    from singer_rest_core import Page, PageParams

_PAGE = 3
_TEXT = {"type": ["string", "null"]}


class Letters(RestStream):
    """Sorted by the API, not filtered."""

    name = "letters"
    primary_keys = ("id",)
    replication_key = "created"
    newest_first = True
    row_layout = FlatRows(None)
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "created": {**_TEXT, "format": "date-time"},
            "_rescued_data": {"type": ["object", "null"]},
        },
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path="/letters")

    def get_new_paginator(self) -> NumberedPaginator:
        return NumberedPaginator("page", last_page=lambda page: -(-int(page.answer.headers["Total"]) // _PAGE))

    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = dict(token or {})
        return request

    def total_of(self, page: Page) -> int:
        return int(page.answer.headers["Total"])


class PostTap(RestTap):
    """One stream."""

    name = "tap-post"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("flattened", th.BooleanType), api_url=None, page_size=(_PAGE, _PAGE), start_date="Nothing before."
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


def _row(number: int) -> dict[str, Any]:
    return {"id": number, "created": f"2026-01-{number:02}T00:00:00Z"}


@pytest.fixture
def letters(httpserver: HTTPServer) -> list[dict[str, Any]]:
    """The rows that the server gives in pages, in this order; the test changes them."""
    rows = [_row(number) for number in range(10, 0, -1)]

    def page(request: Request) -> Response:
        first = (int(request.args["page"]) - 1) * _PAGE
        return Response(json.dumps(rows[first : first + _PAGE]), headers={"Total": str(len(rows))})

    httpserver.expect_request("/letters").respond_with_handler(page)
    return rows


def _tap(server: HTTPServer, state: dict[str, Any], *, sdk: bool) -> tuple[PostTap, _Writer]:
    writer = _Writer()
    tap = PostTap(config={"api_url": server.url_for("/").rstrip("/")}, state=state, message_writer=writer)
    if sdk:
        vars(tap.streams["letters"])["page_codec"] = None
    return tap, writer


def _read(server: HTTPServer, bookmark: str | None, *, sdk: bool) -> tuple[list[int], dict[str, Any]]:
    state: dict[str, Any] = {}
    if bookmark:
        state = {"bookmarks": {"letters": {"replication_key": "created", "replication_key_value": bookmark}}}
    tap, writer = _tap(server, state, sdk=sdk)
    tap.sync_all()
    ids = [message["record"]["id"] for message in writer.messages if message["type"] == "RECORD"]
    return ids, writer.messages[-1]["value"]["bookmarks"]["letters"]


def _pages(server: HTTPServer) -> list[str]:
    return [request.args["page"] for request, _ in server.log]


both_paths = pytest.mark.parametrize("sdk", [True, False], ids=["SDK's path", "typed path"])


@both_paths
def test_the_first_run_reads_all(httpserver: HTTPServer, letters: list[dict[str, Any]], *, sdk: bool) -> None:
    ids, state = _read(httpserver, None, sdk=sdk)

    assert ids == [row["id"] for row in letters]
    assert state["replication_key_value"] == "2026-01-10T00:00:00Z"


@both_paths
@pytest.mark.usefixtures("letters")
def test_changes_are_read_down_to_the_bookmark_and_no_further(httpserver: HTTPServer, *, sdk: bool) -> None:
    ids, state = _read(httpserver, "2026-01-06T00:00:00Z", sdk=sdk)

    assert ids == [10, 9, 8, 7, 6]
    assert _pages(httpserver) == ["1", "2"]
    assert state["replication_key_value"] == "2026-01-10T00:00:00Z"


@pytest.mark.usefixtures("letters")
def test_a_stream_may_choose_itself_how_far_down_it_is_read(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Letters, "newest_first", False)
    query = ListQuery(column="created", since="2026-01-08T00:00:00Z", newest_first=True)
    monkeypatch.setattr(Letters, "query", lambda _: query)

    ids, _ = _read(httpserver, None, sdk=False)

    assert ids == [10, 9, 8]
    assert _pages(httpserver) == ["1", "2"]


@both_paths
def test_rows_without_a_time_end_nothing(httpserver: HTTPServer, letters: list[dict[str, Any]], *, sdk: bool) -> None:
    letters.insert(0, {"id": 11, "created": None})
    ids, _ = _read(httpserver, "2026-01-09T00:00:00Z", sdk=sdk)

    assert ids == [11, 10, 9]


@both_paths
def test_a_list_in_another_order_is_read_completely_with_one_warning(
    httpserver: HTTPServer, letters: list[dict[str, Any]], caplog: pytest.LogCaptureFixture, *, sdk: bool
) -> None:
    letters.reverse()
    with caplog.at_level(logging.WARNING):
        ids, state = _read(httpserver, "2026-01-06T00:00:00Z", sdk=sdk)

    assert set(ids) == set(range(1, 11))
    assert state["replication_key_value"] == "2026-01-10T00:00:00Z"
    assert [record.getMessage() for record in caplog.records] == [
        "letters: rows do not come in descending order of created, as was asked for: it is read completely",
    ]


@both_paths
def test_the_bookmark_waits_for_the_end(httpserver: HTTPServer, *, sdk: bool) -> None:
    bookmark = "2026-01-02T00:00:00Z"
    state = {"bookmarks": {"letters": {"replication_key": "created", "replication_key_value": bookmark}}}
    tap, writer = _tap(httpserver, state, sdk=sdk)
    httpserver.expect_ordered_request("/letters").respond_with_json([_row(10)], headers={"Total": "9"})
    httpserver.expect_ordered_request("/letters").respond_with_data("{}", status=400)
    with pytest.raises(Exception, match="1 of 1 streams failed"):
        tap.sync_all()

    states = [message["value"]["bookmarks"]["letters"] for message in writer.messages if message["type"] == "STATE"]
    assert {each["replication_key_value"] for each in states} == {bookmark}


@given(st.lists(st.integers(1, 28), min_size=1, max_size=20), st.integers(1, 28), st.integers(1, 5))
def test_of_a_descending_list_exactly_the_rows_from_the_bound_on_are_wanted(
    days: list[int], bound: int, size: int
) -> None:
    values = [f"2026-01-{day:02}T00:00:00Z" for day in sorted(days, reverse=True)]
    descent = DescendingRead(f"2026-01-{bound:02}T00:00:00Z")
    wanted: list[str] = []
    for first in range(0, len(values), size):
        page = values[first : first + size]
        flags = descent.wanted(page)
        assert flags is not None
        wanted += [value for value, flag in zip(page, flags, strict=True) if flag]
        if descent.reached_bound:
            break

    assert wanted == [value for value in values if value >= f"2026-01-{bound:02}T00:00:00Z"]


@given(st.permutations(range(1, 8)))
def test_any_other_order_is_noticed(days: list[int]) -> None:
    values = [f"2026-01-{day:02}T00:00:00Z" for day in days]

    assert (DescendingRead("2026-01-01T00:00:00Z").wanted(values) is None) == (days != sorted(days, reverse=True))


def _days(*days: int) -> list[str]:
    return [f"2026-01-{day:02}T00:00:00Z" for day in days]


def test_rows_newer_than_the_first_one_may_begin_a_later_page() -> None:
    """More rows came meanwhile than fit on the pages already read."""
    descent = DescendingRead("2026-01-03T00:00:00Z")

    assert descent.wanted(_days(10, 9, 8)) == [True] * 3
    assert descent.wanted(_days(16, 15, 14)) == [True] * 3
    assert descent.wanted(_days(13, 10, 7)) == [True] * 3
    assert descent.wanted(_days(5, 3, 2)) == [True, True, False]
    assert descent.reached_bound


@pytest.mark.parametrize("page", [(7, 16), (16, 9, 7), (14, 15, 7), (16, 7, 6, 11)])
def test_rows_anywhere_else_are_out_of_order(page: tuple[int, ...]) -> None:
    descent = DescendingRead("2026-01-03T00:00:00Z")
    descent.wanted(_days(10, 9, 8))

    assert descent.wanted(_days(*page)) is None
