"""What a table holds of a list, as far as the state remembers it: a digest of the rows of its last complete read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.timestamps import instant
from singer_rest_core.singer.versions import LAST_READ, SHRUNKEN_READ, CompleteRead

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

WRITTEN_LIST = "written_list"
"""Where the stream's state keeps what the table holds; removed before anything else is written to the table."""

WRITTEN_SCHEMA = "written_schema"
"""Where the stream's state keeps the fingerprint of the SCHEMA that was written last."""

_DIGEST_SIZE = 16


def schema_fingerprint(*parts: object) -> str:
    """Return what changes when anything changes that decides what a table looks like.

    Args:
        parts: Anything JSON can hold: SCHEMA messages, versions, settings of stream maps.

    Returns:
        32 hexadecimal digits.
    """
    return blake2b(encode(parts), digest_size=_DIGEST_SIZE).hexdigest()


class ContentDigest:
    """A digest of rows that does not depend on their order; rows that come twice count twice.

    The sum of the rows' own digests modulo 2^128: unlike an exclusive or, it does not cancel equal rows out.

    Args:
        schema: The fingerprint of their SCHEMA, which the digest depends on, too.
        left_out: Names of columns whose values differ each time they are read.
    """

    def __init__(self, schema: str, left_out: Collection[str] = ()) -> None:
        """Start without rows."""
        self.rows = 0
        self._key = bytes.fromhex(schema)
        self._left_out = frozenset(left_out)
        self._sum = 0

    def add_encoded(self, records: Iterable[bytes]) -> None:
        """Add rows.

        Args:
            records: Each record as JSON, as it is written.
        """
        if self._left_out:
            records = (encode(self._steady(decode(record))) for record in records)
        key, rows, total = self._key, 0, self._sum
        for record in records:
            total += int.from_bytes(blake2b(record, digest_size=_DIGEST_SIZE, key=key).digest())
            rows += 1
        self.rows += rows
        self._sum = total

    def add(self, stream: str, record: Mapping[str, object]) -> None:
        """Add one row.

        Args:
            stream: The name that it is written under, which stream maps may change.
            record: The record as it is written.
        """
        text = encode([stream, self._steady(record)])
        self._sum += int.from_bytes(blake2b(text, digest_size=_DIGEST_SIZE, key=self._key).digest())
        self.rows += 1

    def hexdigest(self) -> str:
        """Return the digest of the rows so far, in 32 hexadecimal digits."""
        return f"{self._sum % 2 ** (8 * _DIGEST_SIZE):0{2 * _DIGEST_SIZE}x}"

    def _steady(self, record: Mapping[str, object]) -> Mapping[str, object]:
        return {name: value for name, value in record.items() if name not in self._left_out}


@dataclass(frozen=True)
class WrittenList:
    """The rows of a complete read that were written.

    Args:
        digest: Their digest.
        rows: How many they are.
        version: The table version that they carry.
        written: When the run began that wrote them.
        deletes_told: Whether that version was activated: the table holds these rows and no other.
    """

    digest: str
    rows: int
    version: int
    written: datetime
    deletes_told: bool

    def as_state(self) -> dict[str, object]:
        """Return it as a JSON object for the state."""
        written = self.written.isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "digest": self.digest,
            "rows": self.rows,
            "version": self.version,
            "written": written,
            "deletes_told": self.deletes_told,
        }

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> WrittenList | None:
        """Read it from the stream's state.

        Args:
            state: The stream's state.

        Returns:
            What was written; None if that is not known, cannot be read, or a complete read came after it.
        """
        held: Any = state.get(WRITTEN_LIST)
        try:
            found = cls(
                str(held["digest"]),
                int(held["rows"]),
                int(held["version"]),
                instant(str(held["written"])),
                deletes_told=held["deletes_told"] is True,
            )
        except (KeyError, TypeError, ValueError):
            return None
        # Another version of the tap, which does not know this entry, keeps the versions of its reads all the same.
        reads = [read for name in (LAST_READ, SHRUNKEN_READ) if (read := CompleteRead.in_state(state, name))]
        return found if not reads or found.version in {read.version for read in reads} else None

    def holds(self, content: ContentDigest) -> bool:
        """Return whether rows are those that were written.

        Args:
            content: The digest of the rows.
        """
        return self.rows == content.rows and self.digest == content.hexdigest()
