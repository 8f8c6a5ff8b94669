"""Messages that say something, but not what a message has to say: none is dropped while its STATE is confirmed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.loader_world import record, schema, state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.loader_world import Database, Message

TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
INTEGER: Mapping[str, Any] = {"type": ["integer", "null"]}
COLUMNS = schema("rows", {"id": TEXT, "number": INTEGER, "object": {"type": ["object", "null"]}})
REST = [schema("others", {"id": TEXT}), record("others", {"id": "1"}), state({"after": 1})]


def complaints(caplog: pytest.LogCaptureFixture, level: str = "ERROR") -> list[str]:
    assert not [each for each in caplog.records if each.exc_info and each.levelname != "DEBUG"]
    return [each.getMessage() for each in caplog.records if each.levelname == level]


def broken_schema(**members: object) -> Message:
    return {**COLUMNS, **members}


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"record": None}, "the record of a RECORD message has to be an object and is null; correct the tap."),
        ({"record": []}, "the record of a RECORD message has to be an object and is a list; correct the tap."),
        ({"record": "{}"}, "the record of a RECORD message has to be an object and is a text; correct the tap."),
        ({"record": 5}, "the record of a RECORD message has to be an object and is a number; correct the tap."),
        ({}, "a RECORD message has no record; correct the tap."),
    ],
)
def test_a_record_message_without_a_record_fails_its_stream_and_no_state_follows(
    database: Database, caplog: pytest.LogCaptureFixture, members: Message, reason: str, *, validate: bool
) -> None:
    bad = {"type": "RECORD", "stream": "rows", **members}

    loaded = database.load(
        [COLUMNS, record("rows", {"id": "1"}), bad, record("rows", {"id": "2"}), *REST], validate_records=validate
    )

    assert str(loaded.failure).startswith("1 of the streams could not be loaded: rows.")
    assert complaints(caplog) == [f"Stream 'rows': {reason}"]
    assert loaded.states == []
    assert [row["id"] for row in database.rows("others")] == ["1"]


@pytest.mark.parametrize("stream", [None, 5, [], {}, ""])
@pytest.mark.parametrize("kind", ["RECORD", "SCHEMA", "ACTIVATE_VERSION"])
def test_a_message_whose_stream_is_no_name_ends_the_run(database: Database, kind: str, stream: object) -> None:
    loaded = database.load([*REST, {**COLUMNS, "type": kind, "stream": stream, "record": {"id": "1"}}, state(2)])

    assert str(loaded.failure) == f"A {kind} message names no stream. What came before it was loaded."
    assert loaded.states == ['{"after": 1}']


def test_a_state_message_without_a_value_ends_the_run(database: Database) -> None:
    loaded = database.load([*REST, {"type": "STATE"}])

    assert str(loaded.failure).startswith("A STATE message has no value: '")
    assert loaded.states == ['{"after": 1}']


@pytest.mark.parametrize("value", ["x", 7, [1]])
def test_a_state_may_be_any_json(database: Database, value: object) -> None:
    loaded = database.load([*REST, state(value)])

    assert loaded.failure is None
    assert json.loads(loaded.states[-1]) == value


@pytest.mark.parametrize("value", [None, {}])
def test_an_empty_state_stands_for_none(database: Database, value: object) -> None:
    loaded = database.load([*REST, state(value)])

    assert loaded.failure is None
    assert set(loaded.states) <= {'{"after": 1}'}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "SCHEMA", "stream": "rows", "key_properties": []}, "its SCHEMA message has no schema"),
        (broken_schema(schema=None), "the schema of its SCHEMA message has to be an object and is null"),
        (broken_schema(schema=[]), "the schema of its SCHEMA message has to be an object and is a list"),
        (broken_schema(schema={}), "the schema of its SCHEMA message has no properties"),
        (broken_schema(schema={"properties": None}), "the properties of the schema of its SCHEMA message has to be"),
        (broken_schema(schema={"properties": {"id": "text"}}), "the schema of its property 'id' has to be an object"),
        (broken_schema(schema={"properties": {"id": {"type": "txt"}}}), "its SCHEMA message holds no JSON schema"),
        (broken_schema(key_properties="id"), "the key_properties of its SCHEMA message have to be a list of names"),
        (broken_schema(key_properties=[1]), "the key_properties of its SCHEMA message have to be a list of names"),
        (broken_schema(type="ACTIVATE_VERSION"), "the version of an ACTIVATE_VERSION message has to be a whole number"),
        (broken_schema(type="BATCH"), "a BATCH message has no encoding"),
        (broken_schema(type="BATCH", encoding={}), "the manifest of a BATCH message has to be a list of files"),
    ],
)
def test_a_broken_message_of_a_stream_is_one_line(
    database: Database, caplog: pytest.LogCaptureFixture, message: Message, reason: str
) -> None:
    first = [] if message["type"] == "SCHEMA" else [COLUMNS]

    loaded = database.load([*first, message, *REST], validate_records=True)

    assert loaded.failure is not None
    (line,) = complaints(caplog)
    assert line.startswith(f"Stream 'rows': {reason}")
    assert line.endswith("; correct the tap.")
    assert loaded.states == []
    assert len(database.rows("others")) == 1


@pytest.mark.parametrize("line", ["hello hunter", '"some value"', "null", "[]", '{"type": '])
def test_a_line_that_is_no_message_is_quoted_with_advice(database: Database, line: str) -> None:
    failure = str(database.load([*REST, line]).failure)

    assert failure == (
        f"This is not a Singer message: '{line.strip()}'. Check the tap, which may write nothing else to its standard"
        " output; its log belongs on standard error. What came before it was loaded."
    )


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"id": "1", "number": "x"}, "column 'number', key 1: 'x' is not of the type in its schema, integer or null"),
        ({"id": "1", "number": float("nan")}, "column 'number', key 1: nan is not of the type in its schema"),
        ({"id": 7}, "column 'id', key 7: 7 is not of the type in its schema, string or null"),
        ({"id": "1", "object": [1]}, "column 'object', key 1: [1] is not of the type in its schema, object or null"),
    ],
)
def test_a_value_that_validation_refuses_is_named_and_other_streams_are_loaded(
    database: Database, caplog: pytest.LogCaptureFixture, values: Message, line: str
) -> None:
    loaded = database.load([COLUMNS, record("rows", values), *REST], validate_records=True)

    assert str(loaded.failure).startswith("1 of the streams could not be loaded: rows.")
    (said,) = complaints(caplog)
    assert said.startswith(f"Stream 'rows', {line}")
    assert loaded.states == []
    assert len(database.rows("others")) == 1


@pytest.mark.parametrize("validate", [True, False])
def test_a_record_that_lacks_its_key_is_said_once(
    database: Database, caplog: pytest.LogCaptureFixture, *, validate: bool
) -> None:
    loaded = database.load([COLUMNS, record("rows", {"number": 1}), *REST], validate_records=validate)

    assert complaints(caplog) == ["Stream 'rows', column 'id': a record has no value in this column of the key."]
    assert str(loaded.failure).startswith("1 of the streams could not be loaded: rows.")


@pytest.mark.parametrize("validate", [True, False])
def test_halves_of_characters_are_one_warning_for_each_stream(
    database: Database, caplog: pytest.LogCaptureFixture, *, validate: bool
) -> None:
    columns = {"id": TEXT, "text": TEXT, "object": {"type": ["object", "null"]}}
    rows = [{"id": str(number), "text": "a\ud800", "object": {"\udfff": "é"}} for number in range(3)]
    whole = [{"id": "whole", "text": "é\U0001f600\x00", "object": {"a": "\U0001f600"}}]
    messages = [schema(name, columns) for name in ("rows", "more", "whole")]
    messages += [record(name, row) for name in ("rows", "more") for row in rows]

    loaded = database.load([*messages, *(record("whole", row) for row in whole), *REST], validate_records=validate)

    assert loaded.failure is None
    assert [line for line in complaints(caplog, "WARNING") if "halves" in line] == [
        f"Stream '{name}', column 'text': PostgreSQL holds no halves of characters (lone surrogates), so they are"
        " replaced by U+FFFD, in 6 values of the stream."
        for name in ("rows", "more")
    ]
    assert database.rows("rows")[0]["text"] == "a\ufffd"


def test_halves_of_characters_are_counted_over_commits_and_schemas(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [record("rows", {"id": f"{number}\ud800"}) for number in range(10)]
    changed = json.loads(json.dumps(COLUMNS))
    changed["schema"]["properties"]["more"] = TEXT

    assert database.load([COLUMNS, *rows, changed, *rows], batch_size_rows=3).failure is None

    (line,) = [each for each in complaints(caplog, "WARNING") if "halves" in each]
    assert line.endswith("in 20 values of the stream.")


def test_a_file_of_a_batch_with_null_for_a_record_fails_its_stream(
    database: Database, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    path = tmp_path / "rows.json.gz"
    path.write_bytes(gzip.compress(b'{"id": "1"}\nnull\n'))
    encoding = {"format": "jsonl", "compression": "gzip"}
    batch = {"type": "BATCH", "stream": "rows", "encoding": encoding, "manifest": [f"file://{path}"]}

    loaded = database.load([COLUMNS, batch, *REST])

    assert complaints(caplog) == ["Stream 'rows': a file of a BATCH message holds null as a record; correct the tap."]
    assert loaded.states == []
