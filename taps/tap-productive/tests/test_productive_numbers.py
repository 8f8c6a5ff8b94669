"""Money and decimals: Productive sends the same column as a number and as a text, whole and with fractions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from singer_rest_core import RESCUED_DATA, RestStream
from singer_rest_core.records import decode
from tap_productive.report_groups import GROUPS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_rest_core import Record

SETTINGS = {"auth_token": "-", "organization_id": "1", "reports": [{"name": name} for name in sorted(GROUPS)]}
STREAMS = {
    name: stream for name, stream in TapProductive(config=SETTINGS).streams.items() if isinstance(stream, RestStream)
}
WHOLE = ["5", '"5"', "5.0", '"5.0"', '"5.00"', "5e0", '"0.5e1"']
FRACTIONS = ["12.345", '"12.345"', "-0.01", '"-0.01"', "23809.52381", '"359833.333333"', '"1234567890123456789.01"']


def numbers_in(stream: RestStream, kind: str) -> list[str]:
    return [name for name, entry in stream.schema["properties"].items() if kind in entry["type"]]


def records_on_both_paths(stream: RestStream, columns: Sequence[str], values: Sequence[str]) -> list[Record]:
    """Return a record for each value, in which all columns have it; the same whichever path it takes."""
    rows = [
        f'{{"id":"{number}","attributes":{{{",".join(f"{chr(34)}{name}{chr(34)}:{value}" for name in columns)}}}}}'
        for number, value in enumerate(values)
    ]
    codec = stream.page_codec
    assert codec is not None
    conformed = [stream.post_process(stream.row_layout.flat(decode(row.encode()))) or {} for row in rows]
    slow = [{name: value for name, value in record.items() if stream.mask["properties", name]} for record in conformed]
    for _ in range(2):  # types are wider the second time
        page = codec.decode(f'{{"data":[{",".join(rows)}]}}'.encode())
        pieces = codec.encode(page.rows, version=None, extracted=datetime.now(UTC)).pieces
        fast: list[dict[str, Any]] = [decode(line)["record"] for line in b"".join(pieces).splitlines()]
        assert fast == slow
    return fast


@pytest.mark.parametrize("name", STREAMS)
def test_whole_amounts_fit_every_column_of_numbers_in_any_form(name: str) -> None:
    stream = STREAMS[name]
    columns = [*numbers_in(stream, "number"), *numbers_in(stream, "integer")]

    for record in records_on_both_paths(stream, columns, WHOLE):
        assert record[RESCUED_DATA] is None
        assert {record[column] for column in columns} <= {5}


@pytest.mark.parametrize("name", STREAMS)
def test_fractions_fit_every_decimal_column_in_any_form_with_all_their_digits(name: str) -> None:
    stream = STREAMS[name]
    columns = numbers_in(stream, "number")

    for record, value in zip(records_on_both_paths(stream, columns, FRACTIONS), FRACTIONS, strict=True):
        assert record[RESCUED_DATA] is None
        assert {record[column] for column in columns} <= {Decimal(value.strip('"'))}


@pytest.mark.parametrize("name", STREAMS)
def test_a_fraction_of_a_cent_in_a_column_of_whole_cents_is_rescued(name: str) -> None:
    stream = STREAMS[name]
    columns = numbers_in(stream, "integer")

    for record, value in zip(records_on_both_paths(stream, columns, FRACTIONS), FRACTIONS, strict=True):
        assert {record[column] for column in columns} <= {None}
        assert (record[RESCUED_DATA] or {}) == dict.fromkeys(columns, decode(value.encode()))
