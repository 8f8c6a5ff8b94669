"""Request limits: a number of requests per period, counted per token or by another key of a system."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock


@dataclass(frozen=True)
class Window:
    """A limit of `limit` requests per `period` seconds.

    Attributes:
        scope: What it counts by: a name for which its system provides a key with each request.
        limit: Requests in `period`.
        period: Seconds.
        burst: 0 for a fixed window; otherwise the capacity of a token bucket that is full at first and is refilled
            evenly by `limit` per `period`.
    """

    scope: str
    limit: int
    period: float
    burst: int = 0


@dataclass(frozen=True)
class Exceeded:
    """A window that is used up, and the whole seconds until it accepts a request again."""

    window: Window
    reset_after: int


@dataclass(frozen=True)
class WindowStatus:
    """How much of a window is used.

    Attributes:
        window: The window.
        remaining: Requests that it still accepts.
        reset_after: Seconds until a fixed window resets, or until a bucket accepts one more request.
    """

    window: Window
    remaining: int
    reset_after: float


class RequestWindows:
    """A system's windows. A fixed window opens with the first request after the previous one has closed.

    Whether the vendors' windows are fixed or sliding is not documented; "seconds until the window resets" suggests
    fixed ones.
    """

    def __init__(self, clock: Clock, windows: Sequence[Window]) -> None:
        """Count by `clock`; `windows` are the documented ones."""
        self._clock = clock
        self._documented = tuple(windows)
        self.windows: tuple[Window, ...] = self._documented
        # Of a fixed window: when it opened, and how many requests it still accepts. Of a bucket: its level at a time.
        self._left: dict[tuple[Window, str], tuple[float, float]] = {}

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of the system's documented windows."""
        return tuple(dict.fromkeys(window.scope for window in self._documented))

    def replace(self, windows: Sequence[Window]) -> None:
        """Replace the windows; an empty list removes all limits."""
        self.windows = tuple(windows)
        self._left.clear()

    def reset(self) -> None:
        """Restore the documented windows, unused."""
        self.replace(self._documented)

    def take(self, keys: Mapping[str, str], arrived: float | None = None) -> Exceeded | None:
        """Count one request, unless a window is used up: refused requests do not count.

        Args:
            keys: What to count by, for each scope, e.g. a token and an organization. Windows of other scopes do not
                count it.
            arrived: When the request came, by the clock's `monotonic`, however long its answer takes; now if None.
        """
        now = self._clock.monotonic() if arrived is None else arrived
        statuses = [(window, *self._current(window, keys[window.scope], now)) for window in self._counting(keys)]
        for window, since, left in statuses:
            if left < 1:
                return Exceeded(window, max(1, math.ceil(_reset_after(window, since, left, now))))
        for window, since, left in statuses:
            self._left[window, keys[window.scope]] = (since, left - 1)
        return None

    def statuses(self, keys: Mapping[str, str]) -> list[WindowStatus]:
        """Return the status of the windows for `keys`, the tightest first, without counting a request."""
        now = self._clock.monotonic()
        states = [(window, *self._current(window, keys[window.scope], now)) for window in self._counting(keys)]
        statuses = [
            WindowStatus(window, int(left), _reset_after(window, since, left, now)) for window, since, left in states
        ]
        return sorted(statuses, key=lambda status: status.remaining)

    def headers(self, keys: Mapping[str, str]) -> dict[str, str]:
        """Return X-RateLimit-Limit, -Remaining and -Reset (Unix seconds) of the tightest window, if there is one."""
        statuses = self.statuses(keys)
        if not statuses:
            return {}
        tightest = statuses[0]
        return {
            "X-RateLimit-Limit": str(tightest.window.limit),
            "X-RateLimit-Remaining": str(tightest.remaining),
            "X-RateLimit-Reset": str(math.ceil(self._clock.wall() + tightest.reset_after)),
        }

    def _counting(self, keys: Mapping[str, str]) -> list[Window]:
        return [window for window in self.windows if window.scope in keys]

    def _current(self, window: Window, key: str, now: float) -> tuple[float, float]:
        """Return the window's entry in `_left` as of now."""
        since, left = self._left.get((window, key), (now, window.burst or window.limit))
        if window.burst:
            # A slow answer may be made after that of a request which came later.
            latest = max(now, since)
            return latest, min(window.burst, left + (latest - since) * window.limit / window.period)
        return (now, window.limit) if now >= since + window.period else (since, left)


def _reset_after(window: Window, since: float, left: float, now: float) -> float:
    if not window.burst:
        return since + window.period - now
    return (math.floor(left) + 1 - left) * window.period / window.limit if left < window.burst else 0.0
