"""Rows without a usable key: no loader could keep them, and target-postgres ends at the first, with all streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.records.conform import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.records.conform import Column

LONGEST_KEY = 2_000
"""Bytes of all columns of a key together: an entry of PostgreSQL's index takes 2704 at most."""


class RowKeys:
    """Tells which keys of rows a loader can use.

    Args:
        columns: The columns of the key, in its order.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        """Keep the columns."""
        self._columns = columns

    def faults(self, ids: Sequence[Any]) -> Mapping[int, str]:
        """Find the rows whose key cannot be used.

        Args:
            ids: The key of each row, as the API gave it; tuples if it has several columns.

        Returns:
            What is wrong with a key, as a clause, by the index of its row.
        """
        if len(self._columns) == 1:
            (column,) = self._columns
            if self._all_fit(column, ids):
                return {}
            found = ((index, self._fault((each,))) for index, each in enumerate(ids))
        else:
            found = ((index, self._fault(each)) for index, each in enumerate(ids))
        return {index: fault for index, fault in found if fault is not None}

    @staticmethod
    def _all_fit(column: Column, ids: Sequence[Any]) -> bool:
        """Return whether all keys surely are of the type of their column."""
        kinds = set(map(type, ids))
        if kinds == {str} and column.native is str:
            return max(map(len, ids)) <= LONGEST_KEY // 4
        return kinds == {int} and column.native is not str and -(1 << 62) < min(ids) <= max(ids) < 1 << 62

    def _fault(self, values: Sequence[Any]) -> str | None:
        size = 0
        for column, value in zip(self._columns, values, strict=True):
            if value is None:
                return f"it has no {column.name}"
            try:
                size += len(str(column.convert(value)).encode("utf-8", "replace"))
            except Misfit as misfit:
                return f"its {column.name} {misfit}"
        if size > LONGEST_KEY:
            return f"its {' and '.join(column.name for column in self._columns)} is longer than {LONGEST_KEY:,} bytes"
        return None
