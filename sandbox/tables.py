"""A system's rows as plain JSON objects: generated on first use, changed by the admin, and restored by a reset."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import Json, JsonObject
    from sandbox.schedule import Change


class World(Protocol):
    """The source of a system's rows. Subclasses may leave out `changed_on_update`."""

    keys: Mapping[str, str]
    """The resources, each with the attribute that identifies its rows."""

    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        """Return all initial rows by resource: the same for the same seed and scale."""

    def new_row(self, resource: str, number: int) -> JsonObject:
        """Return a new row with every attribute; its key is made from `number`, which is unused so far."""

    def changed_on_update(self, resource: str) -> JsonObject:  # noqa: ARG002 - a default
        """Return further attributes that change when the admin updates a row, e.g. its `updated_at`."""
        return {}


@dataclass
class ScriptedChanges:
    """Changes scheduled for after the n-th request from now to a path with this ending."""

    path: str
    after_request: int
    changes: Sequence[Mapping[str, Json]]


class Tables:
    """The rows of one system, by resource and key."""

    def __init__(self, world: World) -> None:
        """Generate the rows of `world` on first use, so that a sandbox starts fast."""
        self._world = world
        # The initial rows: unpickling them is several times faster than generating them again.
        self._start = b""
        self._tables: dict[str, dict[str, JsonObject]] = {}
        self._last_numbers: dict[str, int] = {}
        self._scripted: list[ScriptedChanges] = []
        self._bin: dict[str, dict[str, JsonObject]] = {}
        self.extra_attributes: dict[str, JsonObject] = {}

    def reset(self) -> None:
        """Restore the initial state."""
        self._tables = {}
        self._last_numbers = {}
        self._scripted = []
        self._bin = {}
        self.extra_attributes = {}

    def stored_rows(self, resource: str) -> list[JsonObject]:
        """Return the rows of a resource as stored, in the order of creation.

        Raises:
            KeyError: There is no such resource.
        """
        return list(self._table(resource).values())

    def served_rows(self, resource: str) -> list[JsonObject]:
        """Return the rows of a resource with the extra attributes applied."""
        extra = self.extra_attributes.get(resource, {})
        return [{**row, **extra} for row in self._table(resource).values()]

    def served_row(self, resource: str, key: str) -> JsonObject | None:
        """Return the row with a key, with the extra attributes applied, if it exists."""
        row = self._table(resource).get(key)
        return None if row is None else {**row, **self.extra_attributes.get(resource, {})}

    def create(self, resource: str, attributes: Mapping[str, Json]) -> JsonObject:
        """Create a row; attributes that are not given get generated values.

        Raises:
            KeyError: There is no such resource.
            ValueError: A row with that key exists.
        """
        table = self._table(resource)
        number = self._last_numbers.get(resource, len(table)) + 1
        row = {**self._world.new_row(resource, number), **attributes}
        key = str(row[self._world.keys[resource]])
        if key in table:
            raise ValueError(f"{resource} already has a row {key}")
        self._last_numbers[resource] = number
        table[key] = row
        return row

    def update(self, resource: str, key: str, attributes: Mapping[str, Json]) -> JsonObject:
        """Update a row's attributes, or add new ones.

        Raises:
            KeyError: There is no such row.
            ValueError: Its key would change.
        """
        row = self._table(resource)[key]
        name = self._world.keys[resource]
        if str(attributes.get(name, key)) != key:
            raise ValueError(f"{resource} {key} cannot change its {name}")
        row.update({**self._world.changed_on_update(resource), **attributes})
        return row

    def delete(self, resource: str, key: str) -> JsonObject:
        """Delete a row, and return it.

        Raises:
            KeyError: There is no such row.
        """
        table = self._table(resource)
        self._last_numbers.setdefault(resource, len(table))
        return table.pop(key)

    def script_changes(self, path: str, after_request: int, changes: Sequence[Mapping[str, Json]]) -> None:
        """Schedule changes for right after the n-th request from now to a path that ends in `path`.

        Args:
            path: The ending of the path.
            after_request: The number of the request, from 1.
            changes: Objects with `action` (create, update, delete), `resource`, `id` and `attributes`.

        Raises:
            ValueError: A change has an unknown action.
        """
        for change in changes:
            if change["action"] not in {"create", "update", "delete"}:
                raise ValueError(f"unknown action {change['action']}")
            self._table(str(change["resource"]))
        self._scripted.append(ScriptedChanges(path, after_request, changes))

    def change_at(self, change: Change) -> str | None:
        """Carry out a change by place, as `schedule.ChangedByPlace` says; `archive` is an update here."""
        resource, action = str(change["resource"]), change["action"]
        attributes, table = change.get("attributes", {}), self._table(resource)
        if action == "create":
            return str(self.create(resource, attributes)[self._world.keys[resource]])
        rows = self._bin.setdefault(resource, {}) if action == "restore" else table
        if not rows:
            return None
        key = list(rows)[int(change["place"]) % len(rows)]
        if action == "restore":
            table[key] = rows.pop(key)
        elif action == "delete":
            self._bin.setdefault(resource, {})[key] = self.delete(resource, key)
        else:
            self.update(resource, key, attributes)
        return key

    def after_request(self, path: str) -> None:
        """Apply the changes that are scheduled for after this request."""
        for scripted in list(self._scripted):
            if path.endswith(scripted.path):
                scripted.after_request -= 1
                if scripted.after_request <= 0:
                    self._scripted.remove(scripted)
                    for change in scripted.changes:
                        self._apply(change)

    def _apply(self, change: Mapping[str, Json]) -> None:
        resource, key = str(change["resource"]), str(change.get("id"))
        attributes = change.get("attributes") or {}
        if not isinstance(attributes, dict):
            raise TypeError(f"attributes of {resource} must be an object")
        if change["action"] == "create":
            self.create(resource, attributes)
        elif change["action"] == "update":
            self.update(resource, key, attributes)
        else:
            self.delete(resource, key)

    def _table(self, resource: str) -> dict[str, JsonObject]:
        if not self._tables:
            if not self._start:
                rows = self._world.rows()
                tables = {name: {str(row[key]): row for row in rows[name]} for name, key in self._world.keys.items()}
                self._start = pickle.dumps(tables)
            self._tables = pickle.loads(self._start)  # noqa: S301 - pickled by this object
        return self._tables[resource]
