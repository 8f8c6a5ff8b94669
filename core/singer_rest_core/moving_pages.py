"""Whether a list that was read by page number was read whole: rows that come or go meanwhile shift the others."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

_CHUNKS = 4096
_STORED = 0xFFFFFFFF


class SeenIds:
    """Remembers ids in about four bytes each.

    It keeps 44 bits of a hash of each. Two ids may look the same: among a million, about once in 35 lists; what follows
    is only that a list is read once more than needed.
    """

    def __init__(self) -> None:
        """Remember none."""
        self._chunks: list[array[int]] = []

    def add(self, ids: Iterable[Hashable]) -> None:
        """Remember ids.

        Args:
            ids: Ids, also repeated ones.
        """
        if not self._chunks:
            self._chunks = [array("I") for _ in range(_CHUNKS)]
        for each in ids:
            mixed = _mixed(each)
            self._chunks[mixed % _CHUNKS].append((mixed // _CHUNKS) & _STORED)

    def __contains__(self, each: Hashable) -> bool:
        """Tell whether an id was seen."""
        if not self._chunks:
            return False
        mixed = _mixed(each)
        return (mixed // _CHUNKS) & _STORED in self._chunks[mixed % _CHUNKS]

    def __len__(self) -> int:
        """Count what was added, repetitions included."""
        return sum(map(len, self._chunks))

    @property
    def repeated(self) -> bool:
        """Whether an id was added twice."""
        return any(len(set(chunk)) < len(chunk) for chunk in self._chunks)


class ListCheck:
    """Follows one reading of a list by page number.

    It was read whole if the API counted the same rows on every page, as many came, and none came twice. What that
    cannot show: a row that goes and one that comes between the same two pages.
    """

    def __init__(self) -> None:
        """Begin before the first page."""
        self.seen = SeenIds()
        self._totals: set[int | None] = set()

    def page(self, ids: Iterable[Hashable], total: int | None) -> None:
        """Take note of a page.

        Args:
            ids: The ids of its rows.
            total: How many rows the list has according to this page; None if it does not say.
        """
        self.seen.add(ids)
        self._totals.add(total)

    @property
    def steady(self) -> bool:
        """Whether nothing moved while the list was read."""
        if len(self._totals) > 1 or self.seen.repeated:
            return False
        (total,) = self._totals or {0}
        return total is None or total == len(self.seen)


def _mixed(each: Hashable) -> int:
    """Hash with all bits worth using: Python's hash of a small int is the int."""
    return hash((each,)) & 0xFFFFFFFFFFFFFFF
