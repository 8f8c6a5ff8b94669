"""The custom transformation of the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airbyte_cdk.sources.declarative.transformations import RecordTransformation
from flat_rows import flat_row


@dataclass
class Flatten(RecordTransformation):
    """Replaces a resource by a flat record."""

    def transform(self, record: dict[str, Any], *_: object, **__: object) -> None:
        """Flatten a record in place."""
        flat = flat_row(record)
        record.clear()
        record.update(flat)
