"""Singer messages to standard output: exact, and never cut in the middle by a signal."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Protocol

from singer_sdk.singerlib.encoding.base import GenericSingerWriter
from singer_sdk.singerlib.encoding.simple import Message, RecordMessage, StateMessage

from singer_rest_core.cli.output_pipe import OutputPipe
from singer_rest_core.errors import OutputLost
from singer_rest_core.records.exact_json import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.errors import RunInterrupted


class RecordFilter(Protocol):
    """Sees the records of a stream before they are written, and may hold them back."""

    def holds(self, lines: bytes, records: Sequence[bytes], values: Sequence[object]) -> bool:
        """Return whether it keeps records that came as encoded messages; else they are written now.

        Args:
            lines: The messages, each with its line end.
            records: The record in each of them, as JSON.
            values: The replication value of each; empty without a replication key.
        """
        ...

    def holds_one(self, line: bytes, stream: str, record: Mapping[str, object]) -> bool:
        """Return whether it keeps a record; else it is written now.

        Args:
            line: The message, with its line end.
            stream: The name in it.
            record: The record in it.
        """
        ...


class ExactWriter(GenericSingerWriter[bytes, Message]):
    """Writes messages with msgspec; records are buffered, everything else is flushed at once.

    A signal that arrives while a message is being written waits until it is whole, unless the loader does not read.
    """

    def __init__(self) -> None:
        """Write nothing yet."""
        super().__init__()
        self.ends_with_state = False
        """Whether the last line is a STATE."""
        self.discards = False
        """Whether nothing is written."""
        self.records_written = 0
        """How many RECORD messages were written."""
        self.record_filter: RecordFilter | None = None
        """Sees the records of the stream that is being read."""
        self._deferred = b""
        self._writing = False
        self._interrupt: RunInterrupted | None = None

    def serialize_message(self, message: Message) -> bytes:
        """Encode one message.

        Args:
            message: Any Singer message.

        Returns:
            JSON without a line end.
        """
        if isinstance(message, RecordMessage):
            return encode(message.to_dict())
        # What `to_dict` returns, without copying a whole schema or state.
        values = ((field.name, getattr(message, field.name)) for field in fields(message))
        return encode({name: value for name, value in values if value is not None})

    def write_message(self, message: Message) -> None:
        """Write one message and its line end.

        Args:
            message: Any Singer message.

        Raises:
            RunInterrupted: If a signal arrived meanwhile.
            BrokenPipeError: If the loader has ended.
        """
        line = self.format_message(message) + b"\n"
        if isinstance(message, RecordMessage):
            held_by = self.record_filter
            if held_by is None or not held_by.holds_one(line, message.stream, message.record):
                self.write_records(line, 1)
            return
        is_state = isinstance(message, StateMessage)
        if not is_state:
            self.write_deferred()
        try:
            self.write_lines(line, flush=True)
        finally:
            self.ends_with_state = is_state

    def write_records(self, lines: bytes, count: int) -> None:
        """Write RECORD messages, after the SCHEMA that waits for them.

        Args:
            lines: Whole messages, each with its line end.
            count: How many.
        """
        self.write_deferred()
        self.write_lines(lines)
        self.records_written += count

    def defer(self, lines: bytes) -> None:
        """Write messages later: before the next one that is no STATE.

        Args:
            lines: Whole messages, each with its line end.
        """
        self._deferred += lines

    def forget_deferred(self) -> None:
        """Write nothing of what was deferred and is not written yet."""
        self._deferred = b""

    def write_deferred(self) -> None:
        """Write what was deferred."""
        lines, self._deferred = self._deferred, b""
        if lines:
            self.write_lines(lines, flush=True)

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:
        """Write encoded messages.

        Args:
            lines: Whole messages, each with its line end.
            flush: Whether the loader gets them now.

        Raises:
            RunInterrupted: If a signal arrived meanwhile.
            BrokenPipeError: If the loader has ended.
            OutputLost: If the output cannot be written, for example because a disk is full.
        """
        if self.discards:
            return
        self._writing = True
        self.ends_with_state = False
        try:
            out = sys.stdout.buffer
            out.write(lines)
            if flush:
                out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(f"What was read cannot be written: {error.strerror}") from error
        finally:
            self._writing = False
        if self._interrupt is not None:
            pipe = _pipe()
            self._interrupt.state_was_lost = pipe is not None and pipe.is_given_up
            raise self._interrupt

    def interrupt(self, interrupt: RunInterrupted) -> None:
        """Raise an interrupt now, or after the message that is being written.

        Args:
            interrupt: What to raise.

        Raises:
            RunInterrupted: If nothing is being written.
        """
        self._interrupt = interrupt
        pipe = _pipe()
        if pipe is not None:
            pipe.hurry()
        if not self._writing:
            raise interrupt


def _pipe() -> OutputPipe | None:
    raw = getattr(sys.stdout.buffer, "raw", None)
    return raw if isinstance(raw, OutputPipe) else None
