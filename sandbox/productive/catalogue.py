"""The documentation of each resource, read from `catalogue.json`.

The file is our compact form of the vendor's pages. Per resource:

- `attributes`: type by name; a trailing `?` means that it can be null
- `relationships`: related type by name, in brackets if to-many
- `filters` and `sorts`: the documented names
- `hidden`: fields that filters and sorts use and answers do not show, like `attributes`; most resources have none
- `show`: whether single records can be requested
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Attribute:
    """An attribute: string, integer, number, boolean, date-time, date, object, array or decimal (a string)."""

    type: str
    nullable: bool


@dataclass(frozen=True)
class Relationship:
    """The target of a relationship."""

    type: str
    to_many: bool


@dataclass(frozen=True)
class Resource:
    """One resource, as its page documents it."""

    name: str
    show: bool
    attributes: Mapping[str, Attribute]
    relationships: Mapping[str, Relationship]
    filters: frozenset[str]
    sorts: frozenset[str]
    hidden: Mapping[str, Attribute]


Catalogue = dict[str, Resource]


@cache
def load_catalogue() -> Catalogue:
    """Return all resources by name."""
    pages = json.loads(Path(__file__).with_name("catalogue.json").read_text())
    return {
        name: Resource(
            name=name,
            show=page["show"],
            attributes=_attributes(page["attributes"]),
            relationships={
                key: Relationship(target.strip("[]"), target.startswith("["))
                for key, target in page["relationships"].items()
            },
            filters=frozenset(page["filters"]),
            sorts=frozenset(page["sorts"]),
            hidden=_attributes(page.get("hidden", {})),
        )
        for name, page in pages.items()
    }


def _attributes(types: Mapping[str, str]) -> dict[str, Attribute]:
    return {name: Attribute(word.removesuffix("?"), word.endswith("?")) for name, word in types.items()}
