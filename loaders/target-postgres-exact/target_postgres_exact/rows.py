"""The rows of a stream that wait for their commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

_MAX_BYTES = 16 * 1024 * 1024
"""Rows of any width: ten thousand wide ones would not fit into memory."""


@dataclass
class InsertedRow:
    """A row that has a value of an unexpected type, and is inserted by SQLAlchemy as target-postgres inserts all rows.

    Args:
        values: The value of each column, as target-postgres has it.
    """

    values: dict[str, Any]


Row = str | InsertedRow
"""A row as a line for COPY, or one that is inserted."""


class PendingRows:
    """Rows in the order in which they came; of rows with equal keys only the last.

    Args:
        keyed: Whether rows have a key.
        max_rows: The number of rows that are committed together.
    """

    def __init__(self, *, keyed: bool, max_rows: int) -> None:
        """Begin with none."""
        self._by_key: dict[Hashable, Row] = {}
        self._without_key: list[Row] = []
        self._keyed = keyed
        self._max_rows = max_rows
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many rows are to be written."""
        return len(self._by_key) or len(self._without_key)

    @property
    def is_full(self) -> bool:
        """Whether they are to be written now."""
        return len(self) >= self._max_rows or self._bytes >= _MAX_BYTES

    def add(self, rows: Sequence[Row], keys: Iterable[Hashable]) -> None:
        """Add rows.

        Args:
            rows: The rows.
            keys: The key of each, where rows have one.
        """
        if self._keyed:
            self._by_key.update(zip(keys, rows, strict=True))
        else:
            self._without_key += rows
        self._bytes += sum(len(row) if isinstance(row, str) else 1000 for row in rows)

    def take(self) -> list[Row]:
        """Return the rows, and forget them."""
        rows = list(self._by_key.values()) if self._keyed else self._without_key
        self._by_key, self._without_key, self._bytes = {}, [], 0
        return rows
