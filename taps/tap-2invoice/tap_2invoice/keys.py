"""The keys of records: their id, or a digest of the record where they have none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from singer_rest_core.records import row_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_rest_core import Record

ID = "id"
DIGEST = "_digest"
"""The key of records that have no id."""

_DIGEST_CHARACTERS = 22
"""132 bits: no two records of an account will ever have the same by chance."""


def with_keys(rows: Iterable[Record], key: str) -> Iterator[Record]:
    """Add the key to records of one page that lack it: a digest of the record.

    Identical records are numbered, as a page cannot hold the same one twice.

    Args:
        rows: Raw records.
        key: The name of the key.

    Yields:
        The records with the key.
    """
    repeats: Counter[str] = Counter()
    for row in rows:
        if key != DIGEST and row.get(key) is not None:
            yield row
            continue
        digest = row_digest(row, characters=_DIGEST_CHARACTERS)
        repeats[digest] += 1
        if repeats[digest] > 1:
            digest = row_digest([row, repeats[digest]], characters=_DIGEST_CHARACTERS)
        yield {**row, key: digest}
