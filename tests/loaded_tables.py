"""What a loader holds after some runs: RECORDs by key, and the rows that ACTIVATE_VERSION marked as deleted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass
class LoadedTables:
    """Tables as target-postgres keeps them: the last record of a key counts, rows of older versions are marked."""

    _rows: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)
    _keys: dict[str, list[str]] = field(default_factory=dict)
    _versions: dict[str, dict[tuple[Any, ...], int]] = field(default_factory=dict)
    _deleted: dict[str, set[tuple[Any, ...]]] = field(default_factory=dict)

    def load(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Apply the messages of a run.

        Args:
            messages: Singer messages in order.
        """
        for message in messages:
            name = message.get("stream", "")
            if message["type"] == "SCHEMA":
                self._keys[name] = list(message["key_properties"])
                for kept in (self._rows, self._versions):
                    kept.setdefault(name, {})
                self._deleted.setdefault(name, set())
            elif message["type"] == "RECORD":
                self._put(name, message["record"], message.get("version"))
            elif message["type"] == "ACTIVATE_VERSION":
                versions = self._versions[name]
                self._deleted[name] |= {key for key, version in versions.items() if version < message["version"]}

    def _put(self, name: str, record: Mapping[str, Any], version: int | None) -> None:
        key = tuple(record[column] for column in self._keys[name])
        if "_sdc_deleted_at" in record:
            self._deleted[name].add(key)
            return
        self._rows[name][key] = dict(record)
        self._deleted[name].discard(key)
        if version is not None:
            self._versions[name][key] = version

    def has(self, name: str) -> bool:
        """Return whether there is a table of this stream.

        Args:
            name: The stream.
        """
        return name in self._rows

    def live(self, name: str) -> dict[Any, dict[str, Any]]:
        """Return the rows of a table that are not marked as deleted, by key.

        Args:
            name: The stream.

        Returns:
            Records by key; by its only column where the key has one.
        """
        rows = {key: row for key, row in self._rows[name].items() if key not in self._deleted[name]}
        return {key[0] if len(key) == 1 else key: row for key, row in rows.items()}

    def deleted(self, name: str) -> set[Any]:
        """Return the keys of the rows that are marked as deleted.

        Args:
            name: The stream.

        Returns:
            Keys; the only column where a key has one.
        """
        return {key[0] if len(key) == 1 else key for key in self._deleted[name]}
