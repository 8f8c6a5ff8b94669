"""How the streams of a run ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from singer_rest_core.errors import RunIncomplete

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

_MOST_REPORTED = 5
"""Records that are left out and named, for each stream."""


@dataclass
class RunResult:
    """Collects how each stream of a run ended.

    Args:
        complete: The streams that were read to their end.
        skipped: The streams that the account may not read, with the reason.
        failed: The streams that ended in an error, with the error.
        unchanged: The complete streams of which nothing was written, as the table holds the same rows.
        left_out: How many records each stream has left out, as they have no usable key.
        idle: The streams for which the settings ask for nothing; they are among the complete ones.
    """

    complete: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    idle: set[str] = field(default_factory=set)

    def leave_out(self, stream: str, records: Iterable[str], *, hint: str, logger: logging.Logger) -> None:
        """Report records that no loader could keep, the first ones by name, and count them.

        Args:
            stream: Their stream.
            records: Where each was, and what is wrong with it.
            hint: What to do about them, as a clause after a colon; may be empty.
            logger: The stream's.
        """
        for record in records:
            self.left_out[stream] += 1
            if self.left_out[stream] <= _MOST_REPORTED:
                logger.error("left out: %s%s", record, hint)
            elif self.left_out[stream] == _MOST_REPORTED + 1:
                logger.error("more records are left out; they are counted at the end of the run")

    def summary(self) -> str:
        """Return one line about how the streams ended; skipped streams with the reason."""
        parts = [f"{len(self.complete)} streams read to their end"]
        if self.unchanged:
            parts.append(f"{len(self.unchanged)} of them unchanged and not written")
        if self.skipped:
            reasons = "; ".join(f"{name} ({reason})" for name, reason in self.skipped.items())
            parts.append(f"{len(self.skipped)} skipped: {reasons}")
        if self.failed:
            parts.append(f"{len(self.failed)} failed: {', '.join(self.failed)}")
        if self.left_out:
            parts.append(f"records without a usable key left out: {self._left_out_of()}")
        return ", ".join(parts)

    def conclude(self) -> None:
        """End the run as incomplete if a stream failed, records were left out, or no stream could be read.

        Raises:
            RunIncomplete: In these cases; the line names the streams.
        """
        if self.failed:
            raise RunIncomplete(
                f"{len(self.failed)} of {len(self.complete) + len(self.skipped) + len(self.failed)} streams failed: "
                f"{', '.join(self.failed)}. The others are complete; the next run continues where these stopped",
            )
        if self.left_out:
            raise RunIncomplete(
                f"Records were left out, as they have no key that a loader can use: {self._left_out_of()}. "
                "Everything else is complete"
            )
        if self.skipped and self.idle.issuperset(self.complete):
            raise RunIncomplete("No stream could be read: the account has access to none of the selected streams")

    def _left_out_of(self) -> str:
        return ", ".join(f"{name} ({count})" for name, count in self.left_out.items())
