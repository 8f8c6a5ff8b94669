"""Where an incremental stream starts, and which bookmark it may keep; pure functions of the stream's piece of state.

Beside the SDK's `replication_key` and `replication_key_value`, a stream that is read completely now and then keeps
`full_refreshed_at` (the start of the last complete read, UTC). While a complete read is under way, the state has
`full_read_cut_short` (when it began, UTC).
"""

from __future__ import annotations

from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING, Any

from singer_rest_core.errors import RunEnded
from singer_rest_core.records.timestamps import earlier, instant, is_date
from singer_rest_core.singer.given_state import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from datetime import datetime, timedelta

    from typing_extensions import TypeIs

State = dict[str, Any]

BOOKMARK = "replication_key_value"
BOOKMARK_KEY = "replication_key"
FULL_REFRESHED_AT = "full_refreshed_at"
CUT_SHORT = "full_read_cut_short"


class Scope(Enum):
    """How much of a stream a run reads."""

    CHANGES = "what changed since the last run"
    """From the bookmark on."""

    EVERYTHING = "everything"
    """Every row, as on the first run."""


def keep(state: MutableMapping[str, Any], replication_key: str | None, value: str | None) -> None:
    """Keep a bookmark in the state.

    Args:
        state: The stream's state; changed in place.
        replication_key: The stream's key.
        value: The bookmark; None to keep none.
    """
    if value is None:
        state.pop(BOOKMARK, None)
        state.pop(BOOKMARK_KEY, None)
    else:
        state[BOOKMARK_KEY] = replication_key
        state[BOOKMARK] = value


def begin(
    state: MutableMapping[str, Any],
    replication_key: str | None,
    *,
    interval: timedelta | None,
    now: datetime,
) -> Scope:
    """Decide how much to read and keep that in the state, so that a run that is cut short loses nothing.

    A complete read that was cut short is continued, in as many runs as it takes: at its bookmark where it has one, else
    where `unfinished_read` says. It began when its first part did.

    Args:
        state: The stream's state; changed in place.
        replication_key: The stream's key; a bookmark of another key is dropped.
        interval: The longest time between two complete reads; None if changes never need one. It counts from now
            where the state has only a bookmark, or a complete read in the future.
        now: The start of the run.

    Returns:
        How much to read.

    Raises:
        RunEnded: If the state holds something other than a timestamp.
    """
    if state.get(BOOKMARK_KEY) != replication_key:
        state.pop(BOOKMARK, None)
        state.pop(BOOKMARK_KEY, None)
    cut_short = state.get(CUT_SHORT)
    # Version 0.1 did not say when the read began, and its bookmark passed rows without a replication value: they are
    # found by reading everything anew.
    continued = _is_instant(cut_short)
    if state.get(BOOKMARK) and (continued or not cut_short):
        if continued or interval is None:
            return Scope.CHANGES
        refreshed = state.get(FULL_REFRESHED_AT)
        # One in the future would put the complete read off for as long: then the time counts from now.
        if not refreshed or _instant_in_state(refreshed) > now:
            refreshed = _text(now)
        state[FULL_REFRESHED_AT] = refreshed
        if now - _instant_in_state(refreshed) < interval:
            return Scope.CHANGES
    state.pop(BOOKMARK, None)
    state.pop(BOOKMARK_KEY, None)
    state.pop(FULL_REFRESHED_AT, None)
    if not continued:
        state[CUT_SHORT] = _text(now)
    return Scope.EVERYTHING


def fault(state: Mapping[str, Any], replication_key: str | None) -> str:
    """Return what is no timestamp where `begin` needs one.

    Args:
        state: The stream's state.
        replication_key: The stream's key; a bookmark of another key is not used.

    Returns:
        A name and its value; empty if there is nothing wrong.
    """
    used = [FULL_REFRESHED_AT]
    if state.get(BOOKMARK_KEY) == replication_key:
        used.insert(0, BOOKMARK)
    # Null and an empty text stand for no bookmark.
    held = {name: state.get(name) for name in used}
    wrong = [name for name, value in held.items() if value is not None and value != "" and not _is_instant(value)]
    return f"{wrong[0]} {shown(held[wrong[0]])}" if wrong else ""


def began(state: Mapping[str, Any], started: datetime) -> datetime:
    """Return when the read began: where it is a complete one in several parts, with its first part.

    Args:
        state: The stream's state.
        started: The start of the run.

    Returns:
        An instant.
    """
    held = state.get(CUT_SHORT)
    return min(started, instant(held)) if _is_instant(held) else started


def complete(state: MutableMapping[str, Any], *, interval: timedelta | None, started: datetime) -> None:
    """Keep in the state that the stream was read to its end.

    Args:
        state: The stream's state; changed in place.
        interval: As in `begin`.
        started: The start of the run.
    """
    whole_since = began(state, started)
    if state.pop(CUT_SHORT, None) and interval is not None:
        state[FULL_REFRESHED_AT] = _text(whole_since)


def lower_bound(bookmark: str | None, *, lookback: timedelta, start_date: str | None) -> str | None:
    """Return the replication value to read from.

    Args:
        bookmark: The stream's bookmark, or None.
        lookback: How much before the bookmark is read again.
        start_date: The user's setting; nothing before it is read.

    Returns:
        An inclusive bound as text, or None to read from the beginning.

    Raises:
        RunEnded: If the bookmark is no timestamp.
    """
    if not bookmark:
        return start_date
    _instant_in_state(bookmark)
    bound = earlier(bookmark, lookback)
    if start_date and instant(start_date) > instant(bound):
        return start_date
    return bound


class Bookmark:
    """Follows the replication values of one read, and knows which one may be kept.

    Args:
        start: The bookmark the read began with, or None.
        ordered: Whether the API was asked for ascending order: then every value read so far may be kept; otherwise
            none before the end.
        began: When the read began; nothing newer is kept. A row that was read may change, unnoticed, before a newer row
            is read: anywhere in a list without order, within the same second in an ordered one.

    Raises:
        RunEnded: If the start is no timestamp.
    """

    def __init__(self, start: str | None, *, ordered: bool, began: datetime) -> None:
        """Start with the bookmark of the run before."""
        self.start = start
        self._newest = start
        self._newest_instant = _instant_in_state(start) if start else None
        self._began = began
        self._last: datetime | None = None
        self._ordered = ordered

    def see(self, value: str) -> bool:
        """Follow a record that was written.

        Args:
            value: Its replication value.

        Returns:
            False if it came out of order (the first time; from then on the bookmark waits for the end).
        """
        moment = instant(value)
        in_order = self._last is None or moment >= self._last
        self._last = moment
        if self._newest_instant is None or moment > self._newest_instant:
            self._newest, self._newest_instant = value, moment
        if self._ordered and not in_order:
            self._ordered = False
            return False
        return True

    def began_at(self, moment: datetime) -> None:
        """Set that the read began earlier.

        Args:
            moment: When, by the clock of the API, which the replication values are from and which may be behind ours.
        """
        self._began = min(self._began, moment)

    def expect_no_order(self) -> None:
        """Keep no value before the end."""
        self._ordered = False

    @property
    def safe(self) -> str | None:
        """The value that may be kept if the read ends here."""
        return self._kept if self._ordered else self.start

    @property
    def final(self) -> str | None:
        """The value that may be kept once everything was read."""
        return self._kept

    @property
    def _kept(self) -> str | None:
        if self._newest is None or self._newest == self.start or instant(self._newest) <= self._began:
            return self._newest
        if self.start and instant(self.start) > self._began:
            return self.start
        began = _text(self._began)
        return began[:10] if is_date(self._newest) else began


def _text(moment: datetime) -> str:
    """Return an instant in UTC as text, rounded down to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _is_instant(held: object) -> TypeIs[str]:
    """Return whether the state holds an instant here."""
    if not isinstance(held, str):
        return False
    try:
        instant(held)
    except ValueError:
        return False
    return True


def _instant_in_state(text: object) -> datetime:
    try:
        return instant(str(text))
    except ValueError as error:
        line = f"The state holds a bookmark that is not a timestamp ({error}). Fix it or clear the state."
        raise RunEnded(line) from error
