"""What streams have in common, wherever their records come from."""

from __future__ import annotations

import logging
from abc import ABC
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_rest_core.cli.log_lines import StreamNameFilter
from singer_rest_core.records.conform import RESCUED_DATA, Conformer
from singer_rest_core.singer import bookmarks
from singer_rest_core.singer.deletes import delete_messages
from singer_rest_core.singer.sdk_internals import IndependentStream

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from singer_rest_core.records.conform import Record
    from singer_rest_core.tap import RestTap


class RecordStream(IndependentStream, ABC):
    """A stream of a `RestTap` whose records are conformed to their schema."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are conformed by `post_process`, compiled, not by the SDK."""

    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """Names that are dropped from every record before anything else happens to it."""

    turn = 0
    """When it is read: streams of a lower turn come first, those of one turn by name."""

    schema_is_open = False
    """Whether nobody knows what its records hold, so that it is no news when the schema lacks a field."""

    secret_names: ClassVar[re.Pattern[str] | None] = None
    """Found in the names of fields that are dropped, too, where the schema does not know them: there, and inside of
    values that are rescued."""

    def __init__(self, tap: Tap, **of_the_sdk: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            of_the_sdk: What the SDK's class takes beside it.
        """
        super().__init__(tap, **of_the_sdk)
        self.logger.addFilter(StreamNameFilter(self.name))
        self.position = 0
        """Where it stands among the streams of the tap: what is asked for ahead is asked for in this order."""

    @property
    def lookback(self) -> timedelta:
        """How much before the bookmark is read again; nothing unless a stream says otherwise."""
        return timedelta(0)

    @property
    def full_refresh_interval(self) -> timedelta | None:
        """The longest time between two whole reads; None, unless a stream says otherwise, as changes are enough."""
        return None

    @property
    def rest_tap(self) -> RestTap:
        """The tap, with its transport."""
        return self._rest_tap  # type: ignore[return-value] # streams of this class are made by taps of that class

    @property
    def read_from(self) -> str | None:
        """From which replication value on to read.

        Returns:
            An inclusive bound (the bookmark less the look-back, not before `start_date`), or None to read everything.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        return bookmarks.lower_bound(
            self.bookmark_at_start,
            lookback=self.lookback,
            start_date=self.config.get("start_date"),
        )

    def remember(self, name: str, value: object) -> None:
        """Keep something in the stream's state beside its bookmark; it is sent with the next STATE.

        Args:
            name: Its name, none of the SDK's.
            value: Anything JSON can hold.
        """
        self.stream_state[name] = value
        self.state_manager.is_flushed = False

    def write_deletes(self, keys: Sequence[Record]) -> None:
        """Tell the loader that rows are gone, where the others were not read again: else ACTIVATE_VERSION tells it.

        Args:
            keys: Records of the keys alone, with `_sdc_deleted_at` where the time is known; else it is now.
        """
        if not keys:
            return
        moment = datetime.now(UTC)
        for stream_map in self.stream_maps:
            if not isinstance(stream_map, SameRecordTransform):
                self.logger.warning("as stream_maps change the records, %d deleted rows are not told of", len(keys))
                continue
            for message in delete_messages(stream_map, keys, moment):
                self.rest_tap.write_message(message)

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002 - the SDK's hook
        """Make a record fit the schema.

        Args:
            row: A raw record.
            context: The partition, or None.

        Returns:
            The record as it is written.
        """
        return self._conformer.conform(self.without_secrets(row))

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
    def _conformer(self) -> Conformer:
        return Conformer(self.effective_schema, self._report_rescued, secret_names=self.secret_names)

    def _report_rescued(self, name: str, why: str) -> None:
        kept = RESCUED_DATA in self.effective_schema["properties"] and self.mask["properties", RESCUED_DATA]
        where = f"kept in {RESCUED_DATA}" if kept else f"lost, as the catalog leaves out {RESCUED_DATA}"
        level = logging.INFO if self.schema_is_open else logging.WARNING
        self.logger.log(level, "field %s %s; its value is %s", name, why, where)
