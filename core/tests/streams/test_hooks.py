"""Methods of the SDK that a stream may override: they are called, also where pages would go from bytes to messages."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from singer_rest_core import RestStream, RestTap, settings_schema
from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import requests
    from pytest_httpserver import HTTPServer
    from singer_sdk.helpers.types import Context

    from singer_rest_core import Record


class Letters(RestStream):
    """A list in one page, with nothing overridden."""

    name = "letters"
    primary_keys = ("id",)
    row_layout = FlatRows("rows")
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "text": {"type": ["string", "null"]}},
    }

    def __init__(self, tap: RestTap) -> None:
        """Bind it to its path."""
        super().__init__(tap, path="/letters")


class Shouted(Letters):
    """Changes each record."""

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        record = super().post_process(row, context)
        return record and {**record, "text": str(record["text"]).upper()}


class Chosen(Letters):
    """Leaves records out."""

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        return super().post_process(row, context) if row["id"] == 2 else None


class Parsed(Letters):
    """Reads the rows from another member of the answer."""

    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        return [{"id": number, "text": "parsed"} for number in json.loads(response.content)["numbers"]]


class Counted(Letters):
    """Adds a record of its own."""

    def get_records(self, context: Context | None) -> Iterable[Record]:
        yield from super().get_records(context)
        yield {"id": 99, "text": "own"}


class Decoded(Letters):
    """Finds raw records in a decoded page."""

    def records_in(self, body: Any) -> Iterable[Record]:  # noqa: ANN401 - JSON is any of six types
        return [{**record, "text": "found"} for record in super().records_in(body)]


class LetterTap(RestTap):
    """One stream, which a test chooses."""

    name = "tap-letter"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(api_url=None, page_size=None, start_date=None)
    stream: type[Letters] = Letters

    def discover_streams(self) -> Sequence[RestStream]:
        return [self.stream(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Writer(ExactWriter):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:  # noqa: ARG002 - nothing is buffered
        self.messages += [decode(line) for line in lines.splitlines()]


def _messages(server: HTTPServer, stream: type[Letters], **settings: object) -> list[dict[str, Any]]:
    page = {"rows": [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}], "numbers": [7, 8]}
    server.expect_request("/letters").respond_with_json(page)
    writer = _Writer()
    tap_class = type("LetterTap", (LetterTap,), {"stream": stream})
    tap_class(config={"api_url": server.url_for("/").rstrip("/"), **settings}, message_writer=writer).sync_all()
    return writer.messages


def _records(messages: list[dict[str, Any]]) -> list[tuple[int, str]]:
    return [(message["record"]["id"], message["record"]["text"]) for message in messages if message["type"] == "RECORD"]


@pytest.mark.parametrize(
    ("stream", "hook", "records"),
    [
        (Shouted, "post_process", [(1, "A"), (2, "B")]),
        (Chosen, "post_process", [(2, "b")]),
        (Parsed, "parse_response", [(7, "parsed"), (8, "parsed")]),
        (Counted, "get_records", [(1, "a"), (2, "b"), (99, "own")]),
        (Decoded, "records_in", [(1, "found"), (2, "found")]),
    ],
)
def test_an_overridden_hook_is_called_and_named_in_the_debug_log(
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    stream: type[Letters],
    hook: str,
    records: list[tuple[int, str]],
) -> None:
    with caplog.at_level(logging.DEBUG):
        messages = _messages(httpserver, stream)

    assert _records(messages) == records
    assert f"letters: read record by record, as {hook} is overridden" in caplog.text


def test_without_a_hook_pages_are_not_read_record_by_record(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        messages = _messages(httpserver, Letters)

    assert _records(messages) == [(1, "a"), (2, "b")]
    assert "record by record" not in caplog.text


@pytest.mark.parametrize(("setting", "activated"), [({}, 1), ({"emit_activate_version_messages": False}, 0)])
def test_versions_are_activated_unless_the_user_says_otherwise(
    httpserver: HTTPServer, setting: dict[str, bool], activated: int
) -> None:
    messages = _messages(httpserver, Letters, **setting)

    assert sum(message["type"] == "ACTIVATE_VERSION" for message in messages) == activated
    assert sum("version" in message for message in messages if message["type"] == "RECORD") == 2 * activated
