"""The outputs of all readers are read alike, whatever their format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.outputs import ids_and_amounts, records_by_id, records_per_stream

if TYPE_CHECKING:
    from pathlib import Path

    from bench.outputs import OutputFormat

FLAT = {"id": "1", "amount_with_tax": 5, "other": None}
NESTED = {"id": "1", "type": "invoices", "attributes": {"amount_with_tax": 5, "other": None}}
SINGER_RECORD = {"type": "RECORD", "stream": "invoices", "record": FLAT}
ANOTHER_STREAM = {"type": "RECORD", "stream": "payments", "record": {"id": "9"}}
AIRBYTE_LOG = {"type": "LOG", "log": {"level": "INFO", "message": "x"}}
AIRBYTE_RECORD = {"type": "RECORD", "record": {"stream": "invoices", "data": FLAT, "emitted_at": 1}}


def write_lines(folder: Path, *messages: object) -> None:
    (folder / "out").write_text("".join(f"{json.dumps(message)}\n" for message in messages))


@pytest.mark.parametrize(
    ("output_format", "messages"),
    [("singer", (SINGER_RECORD, ANOTHER_STREAM)), ("airbyte", (AIRBYTE_LOG, AIRBYTE_RECORD))],
)
def test_records_of_invoices_are_found_among_other_messages(
    tmp_path: Path, output_format: OutputFormat, messages: tuple[object, ...]
) -> None:
    write_lines(tmp_path, *messages)
    assert list(ids_and_amounts(output_format, tmp_path)) == [("1", 5)]
    assert records_by_id(output_format, tmp_path, {"1"}) == {"1": FLAT}


def test_nested_rows_have_the_same_ids_and_amounts(tmp_path: Path) -> None:
    write_lines(tmp_path, NESTED)
    assert list(ids_and_amounts("rows", tmp_path)) == [("1", 5)]


def test_files_of_dlt_hold_a_list_of_rows_per_line(tmp_path: Path) -> None:
    extracted = tmp_path / "dlt" / "new_jobs"
    extracted.mkdir(parents=True)
    (extracted / "invoices.1.typed-jsonl").write_text(f"{json.dumps([FLAT, {'id': '2'}])}\n")
    assert list(ids_and_amounts("dlt", tmp_path)) == [("1", 5), ("2", None)]
    assert records_by_id("dlt", tmp_path, {"1"}) == {"1": FLAT}


def test_decimals_are_read_to_the_last_digit(tmp_path: Path) -> None:
    (tmp_path / "out").write_text('{"type":"RECORD","stream":"invoices","record":{"id":"1","rate":1.10}}\n')
    assert str(records_by_id("singer", tmp_path, {"1"})["1"]["rate"]) == "1.10"


def test_records_are_counted_per_stream() -> None:
    lines = [b'{"type":"RECORD","stream":"a"}', b'{"type":"STATE"}', b'{"type":"RECORD","stream":"a"}']
    assert records_per_stream(lines) == {"a": 2}
