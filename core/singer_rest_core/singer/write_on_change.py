"""Whether what a stream reads has to be written: a list that is what it was is not (setting `skip_unchanged`).

The state remembers a digest of the rows that the table holds: of all (`written_list`), or of those that an incremental
read brings again (`written_rows`). It is removed, and a STATE without it is sent, before anything else is written to
the table: a load that is killed half-way is not taken for one of the rows before. A read that has one is held back
until its end; if its digest is the same, nothing of it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from singer_rest_core.errors import OutputLost, RunInterrupted
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.timestamps import is_recent
from singer_rest_core.singer.held_lines import HeldLines
from singer_rest_core.singer.written_list import (
    WRITTEN_LIST,
    WRITTEN_ROWS,
    WRITTEN_SCHEMA,
    ContentDigest,
    RecentRows,
    WrittenList,
    WrittenRows,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType

    from singer_rest_core.singer.writer import ExactWriter


def forget_written(state: MutableMapping[str, Any]) -> bool:
    """Forget what a table holds.

    Args:
        state: The stream's state; changed in place.

    Returns:
        Whether the state said anything of it.
    """
    held = [state.pop(name, None) for name in (WRITTEN_LIST, WRITTEN_ROWS)]
    return held != [None, None]


@dataclass(frozen=True)
class WriteRules:
    """What is true of a stream in this run.

    Args:
        schema: The fingerprint of its SCHEMA.
        may_be_unchanged: Whether the rows of this read can be compared with those of the one before.
        since: The replication value that it is read from; None if it is read completely.
        replication_key: Its replication key, or an empty text.
        lookback: How much before its bookmark the next read of an incremental stream begins; None if it is none.
        left_out: Columns whose values differ each time they are read.
        longest: After this time a list is written again in any case.
        now: When the run began.
    """

    schema: str
    may_be_unchanged: bool
    since: str | None
    replication_key: str
    lookback: timedelta | None
    left_out: Collection[str]
    longest: timedelta
    now: datetime


class WriteOnChange:
    """Holds back what one read of a stream would write, where the table may hold it already.

    Used as a context, for as long as the read lasts. Whatever ends it, the state is that of what was written.

    Args:
        state: The stream's state; changed in place.
        writer: Writes the messages.
        rules: What is true of the stream.
        send_state: Sends STATE.
        logger: The stream's.
    """

    def __init__(
        self,
        state: MutableMapping[str, Any],
        writer: ExactWriter,
        rules: WriteRules,
        *,
        send_state: Callable[[], None],
        logger: logging.Logger,
    ) -> None:
        """Hold nothing back yet."""
        self._state = state
        self._writer = writer
        self._rules = rules
        self._send_state = send_state
        self._logger = logger
        self._content = ContentDigest(rules.schema, rules.left_out)
        self._schema_is_known = state.get(WRITTEN_SCHEMA) == rules.schema
        self._recent = RecentRows(rules.lookback) if rules.lookback is not None else None
        self._before: WrittenList | WrittenRows | None = None
        self._state_before = b""
        self._held: HeldLines | None = None
        self.is_unchanged = False
        """Whether the read that ended brought the rows that the table holds, so that none of them was written."""

    @property
    def is_holding(self) -> bool:
        """Whether records are held back, and with them STATE."""
        return self._held is not None

    @property
    def known_version(self) -> int | None:
        """The version that the rows in the table carry, where this read brought the same."""
        return self._before.version if self.is_unchanged and isinstance(self._before, WrittenList) else None

    @property
    def digest_before(self) -> str | None:
        """The digest of the rows in the table, where this read brought the same."""
        return self._before.digest if self.is_unchanged and self._before is not None else None

    @property
    def deletes_are_told(self) -> bool:
        """Whether the loader knows already that rows of an older version are gone."""
        return self.is_unchanged and isinstance(self._before, WrittenList) and self._before.deletes_told

    def __enter__(self) -> Self:
        """Decide whether to hold back; if not, say in STATE that the table changes from here on."""
        rules, before = self._rules, self._written_before()
        had_one = forget_written(self._state)
        self._writer.record_filter = self
        was_recent = before is not None and is_recent(before.written, rules.longest, now=rules.now)
        if rules.may_be_unchanged and self._schema_is_known and was_recent:
            self._before = before
            self._state_before = encode(self._state)
            self._held = HeldLines()
        elif had_one:
            self._send_state()
        return self

    def _written_before(self) -> WrittenList | WrittenRows | None:
        if self._rules.lookback is None:
            return WrittenList.in_state(self._state)
        rows = WrittenRows.in_state(self._state)
        return rows if rows is not None and rows.since == self._rules.since else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write what is held back where the read failed: what came of it is kept, and the next run goes on from there.

        Where nothing more can be written, the state is that of before the read.
        """
        try:
            if self._held is not None and isinstance(error, RunInterrupted | BrokenPipeError | OutputLost):
                self._give_up()
            elif self._held is not None:
                self._end(is_unchanged=not self._content.rows)
                self._send_state()
        finally:
            self._writer.record_filter = None
            self._writer.forget_deferred()

    def write_schema(self, lines: bytes) -> None:
        """Write SCHEMA, or have it wait for the first record where the loader knows it already.

        Args:
            lines: The messages.
        """
        self._writer.defer(lines)
        if not self._schema_is_known:
            self._writer.write_deferred()
            self._state[WRITTEN_SCHEMA] = self._rules.schema

    def holds(self, lines: bytes, records: Sequence[bytes], values: Sequence[object]) -> bool:
        """Return whether records that came as encoded messages are kept; see `RecordFilter`."""
        digests = self._content.add_encoded(records)
        if self._recent is not None:
            self._recent.add(values, digests)
        return self._keeps(lines)

    def holds_one(self, line: bytes, stream: str, record: Mapping[str, object]) -> bool:
        """Return whether a record is kept; see `RecordFilter`."""
        digest = self._content.add(stream, record)
        if self._recent is not None:
            self._recent.add([record.get(self._rules.replication_key)], [digest])
        return self._keeps(line)

    def _keeps(self, lines: bytes) -> bool:
        held = self._held
        if held is None or self._before is None:
            return False
        if self._content.rows > self._before.rows:
            self._release()
            return False
        try:
            held.add(lines)
        except OSError as error:
            self._logger.warning("the rows cannot be held back and are written at once: %s", error.strerror)
            self._release()
            return False
        return True

    def end(self, *, is_complete: bool) -> None:
        """Decide what becomes of what is held back, once the read came to its end.

        Args:
            is_complete: Whether the read brought every row that it was to bring.
        """
        if self._held is not None and self._before is not None:
            is_same = self._content.is_of(self._before) if is_complete else not self._content.rows
            self._end(is_unchanged=is_same)

    def note_activated(self, version: int, activated: int | None) -> None:
        """Keep in the state what the table holds now; after the ACTIVATE_VERSION, if there is one.

        Args:
            version: The version that the rows of the read carry, all of which were written.
            activated: The version that was activated; None if none was.
        """
        if self.is_unchanged and isinstance(self._before, WrittenList):
            if activated == version:
                self._state[WRITTEN_LIST] = replace(self._before, deletes_told=True).as_state()
            return
        content, now = self._content, self._rules.now
        written = WrittenList(content.hexdigest(), content.rows, version, now, deletes_told=activated == version)
        self._state[WRITTEN_LIST] = written.as_state()

    def note_bookmark(self, next_bound: str | None) -> None:
        """Keep in the state what the next read of an incremental stream brings again; only after a complete read.

        Args:
            next_bound: The replication value that it will read from.
        """
        written = self._before.written if self.is_unchanged and self._before is not None else self._rules.now
        rows = self._recent.since(next_bound, written=written) if self._recent and next_bound else None
        if rows is None:
            self._state.pop(WRITTEN_ROWS, None)
        else:
            self._state[WRITTEN_ROWS] = rows.as_state()

    def _end(self, *, is_unchanged: bool) -> None:
        if not is_unchanged or self._before is None:
            self._release()
            return
        self.is_unchanged = True
        self._state[WRITTEN_LIST if isinstance(self._before, WrittenList) else WRITTEN_ROWS] = self._before.as_state()
        self._drop()

    def _release(self) -> None:
        """Write what is held back, after a STATE that says that the table changes."""
        held = self._held
        if held is None:
            return
        state_now = encode(self._state)
        try:
            self._set_state(self._state_before)
            self._held = None
            self._send_state()
            for piece in held.pieces():
                self._writer.write_records(piece, piece.count(b"\n"))
        except BaseException:
            self._set_state(self._state_before)
            raise
        else:
            self._set_state(state_now)
        finally:
            held.close()

    def _give_up(self) -> None:
        self._set_state(self._state_before)
        self._drop()

    def _drop(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    def _set_state(self, encoded: bytes) -> None:
        self._state.clear()
        self._state.update(decode(encoded))
