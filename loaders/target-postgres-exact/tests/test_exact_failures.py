"""Where target-postgres ends in a traceback, a value is kept elsewhere, or one line says what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from target_postgres_exact.target import TargetPostgresExact
from tests.loader_world import activate, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_postgres_exact.connector import ExactConnector
    from tests.loader_world import Database

TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
INTEGER: Mapping[str, Any] = {"type": ["integer", "null"]}
OBJECT: Mapping[str, Any] = {"type": ["object", "null"]}
COLUMNS: Mapping[str, Any] = {
    "id": TEXT,
    "text": TEXT,
    "integer": INTEGER,
    "instant": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "object": OBJECT,
    "texts": {"type": ["array", "null"], "items": {"type": "string"}},
}
BAD: Mapping[str, list[object]] = {
    "integer": [2**63, -(2**70), "many", True, {}, [1]],
    "instant": ["0000-01-01T00:00:00Z", "yesterday", 5, "2026-06-30T23:59:60Z"],
    "date": ["10000-01-01", "2026-02-30", "2026-07-25T10:00:00", "infinity"],
    "text": [{"a": 1}],
    "texts": [["a", 1], [{"a": 1}]],
}
REST = [schema("others", {"id": TEXT}), record("others", {"id": "1"}), state({"after": 1})]


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]


def test_values_that_do_not_fit_are_rescued(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"id": f"{name} {value}", name: value} for name, values in BAD.items() for value in values]
    rows += [
        {"id": "rescued before", "integer": 2**63, "_rescued_data": {"other": [1.5]}},
        {"id": "good", "integer": 7},
    ]

    loaded = database.load(
        [schema("rows", {**COLUMNS, "_rescued_data": OBJECT}), *(record("rows", row) for row in rows), *REST]
    )

    assert (loaded.failure, loaded.states) == (None, ['{"after": 1}'])
    stored = {row["id"]: row for row in database.rows("rows")}
    for name, values in BAD.items():
        for value in values:
            row = stored[f"{name} {value}"]
            assert (row[name], row["_rescued_data"]) == (None, {name: value})
    assert stored["rescued before"]["_rescued_data"] == {"integer": 2**63, "other": [1.5]}
    assert (stored["good"]["integer"], stored["good"]["_rescued_data"]) == (7, None)
    warnings = [message for message in caplog.messages if "_rescued_data" in message]
    assert len(warnings) == len(BAD), "one for each column"
    assert any("Stream 'rows', column 'integer', key integer 9223372036854775808: " in line for line in warnings)


@pytest.mark.parametrize(
    ("column", "value"), [(name, value) for name, values in BAD.items() for value in values[:1]] + [("text", "a\x00")]
)
def test_a_value_that_cannot_be_rescued_is_named_and_other_streams_are_loaded(
    database: Database, caplog: pytest.LogCaptureFixture, column: str, value: object
) -> None:
    rows = [record("rows", {"id": "first"}), state({"before": 1}), record("rows", {"id": "bad", column: value})]

    loaded = database.load(
        [schema("rows", COLUMNS), *rows, record("rows", {"id": "last"}), *REST], sanitize_null_text_characters=False
    )

    assert loaded.failure is not None
    assert str(loaded.failure).startswith("1 of the streams could not be loaded: rows.")
    (line,) = complaints(caplog)
    assert line.startswith(f"Stream 'rows', column '{column}', key bad: ")
    assert "\n" not in line
    assert [row["id"] for row in database.rows("others")] == ["1"]
    assert loaded.states in ([], ['{"before": 1}']), "no state says that the stream's rows are loaded"


def test_a_state_from_before_the_failure_is_written_once_its_rows_are(database: Database) -> None:
    messages = [schema("rows", COLUMNS), record("rows", {"id": "first"}), state({"before": 1})]

    loaded = database.load([*messages, record("rows", {"id": "bad", "date": "never"}), *REST])

    assert loaded.states == ['{"before": 1}']
    assert [row["id"] for row in database.rows("rows")] == ["first"]


@pytest.mark.parametrize("text", ["\\ud800x", "a\\udfffb", "x\\udc00\\ud800"])
def test_halves_of_characters_are_replaced(database: Database, text: str) -> None:
    line = '{"type": "RECORD", "stream": "rows", "record": {"id": "1", "text": "TEXT", "object": {"TEXT": ["TEXT"]}}}'

    assert database.load([schema("rows", COLUMNS), line.replace("TEXT", text)]).failure is None

    (row,) = database.rows("rows")
    replaced = text.replace("\\ud800", "\ufffd").replace("\\udfff", "\ufffd").replace("\\udc00", "\ufffd")
    assert (row["text"], row["object"]) == (replaced, {replaced: [replaced]})


def test_nul_is_replaced_at_any_depth(database: Database) -> None:
    row = {"id": "1\x00", "text": "\x00", "object": {"a\x00": [{"b": "\x00"}]}, "texts": ["\x00", "\\u0000"]}

    assert database.load([schema("rows", COLUMNS), record("rows", row)]).failure is None

    (stored,) = database.rows("rows")
    assert stored["id"] == "1\ufffd"
    assert (stored["object"], stored["texts"]) == ({"a\ufffd": [{"b": "\ufffd"}]}, ["\ufffd", "\\u0000"])


def test_columns_that_target_postgres_reserves_do_not_fail_the_marking_of_deletes(database: Database) -> None:
    columns = schema("rows", {"id": TEXT, "version": TEXT, "deletedate": TEXT, "new_version": TEXT})

    assert database.load([columns, record("rows", {"id": "1", "version": "v"}, version=1)]).failure is None
    assert database.load([columns, record("rows", {"id": "2"}, version=2), activate("rows", 2)]).failure is None

    stored = {row["id"]: row for row in database.rows("rows")}
    assert (stored["1"]["version"], stored["1"]["_sdc_deleted_at"] is None) == ("v", False)
    assert stored["2"]["_sdc_deleted_at"] is None


@pytest.mark.parametrize(
    ("stream", "columns", "named"),
    [
        ("x" * 64, {"id": TEXT}, "table"),
        ("é" * 32, {"id": TEXT}, "table"),
        ("rows", {"id": TEXT, "y" * 64: TEXT}, "column"),
    ],
)
def test_a_name_that_is_too_long_is_refused_when_its_schema_comes(
    database: Database, caplog: pytest.LogCaptureFixture, stream: str, columns: Mapping[str, Any], named: str
) -> None:
    loaded = database.load([schema(stream, columns), record(stream, {"id": "1"}), *REST])

    assert loaded.failure is not None
    (line,) = complaints(caplog)
    assert f"the name of its {named} '" in line
    assert "63 bytes" in line
    assert len(database.rows("others")) == 1
    assert database.content("exact").keys() == {"others"}


def test_names_of_63_bytes_are_taken(database: Database) -> None:
    name = "é" * 31 + "x"

    assert database.load([schema(name, {"id": TEXT, name: TEXT}), record(name, {"id": "1", name: "a"})]).failure is None

    assert database.rows(name)[0][name] == "a"


def test_a_column_whose_type_cannot_be_kept_is_named(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    assert database.load([schema("rows", {"id": TEXT, "amount": INTEGER}), *REST]).failure is None

    loaded = database.load([schema("rows", {"id": TEXT, "amount": TEXT}), record("rows", {"id": "1"}), *REST])

    assert loaded.failure is not None
    (line,) = complaints(caplog)
    assert line.startswith("Stream 'rows', column 'amount': it is bigint in the database and text in the stream")
    assert 'ALTER TABLE "exact"."rows" ALTER COLUMN "amount" TYPE text' in line
    assert len(database.rows("others")) == 1


def test_a_column_that_the_user_altered_and_a_view_depends_on(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    columns = schema("rows", {"id": TEXT, "text": TEXT, "other": TEXT})
    assert database.load([columns, record("rows", {"id": "1", "text": "abc"})]).failure is None
    database.execute(
        "alter table exact.rows alter text type varchar(3)", "create view exact.seen as select id, text from exact.rows"
    )
    rows = [record("rows", {"id": str(number), "text": "abc"}) for number in range(50)]

    good = database.load([columns, *rows])
    loaded = database.load([columns, *rows, record("rows", {"id": "long", "text": "abcd"}), *REST])

    assert good.failure is None
    assert loaded.failure is not None
    (line,) = complaints(caplog)
    assert line.startswith("Stream 'rows', column 'text', key long: PostgreSQL says: value too long for type")
    assert len(database.rows("others")) == 1


def test_rows_that_an_altered_column_does_not_take_are_rescued_one_by_one(database: Database) -> None:
    columns = schema("rows", {"id": TEXT, "text": TEXT, "_rescued_data": OBJECT})
    assert database.load([columns, record("rows", {"id": "0", "text": "5"})]).failure is None
    database.execute("alter table exact.rows alter text type varchar(3)")
    rows = [{"id": str(number), "text": "five" if number % 20 == 3 else 'a\t"'} for number in range(100)]

    loaded = database.load([columns, *(record("rows", row) for row in rows)])

    assert loaded.failure is None
    stored = {row["id"]: (row["text"], row["_rescued_data"]) for row in database.rows("rows")}
    assert stored == {
        row["id"]: (None, {"text": "five"}) if row["text"] == "five" else (row["text"], None) for row in rows
    }


def test_rows_of_which_nearly_all_are_refused_end_their_stream(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    columns = schema("rows", {"id": TEXT, "text": TEXT, "_rescued_data": OBJECT})
    assert database.load([columns]).failure is None
    database.execute("alter table exact.rows add constraint short check (length(text) < 3)")

    loaded = database.load(
        [columns, *(record("rows", {"id": str(number), "text": "long"}) for number in range(9)), *REST]
    )

    assert loaded.failure is not None
    (line,) = complaints(caplog)
    assert 'violates check constraint "short"' in line
    assert "key 0" in line
    assert database.rows("rows") == []


def test_a_row_without_a_key_is_refused(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    loaded = database.load([schema("rows", COLUMNS), record("rows", {"id": None, "text": "a"}), *REST])

    assert loaded.failure is not None
    assert complaints(caplog) == ["Stream 'rows', column 'id': a record has no value in this column of the key."]


def test_a_key_that_the_schema_lacks_is_named(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    assert database.load([schema("rows", {"text": TEXT}), record("rows", {"text": "a"}), *REST]).failure is not None

    assert complaints(caplog) == ["Stream 'rows', column 'id': the key names a column that the schema lacks."]
    assert len(database.rows("others")) == 1


def test_messages_of_a_stream_without_a_schema_fail_it_alone(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [record("rows", {"id": "1"}), activate("unknown", 5), *REST]

    assert "2 of the streams could not be loaded: rows, unknown." in str(database.load(messages).failure)

    first, second = complaints(caplog)
    assert first == "Stream 'rows': a message of type RECORD came before its SCHEMA, which the tap has to send first."
    assert second.startswith("Stream 'unknown': a message of type ACTIVATE_VERSION came before its SCHEMA")
    assert len(database.rows("others")) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"type": "RECORD", "stream": "rows", "rec', "This is not a Singer message: "),
        ("Traceback (most recent call last):", "This is not a Singer message: "),
        ('{"type": "HELLO", "stream": "rows"}', "There is no message type 'HELLO'."),
        ('{"stream": "rows"}', "A message has no type."),
        ('{"type": "RECORD"}', "A RECORD message names no stream."),
        ('{"type": "STATE"}', "A STATE message has no value"),
        ("[]", "This is not a Singer message: "),
    ],
)
def test_input_that_is_no_message_ends_the_run_after_what_came_before_it(
    database: Database, line: str, reason: str
) -> None:
    loaded = database.load([*REST, line, record("others", {"id": "2"})])

    assert str(loaded.failure).startswith(reason)
    assert [row["id"] for row in database.rows("others")] == ["1"]
    assert loaded.states == ['{"after": 1}']


def test_a_database_that_is_not_there_is_one_line(database: Database) -> None:
    database.url = database.url.replace(database.name, "nowhere")

    failure = database.load(REST).failure

    assert "The database cannot be reached" in str(failure)
    assert "\n" not in str(failure)


def test_a_second_run_into_one_schema_is_refused_in_one_line(database: Database) -> None:
    assert database.load(REST).failure is None
    loader = TargetPostgresExact(config={"sqlalchemy_url": database.sqlalchemy_url, "default_target_schema": "exact"})
    cast("ExactConnector", loader.target_connector).open_schema("exact")

    failure = database.load(REST).failure
    elsewhere = database.load(REST, default_target_schema="elsewhere").failure
    loader.abandon()

    assert str(failure).startswith("Another run is loading into schema 'exact' of this database.")
    assert elsewhere is None
    assert database.load(REST).failure is None, "the lock has ended with the run"
