"""Lists that would hold up the end of the run if their pages waited behind those of others: its critical path.

A list that is read by cursor takes as long as its pages take one after the other, or those of its windows, however many
requests may be under way. Where the rate limits make requests wait, such a list has to go first once it needs as long
as all that is left.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED, ExpectedRequests

if TYPE_CHECKING:
    from collections.abc import Iterable

_AHEAD_OF_NEED = 1.3
"""How much longer a list is taken to need than its pages do."""
_LONGEST_WINDOW = 3
"""How many times the pages of an average window the longest may have: windows are of equal time, not of equal rows."""
_WEIGHT_OF_NEWEST = 0.1


class LimitsWithRoom(Protocol):
    """Rate limits, as far as they have to be known here."""

    def wait_needed(self, group: str = "", *, requests: int = 1) -> float:
        """Return in how many seconds that many more requests may have been sent."""
        ...

    def leave_room(self, expected: ExpectedRequests, *, exempt_waiting: bool = False) -> None:
        """Let other requests be sent only where those that are expected will not have to wait."""
        ...


class ReservingPool(Protocol):
    """A pool of workers that can keep some of them for critical requests."""

    workers: int

    def reserve(self, workers: int) -> None:
        """Keep so many workers for critical requests."""
        ...

    def reorder(self) -> None:
        """Ask again which of the requests that wait are critical."""
        ...


@dataclass
class _Progress:
    """How far the read of a list is.

    Args:
        side_by_side: How many of its pages can be requested at a time; 0 for any number.
        rows: How many rows came.
        page_size: The rows of the largest page.
        total: How many rows the list has; None if that is not known.
        page_came: Whether a page came at all.
    """

    side_by_side: int = 0
    rows: int = 0
    page_size: int = 1
    total: int | None = None
    page_came: bool = False

    @property
    def pages_left(self) -> int:
        """How many pages are left, as far as is known: one at least, as the list has not ended."""
        return 1 if self.total is None else max(1, -(-(self.total - self.rows) // self.page_size))

    @property
    def pages_in_a_row(self) -> int:
        """How many of them may have to be requested one after the other; 0 if none has."""
        if not self.side_by_side:
            return 0
        return min(self.pages_left, -(-self.pages_left * _LONGEST_WINDOW // self.side_by_side))


class CriticalLists:
    """Follows the lists of a run. Safe to share between threads.

    Args:
        limits: The rate limits.
        pool: Sends the requests; None if one is sent after the other: then no list is critical.
    """

    def __init__(self, limits: LimitsWithRoom, pool: ReservingPool | None) -> None:
        """Know of no list yet."""
        self._limits = limits
        self._pool = pool
        self._lock = threading.Lock()
        self._lists: dict[str, _Progress] = {}
        self._seconds = 0.0
        """What a page takes without waiting for the rate limits, on average."""
        self._critical: frozenset[str] = frozenset()
        self._reserved = 0

    def expect(self, lists: Iterable[str]) -> None:
        """Take lists into account that are read later.

        Args:
            lists: Their names.
        """
        with self._lock:
            self._lists |= {name: _Progress() for name in lists}

    def page_came(self, name: str, *, rows: int, total: int | None, side_by_side: int, seconds: float) -> None:
        """Note a page of a list.

        Args:
            name: The list's name.
            rows: How many rows the page has.
            total: How many rows the list has; None if that is not known.
            side_by_side: How many of its pages can be requested at a time; 0 for any number.
            seconds: What the page took, without waiting for the rate limits.
        """
        if self._pool is None:
            return
        with self._lock:
            progress = self._lists.setdefault(name, _Progress())
            progress.rows += rows
            progress.page_size = max(progress.page_size, rows)
            progress.total = total
            progress.side_by_side = side_by_side
            progress.page_came = True
            self._seconds += (seconds - self._seconds) * (_WEIGHT_OF_NEWEST if self._seconds else 1)
            self._choose(self._pool)

    def ended(self, name: str) -> None:
        """Note that the read of a list ended, in whatever way.

        Args:
            name: The list's name.
        """
        if self._pool is None:
            return
        with self._lock:
            if self._lists.pop(name, None) is not None:
                self._choose(self._pool)

    def is_unknown(self, name: str) -> bool:
        """Whether nothing is known of a list yet that is read in this run: its first requests say how long it is.

        Args:
            name: The list's name.
        """
        progress = self._lists.get(name)
        return progress is not None and not progress.page_came

    def is_critical(self, name: str) -> bool:
        """Whether the pages of a list go first.

        Args:
            name: The list's name.
        """
        return name in self._critical

    def _choose(self, pool: ReservingPool) -> None:
        """Choose the critical lists, and let the others leave them room in the rate limits."""
        requests = sum(each.pages_left for each in self._lists.values())
        seconds = self._limits.wait_needed(requests=max(1, requests))
        critical = frozenset(
            name
            for name, each in self._lists.items()
            if each.side_by_side and seconds > 0 and each.pages_in_a_row * self._seconds * _AHEAD_OF_NEED >= seconds
        )
        were_critical, self._critical = self._critical, critical
        at_once = sum(self._lists[name].side_by_side for name in critical)
        workers = min(at_once, pool.workers // 2)
        if critical:
            pages = sum(self._lists[name].pages_left for name in critical)
            # Those that wait for the limits now hold the workers which are to be kept: they go on.
            expected = ExpectedRequests(pages, self._seconds / at_once, at_once)
            self._limits.leave_room(expected, exempt_waiting=workers > self._reserved)
        elif were_critical:
            self._limits.leave_room(NOTHING_EXPECTED)
        if critical != were_critical:
            pool.reorder()
        self._reserved = workers
        pool.reserve(workers)
