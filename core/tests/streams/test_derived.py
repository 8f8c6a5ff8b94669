"""Derived streams: their records are conformed, written in order, with a state that never runs ahead of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import typing as th
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core import DerivedStream, RequestFailed, RestTap, RunIncomplete, body_of, settings_schema
from singer_rest_core.records.exact_json import decode
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk import Tap
    from werkzeug import Request

    from singer_rest_core import Record

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Details(DerivedStream):
    """One answer a record."""

    name = "details"
    primary_keys = ("id",)
    records_per_state = 1
    secret_fields = frozenset({"password"})
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "amount": {"type": ["number", "null"]},
            "_rescued_data": {"type": ["object", "null"]},
        },
    }

    def make_records(self) -> Iterator[Record]:
        """Request every letter; one that is gone is left out."""
        requests = ((letter, HTTPRequest(f"{self.config['api_url']}/{letter}")) for letter in _LETTERS)
        for letter, pending in self.request_each(requests):
            try:
                record = body_of(pending.result())
            except RequestFailed as refusal:
                if refusal.status != 404:
                    raise
                self.has_read_all = False
                continue
            yield record
            self.remember("last", letter)


class DetailTap(RestTap):
    """One stream."""

    name = "tap-detail"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("token", th.StringType), api_url=None, page_size=None, start_date=None
    )

    def discover_streams(self) -> Sequence[DerivedStream]:
        """Return the one."""
        return [Details(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Need no credentials."""
        return request


class _Writer(ExactWriter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:  # noqa: ARG002 - nothing is buffered
        self.messages += [decode(line) for line in lines.splitlines()]

    def records(self) -> list[dict[str, Any]]:
        """The records written."""
        return [message["record"] for message in self.messages if message["type"] == "RECORD"]

    def count(self, kind: str) -> int:
        """How many messages of a type were written."""
        return sum(message["type"] == kind for message in self.messages)


def _tap(server: HTTPServer, concurrency: int, missing: dict[str, int]) -> tuple[Tap, _Writer]:
    def answer(request: Request) -> Response:
        letter = request.path[1:]
        if letter in missing:
            return Response('{"error": "no"}', missing[letter])
        return Response(f'{{"id": "{letter}", "amount": "1.10", "password": "hush", "extra": 1}}')

    server.expect_request("/").respond_with_handler(answer)
    for letter in _LETTERS:
        server.expect_request(f"/{letter}").respond_with_handler(answer)
    writer = _Writer()
    config = {"api_url": server.url_for("/").rstrip("/"), "concurrency": concurrency}
    return DetailTap(config=config, message_writer=writer), writer


one_or_many = pytest.mark.parametrize("concurrency", [1, 4])


@one_or_many
def test_records_are_conformed_and_in_order(httpserver: HTTPServer, concurrency: int) -> None:
    tap, writer = _tap(httpserver, concurrency, {})
    tap.sync_all()

    assert "".join(record["id"] for record in writer.records()) == _LETTERS
    first = writer.records()[0]
    assert str(first["amount"]) == "1.10"
    assert first["_rescued_data"] == {"extra": 1}
    assert "hush" not in str(writer.messages)
    assert writer.count("ACTIVATE_VERSION") == 1


@one_or_many
def test_the_state_never_runs_ahead_of_the_records(httpserver: HTTPServer, concurrency: int) -> None:
    tap, writer = _tap(httpserver, concurrency, {"m": 400})
    with pytest.raises(RunIncomplete, match="1 of 1 streams failed: details"):
        tap.sync_all()

    written: list[str] = []
    for message in writer.messages:
        if message["type"] == "RECORD":
            written.append(message["record"]["id"])
        elif message["type"] == "STATE" and written:
            assert message["value"]["bookmarks"]["details"].get("last", "") <= written[-1]
    assert written == list("abcdefghijkl")
    assert writer.messages[-1]["value"]["bookmarks"]["details"]["last"] == "l"
    assert writer.count("ACTIVATE_VERSION") == 0


@one_or_many
def test_a_table_without_some_of_its_rows_activates_no_version(httpserver: HTTPServer, concurrency: int) -> None:
    tap, writer = _tap(httpserver, concurrency, {"c": 404, "z": 404})
    tap.sync_all()

    assert "".join(record["id"] for record in writer.records()) == _LETTERS.replace("c", "").replace("z", "")
    assert writer.count("ACTIVATE_VERSION") == 0


def test_only_a_few_requests_are_sent_ahead_of_what_is_used(httpserver: HTTPServer) -> None:
    tap, _ = _tap(httpserver, 4, {"c": 400})
    with pytest.raises(RunIncomplete):
        tap.sync_all()

    assert len(httpserver.log) <= 3 + 6
