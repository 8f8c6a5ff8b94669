"""Documents that are nested too deeply for loaders lose no value: what lies below a depth becomes text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.records.conform import Conformer
from singer_rest_core.records.exact_json import NotJson, decode, encode
from singer_rest_core.records.fast import PageCodec, RowFacts
from singer_rest_core.records.nesting import DEEPEST, flattened
from singer_rest_core.records.row_layout import FlatRows

_VALUES = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\a'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=3),
    max_leaves=20,
)


def nested(levels: int, inner: object, *, in_lists: bool) -> Any:  # noqa: ANN401 - JSON is any of six types
    for _ in range(levels):
        inner = [0, inner, "]"] if in_lists else {"a": 1, "b": inner, "c": "}"}
    return inner


def levels_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(levels_of, inner), default=0) if isinstance(value, dict | list) else 0


@given(_VALUES, st.integers(0, 60), st.booleans())
def test_a_document_that_is_not_deep_is_unchanged(inner: object, levels: int, in_lists: bool) -> None:  # noqa: FBT001 - drawn
    content = json.dumps(nested(levels, inner, in_lists=in_lists)).encode()

    assert json.loads(flattened(content)) == json.loads(content)


@given(st.integers(), st.integers(0, 300), st.booleans())
def test_what_is_too_deep_is_text_that_holds_it(inner: int, levels: int, in_lists: bool) -> None:  # noqa: FBT001 - drawn
    whole = nested(levels, inner, in_lists=in_lists)

    kept = decode(encode(whole))

    assert levels_of(kept) == min(levels, DEEPEST)
    for _ in range(levels):
        kept = json.loads(kept) if isinstance(kept, str) else kept
        kept = kept[1] if in_lists else kept["b"]
    assert kept == inner


@pytest.mark.parametrize("levels", [90, 150, 950, 5_000, 200_000])
@pytest.mark.parametrize("text", ["a", "\\u0000", "\\ud800"])
def test_no_depth_keeps_a_row_from_being_written(levels: int, text: str) -> None:
    deep = f'{"[" * levels}"{text}"{"]" * levels}'
    content = f'[{{"id":"1","text":"{text}","more":{deep}}},{{"id":"2"}}]'.encode()
    schema = {"properties": {"id": {"type": "string"}, "_rescued_data": {"type": ["object", "null"]}}}
    facts = RowFacts(
        Conformer(schema, lambda _name, _why: None), FlatRows(None), schema["properties"].keys(), keys=("id",)
    )

    rows = PageCodec("things", facts).decode(content).rows
    records = [decode(encode(row)) for row in decode(content)]

    assert [row["id"] for row in records] == ["1", "2"]
    assert len(rows) == len(records)
    kept = records[0]["more"]
    while isinstance(kept, list):
        (kept,) = kept
    assert kept.count("[") == max(0, levels - (DEEPEST - 2))


def test_brackets_that_are_never_closed_are_no_document() -> None:
    with pytest.raises(NotJson):
        decode(b"[" * 100_000)
    with pytest.raises(NotJson):
        decode(b'{"a":' * 100_000)
