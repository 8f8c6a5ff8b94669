"""Whether a list was read whole, judged by its pages."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from singer_rest_core.paging.drift import DriftCheck


def test_a_list_without_pages_is_steady() -> None:
    assert DriftCheck().steady


def test_an_api_that_counts_nothing_is_believed_unless_a_row_repeats() -> None:
    check = DriftCheck()
    check.page(["1", "2"], None)
    check.page(["3"], None)
    assert check.steady
    check.page(["1"], None)
    assert not check.steady


def test_a_row_that_repeats_does_no_harm_where_all_that_are_counted_came() -> None:
    check = DriftCheck()
    check.page(["1", "2"], 3)
    check.page(["2"], 3)
    assert not check.steady
    check.page(["3"], 3)
    assert check.steady


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
def test_a_list_that_seems_steady_was_read_whole(
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
        check.page(ids, len(listed))
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

    if check.steady:
        assert always <= read
