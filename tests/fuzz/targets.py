"""What is fuzzed: functions of any bytes that raise only if a documented promise is broken."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_headers import parse_rate_limit_headers, retry_after
from singer_rest_core.api.rate_limit_rules import Window
from singer_rest_core.clock import Clock
from singer_rest_core.documents.zip_archives import ArchiveRefused, members
from singer_rest_core.errors import RunEnded, error_text
from singer_rest_core.paging.place import Place, PlaceLostError
from singer_rest_core.records import exact_json
from singer_rest_core.records.conform import RESCUED_DATA, Conformer
from singer_rest_core.records.fast import PageCodec, RowFacts
from singer_rest_core.records.row_layout import FlatRows, ResourceRows, UnexpectedPage, rows_of
from singer_rest_core.records.timestamps import earlier, fast_column_to_utc, instant, instant_or_none, is_date, to_utc
from singer_rest_core.singer import bookmarks, versions
from singer_rest_core.singer.unfinished import UnfinishedRead
from singer_rest_core.streams.failed_rows import FailedRows
from tap_invoicetronic.documents.payload import payload_file
from tap_invoicetronic.fattura import NotAFattura, Origin, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_rest_core.records.row_layout import RowLayout

_NOW = datetime(2026, 3, 1, 12, 30, 5, 123456, tzinfo=UTC)
_ORIGIN = Origin("receive", 1, "IT01234567890_00001.xml.p7m")
_LONGEST_MESSAGE = 400
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

_PROPERTIES: dict[str, Any] = {
    "id": {"type": "string"},
    "number": {"type": ["number", "null"]},
    "integer": {"type": ["integer", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "text": {"type": ["string", "null"]},
    "at": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "object": {"type": ["object", "null"]},
    "list": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "any": {},
    "company_id": {"type": ["string", "null"]},
    "tag_ids": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    RESCUED_DATA: {"type": ["object", "null"]},
}
_LAYOUTS: tuple[RowLayout, ...] = (
    ResourceRows(typed=frozenset({"owner"}), usual=frozenset({"company", "tag"})),
    FlatRows("data", envelope=("next",)),
    FlatRows("data", envelope=("next",), inner="data"),
    FlatRows(None),
)


def fattura(data: bytes) -> None:
    """Read a file as an invoice: rows that a loader can hold, or one line about why it is none."""
    try:
        rows = read(data, _ORIGIN)
    except NotAFattura as refusal:
        _is_one_line(refusal)
        return
    for records in rows.values():
        for record in records:
            _is_storable(exact_json.encode(record))


def payload(data: bytes) -> None:
    """Read a text as the payload of an invoice."""
    text = data.decode("utf-8", "replace")
    fattura(payload_file(text).content)


def pages(data: bytes) -> None:
    """Decode a page on both paths: the same messages, of values that a loader can hold."""
    layout, content = _LAYOUTS[data[0] % len(_LAYOUTS)] if data else _LAYOUTS[0], data[1:]
    fast = _messages(lambda: _fast(content, layout))
    for line in fast or ():
        _is_storable(line)
    try:
        exact_json.decode(content)
    except exact_json.NotJson:
        return  # members that no row or envelope has are not read on the fast path, so that they may be malformed
    slow = _messages(lambda: _slow(content, layout))
    assert fast == slow, (fast, slow)


def _messages(convert: Callable[[], list[bytes]]) -> list[bytes] | None:
    try:
        return convert()
    except (exact_json.NotJson, UnexpectedPage) as refusal:
        _is_one_line(refusal)
        return None


def _fast(content: bytes, layout: RowLayout) -> list[bytes]:
    codec = PageCodec(
        "things",
        RowFacts(
            conformer=Conformer({"properties": _PROPERTIES}, lambda _name, _why: None),
            layout=layout,
            selected=_PROPERTIES.keys(),
            keys=("id",),
            replication_key="at",
        ),
    )
    rows = codec.decode(content).rows
    codec.ids(rows)
    encoded = codec.encode(rows, version=None, extracted=_NOW)
    for value in encoded.bookmark_values:
        instant(value)
    lines = b"".join(encoded.pieces).splitlines()
    return [exact_json.encode(exact_json.decode(line)["record"]) for line in lines]


def _slow(content: bytes, layout: RowLayout) -> list[bytes]:
    conformer = Conformer({"properties": _PROPERTIES}, lambda _name, _why: None)
    rows = rows_of(exact_json.decode(content), layout)
    records = [conformer.conform(layout.flat(row)) for row in rows]
    return [exact_json.encode(exact_json.decode(exact_json.encode(record))) for record in records]


def error_bodies(data: bytes) -> None:
    """Find the words of an API in the body of an error."""
    try:
        body = exact_json.decode(data)
    except exact_json.NotJson:
        return
    text = error_text(body, ["secret"])
    assert "secret" not in text
    assert "\n" not in text


class _StillClock(Clock):
    def monotonic(self) -> float:
        return 1_000.0

    def now(self) -> datetime:
        return _NOW


def rate_limit_headers(data: bytes) -> None:
    """Read headers about limits: finite numbers, and a limiter that never waits forever."""
    lines = data.decode("latin-1").split("\n")
    status = 429 if lines[0].startswith("4") else 503 if lines[0].startswith("5") else 200
    pairs = (line.partition(":") for line in lines[1:])
    headers = {name: value for name, _, value in pairs}
    stated = parse_rate_limit_headers(headers, status=status, now=_NOW)
    waits = [stated.retry_after, retry_after(headers, status=status, now=_NOW)]
    waits += [limit.reset for limit in stated.statuses]
    waits += [policy.seconds for policy in stated.policies]
    assert all(wait is None or (math.isfinite(wait) and wait >= 0) for wait in waits), stated
    assert all(policy.limit > 0 for policy in stated.policies), stated
    limiter = RateLimiter({"": [Window(100, 60.0)]}, share=0.5, clock=_StillClock())
    for _ in range(2):
        limiter.on_response(headers, status=status, now=_NOW)
        assert math.isfinite(limiter.wait_needed(requests=3))


def zip_archives(data: bytes) -> None:
    """Unpack an archive: no more bytes than allowed, or one line about why it is refused."""
    total = 0
    try:
        for member in members(data, max_file_size=1 << 16, max_total_size=1 << 17, max_members=50):
            total += len(member.content)
    except ArchiveRefused as refusal:
        _is_one_line(refusal)
    assert total <= 1 << 17


def timestamps(data: bytes) -> None:
    """Read texts as timestamps: the fast way and the full one agree, and instants are kept."""
    texts = data.decode("utf-8", "replace").split("\n")
    for text, fast in zip(texts, fast_column_to_utc(texts), strict=True):
        try:
            full = to_utc(text)
        except ValueError:
            assert fast is None, text
            assert is_date(text) or instant_or_none(text) is None
            continue
        assert fast in {None, full}, text
        assert to_utc(full) == full
        assert instant(full) == instant(text)
        assert instant(earlier(text, timedelta(seconds=1))) <= instant(text)


def states(data: bytes) -> None:
    """Take a stream's piece of state up, whatever it holds: it is read, ignored, or refused in one line."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(state, dict):
        return
    FailedRows.in_state(state.get("failed")).as_state()
    read_before = UnfinishedRead.in_state(state)
    if read_before is not None:
        try:
            Place.in_state(read_before.place).as_state()
        except PlaceLostError as refusal:
            _is_one_line(refusal)
    version = versions.next_version(state, 1_700_000_000_000)
    versions.activation(state, versions.CompleteRead(version, 3, _NOW), is_certain=False)
    try:
        bookmarks.begin(state, "at", interval=timedelta(days=7), now=_NOW)
        start = state.get(bookmarks.BOOKMARK)
        bookmarks.began(state, _NOW)
        bookmarks.lower_bound(start, lookback=timedelta(minutes=5), start_date=None)
        bookmark = bookmarks.Bookmark(start, ordered=True, began=_NOW)
        bookmark.see("2026-02-01T00:00:00Z")
    except RunEnded as refusal:
        _is_one_line(refusal)
        return
    bookmarks.complete(state, interval=timedelta(days=7), started=_NOW)


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each
    for each in (error_bodies, fattura, pages, payload, rate_limit_headers, states, timestamps, zip_archives)
}


def _is_one_line(refusal: Exception) -> None:
    text = str(refusal)
    assert text, type(refusal)
    assert len(text.splitlines()) == 1, text
    assert len(text) <= _LONGEST_MESSAGE, text


def _is_storable(record: bytes) -> None:
    """Check that a loader can parse a record, and a database hold it."""
    _check_value(json.loads(record, parse_float=Decimal))


def _check_value(value: Any) -> None:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str):
        assert _UNSTORABLE.search(value) is None, value[:80]
    elif isinstance(value, Decimal):
        assert value.is_finite(), value
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_value(name)
            _check_value(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_value(inner)
