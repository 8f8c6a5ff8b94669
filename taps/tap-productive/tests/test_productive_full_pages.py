"""Pages that say nothing of the next one, having neither `meta` nor `links`: a full one is not the last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from conftest import CONCURRENCY, TOKEN, read
from tap_productive.tap import TapProductive
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

_MEDIA_TYPE = "application/vnd.api+json"


class BareApi:
    """A list of tags, read by page number whatever is asked for, whose pages hold nothing but rows."""

    def __init__(self, server: HTTPServer, rows: int) -> None:
        """Answer requests to the server."""
        self.ids = [str(number) for number in range(1, rows + 1)]
        self.asked: list[dict[str, str]] = []
        self.on_request: Callable[[int], object] = lambda _number: None
        self._settings = {"auth_token": TOKEN, "organization_id": "1", "api_url": server.url_for("/").rstrip("/")}
        server.expect_request("/tags").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(dict(request.args))
        size = int(request.args["page[size]"])
        start = (int(request.args.get("page[number]", "1")) - 1) * size
        rows = [{"id": each, "type": "tags", "attributes": {"name": each}} for each in self.ids[start : start + size]]
        self.on_request(len(self.asked))
        return Response(json.dumps({"data": rows}), content_type=_MEDIA_TYPE)

    def read(self, concurrency: int, state: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - a Reading
        """Run the tap."""
        return read(TapProductive, self._settings | {"concurrency": concurrency}, state=state, select="tags")


@CONCURRENCY
@pytest.mark.parametrize("rows", [1, 199, 200, 201, 210, 400, 401])
def test_every_page_is_read(httpserver: HTTPServer, concurrency: int, rows: int) -> None:
    api = BareApi(httpserver, rows)

    reading = api.read(concurrency)

    assert reading.error is None
    assert reading.ids("tags") == api.ids


@CONCURRENCY
def test_a_row_that_slips_between_two_pages_is_not_marked_as_deleted(httpserver: HTTPServer, concurrency: int) -> None:
    """Nothing counts such a list: only what two complete reads missed is marked."""
    api = BareApi(httpserver, 410)
    tables = LoadedTables()
    first = api.read(concurrency)
    tables.load(first.messages)
    gone, slipping = api.ids[3], api.ids[200]
    asked = len(api.asked)
    api.on_request = lambda number: api.ids.remove(gone) if number == asked + 1 else None

    second = api.read(concurrency, first.state)
    tables.load(second.messages)

    assert slipping not in second.ids("tags")
    assert tables.deleted("tags") == set()
    state = second.state
    for _ in range(2):
        later = api.read(concurrency, state)
        state = later.state
        tables.load(later.messages)
    assert tables.deleted("tags") == {gone}
    assert tables.live("tags").keys() == set(api.ids)
