"""Values of custom fields by name: one row each, derived from the records that the run has read."""

from __future__ import annotations

import weakref
from functools import cached_property
from importlib.resources import files
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from singer_rest_core import DerivedStream, StreamUnavailable
from singer_rest_core.records import decode, encode
from singer_rest_core.singer import Scope, schema_fingerprint
from tap_productive.reports import ReportStream

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from singer_rest_core import Page, Record
    from tap_productive.client import ProductiveStream
    from tap_productive.page_observer import ObservedStream

_FIELDS, _OPTIONS, _COLUMN = "custom_fields", "custom_field_options", "custom_fields"
_IN_MEMORY = 4 * 1024 * 1024
_UNWRITTEN = "unwritten"
"""Where the state keeps the lists whose values were seen and not written yet, and from which replication value on they
were read (null: from the beginning). A run that is cut short leaves them to the next one."""
_WRITTEN = "written_values"
"""Where the state keeps, for each list, a digest of its records and of the names their values were written with."""
_DATA_TYPES = {1: "text", 2: "number", 3: "select", 4: "date", 5: "multi-select", 6: "person", 7: "attachment"}
"""Names of `data_type_id` (guide "Working with custom fields")."""


class CustomFieldValues(DerivedStream):
    """Values of custom fields, one row each, with the name of the field and of the selected option.

    Derived from the records with `custom_fields` that the run has read; only the names are requested, and only if the
    run has not read them. A value that was cleared has no new row: its last row is older than its record's.
    Where an earlier run was cut short before it wrote the values it had seen, their records are read once more.
    """

    name = "custom_field_values"
    primary_keys = ("resource_type", "resource_id", "custom_field_id")
    schema = StreamSchema(SchemaDirectory(files("tap_productive") / "schemas"))
    evidence = "documented"
    api_allows = "derived from records that were read"

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self._lists: list[ProductiveStream] = []
        self._definitions: list[ProductiveStream] = []
        self._fields: dict[str, tuple[Any, Any]] = {}
        self._options: dict[str, Any] = {}
        self._lists_of_this_run: set[str] = set()
        """Those whose values no earlier run has left unwritten."""
        self._written_before: dict[str, str] = {}

    def observe(self, lists: Sequence[ProductiveStream]) -> None:
        """Observe the pages of all lists that have custom fields, and of their definitions.

        Args:
            lists: The lists that are read.
        """
        self._lists = [
            each for each in lists if _COLUMN in each.schema["properties"] and not isinstance(each, ReportStream)
        ]
        self._definitions = [each for each in lists if each.name in {_FIELDS, _OPTIONS}]
        for each in lists:
            if each in self._lists or each in self._definitions:
                each.observers.append(self)

    def on_page(self, stream: ObservedStream, page: Page) -> None:
        """Save the values in a page, or the names that it defines."""
        if stream.name == _FIELDS:
            columns = [page.column(name) for name in ("id", "name", "data_type_id")]
            self._fields |= {str(each): (name, kind) for each, name, kind in zip(*columns, strict=True)}
        elif stream.name == _OPTIONS:
            columns = [page.column(name) for name in ("id", "name")]
            self._options |= {str(each): name for each, name in zip(*columns, strict=True)}
        else:
            values_by_record: list[tuple[str, Mapping[str, Any]]] = [
                (each, values)
                for each, values in zip(page.column("id"), page.column(_COLUMN), strict=True)
                if values and isinstance(values, dict)
            ]
            if values_by_record:
                self._note_unwritten(stream)
                self._spool.write(encode([stream.name, values_by_record]) + b"\n")

    @property
    def _unwritten(self) -> Mapping[str, str | None]:
        held: Mapping[str, str | None] = self.stream_state.get(_UNWRITTEN, {})
        return held

    def _note_unwritten(self, stream: ObservedStream) -> None:
        if stream.name not in self._unwritten:
            self._lists_of_this_run.add(stream.name)
            self.remember(_UNWRITTEN, {**self._unwritten, stream.name: stream.read_from})

    def _note_written(self, names: Iterable[str]) -> None:
        left = {name: since for name, since in self._unwritten.items() if name not in set(names)}
        if left:
            self.remember(_UNWRITTEN, left)
        elif self.stream_state.pop(_UNWRITTEN, None) is not None:
            self.state_manager.is_flushed = False

    @cached_property
    def _spool(self) -> SpooledTemporaryFile[bytes]:
        """The values that were put aside; created for the first page, so that `--discover` needs no file."""
        spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it lives as long as the stream
        weakref.finalize(self, spool.close)
        return spool

    @property
    @override
    def may_be_unchanged(self) -> bool:
        """Whether none of its lists was written, so that no row of a value may be older than that of its record."""
        read = [each.name for each in self._lists if each.name in self.run.result.complete]
        return {*self.run.result.unchanged}.issuperset(read)

    @override
    def read(self, context: Context | None) -> None:
        held = self.stream_state.pop(_WRITTEN, {})
        self._written_before = held if isinstance(held, dict) else {}
        super().read(context)

    @override
    def make_records(self) -> Iterator[Record]:
        """Make a row of each value that was saved."""
        self._read_definitions()
        self.has_read_all = "start_date" not in self.config and all(map(self._was_read_completely, self._lists))
        self.is_certain = all(each.is_certain for each in self._lists)
        self.repeats_rows = any(each.repeats_rows for each in self._lists)
        unchanged = set() if self.has_read_all else self._lists_as_written()
        if self._written_before.keys() - unchanged:
            self.send_state()  # without the lists whose values change now in the table
        rows = 0
        for row in self._saved_rows(without=unchanged):
            rows += 1
            yield row
        self.rows_read = rows
        if self.config["skip_unchanged"]:
            known = {each.name: each.digest_after for each in self._lists if each.name in self._lists_of_this_run}
            self.remember(_WRITTEN, {name: self._with_names(digest) for name, digest in known.items() if digest})
        self._note_written(
            {each.name for each in self._lists if self._was_read_completely(each)} | self._lists_of_this_run
        )
        yield from self._rows_of_earlier_runs()

    def _lists_as_written(self) -> set[str]:
        """Return the lists of which nothing was written, and whose values have the names that they were written with.

        Their values are left out; only where the loader is not told which rows are gone.
        """
        same = {each.name: each.digest_before for each in self._lists if each.name in self._lists_of_this_run}
        return {
            name
            for name, digest in same.items()
            if digest and self._written_before.get(name) == self._with_names(digest)
        }

    def _with_names(self, digest: str) -> str:
        """Return what changes with the records of a list, or with the names of any field or option."""
        names = [sorted(each.items()) for each in (self._fields, self._options)]
        return schema_fingerprint(digest, self.table_fingerprint, names)

    def _rows_of_earlier_runs(self) -> Iterator[Record]:
        """Read again what runs that were cut short had read; the state moves on with each list."""
        for each in self._lists:
            if each.name in self._unwritten and each.name in self.run.result.complete:
                self.logger.info("reading %s again, whose values an earlier run did not write", each.name)
                for page in each.read_again(self._unwritten[each.name]):
                    self.on_page(each, page)
                    yield from self._saved_rows()
                self._note_written({each.name})
                self.page_written()

    def _saved_rows(self, *, without: Container[str] = ()) -> Iterator[Record]:
        """Make the rows of the values that were saved, except those of some lists, and forget them all."""
        self._spool.seek(0)
        for line in self._spool:
            kind, page = decode(line)
            for record, values in page if kind not in without else ():
                for field, value in values.items():
                    yield self._row(kind, record, field, value)
        self._spool.seek(0)
        self._spool.truncate()

    def _row(self, kind: str, record: object, field: str, value: object) -> Record:
        name, data_type = self._fields.get(field, (None, None))
        selected = value if isinstance(value, list) else [value]
        options = [self._options.get(str(each)) for each in selected]
        type_name = _DATA_TYPES.get(data_type)
        return {
            "resource_type": kind,
            "resource_id": record,
            "custom_field_id": field,
            "field_name": name,
            "data_type": type_name,
            "value": value if value is None or isinstance(value, str) else encode(value).decode(),
            "option_name": options[0] if type_name == "select" else None,
            "option_names": options if type_name in {"select", "multi-select"} and value is not None else None,
        }

    def _read_definitions(self) -> None:
        """Read the names of fields and options that the run has not read already."""
        for stream in self._definitions:
            if stream.name not in self.run.result.complete:
                try:
                    for _ in stream.read_aside():  # this stream sees the pages as an observer
                        pass
                except StreamUnavailable as refusal:
                    self.logger.warning("names stay empty: %s", refusal)

    def _was_read_completely(self, stream: ProductiveStream) -> bool:
        """Return whether this run saw every record; of a read that it continued, an earlier run saw the others."""
        complete = stream.name in self.run.result.complete and stream.began_in_this_run
        return complete and stream.scope is Scope.EVERYTHING and stream.covers_table
