"""Records that singer-sdk or target-postgres have to see: maps, flattening, validation, files, types of their own."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.loader_world import activate, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.loader_world import Database, Message

pytestmark = pytest.mark.slow

TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
NUMBER: Mapping[str, Any] = {"type": ["number", "null"]}
ROWS = [
    schema("rows", {"id": TEXT, "text": TEXT, "number": NUMBER}),
    record("rows", {"id": "1", "text": "a", "number": 1.5}, version=1),
    record("rows", {"id": "1", "text": "b\t\\", "number": 10**20}, version=1),
    record("rows", {"id": "2", "text": None, "number": None}, version=1),
    activate("rows", 1),
    state({"a": 1}),
]
OTHERS = [schema("others", {"id": TEXT}), record("others", {"id": "1"}), activate("others", 1)]


@pytest.mark.parametrize(
    "maps",
    [
        {"rows": {"renamed": "text", "text": "__NULL__"}},
        {"rows": {"__alias__": "other_name", "longer": "record['text'] + 'x' if record['text'] else 'none'"}},
        {"rows": {"__filter__": "record['number'] is not None"}},
        {"copies": {"__source__": "rows", "id": "id"}},
    ],
)
def test_stream_maps(database: Database, maps: Mapping[str, Any]) -> None:
    database.expect_equal([*ROWS, *OTHERS], stream_maps=maps)


def test_flattening(database: Database) -> None:
    inner = {"type": "object", "properties": {"a": TEXT, "b": {"type": "object", "properties": {"c": NUMBER}}}}
    messages = [
        schema("rows", {"id": TEXT, "o": inner}),
        record("rows", {"id": "1", "o": {"a": "x", "b": {"c": 1.50}}}),
    ]

    content = database.expect_equal(messages, flattening_enabled=True, flattening_max_depth=2)

    assert "o__b__c" in str(content["rows"])


def test_validation(database: Database) -> None:
    database.expect_equal([*ROWS, *OTHERS], validate_records=True)

    loaded = database.load([*ROWS, record("rows", {"id": "3", "number": "x"}), *OTHERS], validate_records=True)

    assert loaded.failure is not None
    assert len(database.rows("rows")) == 2


def test_files_of_records(database: Database, tmp_path: Path) -> None:
    rows = [
        {"id": str(number % 7), "text": f"a\t{number}", "moment": "2026-01-01T00:00:00+00:00"} for number in range(30)
    ]
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    batch = {
        "type": "BATCH",
        "stream": "rows",
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "manifest": [f"file://{path}"],
    }
    columns = {"id": TEXT, "text": TEXT, "moment": {"type": "string", "format": "date-time"}}

    database.expect_equal(
        [schema("rows", columns), record("rows", {"id": "before"}), batch, record("rows", {"id": "after"})]
    )

    assert len(database.rows("rows")) == 9


@pytest.mark.parametrize("use_copy", [False, True])
def test_a_type_that_is_left_to_target_postgres(database: Database, *, use_copy: bool) -> None:
    columns = {
        "id": TEXT,
        "text": TEXT,
        "number": NUMBER,
        "moment": {"type": ["string", "null"], "format": "date-time"},
        # For SQL a text, for singer-sdk a time: PostgreSQL prints it.
        "either": {"type": ["string", "integer", "null"], "format": "date-time"},
        "bytes": {"type": "string", "contentEncoding": "base16"},
    }
    exact = "12345678901234567890.12345678901234567890"
    values = {
        "text": True,
        "moment": "2026-01-01T00:00:00.5+02:00",
        "either": "2026-01-01T00:00:00.5+02:00",
        "bytes": "00ff",
    }
    line = json.dumps(record("rows", {"id": "1", **values, "number": 0})).replace('"number": 0', f'"number": {exact}')
    messages: list[Message | str] = [schema("rows", columns), line, *OTHERS, state({"a": 1})]

    database.expect_equal(messages, interpret_content_encoding=True)
    database.load(messages, interpret_content_encoding=True, use_copy=use_copy)

    assert database.content("exact") == database.content("kept")
    (row,) = database.rows("rows")
    assert (str(row["number"]), row["either"], row["text"]) == (exact, "2025-12-31 22:00:00.5+00", "true")
