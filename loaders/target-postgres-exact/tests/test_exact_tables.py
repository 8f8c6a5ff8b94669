"""The tables are those that target-postgres makes, column by column and value by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.loader_world import activate, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.loader_world import Database

TEXT: Mapping[str, Any] = {"type": ["string", "null"]}
NUMBER: Mapping[str, Any] = {"type": ["number", "null"]}
INSTANT: Mapping[str, Any] = {"type": ["string", "null"], "format": "date-time"}
EVERY_TYPE: Mapping[str, Any] = {
    "id": {"type": "string"},
    "text": TEXT,
    "email": {"type": ["string", "null"], "format": "email"},
    "uuid": {"type": ["string", "null"], "format": "uuid"},
    "integer": {"type": ["integer", "null"]},
    "small": {"type": ["integer", "null"], "minimum": 0, "maximum": 100},
    "number": NUMBER,
    "decimal": {"type": ["string", "null"], "format": "x-singer.decimal", "precision": 20, "scale": 4},
    "boolean": {"type": ["boolean", "null"]},
    "instant": INSTANT,
    "date": {"type": ["string", "null"], "format": "date"},
    "time": {"type": ["string", "null"], "format": "time"},
    "object": {"type": ["object", "null"]},
    "array": {"type": ["array", "null"]},
    "texts": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "integers": {"type": ["array", "null"], "items": {"type": "integer"}},
    "numbers": {"type": ["array", "null"], "items": {"type": "number"}},
    "booleans": {"type": ["array", "null"], "items": {"type": "boolean"}},
    "objects": {"type": ["array", "null"], "items": {"type": "object"}},
    "variants": {"type": ["array", "null"], "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
    "anything": {},
    "text_or_number": {"type": ["string", "number", "null"]},
    "first_of_any": {"anyOf": [{"type": "null"}, INSTANT, {"type": "integer"}]},
    "object_or_text": {"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]},
}
USUAL: Mapping[str, Any] = {
    "id": "usual",
    "text": 'tab\t, backslash \\, \\N, \\t, line\n, return\r, "quotes", é, 😀, \\.',
    "email": "a@example.com",
    "uuid": "7b0f0a3e-0000-4000-8000-0123456789ab",
    "integer": 2**63 - 1,
    "small": 100,
    "number": 1.5,
    "decimal": "123.45678",
    "boolean": True,
    "instant": "2026-07-25T06:05:10.043+02:00",
    "date": "2026-07-25",
    "time": "10:00:00.5",
    "object": {"a": [1, {"b": '\\n"\t'}], "c": None, "d": 1e5},
    "array": [1, "x", None, [2]],
    "texts": ["a,b", None, 'q"\\', "{}", "NULL", "", "\t"],
    "integers": [1, None, -3],
    "numbers": [1, 2],
    "booleans": [True, None, False],
    "objects": [{"a": 1}, None, {"b": ['"', "\\"]}],
    "variants": ["a", 1, None],
    "anything": {"k": [1.50, "é", None, True]},
    "text_or_number": "007",
    "first_of_any": "2026-01-01T00:00:00Z",
    "object_or_text": {"a": "b"},
}
UNUSUAL: Mapping[str, list[object]] = {
    "text": [5, 5.0, 1e5, 1e-7, -0.0, True, 2**70, ["a", "b"], "", "null", "\\N", "\x00a"],
    "uuid": ["{7B0F0A3E-0000-4000-8000-0123456789AB}"],
    "integer": ["5", "-0", "007", "9223372036854775807", 5.0, 5.5, -5.5, 1e3, -(2**63)],
    "small": ["7", 7.4, 32767],
    "number": ["1.5", "-0.0", "007.50", "NaN", 2**80, 1e300, -0.0],
    "decimal": [5, 1.5, "1e3"],
    "boolean": [1, 0, 1.0],
    "instant": [
        "2026-01-01",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00.1234567Z",
        "20260101T000000Z",
        "2026-W01-1",
        "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00",
        "2026-01-01T00:00:00+05:30",
        "2026-01-01T00:00Z",
    ],
    "date": ["20260725", "2026-W30-5", "0001-01-01"],
    "time": ["10:00", "T10:00", "10:00:00+02:00", "10:00:00.1234567"],
    "object": ["text", 5, True, [1], {}, "", {"a": "\\u0000"}, {"a": "x\x00"}],
    "array": ["text", 5, {}, [[1]], []],
    "texts": [[1, 2], [["a"], ["b"]], "abc", [], [True], ["x\x00"]],
    "integers": [["1"], [1.0], [1.5], "1", [[1, 2], [3, 4]]],
    "numbers": [["1"], [1.25], []],
    "objects": [[], [["x"]], ["s", 1], "abc", [None], [{"a": "\\"}]],
    "variants": [[1], ["x", {"a": 1}], [[1]]],
    "anything": ["text", 5, 1.5, True, [1, {"a": 1.5}], {}, 1e5, "", "x\x00", {"a": "x\x00"}, [{"a": "x\x00"}]],
    "text_or_number": [5, 1.50, 1e5, True],
    "object_or_text": ["text", 5, {}],
}


def test_values_of_every_type(database: Database) -> None:
    database.expect_equal(
        [schema("rows", EVERY_TYPE), record("rows", USUAL), record("rows", {"id": "nulls"}), state({"a": "é"})]
    )


def test_values_of_unexpected_types(database: Database) -> None:
    rows = [{"id": f"{name} {value!r}", name: value} for name, values in UNUSUAL.items() for value in values]

    content = database.expect_equal([schema("rows", EVERY_TYPE), *(record("rows", row) for row in rows)])

    assert len(content["rows"][1]) == len(rows)


@pytest.mark.slow
def test_numbers_keep_all_their_digits(database: Database) -> None:
    digits = [
        "12345678901234567890.12345678901234567890",
        "1E+3",
        "1.50",
        "0.1e-7",
        "-0.0",
        "123456789012345678901234567890",
    ]
    lines = [
        f'{{"type": "RECORD", "stream": "rows", "record": {{"id": "{number}", "number": {number},'
        f' "anything": [{number}],'
        f' "object": {{"n": {number}}}, "numbers": [{number}], "text_or_number": {number}}}}}'
        for number in digits
    ]

    database.expect_equal([schema("rows", EVERY_TYPE), *lines])

    stored = {row["id"]: row["number"] for row in database.rows("rows")}
    assert str(stored[digits[0]]) == digits[0]


def test_a_database_in_another_time_zone_holds_instants_in_utc(database: Database) -> None:
    database.execute(f"alter database {database.name} set timezone to 'Europe/Rome'")
    offsets = ("Z", "+00:00", "+02:00", "-09:30", "")
    rows = [
        {"id": zone, "instant": f"2026-03-29T02:30:00.5{zone}", "first_of_any": f"2026-07-01T02:30:00{zone}"}
        for zone in offsets
    ]

    database.load([schema("rows", EVERY_TYPE), *(record("rows", row) for row in rows)])

    stored = {row["id"]: (str(row["instant"]), str(row["first_of_any"])) for row in database.rows("rows")}
    assert stored == {
        "Z": ("2026-03-29 02:30:00.500000", "2026-07-01 02:30:00"),
        "+00:00": ("2026-03-29 02:30:00.500000", "2026-07-01 02:30:00"),
        "+02:00": ("2026-03-29 00:30:00.500000", "2026-07-01 00:30:00"),
        "-09:30": ("2026-03-29 12:00:00.500000", "2026-07-01 12:00:00"),
        "": ("2026-03-29 02:30:00.500000", "2026-07-01 02:30:00"),
    }
    assert {str(row["_sdc_extracted_at"]) for row in database.rows("rows")} == {"2026-01-01 00:00:00.123456"}


def test_a_null_is_sqls_null(database: Database) -> None:
    rows: list[dict[str, Any]] = [{"id": "null", "object": None, "array": None}, {"id": "absent"}, {"id": 5}]

    database.load(
        [schema("rows", EVERY_TYPE), *(record("rows", row) for row in rows), record("rows", {"id": "x", "b": 1})]
    )

    assert database.value('select count(*) from exact.rows where object is null and "array" is null') == 4


def test_the_last_row_of_a_key_is_kept_within_and_across_commits(database: Database) -> None:
    messages = [schema("rows", {"id": TEXT, "text": TEXT})]
    messages += [record("rows", {"id": str(number % 37), "text": str(number)}) for number in range(200)]

    database.expect_equal([*messages, state({"at": 1})], batch_size_rows=10)
    database.expect_equal(messages)

    assert {row["id"]: row["text"] for row in database.rows("rows")}["0"] == "185"


@pytest.mark.slow
def test_rows_without_a_key_are_appended(database: Database) -> None:
    messages = [
        schema("rows", EVERY_TYPE, []),
        record("rows", USUAL),
        record("rows", USUAL),
        record("rows", {"text": 5}),
    ]

    database.expect_equal(messages)
    database.expect_equal(messages)

    assert len(database.rows("rows")) == 6


@pytest.mark.slow
def test_a_key_of_several_columns(database: Database) -> None:
    keys = ["id", "number", "instant"]
    properties = {name: EVERY_TYPE[name] for name in (*keys, "text")}
    moments = ("2026-01-01T00:00:00Z", "2026-01-01T02:00:00.000+02:00", "2026-01-01T00:00:00.001Z")
    rows = [
        {"id": "a", "number": number, "instant": moment, "text": f"{number} {moment}"}
        for number in (1, 1.0, 2)
        for moment in moments
    ]

    database.expect_equal([schema("rows", properties, keys), *(record("rows", row) for row in rows)])

    assert len(database.rows("rows")) == 4


@pytest.mark.parametrize("hard_delete", [False, True])
def test_activating_a_version_removes_older_rows(database: Database, *, hard_delete: bool) -> None:
    columns = schema("rows", {"id": TEXT, "text": TEXT})
    first = [columns, record("rows", {"id": "unversioned"})]
    first += [record("rows", {"id": str(number)}, version=10) for number in range(5)]
    second = [
        columns,
        *(record("rows", {"id": str(number)}, version=20) for number in range(2, 7)),
        activate("rows", 15),
    ]
    third = [columns, activate("rows", 20), schema("others", {"id": TEXT}), activate("others", 20)]

    for messages in (first, [columns, activate("rows", 10)], second, third):
        database.expect_equal(messages, hard_delete=hard_delete)

    # What has no version is older than any, also if it was sent a moment before.
    database.expect_equal([columns, record("rows", {"id": "now"}), activate("rows", 20)], hard_delete=hard_delete)

    here = {row["id"] for row in database.rows("rows") if row["_sdc_deleted_at"] is None}
    assert here == {"2", "3", "4", "5", "6"}
    assert len(database.rows("rows")) == (5 if hard_delete else 9)


@pytest.mark.slow
def test_versions_are_not_activated_where_the_user_wants_none(database: Database) -> None:
    messages = [schema("rows", {"id": TEXT}), record("rows", {"id": "a"}, version=1), activate("rows", 5)]

    database.expect_equal(messages, activate_version=False)
    database.expect_equal(messages, activate_version=False, add_record_metadata=False)

    assert len(database.rows("rows")) == 1


@pytest.mark.slow
def test_metadata_in_records_and_schemas(database: Database) -> None:
    properties = {"id": TEXT, "_sdc_deleted_at": TEXT, "_sdc_sequence": TEXT, "text": TEXT}
    rows: list[dict[str, Any]] = [
        {"id": "a", "_sdc_deleted_at": "2026-02-02T00:00:00Z", "_sdc_extracted_at": "x", "_sdc_sequence": 5},
        {"id": "b", "_sdc_deleted_at": None},
    ]
    messages = [schema("rows", properties), *(record("rows", row) for row in rows), schema("plain", {"id": TEXT})]
    messages += [record("plain", row) for row in rows]

    database.expect_equal(messages)
    database.expect_equal(messages, activate_version=False, add_record_metadata=False)

    assert [row["_sdc_deleted_at"] is None for row in database.rows("plain")] == [False, True]


def test_a_schema_that_changes_between_runs_and_within_one(database: Database) -> None:
    messages = [
        schema("rows", {"id": TEXT, "text": TEXT}),
        record("rows", {"id": "1", "text": "a"}),
        schema("rows", {"id": TEXT, "number": NUMBER, "text": TEXT, "object": EVERY_TYPE["object"]}),
        record("rows", {"id": "2", "number": 2, "object": {"a": 1}}),
        record("rows", {"id": "1", "number": 3}),
        schema("rows", {"id": TEXT, "number": NUMBER}),
        record("rows", {"id": "1", "number": 7}),
        record("rows", {"id": "3", "number": 5}),
    ]

    database.expect_equal(messages)
    database.expect_equal([schema("rows", {"id": TEXT, "later": TEXT}), record("rows", {"id": "1", "later": "x"})])

    (first,) = [row for row in database.rows("rows") if row["id"] == "1"]
    assert (first["text"], first["number"], first["later"]) == (None, 7, "x")


def test_rows_of_the_schema_before_are_written_before_those_of_the_new_one(database: Database) -> None:
    messages = [schema("rows", {"id": TEXT, "text": TEXT}), record("rows", {"id": "1", "text": "before"})]
    messages += [schema("rows", {"id": TEXT, "text": TEXT, "number": NUMBER})]
    messages += [record("rows", {"id": str(number), "text": "after"}) for number in range(4)]

    assert database.load(messages, batch_size_rows=2).failure is None

    assert {row["id"]: row["text"] for row in database.rows("rows")}["1"] == "after"


@pytest.mark.slow
def test_a_key_that_changes(database: Database) -> None:
    properties = {"id": TEXT, "text": TEXT, "number": NUMBER}
    messages = [
        schema("rows", properties),
        record("rows", {"id": "1", "text": "a"}),
        schema("rows", properties, ["id", "text"]),
        record("rows", {"id": "2", "text": "b"}),
        record("rows", {"id": "1", "text": "a", "number": 4}),
    ]

    database.expect_equal(messages)

    assert {row["id"]: row["number"] for row in database.rows("rows")} == {"1": 4, "2": None}


@pytest.mark.slow
def test_records_with_more_and_with_fewer_columns(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    rows: list[dict[str, object]] = [
        {"id": "1", "new": 5, "none": None},
        {"id": "2", "new": 6},
        {"id": "3", 'q"': 6},
        {"id": "4"},
    ]

    database.expect_equal([schema("rows", {"id": TEXT, "text": TEXT}), *(record("rows", row) for row in rows)])

    assert [message for message in caplog.messages if "'new'" in message] == ["No schema for record field 'new'"] * 2


@pytest.mark.slow
def test_names_with_capitals_hyphens_blanks_and_quotes(database: Database) -> None:
    names = ("a b", 'quo"ted', "per%cent", "order", "deletedate", "ünïcode", "back\\slash", "colon:x")
    properties = {"Id": TEXT, **dict.fromkeys(names, TEXT)}
    row = {"Id": "1", **dict.fromkeys(names, "x")}
    kept = [
        schema("My-Str Eam", properties, ["Id"]),
        record("My-Str Eam", row, version=1),
        record("My-Str Eam", {**row, "Id": "2"}),
    ]

    database.expect_equal(kept)

    assert {row["Id"] for row in database.rows("Str Eam")} == {"1", "2"}


@pytest.mark.slow
def test_streams_that_take_turns(database: Database) -> None:
    messages = [schema("a", {"id": TEXT, "text": TEXT}), schema("b", {"id": NUMBER, "number": NUMBER})]
    for number in range(60):
        messages += [
            record("a", {"id": str(number % 10), "text": str(number)}),
            record("b", {"id": number % 11, "number": number / 8}),
        ]
        messages += [state({"at": number})]

    database.expect_equal(messages)
    database.expect_equal(messages, batch_size_rows=7)


@pytest.mark.slow
def test_tables_of_target_postgres_are_taken_up(database: Database) -> None:
    messages = [schema("rows", EVERY_TYPE), record("rows", USUAL), record("rows", {"id": "other"})]
    database.load(messages, "kept", default_target_schema="exact")
    database.load(messages, "kept")

    database.expect_equal(
        [schema("rows", {**EVERY_TYPE, "new": TEXT}), record("rows", {**USUAL, "new": "x", "number": 7})]
    )

    assert len(database.rows("rows")) == 2


@pytest.mark.slow
def test_a_table_of_the_user_without_a_unique_key_and_with_other_types_is_merged_into(database: Database) -> None:
    for name in ("kept", "exact"):
        columns = "id text, text varchar, number integer, instant timestamptz, boolean text, kept text default 'x'"
        database.execute(f"create schema {name}", f"create table {name}.rows ({columns})")
    properties = {name: EVERY_TYPE[name] for name in ("id", "text", "number", "instant", "boolean")}
    values = {"number": 1e3, "instant": "2026-01-01T00:00:00+02:00", "boolean": True}
    messages = [schema("rows", properties)]
    messages += [record("rows", {"id": str(number % 3), "text": str(number), **values}) for number in range(8)]

    database.expect_equal(messages)
    database.expect_equal(messages)

    assert {(row["text"], row["boolean"], row["kept"]) for row in database.rows("rows")} == {
        ("5", "true", "x"),
        ("6", "true", "x"),
        ("7", "true", "x"),
    }
