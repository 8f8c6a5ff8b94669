"""Messages that wait until it is known whether they are to be written."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = 4 << 20
"""Bytes that are kept in memory; more go to a temporary file, which has mode 0600 and no name."""

_PIECE = 1 << 20


class HeldLines:
    """Lines in order, as many as come."""

    def __init__(self) -> None:
        """Start without lines."""
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY, prefix="rows-")  # noqa: SIM115 - closed by `close`
        self._size = 0

    def add(self, lines: bytes) -> None:
        """Add messages.

        Args:
            lines: Whole messages, each with its line end.

        Raises:
            OSError: If the temporary file cannot be written; then they were not added.
        """
        self._file.seek(self._size)
        self._file.write(lines)
        self._file.flush()
        self._size += len(lines)

    def pieces(self) -> Iterator[bytes]:
        """Return the messages.

        Yields:
            Some whole messages at a time.
        """
        self._file.seek(0)
        left = self._size
        while left:
            piece = self._file.read(min(_PIECE, left))
            left -= len(piece)
            if left and not piece.endswith(b"\n"):
                rest = self._file.readline()
                left -= len(rest)
                piece += rest
            yield piece

    def close(self) -> None:
        """Forget the messages."""
        self._file.close()
