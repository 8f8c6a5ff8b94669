"""The private and final names of singer-sdk's `Tap` that had to be overridden, each with its reason.

`PINNED` lists them; a test looks for every one in the installed SDK. Nothing else in core uses them.
"""

from __future__ import annotations

import os
import signal
import sys
from abc import abstractmethod
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._state import StateWriter
from singer_sdk.plugin_base import PluginBase, _ConfigInput
from singer_sdk.singerlib import Catalog
from singer_sdk.singerlib.encoding.simple import StateMessage
from typing_extensions import override

from singer_rest_core.cli.environment_settings import environment_settings
from singer_rest_core.cli.settings import batch_errors, blank_secrets, schema_errors, unknown_settings, with_defaults
from singer_rest_core.errors import RunEnded, RunInterrupted
from singer_rest_core.records.exact_json import encode
from singer_rest_core.singer.given_catalog import catalog_fault
from singer_rest_core.singer.given_files import read_configuration, read_given_files
from singer_rest_core.singer.given_state import state_fault
from singer_rest_core.singer.map_errors import explain, name_failing_maps
from singer_rest_core.singer.writer import ExactWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    import click
    from singer_sdk.helpers.types import TapState
    from singer_sdk.singerlib.encoding.base import GenericSingerWriter
    from singer_sdk.streams.core import Stream

    from singer_rest_core.singer.result import RunResult

PINNED: dict[type, tuple[str, ...]] = {
    Tap: ("sync_all", "run_sync_dry_run", "_handle_termination", "_state_writer"),
    StateWriter: ("write_state",),
    PluginBase: ("_validate_config", "_config", "_env_var_config", "_env_var_prefix"),
}
"""Names of the SDK that this module relies on though they are private or final, by class."""


_ENVIRONMENT = "ENV"
"""What `--config` takes for the environment variables."""


class _EncodedStateWriter(StateWriter):
    """Recognizes a state that was written by its encoding.

    The SDK keeps a deep copy of the whole state, of all streams, each time one of them has read a page.
    """

    def __init__(self, message_writer: GenericSingerWriter[Any, Any]) -> None:
        super().__init__(message_writer)
        self._writer = message_writer
        self._last_written: bytes | None = None

    @override
    def write_state(self, state: TapState) -> None:
        if encode(state) != self._last_written:
            self.write_anyway(state)

    def write_anyway(self, state: TapState) -> None:
        """Write a state, also if it is the one written last."""
        self._last_written = encode(state)
        self._writer.write_message(StateMessage(value=state))


class SdkTap(Tap):
    """A tap that reads all its streams before it says which of them failed.

    Replaces the SDK's handling of signals, which writes STATE in the middle of whatever is being written and exits
    with 0, and its messages about settings, which repeat secret values.
    """

    message_writer_class = ExactWriter

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's signature
        """Check the catalog before the SDK does, and turn its errors into lines.

        Raises:
            ConfigValidationError: If the catalog is none; the SDK lets Python's own error through.
            RunEnded: If the state is none.
        """
        catalog, state = kwargs.get("catalog"), kwargs.get("state")
        if not isinstance(catalog, Catalog | PurePath | str | None) and (line := catalog_fault(catalog)):
            raise ConfigValidationError(line, errors=[line], schema={})
        if not isinstance(state, PurePath | str | None) and (line := state_fault(state)):
            raise RunEnded(line)
        super().__init__(*args, **kwargs)
        self._state_writer = self._last_state_writer = _EncodedStateWriter(self.message_writer)

    @classmethod
    @cache
    @override
    def get_plugin_version(cls) -> str:
        # Each stream asks for it, and the SDK reads the distribution's metadata each time.
        return super().get_plugin_version()

    @property
    @abstractmethod
    def run_result(self) -> RunResult:
        """How the streams of the run ended."""

    def before_streams(self) -> None:
        """Prepare the run before its first stream is read."""

    def stop(self) -> None:
        """End what goes on beside the reading."""

    def trying(self, stream: Stream) -> AbstractContextManager[None]:  # noqa: ARG002 - for taps to watch
        """Watch how it goes to read some records of a stream."""
        return nullcontext()

    def print_tried(self) -> None:
        """Print how it went, once all streams were tried."""

    def summary(self) -> str:
        """Return one line about how the run went."""
        return self.run_result.summary()

    def summary_data(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {}

    def settings_errors(self) -> list[str]:
        """Check what a JSON schema cannot.

        Returns:
            A line for each error.
        """
        return []

    def settings_checked(self) -> None:
        """Do what can be done once the settings are known to be right."""

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        """Use the state of the run before.

        Raises:
            RunEnded: If it is none.
        """
        if fault := state_fault(state):
            raise RunEnded(fault)
        super().load_state(state)

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> _ConfigInput:
        names = [name for name in value if name != _ENVIRONMENT]
        return _ConfigInput(config=read_configuration(names), parse_env=_ENVIRONMENT in value)

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        read_given_files(command.params)
        return command

    @override
    def setup_mapper(self) -> None:
        with self._explained_map_errors():
            super().setup_mapper()
        name_failing_maps(self.mapper)
        self._mapped = self._selection()

    @contextmanager
    def _explained_map_errors(self) -> Iterator[None]:
        """Turn what the SDK raises about `stream_maps`, which is of many types, into one line.

        Raises:
            ConfigValidationError: Instead.
        """
        try:
            yield
        except Exception as error:
            maps = self.config.get("stream_maps")
            if not maps or isinstance(error, RunEnded | ConfigValidationError):
                raise
            line = explain(maps, error)
            raise ConfigValidationError(line, errors=[line], schema=self.config_jsonschema) from error

    def _selection(self) -> list[bool | None]:
        return [entry.metadata.root.selected for entry in self.catalog.streams]

    @override  # type: ignore[misc] # final in the SDK, see above
    def sync_all(self) -> None:
        """Read all selected streams.

        Raises:
            RunEnded: If the run ended before all were read.
            RunIncomplete: If some streams failed.
        """
        self.before_streams()
        self._map_what_is_selected()
        try:
            super().sync_all()
        except BrokenPipeError:
            raise
        except RunInterrupted:
            writer = self.message_writer
            if self.state and isinstance(writer, ExactWriter) and writer.ends_with_state:
                self._state_writer.write_state(self.state)
            elif self.state:
                # It is to be the last line.
                self._last_state_writer.write_anyway(self.state)
            raise
        except BaseException:
            if self.state:
                self._state_writer.write_state(self.state)
            raise
        finally:
            self.stop()
        # A program that reads the log as JSON finds the numbers in it.
        self.logger.info("%s", self.summary(), extra={"run_summary": self.summary_data()})
        self.run_result.conclude()

    @override  # type: ignore[misc] # final in the SDK, see above
    def run_sync_dry_run(
        self,
        dry_run_record_limit: int | None = 1,
        streams: Iterable[Stream] | None = None,
    ) -> bool:
        """Read some records of every stream (`--test`).

        Returns:
            True.

        Raises:
            RunEnded: If the run ended before all were tried.
            RunIncomplete: If some streams failed.
        """
        chosen = list(self.streams.values() if streams is None else streams)
        if isinstance(self.message_writer, ExactWriter) and sys.stdout.isatty():
            # A person asks which streams can be read, not for their records.
            self.message_writer.discards = True
        for stream in chosen:
            stream.selected = True
            stream.ABORT_AT_RECORD_COUNT = dry_run_record_limit
        self.before_streams()
        self._map_what_is_selected()
        try:
            for stream in chosen:
                with self.trying(stream):
                    super().run_sync_dry_run(dry_run_record_limit, [stream])
        finally:
            self.stop()
            self.print_tried()
        self.run_result.conclude()
        return True

    def _map_what_is_selected(self) -> None:
        """Have the SCHEMA messages hold what is selected now.

        The SDK makes them with the tap: a stream that is not selected by default, and selected since, had no columns.
        """
        if self._selection() != self._mapped:
            with self._explained_map_errors():
                self.mapper.register_raw_streams_from_catalog(self.catalog)
            name_failing_maps(self.mapper)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        interrupt = RunInterrupted(signum)
        writer = getattr(self, "message_writer", None)
        if not isinstance(writer, ExactWriter):
            raise interrupt
        signal.signal(signum, signal.SIG_DFL)
        writer.interrupt(interrupt)

    @property
    def _env_var_config(self) -> dict[str, Any]:
        """The settings in environment variables; the SDK takes an empty one for a value, and any text for a boolean.

        Raises:
            ConfigValidationError: If a variable holds a value of the wrong kind, or `.env` is no text.
        """
        schema = self.config_jsonschema
        try:
            parse_environment_config({}, self._env_var_prefix)  # of an empty schema: loads `.env` and nothing else
        except UnicodeDecodeError:
            line = "The file .env is not UTF-8 text"
            raise ConfigValidationError(line, errors=[line], schema=schema) from None
        self.append_builtin_config(schema)
        settings, errors = environment_settings(schema, os.environ, prefix=self._env_var_prefix)
        if errors:
            raise ConfigValidationError("; ".join(errors), errors=errors, schema=schema)
        return settings

    def config_errors(self, schema: Mapping[str, Any]) -> list[str]:
        """Check the settings in every way.

        Args:
            schema: Those of the tap, with those of the SDK or without.

        Returns:
            A line for each error.
        """
        return [
            *schema_errors(_without(schema, "batch_config"), self._config, plugin=self.name),
            *batch_errors(self._config, plugin=self.name),
            *blank_secrets(schema, self._config),
            *self.settings_errors(),
        ]

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings; messages say what to do, and never repeat the value of a secret."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        self._config = with_defaults(schema, self._config)
        errors = self.config_errors(schema)
        if errors and raise_errors:
            raise ConfigValidationError("; ".join(errors), errors=errors, schema=schema)
        if not errors:
            self.settings_checked()
        for line in unknown_settings(schema, self._config):
            self.logger.warning("%s", line)
        return errors


def _without(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of settings, for which one of them may be anything: it is checked elsewhere."""
    return {**schema, "properties": {**schema["properties"], name: {}}}
