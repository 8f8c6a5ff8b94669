"""Rows of the lists that no other module generates, made from their documented examples."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from sandbox.productive.recorded import documented_rows

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Related

ROWS = 12
"""Rows at scale 1."""

STAMPS = frozenset({"created_at", "updated_at", "last_activity_at"})


def make_rows_from_examples(builder: WorldBuilder) -> None:
    """Add rows to each list that has none: copies of its first example. A list without an example stays empty."""
    for resource in builder.dataset.catalogue:
        examples = documented_rows(resource)
        if examples and not builder.rows(resource):
            _add_copies(builder, resource, examples[0]["attributes"])


def _add_copies(builder: WorldBuilder, resource: str, example: dict[str, Json]) -> None:
    attributes = {name: value for name, value in example.items() if name not in STAMPS}

    def row(draft: Draft) -> Row:
        return copy.deepcopy(attributes), _relationships(builder, resource, draft)

    builder.add_many(resource, ROWS, row)


def _relationships(builder: WorldBuilder, resource: str, draft: Draft) -> dict[str, Related]:
    """Return relationships to rows of the right types; a relationship to a type without rows stays empty."""
    catalogue = builder.dataset.catalogue
    found: dict[str, Related] = {}
    for name, relationship in catalogue[resource].relationships.items():
        candidates = builder.rows(relationship.type) if relationship.type in catalogue else []
        if candidates and name != "organization":
            ref = draft.rng.choice(candidates).ref
            found[name] = (ref,) if relationship.to_many else ref
    return found
