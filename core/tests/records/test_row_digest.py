"""Digests of rows: the same for the same row, another for another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.row_digest import row_digest

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_names = st.text("abc")
_rows = st.dictionaries(_names, _values, max_size=5)


@given(_rows)
def test_the_order_of_names_does_not_matter(row: dict[str, object]) -> None:
    row = decode(encode(row))

    assert row_digest(dict(reversed(row.items()))) == row_digest(row)


@given(_rows, _names, _values)
def test_a_row_that_changes_has_another_digest(row: dict[str, object], name: str, value: object) -> None:
    row = decode(encode({**row, name: value}))
    less = {each: row[each] for each in row if each != name}
    other = {**less, name: [row[name]]}

    assert len({row_digest(row), row_digest(less), row_digest(other)}) == 3


def test_a_digest_is_short_and_fit_for_a_key_of_any_store() -> None:
    assert len(row_digest({"id": 1})) == 8
    assert len(row_digest({"id": 1}, characters=22)) == 22
    assert row_digest({"id": 1}) == row_digest({"id": 1}, characters=22)[:8]
    assert all(character.isalnum() or character in "-_" for character in row_digest([1, "ü"], characters=43))
