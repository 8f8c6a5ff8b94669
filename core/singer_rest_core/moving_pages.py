"""Whether a list that was read by page number was read whole: rows that come or go meanwhile shift the others."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_FINGERPRINT = 0xFFFFFFFF


class SeenIds:
    """Remembers ids in six bytes each, in one piece of memory.

    It keeps 32 bits of a hash of each, in a place that other bits choose. Two ids may look the same: among a million,
    about once in a thousand lists. Then a list is read once more than needed; and in that second reading a row would be
    taken for known, which is why incremental streams, whose rows are read only once, write all of them again.

    Args:
        expected: How many ids will come; more than a third more are not remembered. None if it is not known: then they
            are kept whole.
    """

    def __init__(self, expected: int | None) -> None:
        """Remember none."""
        self._whole: set[Hashable] | None = set() if expected is None else None
        self._size = max(16, (expected or 0) * 3 // 2)
        self._table = array("I", [0]) * self._size
        self._kept = 0
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
        table, size = self._table, self._size
        for each in ids:
            mixed = hash((each,))
            fingerprint = (mixed >> 29) & _FINGERPRINT or 1
            place = mixed % size
            while (kept := table[place]) and kept != fingerprint:
                place = place + 1 if place + 1 < size else 0
            if kept:
                self.repeated = True
            elif self._kept < size * 8 // 9:
                table[place] = fingerprint
                self._kept += 1

    def __contains__(self, each: Hashable) -> bool:
        """Tell whether an id was seen."""
        if self._whole is not None:
            return each in self._whole
        mixed = hash((each,))
        fingerprint = (mixed >> 29) & _FINGERPRINT or 1
        place = mixed % self._size
        while (kept := self._table[place]) and kept != fingerprint:
            place = place + 1 if place + 1 < self._size else 0
        return bool(kept)


class ListCheck:
    """Follows one reading of a list by page number.

    It was read whole if the API counted the same rows on every page, as many came, and none came twice. What that
    cannot show: a row that goes and one that comes between the same two pages.
    """

    def __init__(self) -> None:
        """Begin before the first page."""
        self.seen = SeenIds(None)
        self._totals: set[int | None] = set()

    def page(self, ids: Sequence[Hashable], total: int | None) -> None:
        """Take note of a page.

        Args:
            ids: The ids of its rows.
            total: How many rows the list has according to this page; None if it does not say.
        """
        if not self._totals and total is not None:
            self.seen = SeenIds(max(total, len(ids)))  # all in one piece, before the pages break the memory up
        self._totals.add(total)
        self.seen.add(ids)

    @property
    def moved(self) -> bool:
        """Whether something moved while the pages so far were read."""
        return len(self._totals) > 1 or self.seen.repeated

    @property
    def steady(self) -> bool:
        """Whether nothing moved while the list was read, and all of it came."""
        if self.moved:
            return False
        (total,) = self._totals or {0}
        return total is None or total == self.seen.count
