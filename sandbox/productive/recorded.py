"""The organization `recorded`: the documentation's own examples, value for value.

Each file in `recorded/` names its source. A resource without a file has no records. A relationship shown with data in
the example keeps that data; the others are empty when included, and the records they refer to do not exist here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.productive.records import Dataset, Record, Ref

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.productive.catalogue import Catalogue
    from sandbox.productive.records import Related

FOLDER = Path(__file__).with_name("recorded")


def recorded_examples(catalogue: Catalogue, clock: Clock) -> Dataset:
    """Return the examples as an organization's rows."""
    dataset = Dataset(catalogue, clock)
    for resource in catalogue:
        for row in documented_rows(resource):
            shown = row.get("relationships", {})
            dataset.add(
                Record(
                    type=resource,
                    id=row["id"],
                    attributes=row["attributes"],
                    relationships={
                        name: _target(relationship["data"])
                        for name, relationship in shown.items()
                        if "data" in relationship
                    },
                    named=tuple(shown),
                    linked=frozenset(name for name, relationship in shown.items() if "data" in relationship),
                )
            )
    return dataset


def documented_rows(resource: str) -> list[dict[str, Any]]:
    """Return the documented rows of a resource; none if it has no file."""
    path = FOLDER / f"{resource}.json"
    if not path.exists():
        return []
    records: list[dict[str, Any]] = json.loads(path.read_text())["records"]
    return records


def _target(data: dict[str, str] | list[dict[str, str]] | None) -> Related:
    if data is None:
        return None
    if isinstance(data, list):
        return tuple(Ref(item["type"], item["id"]) for item in data)
    return Ref(data["type"], data["id"])
