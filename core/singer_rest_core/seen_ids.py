"""The ids of a list in as little memory as can be: a list may have millions, and memory shall not grow with it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

_FINGERPRINT = 0xFFFFFFFF
_CHUNK_BITS = 16
_LONGEST_ARRAY = 4096
"""Numbers of a chunk that an array holds in less room than a bitmap."""
_BITMAP = 1 << (_CHUNK_BITS - 3)
_IDS_A_CHUNK = 32
"""With fewer, a chunk costs more than as many fingerprints."""
_FEW_CHUNKS = 256
_TEXTS_FROM = 1 << 63
"""Where the numbers stand that came as texts: `5` and `"5"` are two ids."""


class SeenIds:
    """Remembers ids.

    Whole numbers, also as texts, are kept exactly, in two bytes each or less where they lie close. Of others, and of
    numbers far apart, a fingerprint is kept in six bytes. Two fingerprints may look the same: among a million, about
    once in a thousand lists. Then a list is read once more than needed; and in that second reading a row would be taken
    for known, which is why incremental streams, whose rows are read only once, write all of them again.

    Args:
        expected: How many ids will come; of fingerprints, more than a third more are not remembered. None if it is not
            known: then ids are kept as they are.
    """

    def __init__(self, expected: int | None) -> None:
        """Remember none."""
        self._expected = expected or 0
        self._whole: set[Hashable] | None = set() if expected is None else None
        self._numbers: _Numbers | None = _Numbers()
        self.count = 0
        """How many ids were added, repetitions included."""
        self.repeated = False
        """Whether an id was added twice."""

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
            self.repeated |= not self._numbers.add_all(numbers)
            if self._numbers.chunks > max(_FEW_CHUNKS, self._expected // _IDS_A_CHUNK):
                self._give_up_numbers()
            return
        self._give_up_numbers()
        self.repeated |= not self._fingerprints.add_all(ids)

    def _give_up_numbers(self) -> None:
        """Keep fingerprints from now on: some ids are no numbers, or they lie too far apart."""
        if self._numbers is not None:
            self._fingerprints.add_all(_id_of(number) for number in self._numbers)
            self._numbers = None

    def __contains__(self, each: Hashable) -> bool:
        """Tell whether an id was seen."""
        if self._whole is not None:
            return each in self._whole
        if self._numbers is None:
            return each in self._fingerprints
        numbers = _numbers([each])
        return numbers is not None and numbers[0] in self._numbers

    @cached_property
    def _fingerprints(self) -> _Fingerprints:
        """The fingerprints; their room is taken when the first comes."""
        return _Fingerprints(self._expected)


class _Numbers:
    """A set of whole numbers from 0, in chunks of 65,536 as Roaring bitmaps have: sorted arrays, or bits if many."""

    def __init__(self) -> None:
        self._chunks: dict[int, array[int] | bytearray] = {}

    @property
    def chunks(self) -> int:
        """In how many chunks they are."""
        return len(self._chunks)

    def add_all(self, numbers: Sequence[int]) -> bool:
        """Add numbers; tells whether all are new."""
        chunks = self._chunks
        are_new = True
        for number in numbers:
            high, low = number >> _CHUNK_BITS, number & 0xFFFF
            chunk = chunks.get(high)
            if chunk is None:
                chunks[high] = array("H", [low])
            elif isinstance(chunk, bytearray):
                are_new &= not _has(chunk, low)
                chunk[low >> 3] |= 1 << (low & 7)
            elif low > chunk[-1]:
                chunk.append(low)
            elif chunk[place := bisect_left(chunk, low)] == low:
                are_new = False
            else:
                chunk.insert(place, low)
            if isinstance(chunk, array) and len(chunk) > _LONGEST_ARRAY:
                chunks[high] = _bitmap(chunk)
        return are_new

    def __contains__(self, number: int) -> bool:
        low = number & 0xFFFF
        chunk = self._chunks.get(number >> _CHUNK_BITS, b"")
        if isinstance(chunk, array):
            place = bisect_left(chunk, low)
            return place < len(chunk) and chunk[place] == low
        return bool(chunk) and _has(chunk, low)

    def __iter__(self) -> Iterator[int]:
        for high, chunk in self._chunks.items():
            lows = chunk if isinstance(chunk, array) else (low for low in range(_BITMAP * 8) if _has(chunk, low))
            for low in lows:
                yield high << _CHUNK_BITS | low


class _Fingerprints:
    """32 bits of a hash of each id, in a place that other bits choose; all in one piece of memory.

    Args:
        expected: How many ids will come.
    """

    def __init__(self, expected: int) -> None:
        self._size = max(16, expected * 3 // 2)
        self._table = array("I", [0]) * self._size
        self._kept = 0

    def add_all(self, ids: Iterable[Hashable]) -> bool:
        """Add ids; tells whether all look new."""
        table, most = self._table, self._size * 8 // 9
        are_new = True
        for each in ids:
            place, fingerprint = self._find(each)
            if table[place]:
                are_new = False
            elif self._kept < most:
                table[place] = fingerprint
                self._kept += 1
        return are_new

    def __contains__(self, each: Hashable) -> bool:
        return bool(self._table[self._find(each)[0]])

    def _find(self, each: Hashable) -> tuple[int, int]:
        """Give the place where an id is, or would be, and its fingerprint."""
        table, size = self._table, self._size
        mixed = hash((each,))
        fingerprint = (mixed >> 29) & _FINGERPRINT or 1
        place = mixed % size
        while (kept := table[place]) and kept != fingerprint:
            place = place + 1 if place + 1 < size else 0
        return place, fingerprint


def _numbers(ids: Sequence[Hashable]) -> Sequence[int] | None:
    """Give the numbers that stand for ids; None if one is none, or a text that writes it otherwise, as `007`."""
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


def _bitmap(chunk: array[int]) -> bytearray:
    bits = bytearray(_BITMAP)
    for low in chunk:
        bits[low >> 3] |= 1 << (low & 7)
    return bits


def _has(bits: bytearray | bytes, low: int) -> bool:
    return bool(bits[low >> 3] & 1 << (low & 7))
