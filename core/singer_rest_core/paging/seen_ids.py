"""The ids of a list, in as little memory as possible: a list may have millions of rows."""

from __future__ import annotations

from array import array
from functools import cached_property
from typing import TYPE_CHECKING

from pyroaring import BitMap64

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

_FINGERPRINT = 0xFFFFFFFF
_IDS_A_CONTAINER = 32
"""With fewer ids, a container of the bitmap costs more than as many fingerprints."""
_FEW_CONTAINERS = 256
_TEXTS_FROM = 1 << 63
"""Added to numbers that came as texts: `5` and `"5"` are two ids."""


class SeenIds:
    """Remembers ids.

    Whole numbers, also as texts, are kept exactly, in two bytes each or less where they lie close. Of others, and of
    numbers far apart, a fingerprint is kept in six bytes. Two fingerprints may look the same: among a million, about
    once in a thousand lists. Then a list is read once more than needed; and in that second pass a row would be taken
    for known, which is why incremental streams, whose rows are read only once, write all of them again.

    Args:
        expected: How many ids will come; beyond a third more, fingerprints are not kept. None if it is not known: then
            ids are kept as they are.
    """

    def __init__(self, expected: int | None) -> None:
        """Start without ids."""
        self._expected = expected or 0
        self._whole: set[Hashable] | None = set() if expected is None else None
        self._numbers: BitMap64 | None = BitMap64()
        self.count = 0
        """How many ids were added, repetitions included."""
        self.repeated = False
        """Whether an id was added twice."""

    @property
    def distinct(self) -> int:
        """How many different ids were added."""
        if self._whole is not None:
            return len(self._whole)
        return self._fingerprints.kept if self._numbers is None else len(self._numbers)

    def add(self, ids: Sequence[Hashable]) -> None:
        """Remember ids.

        Args:
            ids: Ids, also repeated ones.
        """
        self.count += len(ids)
        if self._whole is not None:
            before = len(self._whole)
            self._whole.update(ids)
            self.repeated |= len(self._whole) < before + len(ids)
            return
        if self._numbers is not None and (numbers := _numbers(ids)) is not None:
            before = len(self._numbers)
            self._numbers.update(numbers)
            self.repeated |= len(self._numbers) < before + len(numbers)
            containers = self._numbers.get_statistics()["n_containers"]
            if containers > max(_FEW_CONTAINERS, self._expected // _IDS_A_CONTAINER):
                self._give_up_numbers()
            return
        self._give_up_numbers()
        self.repeated |= not self._fingerprints.add_all(ids)

    def _give_up_numbers(self) -> None:
        """Keep fingerprints from now on: some ids are no numbers, or they are too far apart."""
        if self._numbers is not None:
            self._fingerprints.add_all(_id_of(number) for number in self._numbers)
            self._numbers = None

    def __contains__(self, each: Hashable) -> bool:
        """Return whether an id was seen."""
        if self._whole is not None:
            return each in self._whole
        if self._numbers is None:
            return each in self._fingerprints
        numbers = _numbers([each])
        return numbers is not None and numbers[0] in self._numbers

    @cached_property
    def _fingerprints(self) -> _Fingerprints:
        """The fingerprints; their memory is allocated when the first comes."""
        return _Fingerprints(self._expected)


class _Fingerprints:
    """32 bits of a hash of each id, in a slot chosen by other bits; a hash table in one array.

    Args:
        expected: How many ids will come.
    """

    def __init__(self, expected: int) -> None:
        self._size = max(16, expected * 3 // 2)
        self._table = array("I", [0]) * self._size
        self.kept = 0
        """How many different ids are remembered."""

    def add_all(self, ids: Iterable[Hashable]) -> bool:
        """Add ids; returns whether all look new."""
        table, most = self._table, self._size * 8 // 9
        are_new = True
        for each in ids:
            place, fingerprint = self._find(each)
            if table[place]:
                are_new = False
            elif self.kept < most:
                table[place] = fingerprint
                self.kept += 1
        return are_new

    def __contains__(self, each: Hashable) -> bool:
        return bool(self._table[self._find(each)[0]])

    def _find(self, each: Hashable) -> tuple[int, int]:
        """Return the slot where an id is, or would be, and its fingerprint."""
        table, size = self._table, self._size
        mixed = hash((each,))
        fingerprint = (mixed >> 29) & _FINGERPRINT or 1
        place = mixed % size
        while (kept := table[place]) and kept != fingerprint:
            place = place + 1 if place + 1 < size else 0
        return place, fingerprint


def _numbers(ids: Sequence[Hashable]) -> Sequence[int] | None:
    """Return the numbers that stand for ids; None if one is no number, or a text that is not written as one (`007`)."""
    if not ids:
        return []
    kinds = set(map(type, ids))
    numbers: list[int]
    if kinds == {int}:
        numbers = list(ids)  # type: ignore[arg-type] # seen in the line above
        base = 0
    elif kinds == {str}:
        try:
            numbers = [int(each) for each in ids]  # type: ignore[call-overload] # as above
        except ValueError:
            return None
        if [str(number) for number in numbers] != list(ids):
            return None
        base = _TEXTS_FROM
    else:
        return None
    if min(numbers) < 0 or max(numbers) >= _TEXTS_FROM:
        return None
    return [base + number for number in numbers] if base else numbers


def _id_of(number: int) -> Hashable:
    return str(number - _TEXTS_FROM) if number >= _TEXTS_FROM else number
