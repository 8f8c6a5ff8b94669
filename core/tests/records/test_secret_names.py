"""Secret fields are dropped on the fast and the slow path."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from singer_rest_core.records.conform import RESCUED_DATA, Conformer
from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.fast import PageCodec, RowFacts
from singer_rest_core.records.row_layout import FlatRows

_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "token_count": {"type": ["integer", "null"]},
        "known": {"type": ["object", "null"]},
        "listed": {"type": ["array", "null"]},
        RESCUED_DATA: {"type": ["object", "null"]},
    },
}
_ROW = {
    "id": 1,
    "token_count": 5,
    "known": {"a": {"b": {"token": "s3cret", "c": 1}}, "token": "s3cret"},
    "listed": [{"token": "s3cret", "d": [1, {"tokens": ["s3cret"]}]}, "e"],
    "token": "s3cret",
    "odd": {"name": "x", "token": "s3cret", "list": [{"token_type": "s3cret", "on": True}]},
}
_VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["", "token"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "token"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_OBJECTS = st.dictionaries(st.sampled_from(["a", "b", "token"]), _VALUES, max_size=3)
_ROWS = st.fixed_dictionaries(
    {"id": st.integers(0, 9), "known": _OBJECTS | st.none(), "listed": st.lists(_VALUES, max_size=3) | st.none()}
)


def _conformer(reported: list[str]) -> Conformer:
    return Conformer(_SCHEMA, lambda name, _why: reported.append(name), secret_names=re.compile("token"))


def test_a_secret_is_dropped_without_a_report_even_inside_rescued_values() -> None:
    reported: list[str] = []

    record = _conformer(reported).conform(_ROW)

    # A property of the schema was chosen by a person, so it is not secret.
    assert record["token_count"] == 5
    assert record["known"] == {"a": {"b": {"c": 1}}}
    assert record["listed"] == [{"d": [1, {}]}, "e"]
    assert record[RESCUED_DATA] == {"odd": {"name": "x", "list": [{"on": True}]}}
    assert reported == ["odd"]


def test_pages_drop_secrets_in_their_first_and_in_later_rows() -> None:
    reported: list[str] = []
    conformer = _conformer(reported)
    facts = RowFacts(conformer=conformer, layout=FlatRows(None), selected=frozenset(_SCHEMA["properties"]))
    codec = PageCodec("things", facts)

    for _ in range(2):
        page = codec.decode(json.dumps([_ROW, _ROW]).encode())
        lines = b"".join(codec.encode(page.rows, version=None, extracted=datetime(2026, 1, 1, tzinfo=UTC)).pieces)
        assert b"s3cret" not in lines
        for line in lines.splitlines():
            assert decode(line)["record"] == conformer.conform(_ROW)
    assert reported == ["odd"]


@given(st.lists(st.lists(_ROWS, max_size=4), max_size=3))
@example([[{"id": 1, "known": {"token": 1}, "listed": None}]])
@example([[{"id": 1, "known": {"a": {"token": 1}}, "listed": None}]] * 2)
@example([[{"id": 1, "known": None, "listed": [{"token": 1}]}]])
def test_checking_a_column_at_once_keeps_the_same_values_as_checking_each(
    pages: list[list[dict[str, object]]],
) -> None:
    names = frozenset(_SCHEMA["properties"])
    codec = PageCodec("things", RowFacts(conformer=_conformer([]), layout=FlatRows(None), selected=names))

    for rows in pages:
        page = codec.decode(json.dumps(rows).encode())
        lines = b"".join(codec.encode(page.rows, version=None, extracted=datetime(2026, 1, 1, tzinfo=UTC)).pieces)
        assert [decode(line)["record"] for line in lines.splitlines()] == [_conformer([]).conform(row) for row in rows]
