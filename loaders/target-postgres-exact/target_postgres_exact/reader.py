"""Reads the messages of a tap, as bytes."""

from __future__ import annotations

import sys
from collections import Counter
from typing import IO, TYPE_CHECKING, Any, Protocol

from singer_sdk.io_base import SingerReader
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK_BYTES = 1 << 18


class MessageHandler(Protocol):
    """Who takes the messages."""

    waits_for_input: bool
    """Whether no message is being handled, so that a signal may end the run at once."""

    def handle(self, lines: list[bytes]) -> None:
        """Handle messages, each a line without its end."""

    def finish_input(self) -> None:
        """Handle what was kept to be handled together."""

    def abandon(self) -> None:
        """End the connection, as the run ends."""


class BlockReader(SingerReader):
    """Hands messages on in blocks, undecoded.

    Args:
        handler: Who takes them.
    """

    def __init__(self, handler: MessageHandler) -> None:
        """Begin with no message."""
        super().__init__()
        self._handler = handler
        self.counts: Counter[str] = Counter()
        """The number of messages of each type."""

    @override
    def process_lines(self, file_input: IO[str] | None, callbacks: Any) -> Counter[str]:
        try:
            for lines in self._blocks(file_input or sys.stdin):
                self._handler.handle(lines)
            self._handler.finish_input()
        except BaseException:
            self._handler.abandon()
            raise
        return self.counts

    def _blocks(self, source: IO[str]) -> Iterator[list[bytes]]:
        binary = getattr(source, "buffer", None)
        if binary is None:
            yield [line.encode("utf-8", "surrogateescape") for line in source.read().splitlines()]
            return
        pieces: list[bytes] = []
        while block := self._read(binary):
            *lines, rest = block.split(b"\n")
            if lines:
                lines[0] = b"".join([*pieces, lines[0]])
                pieces = []
                yield lines
            pieces.append(rest)
        yield [b"".join(pieces)]

    def _read(self, binary: Any) -> bytes:  # noqa: ANN401 - a buffered reader, which typing has no protocol for
        self._handler.waits_for_input = True
        try:
            block: bytes = binary.read1(_BLOCK_BYTES)
        finally:
            self._handler.waits_for_input = False
        return block
