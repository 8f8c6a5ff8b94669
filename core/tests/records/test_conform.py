"""Conforming records to a schema: nothing is lost, and the types always fit."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.records.conform import RESCUED_DATA, Conformer

_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_NAMES = [*"abcdef", RESCUED_DATA]
_FORMATS = st.sampled_from([{}, {"format": "date-time"}, {"format": "date"}])


def _entry(drawn: tuple[list[str], dict[str, str]]) -> dict[str, Any]:
    return {"type": drawn[0] if len(drawn[0]) != 1 else drawn[0][0], **drawn[1]}


_PLAIN = st.tuples(
    st.lists(st.sampled_from(_TYPES), min_size=1, max_size=4, unique=True).filter(lambda types: types != ["null"]),
    _FORMATS,
).map(_entry)
_ENTRIES = st.one_of(
    _PLAIN,
    st.just({}),
    st.builds(lambda items: {"type": ["array", "null"], "items": items}, _PLAIN),
    st.builds(lambda items: {"type": "array", "items": {"type": "array", "items": items}}, _PLAIN),
)
_SCHEMAS = st.dictionaries(st.sampled_from(_NAMES[:-1]), _ENTRIES).map(
    lambda properties: {"type": "object", "properties": {**properties, RESCUED_DATA: {"type": ["object", "null"]}}},
)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**63 - 2, max_value=2**63 + 2),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.from_regex(r"-?[0-9]{1,4}(\.[0-9]{1,3})?([eE][0-9])?", fullmatch=True),
    st.sampled_from(
        ["true", "false", "True", "", "2025-07-25", "2025-07-25T06:05:10.5+02:00", "007", "+1", "NaN", "Infinity", "٣"],
    ),
    st.text(max_size=6),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)
_RECORDS = st.dictionaries(st.sampled_from([*_NAMES, "unknown"]), _VALUES)


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    return {
        "string": isinstance(value, str),
        "integer": isinstance(value, int) and -(2**63) <= value < 2**63,
        "number": isinstance(value, int | Decimal),
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "null": value is None,
    }[kind]


def _fits(entry: dict[str, Any], value: object) -> bool:
    if value is None or "type" not in entry:
        return True
    kinds = [entry["type"]] if isinstance(entry["type"], str) else entry["type"]
    if not any(_is(kind, value) for kind in kinds):
        return False
    if isinstance(value, list) and "items" in entry:
        return all(_fits(entry["items"], item) for item in value)
    if isinstance(value, str) and entry.get("format") == "date":
        return bool(date.fromisoformat(value))
    if isinstance(value, str) and entry.get("format") == "date-time":
        return bool(datetime.fromisoformat(value))
    return True


_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _is_the_same(raw: object, made: object) -> bool:  # noqa: PLR0911 - a return for each kind of conversion
    """Return whether the raw value can be recovered from the converted one."""
    if isinstance(raw, list) and isinstance(made, list):
        return len(raw) == len(made) and all(map(_is_the_same, raw, made))
    if type(raw) is type(made) and raw == made:
        return True
    if isinstance(raw, bool) or isinstance(made, bool):
        return isinstance(raw, str) and made is {"true": True, "false": False}.get(raw)
    if isinstance(raw, str) and isinstance(made, int | Decimal):
        return _JSON_NUMBER.fullmatch(raw) is not None and Decimal(raw) == made
    if isinstance(raw, int | Decimal) and isinstance(made, str):
        return Decimal(made) == raw
    if isinstance(raw, Decimal) and isinstance(made, int):
        return made == raw
    if isinstance(raw, str) and isinstance(made, str):  # a timestamp, in UTC now
        return datetime.fromisoformat(raw) == datetime.fromisoformat(made)
    return False


def _ignore(name: str, why: str) -> None:
    """Discard the report."""


@given(_SCHEMAS, _RECORDS)
def test_every_value_is_in_its_column_or_rescued_unchanged(
    schema: dict[str, Any],
    raw: dict[str, Any],
) -> None:
    record = Conformer(schema, _ignore).conform(raw)
    rescued = record[RESCUED_DATA] or {}
    assert rescued.keys() <= raw.keys()
    for name, value in raw.items():
        if name in rescued:
            assert rescued[name] is value
            assert record.get(name) is None or name == RESCUED_DATA
        else:
            assert _is_the_same(value, record[name])


@given(_SCHEMAS, _RECORDS)
def test_the_result_always_fits_the_schema(schema: dict[str, Any], raw: dict[str, Any]) -> None:
    record = Conformer(schema, _ignore).conform(raw)
    assert list(record) == list(schema["properties"])
    for name, entry in schema["properties"].items():
        assert _fits(entry, record[name]), (entry, record[name])


@given(_SCHEMAS, _RECORDS)
def test_the_order_of_the_raw_fields_does_not_matter(schema: dict[str, Any], raw: dict[str, Any]) -> None:
    backwards = dict(reversed(raw.items()))
    one, other = (Conformer(schema, _ignore).conform(fields) for fields in (raw, backwards))
    assert list(one.items()) == list(other.items())
    assert list((one[RESCUED_DATA] or {}).keys()) == list((other[RESCUED_DATA] or {}).keys())


@given(_SCHEMAS, _RECORDS)
def test_conforming_a_record_twice_changes_nothing(schema: dict[str, Any], raw: dict[str, Any]) -> None:
    once = Conformer(schema, _ignore).conform(raw)
    own = {name: value for name, value in once.items() if name != RESCUED_DATA}
    again = Conformer(schema, _ignore).conform(own)
    assert again == once | {RESCUED_DATA: None}


def _conformed(entry: dict[str, Any], value: object) -> tuple[object, object]:
    """Return the converted value, and what is rescued."""
    properties = {"x": entry, RESCUED_DATA: {"type": ["object", "null"]}}
    record = Conformer({"properties": properties}, _ignore).conform({"x": value})
    return record["x"], record[RESCUED_DATA]


_STRING = {"type": ["string", "null"]}
_INTEGER = {"type": ["integer", "null"]}
_NUMBER = {"type": ["number", "null"]}
_BOOLEAN = {"type": ["boolean", "null"]}
_TIMESTAMP = {"type": ["string", "null"], "format": "date-time"}
_DATE = {"type": ["string", "null"], "format": "date"}


@pytest.mark.parametrize(
    ("entry", "value", "made"),
    [
        (_NUMBER, "12.50", Decimal("12.50")),
        (_NUMBER, "-0.01", Decimal("-0.01")),
        (_NUMBER, "1e3", Decimal("1E+3")),
        (_NUMBER, 5, 5),
        (_NUMBER, 2**80, 2**80),
        (_STRING, 5, "5"),
        (_STRING, Decimal("5.10"), "5.10"),
        (_INTEGER, "5", 5),
        (_INTEGER, Decimal("5.00"), 5),
        (_INTEGER, "5.0", 5),
        (_INTEGER, 2**63 - 1, 2**63 - 1),
        (_INTEGER, -(2**63), -(2**63)),
        (_BOOLEAN, "true", True),
        (_BOOLEAN, "false", False),
        (_TIMESTAMP, "2025-07-25T06:05:10.043+02:00", "2025-07-25T04:05:10.043Z"),
        (_TIMESTAMP, "2025-07-25", "2025-07-25"),
        (_DATE, "2025-07-25", "2025-07-25"),
        ({"type": "object"}, {"a": [1]}, {"a": [1]}),
        ({"type": "array"}, [1, "a", None], [1, "a", None]),
        ({"type": "array", "items": {"type": "array", "items": _NUMBER}}, [["1.5"], [2]], [[Decimal("1.5")], [2]]),
        ({"type": "array", "items": _STRING}, [1, None, "a"], ["1", None, "a"]),
        ({"type": ["integer", "string"]}, "5", "5"),
        ({"type": ["string", "integer"]}, 5, 5),
        ({"type": ["integer", "number"]}, Decimal("5.5"), Decimal("5.5")),
        ({"type": ["integer", "number"]}, 2**70, 2**70),
        ({"type": ["number", "boolean"]}, True, True),
        ({"type": ["object", "array"]}, [], []),
        ({"type": ["integer", "string"], "format": "date-time"}, "5", 5),
        ({}, {"any": Decimal("1.0")}, {"any": Decimal("1.0")}),
    ],
)
def test_a_value_is_converted_where_nothing_is_lost(entry: dict[str, Any], value: object, made: object) -> None:
    result, rescued = _conformed(entry, value)
    assert (result, type(result)) == (made, type(made))
    if isinstance(made, Decimal):
        assert str(result) == str(made)
    assert rescued is None


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        (_NUMBER, "12,50"),
        (_NUMBER, "1 000"),
        (_NUMBER, ""),
        (_NUMBER, "NaN"),
        (_NUMBER, "007"),
        (_NUMBER, "+5"),
        (_NUMBER, "٣"),
        (_NUMBER, "5\n"),
        (_NUMBER, "1e99999"),
        (_NUMBER, "1e99999999999999999999"),
        (_NUMBER, True),
        (_INTEGER, True),
        (_INTEGER, "9" * 5000),
        (_INTEGER, 2**63),
        (_INTEGER, -(2**63) - 1),
        (_INTEGER, str(2**63)),
        (_INTEGER, Decimal("5.5")),
        (_INTEGER, "5.5"),
        (_STRING, True),
        (_STRING, {}),
        (_STRING, []),
        (_BOOLEAN, 1),
        (_BOOLEAN, 0),
        (_BOOLEAN, "True"),
        (_BOOLEAN, "yes"),
        (_TIMESTAMP, "soon"),
        (_TIMESTAMP, 1_750_000_000),
        (_TIMESTAMP, "2016-12-31T23:59:60Z"),
        (_DATE, "2025-07-25T00:00:00Z"),
        (_DATE, "25.07.2025"),
        (_DATE, "2025-02-29"),
        ({"type": "object"}, []),
        ({"type": "array"}, {}),
        ({"type": "array"}, [1, [2]]),
        ({"type": "array", "items": {}}, [[[[[[[[]]]]]]]]),
        ({"type": "array", "items": _NUMBER}, [1, "x", 2]),
        ({"type": "array", "items": {"type": "array", "items": _NUMBER}}, [[1], 2]),
        ({"type": ["integer", "number"]}, "x"),
        ({"type": "null"}, 5),
    ],
)
def test_a_value_that_does_not_fit_is_rescued_unchanged(entry: dict[str, Any], value: object) -> None:
    made, rescued = _conformed(entry, value)
    assert made is None
    assert rescued == {"x": value}


_WITH_RESCUE = {"properties": {"b": _NUMBER, "a": _STRING, RESCUED_DATA: {"type": ["object", "null"]}}}


def test_a_field_that_is_not_in_the_schema_is_rescued() -> None:
    record = Conformer(_WITH_RESCUE, _ignore).conform({"new": {"deep": [1]}, "a": "x", "also": None})
    assert record == {"b": None, "a": "x", RESCUED_DATA: {"also": None, "new": {"deep": [1]}}}
    assert list(record) == ["b", "a", RESCUED_DATA]


def test_a_field_named_like_the_rescued_data_is_rescued_in_it() -> None:
    record = Conformer(_WITH_RESCUE, _ignore).conform({RESCUED_DATA: "theirs"})
    assert record[RESCUED_DATA] == {RESCUED_DATA: "theirs"}


def test_without_rescued_data_in_the_schema_a_misfit_is_dropped_and_still_reported() -> None:
    reports: list[tuple[str, str]] = []
    conformer = Conformer({"properties": {"b": _NUMBER}}, lambda name, why: reports.append((name, why)))
    assert conformer.conform({"b": "x", "new": 1}) == {"b": None}
    assert [name for name, _ in reports] == ["b", "new"]


def test_each_field_is_reported_once_with_the_reason_and_without_its_value() -> None:
    reports: list[tuple[str, str]] = []
    conformer = Conformer(_WITH_RESCUE, lambda name, why: reports.append((name, why)))
    for value in ("secret-1", "secret-2", True):
        conformer.conform({"b": value, "new": value, "a": "fine"})
    assert reports == [("b", "is a string that does not fit a number"), ("new", "is not in the schema")]


def _reports_of(*records: dict[str, Any]) -> list[tuple[str, str]]:
    reports: list[tuple[str, str]] = []
    conformer = Conformer(_WITH_RESCUE, lambda name, why: reports.append((name, why)))
    for record in records:
        conformer.conform(record)
    return reports


def test_after_twenty_unknown_fields_one_last_report_says_that_no_more_follow() -> None:
    reports = _reports_of(*({f"day {number}": 1} for number in range(100)))
    assert reports == [
        *((f"day {number}", "is not in the schema") for number in range(20)),
        ("day 20", "is not in the schema (further unknown fields are not reported)"),
    ]


def test_a_misfit_is_reported_however_many_unknown_fields_came_before() -> None:
    reports = _reports_of(*({f"day {number}": 1} for number in range(100)), {"b": "x"})
    assert reports[-1] == ("b", "is a string that does not fit a number")


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("line\nbreak", "line\ufffdbreak"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("right\u202eto left", "right\ufffdto left"),
        ("Năsăud, ül 1", "Năsăud, ül 1"),
        ("x" * 80, "x" * 80),
        ("x" * 5000, "x" * 80 + "…"),
    ],
)
def test_a_reported_name_is_safe_to_log_and_rescued_unchanged(name: str, reported: str) -> None:
    ((shown, _),) = _reports_of({name: 1})
    assert shown == reported
    assert Conformer(_WITH_RESCUE, _ignore).conform({name: 1})[RESCUED_DATA] == {name: 1}


def test_a_number_with_too_large_an_exponent_is_reported_as_such() -> None:
    for value in (Decimal("1e1001"), "1e1001", Decimal("1e-1001"), f"1.{'3' * 1000}"):
        assert _reports_of({"b": value}) == [("b", "is a number with an exponent beyond 1000, or with more digits")]


def test_the_raw_record_is_not_changed() -> None:
    raw = {"b": "1.50", "new": [1], "a": 3}
    Conformer(_WITH_RESCUE, _ignore).conform(raw)
    assert raw == {"b": "1.50", "new": [1], "a": 3}
