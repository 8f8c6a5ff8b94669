"""Whether a list is complete, judged by its pages."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from singer_rest_core.paging.drift import DriftCheck


def test_a_list_without_pages_is_complete() -> None:
    assert DriftCheck().is_complete


def test_a_list_without_a_count_is_complete_unless_a_row_repeats() -> None:
    check = DriftCheck()
    check.add(["1", "2"], None)
    check.add(["3"], None)
    assert check.is_complete
    check.add(["1"], None)
    assert not check.is_complete


def test_a_repeated_row_does_no_harm_where_every_counted_row_came() -> None:
    check = DriftCheck()
    check.add(["1", "2"], 3)
    check.add(["2"], 3)
    assert not check.is_complete
    check.add(["3"], 3)
    assert check.is_complete


@settings(max_examples=300)
@given(
    rows=st.integers(min_value=0, max_value=30),
    size=st.integers(min_value=1, max_value=7),
    changes=st.dictionaries(
        st.integers(min_value=0, max_value=10),
        st.sampled_from([("delete", "move"), ("insert", "move")]).flatmap(
            lambda kinds: st.lists(
                st.tuples(st.sampled_from(kinds), st.integers(min_value=0, max_value=40)), max_size=3
            ),
        ),
        max_size=4,
    ),
)
def test_a_list_that_seems_complete_misses_no_row(
    rows: int,
    size: int,
    changes: dict[int, list[tuple[str, int]]],
) -> None:
    """Rows come, or go, and move between the reading of two pages; what is missed must be noticed.

    One that comes and one that goes between the same two pages cancel out: no count and no id shows that.
    """
    listed = [str(number) for number in range(rows)]
    always = set(listed)
    check = DriftCheck()
    read: set[str] = set()
    page = 0
    while page == 0 or page * size < len(listed):
        ids = listed[page * size : (page + 1) * size]
        check.add(ids, len(listed))
        read |= set(ids)
        for what, where in changes.get(page, []):
            position = where % (len(listed) + 1)
            if what == "insert":
                listed.insert(position, f"new {page} {where}")
            elif position < len(listed):
                row = listed.pop(position)
                if what == "move":
                    listed.append(row)
                else:
                    always.discard(row)
        page += 1

    if check.is_complete:
        assert always <= read
