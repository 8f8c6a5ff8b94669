"""The rows of one organization, and their relationships."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from sandbox.clock import Clock
    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Catalogue

T = TypeVar("T")

CACHE_SIZE = 128


class Ref(NamedTuple):
    """A record's type and id."""

    type: str
    id: str


Related: TypeAlias = Ref | tuple[Ref, ...] | None


@dataclass
class Record:
    """One row.

    Attributes:
        type: Its resource.
        id: Its id: digits, like every id of the API.
        attributes: Its served attributes.
        relationships: Its relationships.
        named: The relationships that are always served.
        linked: The relationships that have data without `include`.
        hidden: Attributes that filters and sorts use and that are not served.
    """

    type: str
    id: str
    attributes: dict[str, Json]
    relationships: dict[str, Related]
    named: tuple[str, ...]
    linked: frozenset[str] = field(default=frozenset({"organization"}))
    hidden: dict[str, Json] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """Its type and id."""
        return Ref(self.type, self.id)

    def one(self, relationship: str) -> Ref | None:
        """Return the target of a to-one relationship."""
        target = self.relationships.get(relationship)
        return target if isinstance(target, Ref) else None

    def all(self, relationship: str) -> tuple[Ref, ...]:
        """Return all targets of a relationship, to-one or to-many."""
        target = self.relationships.get(relationship)
        if target is None:
            return ()
        return (target,) if isinstance(target, Ref) else target

    def value(self, name: str) -> Json:
        """Return an attribute, served or hidden; None if there is neither."""
        return self.attributes[name] if name in self.attributes else self.hidden.get(name)

    def integer(self, attribute: str) -> int:
        """Return an integer attribute, e.g. cents; null counts as 0."""
        return cast("int", self.attributes[attribute] or 0)

    def text(self, attribute: str) -> str:
        """Return a text attribute."""
        return cast("str", self.attributes[attribute])


class Dataset:
    """The tables of one organization."""

    def __init__(self, catalogue: Catalogue, clock: Clock) -> None:
        """Start with an empty table for each resource of the catalogue; `clock` determines what is overdue."""
        self.catalogue = catalogue
        self.clock = clock
        self.tables: dict[str, dict[str, Record]] = {name: {} for name in catalogue}
        self.last_ids: defaultdict[str, int] = defaultdict(int)
        """By resource, the largest id of a row that was removed: no other row gets it."""
        self._cache: OrderedDict[Hashable, object] = OrderedDict()

    def rows(self, resource: str) -> Collection[Record]:
        """Return all rows of a resource."""
        return self.tables[resource].values()

    def get(self, ref: Ref | None) -> Record | None:
        """Return the referenced row, if it exists."""
        return None if ref is None else self.tables.get(ref.type, {}).get(ref.id)

    def add(self, record: Record) -> Record:
        """Add a row."""
        self.tables[record.type][record.id] = record
        self.invalidate_cache()
        return record

    def remove(self, record: Record) -> None:
        """Remove a row."""
        del self.tables[record.type][record.id]
        self.last_ids[record.type] = max(self.last_ids[record.type], int(record.id))
        self.invalidate_cache()

    def invalidate_cache(self) -> None:
        """Clear the cache of values computed from the rows. Call it after every change."""
        self._cache.clear()

    def cached(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the value of `compute`, cached until the rows change."""
        if key in self._cache:
            self._cache.move_to_end(key)
            return cast("T", self._cache[key])
        answer = compute()
        self._cache[key] = answer
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return answer

    def referrers(self, resource: str, relationship: str, target: str) -> list[Record]:
        """Return the rows of `resource` whose `relationship` refers to the id `target`."""

        def index() -> dict[str, list[Record]]:
            found: dict[str, list[Record]] = defaultdict(list)
            for row in self.rows(resource):
                for ref in row.all(relationship):
                    found[ref.id].append(row)
            return dict(found)

        return self.cached(("referrers", resource, relationship), index).get(target, [])
