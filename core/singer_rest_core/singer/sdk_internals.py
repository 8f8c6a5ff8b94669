"""The private and final names of singer-sdk that had to be overridden, all in this module, each with its reason.

`PINNED` lists them; a test asks the installed SDK for every one. The dependency is pinned to `~=0.54.9`.
"""

from __future__ import annotations

import signal
from abc import abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError, SyncLifecycleSignal
from singer_sdk.helpers._state import StateWriter
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.plugin_base import PluginBase
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from singer_sdk.singerlib.encoding.simple import StateMessage
from singer_sdk.streams.core import Stream

from singer_rest_core.cli.settings import faults, unknown_settings, with_defaults
from singer_rest_core.errors import RunEnded, RunInterrupted, StreamUnavailable
from singer_rest_core.records.exact_json import encode
from singer_rest_core.singer import bookmarks
from singer_rest_core.singer.result import RunResult
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from datetime import timedelta
    from types import FrameType

    from singer_sdk.helpers.types import Context, Record, TapState
    from singer_sdk.singerlib.encoding.base import GenericSingerWriter

    from singer_rest_core.records.fast.codec import EncodedPage, PageCodec

PINNED: dict[type, tuple[str, ...]] = {
    Stream: (
        "sync",
        "_increment_stream_state",
        "_initialized_at",
        "_stream_version",
        "_sync_batches",
        "_sync_records",
        "_tap",
        "_write_activate_version_message",
        "_write_schema_message",
        "_write_starting_replication_value",
        "_write_state_message",
    ),
    Tap: ("sync_all", "run_sync_dry_run", "_handle_termination", "_state_writer"),
    StateWriter: ("write_state",),
    PluginBase: ("_validate_config", "_config", "_env_var_prefix"),
}
"""Names of the SDK that this module relies on though they are private or final, by class."""


class IndependentStream(Stream):
    """A stream whose end is its own: it is read, skipped or failed, and the others go on.

    Replaces the SDK's `sync`, which ends the run with the first error, logs expected ends as unhandled errors, and
    announces a new table version before it is known to be whole; and its bookmarks, which compare timestamps as text.
    """

    scope = bookmarks.Scope.EVERYTHING
    """How much this run reads of it."""

    _bookmark: bookmarks.Bookmark | None = None
    _state_after_pages = True

    def sync(self, context: Context | None = None) -> None:  # type: ignore[misc] # final in the SDK, see above
        """Read this stream; how it ends is kept in the tap's outcome.

        Args:
            context: The partition, or None.

        Raises:
            RunEnded: If what is wrong is true of the whole run.
        """
        result = self._rest_tap.result
        try:
            self._read(context)
        except SyncLifecycleSignal:
            result.complete.append(self.name)
            raise
        except (RunEnded, BrokenPipeError):
            raise
        except StreamUnavailable as reason:
            result.skipped[self.name] = str(reason)
            self.logger.warning("skipped: %s", reason)
        except SingerSDKError as error:
            result.failed[self.name] = str(error)
            self.logger.error("failed: %s", error)  # noqa: TRY400 - one line; see next
            self.logger.debug("where it failed", exc_info=True)
        except Exception as fault:
            result.failed[self.name] = str(fault)
            self.logger.exception("failed, and the tap is at fault: please report this")
        else:
            result.complete.append(self.name)

    def _read(self, context: Context | None) -> None:
        started = self._started
        self.prepare()
        if self.replication_method == REPLICATION_INCREMENTAL:
            bookmarks.begin(self.stream_state, self.replication_key, interval=self.full_refresh_interval, now=started)
        self._rest_tap.send_ahead(self)
        self.logger.info("reading %s", self.scope.value)
        batch_config = self.get_batch_config(self.config)
        # Rows in batch files carry no version: a loader would take them all for deleted.
        whole = self.replication_method == REPLICATION_FULL_TABLE and self.ABORT_AT_RECORD_COUNT is None
        self._stream_version = self._initialized_at if whole and batch_config is None else None
        self._write_schema_message()
        self._state_after_pages = batch_config is None
        codec = self.page_codec
        if batch_config:
            self._sync_batches(batch_config, context=context)
        elif codec is not None:
            self._sync_pages(codec, context)
        else:
            for _ in self._sync_records(context=context):
                pass
        if self.has_read_all:
            self._finish(started)
        self._write_state_message()

    def _sync_pages(self, codec: PageCodec, context: Context | None) -> None:
        """Write whole pages; does what `_sync_records` does for each record, once a page."""
        writer = cast("ExactWriter", self._rest_tap.message_writer)
        with self.get_record_counter() as counter, self.get_sync_timer():
            for page in self.write_pages(codec, context):
                for piece in page.pieces:
                    writer.write_lines(piece)
                self.state_manager.is_flushed = False
                for value in page.bookmark_values:
                    self._follow(value)
                counter.increment(page.count)

    @property
    def writes_plain_records(self) -> bool:
        """Whether records are written as they are: no maps, flattening, batches, children, partitions, dry run.

        Nested fields that are deselected are also left to the SDK.
        """
        (first, *more) = self.stream_maps
        nested = [crumb for crumb in self.mask if len(crumb) > len(("properties", "name"))]
        return (
            type(first) is SameRecordTransform
            and not more
            and not first.flattening_enabled
            and first.stream_alias == self.name
            and self.get_batch_config(self.config) is None
            and not self.child_streams
            and not self.partitions
            and self.ABORT_AT_RECORD_COUNT is None
            and isinstance(self._rest_tap.message_writer, ExactWriter)
            and all(self.mask[crumb] or not self.mask[crumb[:-2]] for crumb in nested)
        )

    @property
    def page_codec(self) -> PageCodec | None:
        """Turns pages into messages at once; None where only the SDK's way does all that is configured."""
        return None

    def write_pages(self, codec: PageCodec, context: Context | None) -> Iterable[EncodedPage]:
        """Read the list and make messages of its pages; STATE follows each. Asked only of a stream with a codec.

        Args:
            codec: Makes them.
            context: The partition, or None.
        """
        raise NotImplementedError

    @property
    def table_version(self) -> int | None:
        """The version of the table that records carry, so that a loader can tell those of this read from older ones."""
        return self._stream_version

    def prepare(self) -> None:
        """Decide how much to read, without a trace in the state: it is also asked before the stream's turn."""
        self.scope = bookmarks.Scope.EVERYTHING
        self._bookmark = None
        if self.replication_method == REPLICATION_INCREMENTAL:
            state = dict(self.tap_state.get("bookmarks", {}).get(self.name, {}))
            interval = self.full_refresh_interval
            self.scope = bookmarks.begin(state, self.replication_key, interval=interval, now=self._started)
            start = state.get(bookmarks.BOOKMARK)
            self._bookmark = bookmarks.Bookmark(start, ordered=self.is_sorted, began=self._started)

    @property
    def _started(self) -> datetime:
        return datetime.fromtimestamp(self._initialized_at / 1000, UTC)

    def _finish(self, started: datetime) -> None:
        """Keep the newest bookmark, or tell the loader which version of the table is whole."""
        if self._bookmark is not None:
            self._keep(self._bookmark.final)
            bookmarks.complete(self.stream_state, interval=self.full_refresh_interval, started=started)
            self.note_completion(self.stream_state)
            self.state_manager.is_flushed = False
        if self._stream_version is not None:
            self._write_activate_version_message(self._stream_version)

    def note_completion(self, state: MutableMapping[str, Any]) -> None:
        """Keep something beside the bookmark of an incremental stream once it was read to its end.

        Args:
            state: The stream's state, to be changed in place; it is sent next.
        """

    @property
    def bookmark_at_start(self) -> str | None:
        """The bookmark this read began with; None if it reads everything."""
        return self._bookmark.start if self._bookmark else None

    @property
    @abstractmethod
    def full_refresh_interval(self) -> timedelta | None:
        """The longest time between two whole reads of an incremental stream; None if changes never need one."""

    def began_at(self, moment: datetime) -> None:
        """Keep no bookmark newer than this: the read began then, by the clock of the API."""
        if self._bookmark is not None:
            self._bookmark.began_at(moment)

    def expect_no_order(self) -> None:
        """Hold the bookmark back until the end of this read: the API does not sort."""
        if self._bookmark is not None:
            self._bookmark.expect_no_order()

    @property
    @abstractmethod
    def has_read_all(self) -> bool:
        """Whether the read that just ended surely saw every row.

        Only then does its bookmark move to the end, and may a loader drop the rows that did not come.
        """

    def page_written(self) -> None:
        """Send STATE after a page whose records were all written; not with BATCH, which writes them later."""
        if not self._state_after_pages:
            return
        if self._bookmark is not None:
            self._keep(self._bookmark.safe)
        self._write_state_message()

    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write nothing: a read starts from its bookmark alone, and the SDK's copy of it compares dates as text.

        Args:
            context: The partition, or None.
        """

    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's hook
        """Follow the replication value as an instant; the SDK compares text, and offsets change with the seasons.

        Args:
            latest_record: A record that was written.
            context: Not used: streams are not partitioned.
        """
        value = latest_record.get(self.replication_key) if self.replication_key else None
        if value is not None:
            self._follow(value)

    def _follow(self, value: str) -> None:
        if self._bookmark is not None and not self._bookmark.see(value):
            self.rows_out_of_order()
            self._keep(self._bookmark.safe)

    def rows_out_of_order(self) -> None:
        """Say that rows do not come as they were asked for; the bookmark waits for the end from now on."""
        self.logger.warning(
            "rows do not come in the order of %s that was asked for: the bookmark moves only at the end",
            self.replication_key,
        )

    def _keep(self, value: str | None) -> None:
        state = self.stream_state
        if value is None:
            state.pop(bookmarks.BOOKMARK, None)
            state.pop(bookmarks.BOOKMARK_KEY, None)
        else:
            state[bookmarks.BOOKMARK_KEY] = self.replication_key
            state[bookmarks.BOOKMARK] = value

    def get_replication_key_signpost(self, context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's hook
        """Give no signpost: the SDK compares it as text, and our bookmark never passes a written record anyway.

        Args:
            context: The partition, or None.
        """
        return

    @property
    def _rest_tap(self) -> IndependentStreamsTap:
        tap = self._tap
        if not isinstance(tap, IndependentStreamsTap):
            msg = f"{type(self).__name__} belongs to a tap made from RestTap"
            raise TypeError(msg)
        return tap


class _EncodedStateWriter(StateWriter):
    """Knows a state again by how it is written.

    The SDK keeps a deep copy of the whole state, of all streams, each time one of them has read a page.
    """

    def __init__(self, message_writer: GenericSingerWriter[Any, Any]) -> None:
        """Begin with nothing written.

        Args:
            message_writer: Writes the messages.
        """
        super().__init__(message_writer)
        self._writer = message_writer
        self._last_written: bytes | None = None

    def write_state(self, state: TapState) -> None:
        """Write a state, unless it is the one written last.

        Args:
            state: The state of all streams.
        """
        written = encode(state)
        if written != self._last_written:
            self._writer.write_message(StateMessage(value=state))
            self._last_written = written


class IndependentStreamsTap(Tap):
    """A tap that reads all its streams before it says which of them failed.

    Replaces the SDK's handling of signals, which writes STATE in the middle of whatever is being written and exits
    with 0, and its messages about settings, which repeat secret values.
    """

    message_writer_class = ExactWriter

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's signature
        """Start with no stream read.

        Raises:
            ConfigValidationError: If the catalog is none, or an environment variable cannot be read; the SDK lets
                Python's own error through.
        """
        self.result = RunResult()
        catalog = kwargs.get("catalog")
        if isinstance(catalog, list) or (isinstance(catalog, dict) and not isinstance(catalog.get("streams"), list)):
            line = "The catalog holds no list of streams: make one with --discover"
            raise ConfigValidationError(line, errors=[line], schema={})
        try:
            super().__init__(*args, **kwargs)
        except ValueError as error:
            if not kwargs.get("parse_env_config"):
                raise
            line = f"An environment variable {self._env_var_prefix}… has a value of the wrong kind: {error}"
            raise ConfigValidationError(line, errors=[line], schema=self.config_jsonschema) from error
        self._state_writer = _EncodedStateWriter(self.message_writer)

    def setup_mapper(self) -> None:
        """Make the SCHEMA messages of the streams, as they are selected now."""
        super().setup_mapper()
        self._mapped = self._selection()

    def _selection(self) -> list[bool | None]:
        return [entry.metadata.root.selected for entry in self.catalog.streams]

    def sync_all(self) -> None:  # type: ignore[misc] # final in the SDK, see above
        """Read all selected streams.

        Raises:
            RunEnded: If the run ended before all were read.
            RunIncomplete: If some streams failed.
        """
        self.before_streams()
        self._write_what_is_selected()
        try:
            super().sync_all()
        except BrokenPipeError:
            raise
        except BaseException:
            if self.state:
                self._state_writer.write_state(self.state)
            raise
        finally:
            self.stop()
        self.logger.info("%s", self.summary())
        self.result.conclude()

    def run_sync_dry_run(  # type: ignore[misc] # final in the SDK, see above
        self,
        dry_run_record_limit: int | None = 1,
        streams: Iterable[Stream] | None = None,
    ) -> bool:
        """Read some records of every stream (`--test`).

        Args:
            dry_run_record_limit: How many records of each.
            streams: Which streams; all if None.

        Returns:
            True.

        Raises:
            RunEnded: If the run ended before all were tried.
            RunIncomplete: If some streams failed.
        """
        chosen = list(self.streams.values() if streams is None else streams)
        for stream in chosen:
            stream.selected = True
        self.before_streams()
        self._write_what_is_selected()
        try:
            super().run_sync_dry_run(dry_run_record_limit, chosen)
        finally:
            self.stop()
        self.result.conclude()
        return True

    def _write_what_is_selected(self) -> None:
        """Have the SCHEMA messages hold what is selected now.

        The SDK makes them with the tap: a stream that is not selected by default, and selected since, had no columns.
        """
        if self._selection() != self._mapped:
            self.mapper.register_raw_streams_from_catalog(self.catalog)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the handler's form
        interrupt = RunInterrupted(signum)
        writer = getattr(self, "message_writer", None)
        if not isinstance(writer, ExactWriter):
            raise interrupt
        signal.signal(signum, signal.SIG_DFL)
        writer.interrupt(interrupt)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings; messages say what to do, and never repeat the value of a secret."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        self._config = with_defaults(schema, self._config)
        errors = faults(schema, self._config, plugin=self.name) + self.settings_errors()
        if errors and raise_errors:
            raise ConfigValidationError("; ".join(errors), errors=errors, schema=schema)
        for line in unknown_settings(schema, self._config):
            self.logger.warning("%s", line)
        return errors

    def send_ahead(self, stream: IndependentStream) -> None:
        """Prepare for the streams after one.

        Args:
            stream: The one that is read or about to be.
        """

    def before_streams(self) -> None:
        """Say what a person should know before the first stream is read."""

    def stop(self) -> None:
        """End what goes on beside the reading."""

    def summary(self) -> str:
        """Say how the streams of the run ended.

        Returns:
            One line.
        """
        return self.result.summary()

    def settings_errors(self) -> list[str]:
        """Check what a JSON schema cannot.

        Returns:
            A line for each fault.
        """
        return []
