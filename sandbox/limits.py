"""Request windows: so many requests in so many seconds, counted per token or per organization."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock

Scope = Literal["token", "organization"]


@dataclass(frozen=True)
class Window:
    """A limit of `limit` requests per `period` seconds."""

    scope: Scope
    limit: int
    period: int


@dataclass(frozen=True)
class Exceeded:
    """A window that is used up, and the whole seconds until it resets."""

    window: Window
    reset_after: int


class RequestWindows:
    """Fixed windows: each opens with the first request after the one before has closed.

    Whether the vendors' windows are fixed or sliding is not documented; "seconds until the window resets" reads as
    fixed.
    """

    def __init__(self, clock: Clock, windows: Sequence[Window]) -> None:
        """Count by `clock`; `windows` are the API's own."""
        self._clock = clock
        self._documented = tuple(windows)
        self.windows: tuple[Window, ...] = self._documented
        self._open: dict[tuple[Window, str], tuple[float, int]] = {}

    def replace(self, windows: Sequence[Window]) -> None:
        """Count by other windows from now on; by none if `windows` is empty."""
        self.windows = tuple(windows)
        self._open.clear()

    def reset(self) -> None:
        """Back to the documented windows, all unused."""
        self.replace(self._documented)

    def take(self, keys: Mapping[Scope, str]) -> Exceeded | None:
        """Count one request of a token and an organization, unless a window is used up: refused ones do not count."""
        now = self._clock.monotonic()
        counts: dict[tuple[Window, str], tuple[float, int]] = {}
        for window in self.windows:
            place = (window, keys[window.scope])
            since, count = self._open.get(place, (now, 0))
            if now >= since + window.period:
                since, count = now, 0
            if count >= window.limit:
                return Exceeded(window, max(1, math.ceil(since + window.period - now)))
            counts[place] = (since, count + 1)
        self._open.update(counts)
        return None
