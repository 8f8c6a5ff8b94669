"""What failed in this run and in earlier ones, how often, and when it is tried again.

An export or document that fails does not end a stream. It is kept in the state and requested again in a later run,
after everything else: three times at most where it costs, and less and less often where it does not.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_rest_core import RequestFailed
    from tap_invoicetronic.documents.invoice_list import Direction

MAX_PAID = 3
"""How often a request is paid for whose response does not arrive."""
_IN_EVERY_RUN = 3
"""So many failures that cost nothing are no reason yet to request something less often."""
_LONGEST_PAUSE = timedelta(days=30)
_ARCHIVE_PAUSE = timedelta(days=7)
"""An archive that is stored does not change by itself."""
_MAX_NAMES = 5

_FAILURES, _PAID, _AGAIN_AFTER = "failures", "paid", "again_after"

POSTPONED = "postponed"
"""The key of documents in the state of a list, each with its failures by the invoice's id."""
FAILED_EXPORTS = "failed_exports"
FAILED_ARCHIVES = "failed_archives"
"""The keys of exports in the state of a stream: those that were requested in vain, and those that cannot be read."""


def document_key(direction: Direction, invoice_id: int | str) -> str:
    """Return what identifies a document among all that can fail.

    Args:
        direction: The list of its invoice.
        invoice_id: The id of its invoice.
    """
    return f"{direction}/{invoice_id}"


def export_key(export: str) -> str:
    """Return what identifies the request for an export.

    Args:
        export: The key of the export.
    """
    return f"export/{export}"


def archive_key(export: str) -> str:
    """Return what identifies the stored archive of an export.

    Args:
        export: The key of the export.
    """
    return f"archive/{export}"


def first_names(names: Iterable[str]) -> str:
    """Return the first of some names, sorted, for a message.

    Args:
        names: The names.
    """
    ordered = sorted(names)
    return ", ".join([*ordered[:_MAX_NAMES], *(["…"] if len(ordered) > _MAX_NAMES else [])])


class Failure(NamedTuple):
    """How often something has failed, over all runs.

    Args:
        times: The number of failures.
        paid: How many of them were charged, or may have been.
        again_after: When it may be tried again; None if in the next run.
    """

    times: int = 0
    paid: int = 0
    again_after: datetime | None = None

    @property
    def is_given_up(self) -> bool:
        """Whether it was paid for so often that it is not requested again."""
        return self.paid >= MAX_PAID

    def is_due(self, now: datetime) -> bool:
        """Return whether it may be tried now.

        Args:
            now: The start of the run.
        """
        return not self.is_given_up and (self.again_after is None or self.again_after <= now)

    def as_state(self) -> dict[str, Any]:
        """Return what the state holds of it."""
        state: dict[str, Any] = {_FAILURES: self.times}
        if self.paid:
            state[_PAID] = self.paid
        if self.again_after is not None:
            state[_AGAIN_AFTER] = self.again_after.isoformat(timespec="seconds")
        return state

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Failure:
        """Return a failure from what the state holds of it.

        Args:
            state: What `as_state` returned; an `again_after` that is not a timestamp is left out.
        """
        try:
            again_after = datetime.fromisoformat(state[_AGAIN_AFTER]) if state.get(_AGAIN_AFTER) else None
        except ValueError:
            again_after = None
        if again_after is not None and again_after.tzinfo is None:
            again_after = None
        return cls(int(state.get(_FAILURES, 0)), int(state.get(_PAID, 0)), again_after)


class Failures:
    """The failures of all streams of documents, of earlier runs and of this one.

    Args:
        states: What the state holds of each stream of documents, also of those that are not selected: a document that
            was paid for in vain for one stream was so for all.
        environment: The folder of the store that documents are in.
        now: The start of the run.
    """

    def __init__(self, states: Iterable[Mapping[str, Any]], *, environment: str, now: datetime) -> None:
        """Start with the failures of earlier runs."""
        self._environment = environment
        self._now = now
        self._known: dict[str, Failure] = {}
        self.in_this_run: dict[str, RequestFailed | None] = {}
        """What failed in this run is not tried again in it; None where that is not an error."""
        self._left_out: dict[bool, set[str]] = defaultdict(set)
        for state in states:
            for direction in ("send", "receive"):
                for invoice_id, entry in state.get(direction, {}).get(POSTPONED, {}).items():
                    self._merge(document_key(direction, invoice_id), entry)
            for name, key_of in ((FAILED_EXPORTS, export_key), (FAILED_ARCHIVES, archive_key)):
                for export, entry in state.get(name, {}).items():
                    self._merge(key_of(export), entry)

    def get(self, key: str) -> Failure | None:
        """Return how often something has failed.

        Args:
            key: What it is.

        Returns:
            Its failures; None if there are none.
        """
        return self._known.get(key)

    def may_try(self, key: str) -> bool:
        """Return whether something may be tried in this run; what may not is counted.

        Args:
            key: What it is.
        """
        failure = self._known.get(key)
        if failure is None or failure.is_due(self._now):
            return True
        self._left_out[failure.is_given_up].add(key)
        return False

    def add_request(self, key: str, *, is_paid: bool) -> Failure:
        """Count a request that failed.

        Args:
            key: What was requested.
            is_paid: Whether it was charged, or may have been.

        Returns:
            Its failures, this one included.
        """
        before = self._known.get(key, Failure())
        count = before.times + 1
        pause = timedelta(days=2 ** min(count - _IN_EVERY_RUN, 5)) if count >= _IN_EVERY_RUN else None
        return self._set(key, Failure(count, before.paid + is_paid, self._after(pause)))

    def add_archive(self, key: str) -> Failure:
        """Count an archive that cannot be read.

        Args:
            key: The archive.

        Returns:
            Its failures, this one included.
        """
        count = self._known.get(key, Failure()).times + 1
        return self._set(key, Failure(count, 0, self._after(_ARCHIVE_PAUSE * 2 ** min(count - 1, 5))))

    def remove(self, key: str) -> None:
        """Forget the failures of something that has arrived.

        Args:
            key: What it is.
        """
        self._known.pop(key, None)

    def lines_about_left_out(self) -> list[str]:
        """Return what failed in earlier runs and was not tried in this one, and what the user can do about it."""
        lines = []
        if given_up := self._left_out[True]:
            lines.append(
                f"{self._counted(given_up)} were paid for {MAX_PAID} times and did not arrive: they are not requested "
                "again. Download them from Invoicetronic and store them below documents_url under these names, with "
                ".xml, .xml.p7m or .zip"
            )
        if waiting := self._left_out[False]:
            lines.append(
                f"{self._counted(waiting)} failed in earlier runs: they are tried again in a later run, not in this one"
            )
        return lines

    def _counted(self, keys: set[str]) -> str:
        """Return how many documents and exports there are, and the first names."""
        names = {f"{self._environment}/{key.replace('archive/', 'export/').lower()}" for key in keys}
        return f"{len(names)} documents or exports ({first_names(names)})"

    def _set(self, key: str, failure: Failure) -> Failure:
        self._known[key] = failure
        return failure

    def _after(self, pause: timedelta | None) -> datetime | None:
        return None if pause is None else self._now + min(pause, _LONGEST_PAUSE)

    def _merge(self, key: str, entry: Mapping[str, Any]) -> None:
        failure, known = Failure.of_state(entry), self._known.get(key, Failure())
        moments = [each for each in (failure.again_after, known.again_after) if each is not None]
        if failure.times or known.times:
            self._known[key] = Failure(
                max(failure.times, known.times), max(failure.paid, known.paid), max(moments, default=None)
            )
