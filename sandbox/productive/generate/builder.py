"""Builds the generated world: seeded random choices, names, instants, and new rows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from faker import Faker

from sandbox.clock import WORLD_START
from sandbox.productive.defaults import with_defaults
from sandbox.productive.records import Dataset, Record, Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Catalogue
    from sandbox.productive.records import Related

T = TypeVar("T")

Row: TypeAlias = "tuple[Mapping[str, Json], Mapping[str, Related]]"
"""The attributes and relationships of one row."""

HISTORY_START = datetime(2024, 4, 2, 6, 0, tzinfo=UTC)
"""The oldest instant in the world."""

QUIET_SINCE = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
"""After this, only the newest invoice, deal and company have any activity."""

ACTIVITY_START = datetime(2025, 3, 10, 7, 0, tzinfo=UTC)
"""Activity is spread over the year from here to `QUIET_SINCE`."""


@dataclass(frozen=True)
class Draft:
    """A row that is about to be added.

    Attributes:
        number: Its id.
        rng: The random generator of its resource.
        created: When it was created.
        updated: When it was last written.
    """

    number: int
    rng: random.Random
    created: datetime
    updated: datetime

    def stamps(self) -> dict[str, Json]:
        """Return the timestamps by their usual names."""
        return {
            "created_at": format_timestamp(self.created),
            "updated_at": format_timestamp(self.updated),
            "last_activity_at": format_timestamp(self.updated),
        }

    def every(self, n: int, value: T) -> T | None:
        """Return the value in every n-th row, else None."""
        return value if self.number % n == 0 else None


class WorldBuilder:
    """Builds rows from one seed."""

    def __init__(self, catalogue: Catalogue, clock: Clock, seed: int, scale: float) -> None:
        """Start with an empty organization."""
        self.dataset = Dataset(catalogue, clock)
        self.fake = Faker("en_US")
        self.fake.seed_instance(seed)
        self._seed = seed
        self._scale = scale

    def rng(self, subject: str) -> random.Random:
        """Return a random generator for one subject, independent of all others."""
        return random.Random(f"{self._seed}:{subject}")  # noqa: S311 - generated data, not cryptography

    def count(self, at_scale_one: int) -> int:
        """Return the number of rows, given the number at scale 1."""
        return max(1, round(at_scale_one * self._scale))

    def add(
        self,
        resource: str,
        record_id: int,
        attributes: Mapping[str, Json],
        relationships: Mapping[str, Related] | None = None,
    ) -> Record:
        """Add a row, its other attributes by default.

        Raises:
            KeyError: The catalogue does not have an attribute or a relationship.
        """
        page = self.dataset.catalogue[resource]
        targets: dict[str, Related] = {"organization": Ref("organizations", "1"), **(relationships or {})}
        known = page.attributes.keys() | page.hidden.keys()
        unknown = [*(attributes.keys() - known), *(set(relationships or ()) - set(page.relationships))]
        if unknown:
            raise KeyError(f"{resource} has no {', '.join(unknown)}")
        return self.dataset.add(
            Record(
                type=resource,
                id=str(record_id),
                attributes=with_defaults(page.attributes, str(record_id), attributes),
                relationships={
                    name: targets.get(name, () if relationship.to_many else None)
                    for name, relationship in page.relationships.items()
                },
                named=tuple(page.relationships),
                hidden=with_defaults(page.hidden, str(record_id), attributes),
            )
        )

    def add_many(self, resource: str, at_scale_one: int, row: Callable[[Draft], Row]) -> None:
        """Add the rows of a resource, oldest first. Timestamps are set automatically.

        Args:
            resource: The resource.
            at_scale_one: The number of rows at scale 1.
            row: Returns the attributes and relationships of one row.
        """
        self.add_for_each(resource, [None] * self.count(at_scale_one), lambda draft, _none: row(draft))

    def add_for_each(self, resource: str, subjects: Sequence[T], row: Callable[[Draft, T], Row]) -> None:
        """Add one row for each of `subjects`, like `add_many`."""
        page = self.dataset.catalogue[resource]
        rng = self.rng(resource)
        known = page.attributes.keys() | page.hidden.keys()
        created = random_instants(rng, len(subjects), HISTORY_START, QUIET_SINCE)
        for number, (subject, instant) in enumerate(zip(subjects, created, strict=True), start=1):
            draft = Draft(number, rng, instant, random_instant(rng, instant, WORLD_START))
            attributes, relationships = row(draft, subject)
            stamps = {name: value for name, value in draft.stamps().items() if name in known}
            self.add(resource, number, {**stamps, **attributes}, relationships)

    def rows(self, resource: str) -> list[Record]:
        """Return the rows of a resource added so far."""
        return list(self.dataset.rows(resource))


def random_instant(rng: random.Random, start: datetime, end: datetime) -> datetime:
    """Return an instant between two, to the millisecond."""
    span = int((end - start) / timedelta(milliseconds=1))
    return start + timedelta(milliseconds=rng.randrange(max(span, 1)))


def random_instants(rng: random.Random, count: int, start: datetime, end: datetime) -> list[datetime]:
    """Return distinct instants between two, in order."""
    span = int((end - start) / timedelta(milliseconds=1))
    return [start + timedelta(milliseconds=offset) for offset in sorted(rng.sample(range(span), count))]


def histories(rng: random.Random, count: int, newest: datetime) -> list[tuple[dict[str, Json], datetime]]:
    """Return timestamps and creation time for rows in the order of their ids.

    Activity is spread over a year; only one row has activity at `newest`. A third of the rows was written after
    `last_activity_at`, which does not follow every write (README 0.2).
    """
    created = random_instants(rng, count, HISTORY_START, QUIET_SINCE - timedelta(days=9))
    newest_index = rng.randrange(count)
    answer: list[tuple[dict[str, Json], datetime]] = []
    for index, instant in enumerate(created):
        active = random_instant(rng, max(instant, ACTIVITY_START), QUIET_SINCE)
        updated = random_instant(rng, active, WORLD_START) if rng.random() < 1 / 3 else active
        if index == newest_index:
            active = updated = newest
        stamps: dict[str, Json] = {
            "created_at": format_timestamp(instant),
            "updated_at": format_timestamp(updated),
            "last_activity_at": format_timestamp(active),
        }
        answer.append((stamps, instant))
    return answer


def maybe(rng: random.Random, share: float, value: T) -> T | None:
    """Return the value with a probability of `share`, else None."""
    return value if rng.random() < share else None


def tags(rng: random.Random, names: Sequence[str]) -> list[str]:
    """Return none to three tags."""
    return rng.sample(list(names), rng.choice([0, 0, 1, 2, 3]))


def refs(records: Sequence[Record]) -> tuple[Ref, ...]:
    """Return references to rows."""
    return tuple(record.ref for record in records)
