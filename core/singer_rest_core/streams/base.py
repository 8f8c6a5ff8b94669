"""What all streams have in common, wherever their records come from."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from contextlib import nullcontext
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from singer_rest_core.cli.log_lines import StreamNameFilter
from singer_rest_core.errors import RequestFailed
from singer_rest_core.records.conform import RESCUED_DATA, Conformer
from singer_rest_core.run import Run
from singer_rest_core.singer import bookmarks
from singer_rest_core.singer.deletes import delete_messages
from singer_rest_core.singer.sdk_stream import SdkStream
from singer_rest_core.singer.unfinished import UNFINISHED, UnfinishedRead
from singer_rest_core.singer.versions import CompleteRead, activation, next_version
from singer_rest_core.singer.write_on_change import WriteOnChange, WriteRules, forget_written
from singer_rest_core.singer.written_list import WRITTEN_SCHEMA, schema_fingerprint, written_digest

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, MutableMapping, Sequence
    from datetime import datetime

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib.catalog import Catalog, MetadataMapping

    from singer_rest_core.records.conform import Record
    from singer_rest_core.singer.result import RunResult


class BaseStream(SdkStream, ABC):
    """A stream of a `RestTap`: it knows how much to read, follows its bookmark, and conforms its records.

    A subclass says where its records come from (`write_messages`).
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are conformed by `post_process`, compiled, not by the SDK."""

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Names that are dropped from every record before anything else happens to it."""

    secret_names: ClassVar[re.Pattern[str] | None] = None
    """Found in the names of fields that are dropped, too, where the schema does not know them: there, and inside of
    values that are rescued."""

    deselected_by_default: ClassVar[frozenset[str]] = frozenset()
    """Columns that are written only where the catalog selects them."""

    left_out_hint = ""
    """What to do about records whose key cannot be used, as a clause after a colon; empty where only the API can."""

    turn = 0
    """Streams of a lower turn are read first, those of one turn by name."""

    position = 0
    """Where it stands among the selected streams of the run: requests are sent ahead in this order."""

    schema_is_open = False
    """Whether nobody knows what its records hold, so that it is no news when the schema lacks a field."""

    scope = bookmarks.Scope.EVERYTHING
    """How much this run reads of it."""

    has_read_all = True
    """Whether the read that just ended saw every row, as far as can be told. Only then does its bookmark move to the
    end."""

    covers_table = True
    """Whether the read that just ended was of all rows there are, and came to their end, though some may have slipped
    through. Only then may a loader be told of rows that are gone."""

    is_certain = True
    """Whether that is beyond doubt. If not, a loader is told only of rows that two complete reads missed."""

    repeats_rows = False
    """Whether some rows came more than once in the read that just ended: which of them a loader keeps depends on their
    order."""

    volatile_columns: ClassVar[frozenset[str]] = frozenset()
    """Columns whose values differ each time they are read though nothing has changed, such as signed URLs."""

    rows_read: int | None = None
    """How many different rows the read found that just ended; None if that is not known: then nothing is compared with
    the read before."""

    unknown_replication_key: str | None = None
    """The replication key in the catalog where that is no column, or "none" where a stream without one is to be
    incremental: what the catalog says of replication is ignored."""

    _bookmark: bookmarks.Bookmark | None = None
    _unfinished: UnfinishedRead | None = None
    """The complete read that this run continues."""

    _writing: WriteOnChange | None = None
    """Holds back what may be in the table already; None where everything is written."""

    def __init__(self, tap: Tap, **sdk_arguments: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Make the stream of a tap.

        Args:
            tap: The tap; it has a `Run`.
            sdk_arguments: What the SDK's class takes beside it.

        Raises:
            TypeError: If the tap is not made from `RestTap`.
        """
        super().__init__(tap, **sdk_arguments)
        run = getattr(tap, "run", None)
        if not isinstance(run, Run):
            msg = f"{type(self).__name__} belongs to a tap made from RestTap"
            raise TypeError(msg)
        self.start_at(run.started)
        self.run = run
        """What the streams of this run share."""
        self.logger.addFilter(StreamNameFilter(self.name))

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        declared = self.replication_key, self.forced_replication_method
        super().apply_catalog(catalog)
        entry, key = catalog.get_stream(self.name), self.replication_key
        has_one = key or self.replication_method == REPLICATION_INCREMENTAL
        if entry and has_one and key not in (entry.schema.properties or {}):
            self.unknown_replication_key = key or "none"
            self.replication_key, self.forced_replication_method = declared

    @property
    @override
    def run_result(self) -> RunResult:
        return self.run.result

    @property
    @override
    def metadata(self) -> MetadataMapping:
        metadata = super().metadata
        for name in self.deselected_by_default:
            entry = metadata["properties", name]
            if entry.selected is None and entry.selected_by_default is None:
                entry.selected_by_default = False
        return metadata

    @property
    def lookback(self) -> timedelta:
        """How much before the bookmark is read again; nothing unless a stream says otherwise."""
        return timedelta(0)

    @property
    def full_refresh_interval(self) -> timedelta | None:
        """The longest time between two complete reads of an incremental stream; None if changes never need one."""
        return None

    @property
    def read_from(self) -> str | None:
        """The replication value to read from.

        Returns:
            An inclusive bound (the bookmark less the look-back, not before `start_date`), or None to read everything.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return self._next_bound(self.bookmark_at_start)

    def _next_bound(self, bookmark: str | None) -> str | None:
        return bookmarks.lower_bound(bookmark, lookback=self.lookback, start_date=self.config.get("start_date"))

    @property
    def bookmark_at_start(self) -> str | None:
        """The bookmark this read began with; None if it reads everything."""
        return self._bookmark.start if self._bookmark else None

    def prepare(self) -> None:
        """Decide how much to read, without a trace in the state: called before the stream's turn, too."""
        self.scope = bookmarks.Scope.EVERYTHING
        self._bookmark = None
        if self.replication_method == REPLICATION_INCREMENTAL:
            state = dict(self.state_at_start)
            interval = self.full_refresh_interval
            self.scope = bookmarks.begin(state, self.replication_key, interval=interval, now=self.started)
            start = state.get(bookmarks.BOOKMARK)
            began = bookmarks.began(state, self.started)
            self._bookmark = bookmarks.Bookmark(start, ordered=self.is_sorted, began=began)
        held = UnfinishedRead.in_state(self.state_at_start)
        self._unfinished = held if self.scope is bookmarks.Scope.EVERYTHING else None

    @property
    def state_at_start(self) -> Mapping[str, Any]:
        """What the state holds of this stream, without making an entry for it."""
        held: Mapping[str, Any] = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return held

    @property
    def state_fault(self) -> str:
        """What of its state can be no bookmark, with its value; empty if the stream can be read from it."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            return ""
        return bookmarks.fault(self.state_at_start, self.replication_key)

    @override
    def read(self, context: Context | None) -> None:
        started = self.started
        self.prepare()
        if self.replication_method == REPLICATION_INCREMENTAL:
            bookmarks.begin(self.stream_state, self.replication_key, interval=self.full_refresh_interval, now=started)
        self.run.read_ahead.start_after(self.position, self.turn)
        self.logger.info("reading %s", self.scope.value)
        self.choose_table_version(self._unfinished.version if self._unfinished else self.own_version)
        self._writing = self._write_on_change()
        with self._writing or nullcontext():
            if self._writing is None:
                self.write_schema()
            else:
                self._writing.write_schema(self.schema_lines())
                self.state_manager.is_flushed = False
            self.write_messages(context)
            if self._writing is not None:
                is_list = self._bookmark is None
                self._writing.end(is_complete=self.covers_table if is_list else self.has_read_all)
            self._finish(started)
        self.write_state()

    @property
    def may_be_unchanged(self) -> bool:
        """Whether what a complete read brings can be compared with what the one before brought; no to write it."""
        return True

    def _write_on_change(self) -> WriteOnChange | None:
        """Return what holds back rows that did not change; None if the settings want all of them."""
        writer, state = self.exact_writer, self.stream_state
        is_told_records = self.ABORT_AT_RECORD_COUNT is None and self.get_batch_config(self.config) is None
        if not self.config["skip_unchanged"] or writer is None or not is_told_records:
            had_rows, had_schema = forget_written(state), state.pop(WRITTEN_SCHEMA, None) is not None
            if had_rows or had_schema:
                self.state_manager.is_flushed = False
            return None
        is_incremental = self._bookmark is not None
        rules = WriteRules(
            schema=self.table_fingerprint,
            may_be_unchanged=self.may_be_unchanged
            and self._unfinished is None
            and (self.table_version is not None or self.scope is bookmarks.Scope.CHANGES),
            since=self.read_from,
            replication_key=self.replication_key or "",
            lookback=self.lookback if is_incremental else None,
            left_out=self.volatile_columns,
            longest=timedelta(days=float(self.config["full_refresh_interval_days"])),
            now=self.started,
        )
        return WriteOnChange(state, writer, rules, send_state=self.send_state, logger=self.logger)

    @property
    def digest_before(self) -> str | None:
        """The digest of the rows that its last read was found to be equal to; None if it was not."""
        return self._writing.digest_before if self._writing is not None else None

    @property
    def digest_after(self) -> str | None:
        """The digest of the rows that the table holds since its last read; None if they are not known."""
        return written_digest(self.stream_state)

    @cached_property
    def table_fingerprint(self) -> str:
        """What changes with the SCHEMA, the stream maps or the version of the tap: then everything is written again."""
        maps = [self.config.get(name) for name in ("stream_maps", "stream_map_config")]
        return schema_fingerprint(self.schema_lines().decode(), self.tap_version, maps)

    def send_state(self) -> None:
        """Write STATE, as something was changed in it."""
        self.state_manager.is_flushed = False
        self.write_state()

    @property
    @override
    def holds_state_back(self) -> bool:
        return self._writing is not None and self._writing.is_holding

    @property
    def own_version(self) -> int:
        """The version of a complete read that begins with this run: newer than the last one, whatever clocks say."""
        return next_version(self.state_at_start, self.started_ms)

    @abstractmethod
    def write_messages(self, context: Context | None) -> None:
        """Write the records.

        Args:
            context: The partition, or None.
        """

    def _finish(self, started: datetime) -> None:
        """Keep the newest bookmark, or tell the loader which rows are gone.

        Raises:
            RequestFailed: If a list that had rows has none.
        """
        state = self.stream_state
        if state.pop(UNFINISHED, None) is not None:
            self.state_manager.is_flushed = False
        if self._bookmark is not None and self.has_read_all:
            self._keep(self._bookmark.final)
            bookmarks.complete(state, interval=self.full_refresh_interval, started=started)
            self.note_completion(state)
            if self._writing is not None:
                self._writing.note_bookmark(self._next_bound(self._bookmark.final))
            self.state_manager.is_flushed = False
        writing = self._writing
        if writing is not None and writing.is_unchanged:
            self.run.result.unchanged.append(self.name)
            self.logger.info("unchanged: nothing is written")
        if self.table_version is None or not self.covers_table:
            return
        if writing is None or not writing.deletes_are_told:
            known = writing.known_version if writing is not None else None
            self._activate(self.table_version if known is None else known)

    def _activate(self, version: int) -> None:
        """Tell the loader which rows are gone, as far as that is beyond doubt or two complete reads missed them."""
        if self.rows_read is None:
            if self.is_certain:
                self.activate_version(version)
            self._remember_written(version, version if self.is_certain else None)
            return
        rows = self.rows_read + (self._unfinished.rows if self._unfinished else 0)
        decision = activation(
            self.stream_state, CompleteRead(version, rows, self.read_began), is_certain=self.is_certain
        )
        self.state_manager.is_flushed = False
        if decision.version is not None:
            self.activate_version(decision.version)
        self._remember_written(version, decision.version)
        if decision.is_error:
            self.write_state()
            raise RequestFailed(decision.warning)
        if decision.warning:
            self.logger.warning("%s", decision.warning)

    def _remember_written(self, version: int, activated: int | None) -> None:
        """Remember what the table holds, where that is known: not what several runs have read, or rows that repeat."""
        if self._writing is not None and self._unfinished is None and not self.repeats_rows:
            self._writing.note_activated(version, activated)
            self.state_manager.is_flushed = False

    def note_completion(self, state: MutableMapping[str, Any]) -> None:
        """Keep something beside the bookmark of an incremental stream once it was read to its end.

        Args:
            state: The stream's state, to be changed in place; it is sent next.
        """

    def page_written(self) -> None:
        """Send STATE after a page whose records were all written; not with BATCH, which writes them later."""
        if self.get_batch_config(self.config) is not None:
            return
        if self._bookmark is not None:
            self._keep(self._bookmark.safe)
        self.write_state()

    @override
    def follow(self, value: str) -> None:
        if self._bookmark is not None and not self._bookmark.see(value):
            self.rows_out_of_order()
            self._keep(self._bookmark.safe)

    def rows_out_of_order(self) -> None:
        """Warn that rows do not come as they were asked for; the bookmark waits for the end from now on."""
        self.logger.warning(
            "rows do not come in the order of %s that was asked for: the bookmark moves only at the end",
            self.replication_key,
        )

    def began_at(self, moment: datetime) -> None:
        """Keep no bookmark newer than this: the read began then, by the clock of the API.

        Args:
            moment: When.
        """
        if self._bookmark is not None:
            self._bookmark.began_at(moment)

    @property
    def read_began(self) -> datetime:
        """When the read began that this run does or continues."""
        return self._unfinished.began if self._unfinished else self.started

    def expect_no_order(self) -> None:
        """Hold the bookmark back until the end of this read: the API does not sort."""
        if self._bookmark is not None:
            self._bookmark.expect_no_order()

    def _keep(self, value: str | None) -> None:
        bookmarks.keep(self.stream_state, self.replication_key, value)

    def remember(self, name: str, value: object) -> None:
        """Keep something in the stream's state beside its bookmark; it is sent with the next STATE.

        Args:
            name: Its name, none of the SDK's.
            value: Anything JSON can hold.
        """
        self.stream_state[name] = value
        self.state_manager.is_flushed = False

    def write_deletes(self, keys: Sequence[Record]) -> None:
        """Tell the loader that rows are gone, where ACTIVATE_VERSION does not: the others were not read again.

        Args:
            keys: Records of the keys alone, with `_sdc_deleted_at` where the time is known; else it is now.
        """
        if not keys:
            return
        if forget_written(self.stream_state):
            self.send_state()
        moment = self.run.clock.now()
        for stream_map in self.stream_maps:
            if not isinstance(stream_map, SameRecordTransform):
                self.logger.warning("%d deleted rows are not reported, as stream_maps change the records", len(keys))
                continue
            for message in delete_messages(stream_map, keys, moment):
                self.write_message(message)

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Make a record fit the schema; one without a key is left out."""
        record = self.conformer.conform(self.without_secrets(row))
        missing = [key for key in self.primary_keys if record.get(key) is None]
        if missing:
            self.leave_out([f"a record has no usable {' and '.join(missing)}"])
            return None
        return record

    def leave_out(self, records: Sequence[str]) -> None:
        """Report records that no loader could keep, as they have no usable key, and count them for the end of the run.

        Args:
            records: Where each was, and what is wrong with it.
        """
        self.run_result.leave_out(self.name, records, hint=self.left_out_hint, logger=self.logger)

    def without_secrets(self, row: Mapping[str, object]) -> Mapping[str, object]:
        """Drop the fields that must never leave the API.

        Args:
            row: A raw record.

        Returns:
            The record without them.
        """
        if self.secret_fields.isdisjoint(row):
            return row
        return {name: value for name, value in row.items() if name not in self.secret_fields}

    @cached_property
    def conformer(self) -> Conformer:
        """Makes records fit the schema, as it is selected."""
        return Conformer(self.effective_schema, self._report_rescued, secret_names=self.secret_names)

    def _report_rescued(self, name: str, why: str) -> None:
        kept = RESCUED_DATA in self.effective_schema["properties"] and self.mask["properties", RESCUED_DATA]
        where = f"kept in {RESCUED_DATA}" if kept else f"lost, as the catalog leaves out {RESCUED_DATA}"
        level = logging.INFO if self.schema_is_open else logging.WARNING
        self.logger.log(level, "field %s %s; its value is %s", name, why, where)
