"""Ids are remembered in little memory, and a repetition is noticed, whatever they are."""

from __future__ import annotations

import random
import tracemalloc
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.paging.seen_ids import SeenIds

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_MANY = 50_000

# Ids of one list are of one kind: Python gives "" and 0, -1 and -2, 0 and 2**61 - 1 one hash each.
_NUMBERS = st.integers(min_value=0, max_value=2**60)
_CLOSE = st.integers(min_value=0, max_value=40)
_KINDS: list[st.SearchStrategy[Hashable]] = [
    st.text(min_size=1, max_size=5),
    st.text(alphabet="0123456789_ -", min_size=1, max_size=2),
    _NUMBERS,
    _NUMBERS.map(str),
    _CLOSE,
    _CLOSE.map(str),
    st.one_of(_CLOSE.filter(bool), _CLOSE.map(str)),
    st.tuples(st.text(min_size=1, max_size=2), _NUMBERS),
]


@given(
    st.one_of([st.lists(st.lists(kind, max_size=20), max_size=4) for kind in _KINDS]),
    st.sampled_from([None, 0, 60, 1_000]),
)
def test_ids_are_remembered_and_repetitions_noticed(pages: list[list[Hashable]], expected: int | None) -> None:
    ids = [each for page in pages for each in page]
    seen = SeenIds(expected if expected is None else max(expected, len(ids)))
    for page in pages:
        seen.add(page)

    assert all(each in seen for each in ids)
    assert seen.count == len(ids)
    assert seen.distinct == len(set(ids))
    assert seen.repeated == (len(set(ids)) < len(ids))


@given(st.lists(_CLOSE.map(str), max_size=20), st.lists(_CLOSE, max_size=20))
def test_of_numbers_exactly_those_that_were_added_are_known(texts: list[str], numbers: list[int]) -> None:
    seen = SeenIds(40)
    seen.add(texts)
    seen.add(numbers)

    assert {str(each) for each in range(100) if str(each) in seen} == set(texts)
    assert {each for each in range(100) if each in seen} == set(numbers)


@pytest.mark.parametrize("order", ["ascending", "descending", "shuffled"])
@pytest.mark.parametrize("step", [1, 7, 300])
def test_many_numbers_are_known_exactly_in_any_order(order: str, step: int) -> None:
    """A step of 1 makes bitmaps of the arrays; of 300, a few numbers in each of many chunks."""
    numbers = list(range(0, 9_000 * step, step))
    if order != "ascending":
        numbers.reverse()
    if order == "shuffled":
        random.Random(1).shuffle(numbers)  # noqa: S311 - no secret
    seen = SeenIds(len(numbers))
    for start in range(0, len(numbers), 200):
        seen.add([str(number) for number in numbers[start : start + 200]])

    assert not seen.repeated
    assert all(str(number) in seen for number in numbers)
    assert str(9_000 * step) not in seen
    assert step == 1 or not any(str(number + 1) in seen for number in numbers)
    seen.add([str(numbers[4711])])
    assert seen.repeated


@pytest.mark.parametrize(
    ("id_of", "bytes_each"),
    [
        (lambda turn: str(4_000_000 + turn), 0.3),
        (lambda turn: turn, 0.3),
        (lambda turn: str(turn * 300 + random.Random(turn).randrange(300)), 3.2),  # noqa: S311 - no secret
        (lambda turn: str(random.Random(turn).getrandbits(59)), 6.5),  # noqa: S311 - no secret
        (lambda turn: str(UUID(int=random.Random(turn).getrandbits(128))), 6.5),  # noqa: S311 - no secret
    ],
    ids=["texts of numbers in a row", "numbers in a row", "numbers near each other", "numbers far apart", "uuids"],
)
def test_an_id_takes_few_bytes(id_of: Callable[[int], Hashable], bytes_each: float) -> None:
    tracemalloc.start()
    try:
        seen = SeenIds(_MANY)
        for start in range(0, _MANY, 200):
            seen.add([id_of(turn) for turn in range(start, start + 200)])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept <= bytes_each * _MANY
    assert not seen.repeated


@pytest.mark.parametrize("id_of", [int, str, lambda turn: f"id {turn}"])
def test_more_ids_than_expected_do_no_harm(id_of: Callable[[int], Hashable]) -> None:
    seen = SeenIds(10)
    seen.add([id_of(turn) for turn in range(1_000)])

    assert seen.count == 1_000
    assert id_of(5) in seen
