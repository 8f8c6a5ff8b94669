"""The organization `recorded`: the documentation's own examples, value for value.

Each file of `recorded/` names its source. A relationship that the example shows with data keeps it; the others are
empty when included, and records they lead to are not here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.productive.records import Dataset, Record, Ref

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.productive.catalogue import Catalogue
    from sandbox.productive.records import Related

FOLDER = Path(__file__).with_name("recorded")


def recorded_examples(catalogue: Catalogue, clock: Clock) -> Dataset:
    """The examples as an organization's rows."""
    dataset = Dataset(catalogue, clock)
    for resource in catalogue:
        for row in json.loads((FOLDER / f"{resource}.json").read_text())["records"]:
            shown = row.get("relationships", {})
            dataset.add(
                Record(
                    type=resource,
                    id=row["id"],
                    attributes=row["attributes"],
                    relationships={name: _target(told["data"]) for name, told in shown.items() if "data" in told},
                    named=tuple(shown),
                    linked=frozenset(name for name, told in shown.items() if "data" in told),
                )
            )
    return dataset


def _target(data: dict[str, str] | list[dict[str, str]] | None) -> Related:
    if data is None:
        return None
    if isinstance(data, list):
        return tuple(Ref(item["type"], item["id"]) for item in data)
    return Ref(data["type"], data["id"])
