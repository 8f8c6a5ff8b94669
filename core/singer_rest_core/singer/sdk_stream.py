"""The private and final names of singer-sdk's `Stream` that had to be overridden, each with its reason.

`PINNED` lists them; a test looks for every one in the installed SDK. Nothing else in core uses them.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from singer_sdk.exceptions import SingerSDKError, SyncLifecycleSignal
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from singer_sdk.streams.core import Stream
from typing_extensions import override

from singer_rest_core.errors import RunEnded, StreamUnavailable
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib.encoding.simple import Message

    from singer_rest_core.records.fast.codec import EncodedPage
    from singer_rest_core.singer.result import RunResult

PINNED: dict[type, tuple[str, ...]] = {
    Stream: (
        "sync",
        "_generate_schema_messages",
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
}
"""Names of the SDK that this module relies on though they are private or final, by class."""


class SdkStream(Stream):
    """A stream whose end is its own: it is read, skipped or failed, and the others go on.

    Replaces the SDK's `sync`, which ends the run with the first error, logs expected ends as unhandled errors, and
    announces a table version before it is known to be complete; and its bookmarks, which compare timestamps as text.
    """

    @property
    @override
    def logger(self) -> logging.Logger:
        # From singer-sdk 0.55 on, the SDK's own is an adapter, which takes no filter.
        logger: logging.Logger = self._tap.logger.getChild(self.name)
        return logger

    @property
    @abstractmethod
    def run_result(self) -> RunResult:
        """Where it is kept how the streams of the run ended."""

    @abstractmethod
    def read(self, context: Context | None) -> None:
        """Read the stream and write its messages.

        Args:
            context: The partition, or None.
        """

    @abstractmethod
    def follow(self, value: str) -> None:
        """Follow the replication value of a record that was written.

        Args:
            value: A timestamp.
        """

    @override  # type: ignore[misc] # final in the SDK, see above
    def sync(self, context: Context | None = None) -> None:
        """Read this stream; how it ends is kept in the result of the run.

        Raises:
            RunEnded: If what is wrong is true of the whole run.
        """
        result = self.run_result
        try:
            self.read(context)
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

    @property
    def started_ms(self) -> int:
        """When the run began, in milliseconds since 1970."""
        return self._initialized_at

    def start_at(self, moment: datetime) -> None:
        """Set when the run began, which the SDK takes from the machine's clock.

        Args:
            moment: When.
        """
        self._initialized_at = int(moment.timestamp() * 1000)

    @property
    def started(self) -> datetime:
        """When the run began, UTC, in whole milliseconds."""
        return datetime.fromtimestamp(self._initialized_at / 1000, UTC)

    @property
    def table_version(self) -> int | None:
        """The version of the table that records carry, so that a loader can tell those of this read from older ones."""
        return self._stream_version

    def choose_table_version(self, version: int) -> None:
        """Give records a version where the table is read completely and the loader shall drop what does not come.

        Not with batch files: their rows carry no version, and a loader would take them all for deleted.

        Args:
            version: That of the complete read.
        """
        is_versioned = (
            self.replication_method == REPLICATION_FULL_TABLE
            and self.ABORT_AT_RECORD_COUNT is None
            and self.get_batch_config(self.config) is None
            and self.config["emit_activate_version_messages"]
        )
        self._stream_version = version if is_versioned else None

    def activate_version(self, version: int) -> None:
        """Tell the loader that the rows of older versions are deleted.

        Args:
            version: The oldest version whose rows exist.
        """
        self._write_activate_version_message(version)

    def write_schema(self) -> None:
        """Write the SCHEMA."""
        self._write_schema_message()

    @property
    def exact_writer(self) -> ExactWriter | None:
        """Writes the messages; None if the tap was given a writer of another kind."""
        writer = self._tap.message_writer
        return writer if isinstance(writer, ExactWriter) else None

    def schema_lines(self) -> bytes:
        """Return the SCHEMA messages, each with its line end; several where stream maps make several streams of it."""
        writer = self._tap.message_writer
        return b"".join(writer.format_message(message) + b"\n" for message in self._generate_schema_messages())

    @property
    def tap_version(self) -> str:
        """The version of the tap."""
        return f"{self._tap.name} {self._tap.plugin_version}"

    @property
    def holds_state_back(self) -> bool:
        """Whether STATE is not to be written now, as the records before it are held back."""
        return False

    def write_state(self) -> None:
        """Write STATE, unless it is the one written last."""
        self._write_state_message()

    @override
    def _write_state_message(self) -> None:
        if not self.holds_state_back:
            super()._write_state_message()

    def write_message(self, message: Message) -> None:
        """Write any other message.

        Args:
            message: The message.
        """
        self._tap.write_message(message)

    def write_records(self, context: Context | None) -> None:
        """Read and write record by record, or in batch files: the SDK's way.

        Args:
            context: The partition, or None.
        """
        batch_config = self.get_batch_config(self.config)
        if batch_config:
            self._sync_batches(batch_config, context=context)
            return
        for _ in self._sync_records(context=context):
            pass

    def write_pages(self, pages: Iterable[EncodedPage]) -> None:
        """Write whole pages; does what the SDK does for each record, once a page.

        Args:
            pages: Their messages.
        """
        writer = cast("ExactWriter", self._tap.message_writer)
        with self.get_record_counter() as counter, self.get_sync_timer():
            for page in pages:
                done = 0
                for piece in page.pieces:
                    held_by, count = writer.record_filter, piece.count(b"\n")
                    values = page.replication_values[done : done + count]
                    done += count
                    if held_by is None or not held_by.holds(piece, page.records_in(piece), values):
                        writer.write_records(piece, count)
                self.state_manager.is_flushed = False
                for value in page.bookmark_values:
                    self.follow(value)
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
            and isinstance(self._tap.message_writer, ExactWriter)
            and all(self.mask[crumb] or not self.mask[crumb[:-2]] for crumb in nested)
        )

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Write nothing: a read starts from its bookmark alone, and the SDK's copy of it compares dates as text."""

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        """Follow the replication value as an instant; the SDK compares text, and offsets change with the seasons."""
        value = latest_record.get(self.replication_key) if self.replication_key else None
        if value is not None:
            self.follow(value)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return none: the SDK compares it as text, and our bookmark never passes a written record anyway."""
        return
