"""The table that `--test` prints: which streams the account may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEADER = ("stream", "access", "rows", "seconds", "why")


@dataclass(frozen=True)
class TriedStream:
    """How it went to read a record of a stream.

    Args:
        name: The stream.
        access: `allowed`, `refused`, or `failed`.
        why: The reason of the API, or the error; empty if it is allowed.
        rows: How many rows the stream has; None if the API does not say.
        seconds: How long it took.
    """

    name: str
    access: str
    why: str
    rows: int | None
    seconds: float


def access_table(tried: Sequence[TriedStream]) -> str:
    """Return the table, with a line that counts below it.

    Args:
        tried: The streams.
    """
    rows = [
        (each.name, each.access, "" if each.rows is None else f"{each.rows:,}", f"{each.seconds:.1f}", each.why)
        for each in tried
    ]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if name in {"rows", "seconds"} else cell.ljust(width)
            for name, cell, width in zip(_HEADER, line, widths, strict=True)
        ).rstrip()
        for line in (_HEADER, *rows)
    ]
    counts = {access: sum(each.access == access for each in tried) for access in ("allowed", "refused", "failed")}
    said = ", ".join(f"{count} {access}" for access, count in counts.items() if count)
    return "\n".join([*lines, f"{len(tried)} streams: {said}"])
