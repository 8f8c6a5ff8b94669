"""Rows of any kind, from hypothesis: what target-postgres stores, this loader stores, in a database in another zone."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.loader_world import record, schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.loader_world import Database

pytestmark = pytest.mark.slow

COLUMNS: Mapping[str, Mapping[str, Any]] = {
    "id": {"type": "integer"},
    "text": {"type": ["string", "null"]},
    "integer": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "boolean": {"type": ["boolean", "null"]},
    "instant": {"type": ["string", "null"], "format": "date-time"},
    "date": {"type": ["string", "null"], "format": "date"},
    "time": {"type": ["string", "null"], "format": "time"},
    "object": {"type": ["object", "null"]},
    "objects": {"type": ["array", "null"], "items": {"type": "object"}},
    "texts": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
    "numbers": {"type": ["array", "null"], "items": {"type": "integer"}},
    "anything": {},
}
# As raw text, so that no digit is lost on the way: JSON of Python would make floats of them.
_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**20), max_value=10**20).map(str)
_EXPONENTS = st.builds("{}e{}".format, st.integers(-999, 999), st.integers(-20, 20))
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["\\", "\\N", "\t", "\r\n", '"', "{", "NULL", "null", "\x00", "a\x00b", "\\u0000", "\x85\u2028", "😀", "\\."]
)
# Not NUL below the first level: there target-postgres ends.
_CLEAN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
_LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | _CLEAN
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_CLEAN, inner, max_size=3), max_leaves=6
)
_ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_INSTANTS = st.builds(lambda moment, zone: moment.replace(tzinfo=zone).isoformat(), st.datetimes(), _ZONES)
_ROWS = st.fixed_dictionaries(
    {"id": st.integers(0, 15).map(str)},
    optional={
        "text": _TEXTS.map(json.dumps),
        "integer": st.integers(-(2**63), 2**63 - 1).map(str),
        "number": _NUMBERS | _EXPONENTS,
        "boolean": st.booleans().map(json.dumps),
        "instant": _INSTANTS.map(json.dumps),
        "date": st.dates().map(lambda day: json.dumps(day.isoformat())),
        "time": st.times().map(lambda time: json.dumps(time.isoformat())),
        "object": st.dictionaries(_CLEAN, _JSON, max_size=3).map(json.dumps),
        "objects": st.lists(st.dictionaries(_CLEAN, _LEAVES, max_size=2), max_size=3).map(json.dumps),
        "texts": st.lists(st.none() | _TEXTS, max_size=3).map(json.dumps),
        "numbers": st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3).map(json.dumps),
        "anything": (_JSON | _NUMBERS.map(str)).map(json.dumps),
    },
)


@given(rows=st.lists(_ROWS, min_size=1, max_size=25))
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
def test_any_rows_are_stored_as_target_postgres_stores_them(database: Database, rows: list[dict[str, str]]) -> None:
    database.execute(
        f"alter database {database.name} set timezone to 'Pacific/Chatham'",
        "drop schema if exists exact cascade",
        "drop schema if exists kept cascade",
    )
    template = json.dumps(record("rows", {"id": 0}, version=1))
    lines = []
    for row in rows:
        values = ", ".join(f'"{name}": {value}' for name, value in row.items())
        lines.append(template.replace('{"id": 0}', f"{{{values}}}"))

    database.expect_equal([schema("rows", COLUMNS), *lines])
