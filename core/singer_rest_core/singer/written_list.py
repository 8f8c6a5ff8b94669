"""What a table holds, as far as the state remembers it: digests of the rows of the last read of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.records.timestamps import instant, instant_or_none
from singer_rest_core.singer.versions import LAST_READ, SHRUNKEN_READ, CompleteRead

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime, timedelta

WRITTEN_LIST = "written_list"
"""Where the stream's state keeps what the table holds; removed before anything else is written to the table."""

WRITTEN_ROWS = "written_rows"
"""The same of an incremental stream: of the rows that its next read brings again, whether they have changed or not."""

WRITTEN_SCHEMA = "written_schema"
"""Where the stream's state keeps the fingerprint of the SCHEMA that was written last."""

_DIGEST_SIZE = 16
_MODULUS = 2 ** (8 * _DIGEST_SIZE)
_MOST_RECENT_ROWS = 50_000
"""Rows of an incremental stream whose digests are kept in memory. With more within its look-back they are not known."""


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

    def add_encoded(self, records: Iterable[bytes]) -> list[int]:
        """Add rows.

        Args:
            records: Each record as JSON, as it is written.

        Returns:
            The digest of each.
        """
        if self._left_out:
            records = (encode(self._steady(decode(record))) for record in records)
        key = self._key
        digests = [int.from_bytes(blake2b(record, digest_size=_DIGEST_SIZE, key=key).digest()) for record in records]
        self.rows += len(digests)
        self._sum += sum(digests)
        return digests

    def add(self, stream: str, record: Mapping[str, object]) -> int:
        """Add one row.

        Args:
            stream: The name that it is written under, which stream maps may change.
            record: The record as it is written.

        Returns:
            Its digest.
        """
        text = encode([stream, self._steady(record)])
        digest = int.from_bytes(blake2b(text, digest_size=_DIGEST_SIZE, key=self._key).digest())
        self._sum += digest
        self.rows += 1
        return digest

    def hexdigest(self) -> str:
        """Return the digest of the rows so far, in 32 hexadecimal digits."""
        return _hexadecimal(self._sum)

    def is_of(self, written: WrittenList | WrittenRows) -> bool:
        """Return whether the rows are those that were written.

        Args:
            written: What the state remembers.
        """
        return self.rows == written.rows and self.hexdigest() == written.digest

    def _steady(self, record: Mapping[str, object]) -> Mapping[str, object]:
        return {name: value for name, value in record.items() if name not in self._left_out}


def _hexadecimal(total: int) -> str:
    return f"{total % _MODULUS:0{2 * _DIGEST_SIZE}x}"


class RecentRows:
    """The digests of the rows of an incremental read that the next one brings again.

    Args:
        lookback: How much before the bookmark that one begins.
    """

    def __init__(self, lookback: timedelta) -> None:
        """Start without rows."""
        self._lookback = lookback
        self._rows: list[tuple[datetime, int]] = []
        self._newest: datetime | None = None
        self._forgotten: datetime | None = None
        self._is_known = True

    def add(self, values: Iterable[object], digests: Iterable[int]) -> None:
        """Add rows.

        Args:
            values: The replication value of each. A row without one is taken not to come again; if it does, the next
                read is not the same.
            digests: The digest of each.
        """
        for value, digest in zip(values, digests, strict=True) if self._is_known else ():
            moment = instant_or_none(value)
            if moment is None:
                continue
            self._rows.append((moment, digest))
            self._newest = moment if self._newest is None else max(moment, self._newest)
        if len(self._rows) > _MOST_RECENT_ROWS and self._newest is not None:
            bound = self._newest - self._lookback
            self._rows = [row for row in self._rows if row[0] >= bound]
            self._forgotten = bound
            if len(self._rows) > _MOST_RECENT_ROWS // 2:
                self._is_known = False
                self._rows = []

    def since(self, bound: str, *, written: datetime) -> WrittenRows | None:
        """Return what the table holds from a replication value on.

        Args:
            bound: The value, inclusive.
            written: When the run began that wrote the rows.

        Returns:
            The rows; None if they are not known.
        """
        first = instant(bound)
        if not self._is_known or (self._forgotten is not None and first < self._forgotten):
            return None
        digests = [digest for moment, digest in self._rows if moment >= first]
        return WrittenRows(_hexadecimal(sum(digests)), len(digests), bound, written)


@dataclass(frozen=True)
class WrittenRows:
    """The newest rows of an incremental stream, which were written.

    Args:
        digest: Their digest.
        rows: How many they are.
        since: The replication value that they begin with.
        written: When the run began that wrote them.
    """

    digest: str
    rows: int
    since: str
    written: datetime

    def as_state(self) -> dict[str, object]:
        """Return it as a JSON object for the state."""
        return {"digest": self.digest, "rows": self.rows, "since": self.since, "written": _text(self.written)}

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> WrittenRows | None:
        """Read it from the stream's state.

        Args:
            state: The stream's state.

        Returns:
            What was written; None if that is not known, or cannot be read.
        """
        held: Any = state.get(WRITTEN_ROWS)
        try:
            return cls(str(held["digest"]), int(held["rows"]), str(held["since"]), instant(str(held["written"])))
        except (KeyError, TypeError, ValueError):
            return None


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


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
        return {
            "digest": self.digest,
            "rows": self.rows,
            "version": self.version,
            "written": _text(self.written),
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


def written_digest(state: Mapping[str, Any]) -> str | None:
    """Return the digest of the rows that a table holds.

    Args:
        state: The stream's state.

    Returns:
        The digest; None if it is not known.
    """
    written = WrittenList.in_state(state) or WrittenRows.in_state(state)
    return None if written is None else written.digest
