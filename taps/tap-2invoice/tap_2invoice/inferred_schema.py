"""Streams whose schema is inferred from a sample of the account, as no field of any record is documented."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Schema
from typing_extensions import override

from singer_rest_core.records import column_kinds, identifies, infer_schema, with_columns, with_key
from singer_rest_core.streams import BaseStream
from tap_2invoice.keys import DIGEST, ID, with_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from singer_rest_core import Record

_COLUMNS = "columns"
"""The key in a stream's state of the columns that the runs before had."""


class InferredSchemaStream(BaseStream, ABC):
    """A stream whose schema is inferred from a sample; without one it is the key alone, and the rest is rescued."""

    primary_keys: Sequence[str] = (ID,)

    def __init__(self, tap: Tap, **sdk_arguments: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Make the stream of a tap.

        Args:
            tap: The tap.
            sdk_arguments: What the SDK's class takes beside it.
        """
        super().__init__(tap, **sdk_arguments)
        self._inferred = infer_schema([], keys=self.primary_keys)
        self._sample_lacks_ids = False
        """Whether the id stays the key though records of the sample have none."""

    @property
    def schema(self) -> Record:
        """The schema of the catalog, or the inferred one, with the columns that the runs before had."""
        return self._inferred

    @property
    def effective_schema(self) -> Record:
        """The same: columns that the runs before had go before those of the catalog."""
        return self._inferred

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Use the schema in a catalog, even if the account has changed since."""
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry is not None:
            self._inferred = entry.schema.to_dict()

    def infer_from(self, sample: Sequence[Record]) -> None:
        """Infer key and schema from a sample.

        Args:
            sample: Raw records.
        """
        if identifies(sample, ID):
            self._inferred = infer_schema(sample, keys=(ID,))
            return
        self.logger.info("records have no id of their own: a digest of each is its key, %s", DIGEST)
        self.primary_keys = (DIGEST,)
        self._inferred = infer_schema(with_keys(sample, DIGEST), keys=(DIGEST,))

    def remember_columns(self) -> None:
        """Keep the columns in the state, for the next run."""
        self.remember(_COLUMNS, column_kinds(self.schema))

    def restore_columns(self, catalog: Catalog) -> None:
        """Keep key and columns that the runs before had: the sample is another one now, but the table is the same.

        Args:
            catalog: The working catalog, whose entry is changed.
        """
        remembered = self.tap_state.get("bookmarks", {}).get(self.name, {}).get(_COLUMNS)
        entry = catalog.get_stream(self.name)
        if not isinstance(remembered, dict) or entry is None:
            return
        self._restore_key(DIGEST if DIGEST in remembered else ID, entry)
        restored = with_columns(self.schema, {str(name): str(kinds) for name, kinds in remembered.items()})
        found = column_kinds(self.schema)
        for name in sorted(found.keys() & remembered.keys()):
            if found[name] != remembered[name]:
                self.logger.info("column %s stays %s, as it was: %s would fit now", name, remembered[name], found[name])
        entry.schema = Schema.from_dict(restored)
        self._inferred = restored

    def _restore_key(self, key: str, entry: CatalogEntry) -> None:
        """Keep a key that was inferred, unless somebody has written another one into the catalog."""
        if list(self.primary_keys) == [key] or not set(self.primary_keys) <= {ID, DIGEST}:
            return
        if key == ID:
            self.logger.warning(
                "records no longer have an %s of their own, but it stays the key, as it was: of records with the same "
                "one, a loader keeps the last. To load all of them, read into a new table without state",
                ID,
            )
        else:
            self.logger.info("the key stays %s, as it was: %s could be the key now", key, ID)
        self._sample_lacks_ids = key == ID
        self.primary_keys = (key,)
        entry.key_properties = [key]
        columns = {name: each for name, each in self.schema["properties"].items() if name != DIGEST}
        self._inferred = with_key({**self.schema, "properties": columns}, key)
