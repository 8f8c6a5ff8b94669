"""The loader: messages from standard input into PostgreSQL."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

import msgspec
import simplejson
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.metrics import METRICS_LOGGER_NAME
from singer_sdk.plugin_base import JSONSchemaValidator, _ConfigInput
from singer_sdk.singerlib.json import deserialize_json
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR
from target_postgres.target import TargetPostgres
from typing_extensions import override

from target_postgres_exact.database_url import check_database
from target_postgres_exact.errors import LoadFailed, SchemaMissing, StreamFailed, one_line, summary_class
from target_postgres_exact.messages import message_fault, shown
from target_postgres_exact.reader import BlockReader
from target_postgres_exact.settings import ENVIRONMENT, read_settings, setting_fault, variable_fault
from target_postgres_exact.sink import ExactSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from singer_sdk.sinks import Sink
    from singer_sdk.sql import SQLConnector

    from target_postgres_exact.connector import ExactConnector

_CHUNK_MESSAGES = 500
"""Messages that are converted together: column by column, while they are in the processor's cache."""
_CHUNK_BYTES = 1 << 20
_BY_SIGNAL = 128
"""What shells add to the number of the signal that ended a program, to make its exit code."""
_METRICS_ARE_ASKED_FOR = "LOG_METRICS"
_NEEDS_ESCAPE = (b"\\", b"\t", b"\r")
_NUL_ESCAPED = b"\\u0000"
_NOT_DECODED = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)


class _Envelope(msgspec.Struct):
    type: str = ""
    stream: str = ""
    value: msgspec.Raw = msgspec.Raw(b"")


class TargetPostgresExact(TargetPostgres):
    """Loads into PostgreSQL as target-postgres does, exactly and several times as fast."""

    package_name = "target-postgres-exact"
    default_sink_class = ExactSink

    _MAX_RECORD_AGE_IN_MINUTES = 1.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in the base
        """Begin with nothing read."""
        try:
            super().__init__(*args, **kwargs)
        except AssertionError as error:
            check_database(self.config)
            raise LoadFailed(_plain_setting_rule(str(error))) from error
        except ValueError as error:
            fault = variable_fault(self.config_jsonschema, self._env_var_prefix)
            if not fault:
                raise
            raise LoadFailed(fault) from error
        check_database(self.config)
        if not os.environ.get(_METRICS_ARE_ASKED_FOR) and not logging.getLogger().isEnabledFor(logging.DEBUG):
            logging.getLogger(METRICS_LOGGER_NAME).setLevel(logging.WARNING)
        if self.config.get("load_method") == "overwrite":
            self.logger.warning("load_method is not read: rows are merged by their key, or appended without one.")
        self.waits_for_input = False
        self._reader = BlockReader(self)
        self.message_reader = self._reader
        self._envelope = msgspec.json.Decoder(_Envelope)
        self._failures: dict[str, Exception] = {}
        self._replaced: dict[str, Counter[str]] = {}
        self._schema_lines: dict[str, bytes] = {}
        self._sink: ExactSink | None = None
        self._messages: list[Any] = []
        self._lines: list[bytes] = []
        self._chunk_bytes = 0
        self._chunk_messages = min(_CHUNK_MESSAGES, self.config.get("batch_size_rows") or _CHUNK_MESSAGES)
        self._written_state = ""
        self._ends_by: tuple[int, FrameType | None] | None = None
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "RECORD": self._process_record_message,
            "SCHEMA": self._process_schema_message,
            "ACTIVATE_VERSION": self._process_activate_version_message,
            "BATCH": self._process_batch_message,
        }

    def handle(self, lines: Iterable[bytes]) -> None:
        """Handle messages; RECORD messages of the same stream that follow each other are kept and handled together.

        Args:
            lines: The messages, each without the end of its line.

        Raises:
            LoadFailed: If one is no message, or the database cannot be used.
        """
        for line in lines:
            decoder = self._sink.decoder if self._sink else None
            if decoder is not None:
                try:
                    message = decoder.decode(line)
                except _NOT_DECODED:
                    pass
                else:
                    self._messages.append(message)
                    self._lines.append(line)
                    self._chunk_bytes += len(line)
                    if len(self._lines) >= self._chunk_messages or self._chunk_bytes >= _CHUNK_BYTES:
                        self._finish_chunk()
                    continue
            if line and not line.isspace():
                self._finish_chunk()
                self._handle_other(line)
        self._end_by_signal()

    def finish_input(self) -> None:
        """Handle what was kept to be handled together."""
        self._finish_chunk()

    def abandon(self) -> None:
        """End the connection, and with it the locks on database schemas."""
        self._report_replaced()
        if self._target_connector is not None:
            cast("ExactConnector", self._target_connector).session.close()

    def _finish_chunk(self) -> None:
        messages, lines, sink = self._messages, self._lines, self._sink
        if not lines or sink is None:
            return
        self._messages, self._lines, self._chunk_bytes = [], [], 0
        self._reader.counts["RECORD"] += len(lines)
        with self._failing_alone(sink.stream_name):
            self._add(sink, messages, lines)
        if sink.wants_commit:
            self.drain_all()

    def _add(self, sink: ExactSink, messages: list[Any], lines: list[bytes]) -> None:
        """Add messages to a sink; those that do not fit are handled by singer-sdk, each in its turn."""
        escaped = any(character in line for character in _NEEDS_ESCAPE for line in lines)
        misfits = {index for index, line in enumerate(lines) if escaped and _NUL_ESCAPED in line}
        if not misfits:
            misfits = sink.add_messages(messages, escaped=escaped)
            if not misfits:
                return
        start = 0
        for index in [*sorted(misfits), len(lines)]:
            if index > start:
                self._add(sink, messages[start:index], lines[start:index])
            if index < len(lines):
                self._process_record_message(deserialize_json(lines[index]))
            start = index + 1

    def _handle_other(self, line: bytes) -> None:
        """Handle a message that is not of the stream before, or is not as its schema says."""
        kind, stream, value = self._looked_at(line)
        if kind == "STATE":
            self._reader.counts[kind] += 1
            self._keep_state(value, line)
            return
        if kind not in self._handlers:
            self._end_with(f"There is no message type {shown(kind)}." if kind else "A message has no type.")
        if not stream:
            self._end_with(f"A {kind} message names no stream.")
        if stream in self._failures or (kind == "RECORD" and self._is_taken_by(stream, line)):
            return
        self._reader.counts[kind] += 1
        if kind == "SCHEMA":
            self._write_state_before_rows()
        if kind != "SCHEMA" or self._schema_lines.get(stream) != line:
            self._handle_decoded(kind, stream, line)

    def _write_state_before_rows(self) -> None:
        """Write the STATE that came before a SCHEMA, before any row that comes after it can be in the table.

        A tap may have taken back in it what it said of the stream's rows: a run that is killed must not leave that.
        """
        if self._latest_state is not None and cast("str", self._latest_state["value"]) != self._written_state:
            self.drain_all()

    def _handle_decoded(self, kind: str, stream: str, line: bytes) -> None:
        """Hand a message of a stream to singer-sdk."""
        with self._failing_alone(stream):
            message = deserialize_json(line)
            if kind != "SCHEMA" and stream not in self.mapper.stream_maps:
                raise SchemaMissing(
                    stream, f"a message of type {kind} came before its SCHEMA, which the tap has to send first."
                )
            fault = message_fault(kind, message)
            if fault:
                raise StreamFailed(stream, fault)
            if kind != "RECORD":
                self._drain(stream)
            self._handlers[kind](message)
        if stream in self._failures:
            return
        if kind == "SCHEMA":
            self._schema_lines[stream] = line
            self._choose_path(stream)
        elif any(sink.wants_commit for sink in self._sinks_of(stream)):
            self.drain_all()

    def _looked_at(self, line: bytes) -> tuple[str, str, str]:
        """Return a message's type, its stream, and the text of its value, each empty where there is none."""
        try:
            seen = self._envelope.decode(line)
        except _NOT_DECODED:
            # What msgspec refuses and singer-sdk takes: NaN, and halves of characters.
            try:
                message: object = deserialize_json(line)
            except (ValueError, RecursionError):
                message = None
            if not isinstance(message, dict):
                self._end_with(
                    f"This is not a Singer message: {shown(line.decode(errors='replace'))}. Check the tap, which may"
                    " write nothing else to its standard output; its log belongs on standard error."
                )
            kind, stream = (each if isinstance(each, str) else "" for each in map(message.get, ("type", "stream")))
            return kind, stream, simplejson.dumps(message["value"], use_decimal=True) if "value" in message else ""
        return seen.type, seen.stream, bytes(seen.value).decode()

    def _is_taken_by(self, stream: str, line: bytes) -> bool:
        """Keep a RECORD message of another stream than the last one's, if it is as its schema says."""
        sink = self._sinks_active.get(stream)
        if not isinstance(sink, ExactSink) or sink is self._sink or sink.decoder is None:
            return False
        self._sink = sink
        try:
            self._messages.append(sink.decoder.decode(line))
        except _NOT_DECODED:
            return False
        self._lines.append(line)
        return True

    def _sinks_of(self, stream: str) -> list[ExactSink]:
        """Return the sinks that records of a stream go to, of which stream maps can make several."""
        names = [stream_map.stream_alias for stream_map in self.mapper.stream_maps.get(stream, ())]
        sinks = [self._sinks_active.get(name) for name in names]
        return [sink for sink in sinks if isinstance(sink, ExactSink)]

    def _choose_path(self, stream: str) -> None:
        """Let a stream's records be decoded into types, unless singer-sdk has something to do with each of them."""
        self._sink = None
        maps = self.mapper.stream_maps.get(stream, [])
        if len(maps) == 1 and type(maps[0]) is SameRecordTransform and not maps[0].flattening_enabled:
            for sink in self._sinks_of(stream):
                if not sink.validate_schema and sink.failure is None:
                    sink.compile_decoder()

    def _drain(self, stream: str) -> None:
        """Write what waits of one stream, so that it is in the table before what follows."""
        self._drain_all(self._sinks_of(stream), 1)

    @override
    def _drain_all(self, sink_list: Iterable[Sink], parallelism: int) -> None:
        for sink in list(sink_list):
            with self._failing_alone(sink.stream_name, drained=True):
                self.drain_one(sink)
            if isinstance(sink, ExactSink):
                self._replaced.setdefault(sink.stream_name, Counter()).update(sink.take_replaced())

    def _report_replaced(self) -> None:
        """Warn of the values that are not kept as they came."""
        for stream, columns in self._replaced.items():
            if columns:
                self.logger.warning(
                    "Stream '%s', column '%s': PostgreSQL holds no halves of characters (lone surrogates), so they are"
                    " replaced by U+FFFD, in %d values of the stream.",
                    stream, next(iter(columns)), columns.total(),
                )  # fmt: skip
        self._replaced = {}

    def _keep_state(self, value: str, line: bytes) -> None:
        # Singer leaves it to the tap what a state is: any JSON, of which null and {} stand for none.
        if not value:
            self._end_with(f"A STATE message has no value: {shown(line.decode(errors='replace'))}. Correct the tap.")
        # As its text: a number in it keeps its digits. singer-sdk only asks whether there is a state.
        self._latest_state = {"value": value} if value not in {"{}", "null"} else None  # type: ignore[dict-item]
        self._handle_max_record_age()

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        # After a failure the state would say of rows that they are loaded, which are not.
        text = state["value"]
        if not self._failures and text != self._written_state:
            self._written_state = text
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    @contextmanager
    def _failing_alone(self, stream: str, *, drained: bool = False) -> Iterator[None]:
        """Let a failure of one stream be one line, while the others are loaded."""
        try:
            yield
        except LoadFailed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one stream, the others are loaded
            if not drained:
                # What came before is written, and its state with it.
                self.drain_all()
            self._fail(stream, error)

    def _fail(self, stream: str, error: Exception) -> None:
        self._failures[stream] = error
        known = isinstance(error, StreamFailed)
        line = str(error) if known else f"Stream '{stream}': {one_line(str(error) or type(error).__name__)}"
        self.logger.error("%s", line)
        self.logger.debug("The error in full", exc_info=error)
        sink = self._sinks_active.get(stream)
        if isinstance(sink, ExactSink):
            sink.give_up(error)
        if self._sink is sink:
            self._sink = None

    @override
    def process_endofpipe(self) -> None:
        try:
            super().process_endofpipe()
        finally:
            self.abandon()
        if not self._failures:
            return
        ((_, first), *others) = self._failures.items()
        names = ", ".join(self._failures)
        raise (LoadFailed if others else summary_class(first))(
            f"{len(self._failures)} of the streams could not be loaded: {names}. The others were; the state stays as it"
            " was before, so that the next run reads again what was not loaded."
        ) from first

    def _end_with(self, reason: str) -> NoReturn:
        """End the run because of its input, after what came before was written."""
        self._finish_chunk()
        self.drain_all()
        raise LoadFailed(f"{reason} What came before it was loaded.")

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # While rows are written the connection is in use: then the run ends when they are.
        self._ends_by = (signum, frame)
        if self.waits_for_input:
            self._end_by_signal()

    def _end_by_signal(self) -> None:
        if self._ends_by is None:
            return
        signum, frame = self._ends_by
        self._finish_chunk()
        try:
            super()._handle_termination(signum, frame)
        except SystemExit:
            # With 0, as singer-sdk has it, Meltano would take a load that was cut short for one that is complete.
            sys.exit(_BY_SIGNAL + signum)

    @classmethod
    @override
    def invoke(  # type: ignore[override] # as in singer-sdk's Target
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        try:
            super().invoke(about=about, about_format=about_format, config=config, file_input=file_input)
        except ConfigValidationError as error:
            cls._end_with_lines(error.errors)
        except (LoadFailed, SingerSDKError) as error:
            cls._end_with_lines([str(error)])

    @classmethod
    @override
    def cb_config(cls, ctx: object, param: object, value: tuple[str, ...]) -> _ConfigInput:
        try:
            return _ConfigInput(config=read_settings(value), parse_env=ENVIRONMENT in value)
        except LoadFailed as error:
            cls._end_with_lines([str(error)])

    @classmethod
    def _end_with_lines(cls, lines: Iterable[str]) -> NoReturn:
        for line in lines:
            cls.logger.error("%s", one_line(line))
        sys.exit(1)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        # As in singer-sdk, which shows the values of settings and the names of Python's classes.
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        # The second one sets defaults, and fails on a text where an object has to be: so only once that is known.
        faults = self._faults(DEFAULT_JSONSCHEMA_VALIDATOR(schema)) or self._faults(JSONSchemaValidator(schema))
        if faults and raise_errors:
            raise ConfigValidationError("; ".join(faults), errors=faults, schema=schema)
        return faults

    def _faults(self, validator: Any) -> list[str]:  # noqa: ANN401 - jsonschema's, which comes with singer-sdk
        try:
            return [setting_fault(error) for error in validator.iter_errors(self._config)]
        except AttributeError:
            # singer-sdk's own schema for `__else__` is no schema, which shows only where the value is not null.
            return ["The setting stream_maps takes null or '__NULL__' for __else__, and nothing else."]

    @property
    @override
    def target_connector(self) -> SQLConnector:
        try:
            return super().target_connector
        except LoadFailed:
            raise
        except KeyError as error:
            raise LoadFailed(f"The setting ssh_tunnel lacks {error}, which a tunnel needs.") from error
        except Exception as error:
            # Of a tunnel or a certificate: no stream would be spared.
            reason = f"{type(error).__name__}: {one_line(str(error))}"
            raise LoadFailed(f"The settings ssh_tunnel and ssl_… do not lead to the database: {reason}") from error


def _plain_setting_rule(rule: str) -> str:
    """Return a rule of target-postgres for settings that go together, in words."""
    if rule.startswith("ssl_enable"):
        return (
            "The setting ssl_enable needs ssl_mode as disable, allow, prefer or require, or as verify-ca or verify-full"
            " with ssl_certificate_authority."
        )
    if rule.startswith("ssl_client"):
        return "The setting ssl_client_certificate_enable needs both ssl_client_certificate and ssl_client_private_key."
    if rule.startswith("Activate version"):
        return "The setting activate_version needs add_record_metadata: set both to true, or activate_version to false."
    return one_line(rule)
