"""A schema inferred from a sample: every record of the sample fits it, and more records only widen it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from singer_rest_core import RESCUED_DATA
from singer_rest_core.records.conform import Conformer
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.schema_inference import column_kinds, identifies, infer_schema, with_columns, with_key

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.integers(min_value=2**62, max_value=2**66),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.just(Decimal("1e1001")),
    st.sampled_from(["", "x", "119.00", "007", "2025-07-25", "2025-02-30", "2025-07-25T06:05:10.000000Z"]),
    st.sampled_from(["2025-07-25 06:05:10", "0000-00-00 00:00:00", "2025-07-25T06:05:10+02:00", "true"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner.filter(lambda each: not isinstance(each, list)), max_size=2)
        | st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_NAMES = st.sampled_from(["id", "total", "date", "class", "not an identifier", "1st"])
_RECORDS = st.lists(st.dictionaries(_NAMES, _VALUES, max_size=5), max_size=6).map(
    lambda records: decode(encode(records))
)


def conformed(schema: dict[str, Any], records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records as they are written; nothing may be rescued."""
    reported: list[str] = []
    conformer = Conformer(schema, lambda name, why: reported.append(f"{name} {why}"))
    written = [conformer.conform(record) for record in records]
    assert reported == []
    assert all(record[RESCUED_DATA] is None for record in written)
    return written


def properties(*values: object) -> Any:  # noqa: ANN401 - a part of a schema
    return infer_schema([{"value": value} for value in values])["properties"]["value"]


@given(_RECORDS)
def test_every_record_of_the_sample_fits(records: list[dict[str, Any]]) -> None:
    schema = infer_schema(records)

    Draft202012Validator.check_schema(schema)
    for raw, record in zip(records, conformed(schema, records), strict=True):
        Draft202012Validator(schema).validate(json.loads(encode(record)))  # jsonschema rejects Decimal
        assert {name for name, value in record.items() if value is not None} == {
            name for name, value in raw.items() if value is not None
        }


@given(_RECORDS, _RECORDS)
def test_more_records_only_widen(records: list[dict[str, Any]], more: list[dict[str, Any]]) -> None:
    narrow, wide = infer_schema(records), infer_schema([*records, *more])

    assert narrow["properties"].keys() <= wide["properties"].keys()
    conformed(wide, records)
    conformed(wide, more)


@given(st.data(), _RECORDS)
def test_the_order_of_records_does_not_matter(data: st.DataObject, records: list[dict[str, Any]]) -> None:
    shuffled = data.draw(st.permutations(records))

    assert encode(infer_schema(shuffled)) == encode(infer_schema(records))


@pytest.mark.parametrize(
    ("values", "entry"),
    [
        ([1, None], {"type": ["integer", "null"]}),
        ([1, Decimal("1.50")], {"type": ["number", "null"]}),
        ([2**63], {"type": ["string", "null"]}),
        ([Decimal("1e1001")], {"type": ["string", "null"]}),
        ([1, "x"], {"type": ["string", "null"]}),
        ([1, Decimal("1.50"), "x"], {"type": ["string", "null"]}),
        (["119.00"], {"type": ["string", "null"]}),
        ([True, False], {"type": ["boolean", "null"]}),
        ([True, 1], {"type": ["boolean", "string", "null"]}),
        (["2025-07-25"], {"type": ["string", "null"], "format": "date"}),
        (["2025-07-25", ""], {"type": ["string", "null"]}),
        (["2025-02-30"], {"type": ["string", "null"]}),
        (["2025-07-25T06:05:10Z", None], {"type": ["string", "null"], "format": "date-time"}),
        (["2025-07-25 06:05:10"], {"type": ["string", "null"], "format": "date-time"}),
        (["2025-07-25 06:05:10", "0000-00-00 00:00:00"], {"type": ["string", "null"]}),
        (["2025-07-25T06:05:10Z", "2025-07-25"], {"type": ["string", "null"]}),
        (["2025-07-25", 20250725], {"type": ["string", "null"]}),
        ([{"a": 1}, {"b": "x"}], {"type": ["object", "null"]}),
        ([[], {"a": 1}], {"type": ["array", "object", "null"]}),
        ([["x"], [1]], {"type": ["array", "null"]}),
        ([None], {"type": ["string", "null"]}),
    ],
)
def test_a_column_gets_the_narrowest_type_that_fits_all_its_values(values: list[object], entry: object) -> None:
    assert properties(*values) == entry


def test_keys_come_first_and_are_never_null() -> None:
    schema = infer_schema([{"a": 1, "id": 7}, {"b": "x", "id": 8}], keys=["id"])

    assert list(schema["properties"]) == ["id", "a", "b", RESCUED_DATA]
    assert schema["properties"]["id"] == {"type": "integer"}
    assert schema["required"] == ["id"]


def test_without_a_sample_the_schema_has_the_key_as_text_and_rescued_data() -> None:
    schema = infer_schema([], keys=["id"])

    assert list(schema["properties"]) == ["id", RESCUED_DATA]
    assert schema["properties"]["id"] == {"type": "string"}


def test_a_key_that_looks_like_a_date_is_text() -> None:
    assert infer_schema([{"id": "2025-07-25"}], keys=["id"])["properties"]["id"] == {"type": "string"}


def test_a_field_named_like_the_rescued_data_gets_no_column() -> None:
    schema = infer_schema([{RESCUED_DATA: 5}])

    assert schema["properties"][RESCUED_DATA]["type"] == ["object", "null"]
    assert list(schema["properties"]) == [RESCUED_DATA]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], True),
        (["a", "b", 3], True),
        ([], True),
        ([1, 1], False),
        ([1, "1"], False),
        ([1, None], False),
        ([1, ""], False),
        ([1, True], False),
        ([Decimal("1.5")], False),
        ([{"a": 1}], False),
    ],
)
def test_a_key_is_different_in_every_record(values: list[object], *, expected: bool) -> None:
    assert identifies([{"id": value} for value in values], "id") is expected


def test_a_field_missing_from_a_record_is_not_a_key() -> None:
    assert not identifies([{"id": 1}, {}], "id")


@given(_RECORDS, _RECORDS)
def test_columns_of_an_earlier_schema_are_unchanged_and_nothing_is_lost(
    records: list[dict[str, Any]], later: list[dict[str, Any]]
) -> None:
    earlier, own = infer_schema(records), infer_schema(later)

    schema = with_columns(own, column_kinds(earlier))

    assert schema["properties"].keys() == earlier["properties"].keys() | own["properties"].keys()
    assert all(schema["properties"][name] == entry for name, entry in earlier["properties"].items())
    assert list(schema["properties"])[-1] == RESCUED_DATA
    assert encode(with_columns(schema, column_kinds(earlier))) == encode(schema)
    conformer = Conformer(schema, lambda _name, _why: None)
    for raw in later:
        record = conformer.conform(raw)
        kept = {**record, **(record.pop(RESCUED_DATA) or {})}
        assert {name for name, value in raw.items() if value is not None} <= {
            name for name, value in kept.items() if value is not None
        }


@given(_RECORDS)
def test_a_schema_with_its_own_columns_is_unchanged(records: list[dict[str, Any]]) -> None:
    schema = infer_schema(records)

    assert encode(with_columns(schema, column_kinds(schema))) == encode(schema)


def test_edited_columns_of_a_schema_are_kept() -> None:
    schema = infer_schema([{"id": 1, "total": "1.50", "note": "x"}], keys=["id"])
    schema["properties"]["total"] = {"type": ["number", "null"], "description": "In RON."}

    assert column_kinds(schema) == {"id": "integer", "note": "string"}
    assert with_columns(schema, {"total": "string", "note": "number", "odd": "uuid"}) == {
        **schema,
        "properties": {**schema["properties"], "note": {"type": ["number", "null"]}},
    }


def test_a_key_keeps_its_type_and_is_never_null() -> None:
    earlier = infer_schema([{"id": 7}], keys=["id"])

    schema = with_columns(infer_schema([], keys=["id"]), column_kinds(earlier))

    assert schema["properties"]["id"] == {"type": "integer"}


def test_a_former_key_column_may_be_null() -> None:
    earlier = infer_schema([{"id": 7}], keys=["id"])

    schema = with_columns(infer_schema([], keys=["digest"]), column_kinds(earlier))

    assert list(schema["properties"]) == ["digest", "id", RESCUED_DATA]
    assert schema["properties"]["id"] == {"type": ["integer", "null"]}


@pytest.mark.parametrize("name", ["", "version", "Version", "deletedate", "!", "é" * 32])
def test_a_name_that_no_loader_can_use_gets_no_column(name: str) -> None:
    assert list(infer_schema([{"id": 1, name: 2}])["properties"]) == ["id", RESCUED_DATA]


def test_a_table_gets_no_more_columns_than_a_database_has_and_the_usual_fields_first() -> None:
    records = [{"id": each, "usual": 1, f"z{each}": 2, f"a{each}": 3} for each in range(400)]

    schema = infer_schema(records, keys=["id"])

    assert len(schema["properties"]) == 302
    assert {"id", "usual", RESCUED_DATA} <= schema["properties"].keys()
    assert infer_schema(reversed(records), keys=["id"]) == schema


def test_new_names_every_night_add_no_columns_beyond_the_limit_and_none_goes() -> None:
    schema = infer_schema([{"id": 1, **{f"new{each}": 1 for each in range(290)}}], keys=["id"])
    for night in range(5):
        own = infer_schema([{"id": 1, **{f"of{night}n{each}": 1 for each in range(100)}}], keys=["id"])
        before = column_kinds(schema)

        schema = with_columns(own, before)

        assert before.items() <= column_kinds(schema).items()
        assert RESCUED_DATA in schema["properties"]
    assert len(schema["properties"]) == 302


def test_names_that_a_loader_cannot_distinguish_get_one_column() -> None:
    record = {"id": 1, "Total": 1, "total": 2, "net total": 3, "net-total": 4, "net_total": 5, "gross": 6}
    assert list(infer_schema([record], keys=["id"])["properties"]) == [
        "id",
        "Total",
        "gross",
        "net total",
        RESCUED_DATA,
    ]


def test_an_earlier_column_wins_over_a_new_one_that_a_loader_cannot_distinguish() -> None:
    schema = infer_schema([{"id": 1, "Total": 1}], keys=["id"])

    assert list(with_columns(schema, {"total": "number"})["properties"]) == ["id", "total", RESCUED_DATA]


@given(_RECORDS)
def test_another_key_changes_only_two_columns(records: list[dict[str, Any]]) -> None:
    records = [{**record, "id": number} for number, record in enumerate(records)]
    schema = infer_schema([{**record, "digest": str(record)} for record in records], keys=["digest"])

    other = with_key(schema, "id")

    assert other["required"] == ["id"]
    assert other["properties"]["id"] == {"type": "integer" if records else "string"}
    assert other["properties"]["digest"] == {"type": ["string", "null"]}
    assert other["properties"].keys() - {"id", "digest"} == schema["properties"].keys() - {"id", "digest"}
    assert encode(with_key(other, "digest")["properties"]["digest"]) == encode(schema["properties"]["digest"])


def test_a_key_without_a_column_becomes_text() -> None:
    schema = with_key(infer_schema([{"name": "x"}]), "id")

    assert schema["properties"]["id"] == {"type": "string"}
    assert schema["required"] == ["id"]
