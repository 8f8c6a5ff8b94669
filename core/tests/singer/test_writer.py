"""Singer messages to standard output: exact to the byte, and never cut."""

from __future__ import annotations

import io
import signal
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from singer_sdk.singerlib.encoding.simple import (
    ActivateVersionMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)

from singer_rest_core.errors import RunInterrupted
from singer_rest_core.singer import writer as message_writer
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.encoding.simple import Message
    from typing_extensions import Buffer


class _Pipe(io.RawIOBase):
    """A pipe to a loader; `during` is called in the middle of every write that reaches it."""

    def __init__(self) -> None:
        self.received = b""
        self.during: Callable[[], None] = lambda: None

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        whole = bytes(data)
        half = len(whole) // 2
        self.received += whole[:half]
        self.during()
        self.received += whole[half:]
        return len(whole)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> _Pipe:
    raw = _Pipe()
    stdout = SimpleNamespace(buffer=io.BufferedWriter(raw))
    monkeypatch.setattr(message_writer, "sys", SimpleNamespace(stdout=stdout))
    return raw


def _record(**values: object) -> RecordMessage:
    return RecordMessage(stream="things", record=values)


def _state(**value: object) -> StateMessage:
    return StateMessage(dict(value))


def test_a_record_is_written_exactly(pipe: _Pipe) -> None:
    message = RecordMessage(
        stream="things",
        record={"b": Decimal("12.50"), "a": "é\n", "big": 2**70, "none": None, "_rescued_data": {"x": Decimal("1E+3")}},
        version=7,
        time_extracted=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    writer = ExactWriter()
    writer.write_message(message)
    writer.write_message(_state())
    assert (
        pipe.received.splitlines(keepends=True)[0]
        == (
            '{"type":"RECORD","stream":"things","record":{"b":12.50,"a":"é\\n","big":1180591620717411303424,"none":null,'
            '"_rescued_data":{"x":1E+3}},"version":7,"time_extracted":"2026-03-01T12:00:00Z"}\n'
        ).encode()
    )


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (StateMessage({"bookmarks": {"a": {"x": None}}}), b'{"type":"STATE","value":{"bookmarks":{"a":{"x":null}}}}\n'),
        (ActivateVersionMessage("things", 7), b'{"type":"ACTIVATE_VERSION","stream":"things","version":7}\n'),
        (
            SchemaMessage("things", {"properties": {}}, ["id"]),
            b'{"type":"SCHEMA","stream":"things","schema":{"properties":{}},"key_properties":["id"]}\n',
        ),
    ],
)
def test_all_but_records_is_sent_at_once(pipe: _Pipe, message: Message, line: bytes) -> None:
    writer = ExactWriter()
    writer.write_message(_record(id=1))
    assert pipe.received == b""
    writer.write_message(message)
    first, rest = pipe.received.splitlines(keepends=True)
    assert b"RECORD" in first
    # The members of a message have no order.
    assert sorted(rest) == sorted(line)


def test_a_signal_during_a_write_waits_until_the_line_is_whole(pipe: _Pipe) -> None:
    writer = ExactWriter()
    interrupt = RunInterrupted(signal.SIGTERM)
    pipe.during = lambda: writer.interrupt(interrupt)
    with pytest.raises(RunInterrupted) as raised:
        writer.write_message(_state(a=1))
    assert raised.value is interrupt
    assert pipe.received.endswith(b"}\n")
    assert pipe.received.count(b"\n") == 1


def test_a_signal_between_writes_is_raised_at_once(pipe: _Pipe) -> None:
    writer = ExactWriter()
    writer.write_message(_state())
    with pytest.raises(RunInterrupted):
        writer.interrupt(RunInterrupted(signal.SIGTERM))
    assert pipe.received.count(b"\n") == 1


def test_after_a_signal_the_last_state_is_still_written_whole(pipe: _Pipe) -> None:
    writer = ExactWriter()
    pipe.during = lambda: writer.interrupt(RunInterrupted(signal.SIGTERM))
    with pytest.raises(RunInterrupted):
        writer.write_message(_state(a=1))
    pipe.during = lambda: None
    with pytest.raises(RunInterrupted):
        writer.write_message(_state(a=2))
    assert pipe.received.count(b"\n") == 2
    assert b'"a":2' in pipe.received


def test_a_message_that_cannot_be_encoded_leaves_nothing_behind(pipe: _Pipe) -> None:
    writer = ExactWriter()
    with pytest.raises(TypeError):
        writer.write_message(_record(x=object()))
    writer.write_message(_state())
    assert pipe.received == b'{"type":"STATE","value":{}}\n'
    with pytest.raises(RunInterrupted):
        writer.interrupt(RunInterrupted(signal.SIGINT))


def test_a_loader_that_is_gone_is_noticed_and_a_signal_is_not_held_back_for_ever(pipe: _Pipe) -> None:
    def gone() -> None:
        raise BrokenPipeError

    writer = ExactWriter()
    pipe.during = gone
    with pytest.raises(BrokenPipeError):
        writer.write_message(_state())
    pipe.during = lambda: None
    with pytest.raises(RunInterrupted):
        writer.interrupt(RunInterrupted(signal.SIGINT))
