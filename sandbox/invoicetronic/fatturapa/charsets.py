"""How real programs encode the XML of an invoice, which is not always what they declare."""

from __future__ import annotations

import re
from itertools import cycle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

NULS = "\x00" * 3
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
EXACT, REFERENCES = "strict", "xmlcharrefreplace"


def _in(codec: str, declared: str | None, *, before: str = "", after: str = "") -> Callable[[str], bytes]:
    """Return how XML is written in an encoding; characters that it lacks become references."""

    def write(root: str) -> bytes:
        text = f"{before}{_declared(root, declared)}{after}"
        return text.encode(codec, EXACT if codec.startswith("utf") else REFERENCES)

    return write


def _mixed(declared: str | None) -> Callable[[str], bytes]:
    """Return how XML is written by a program that pastes texts of two encodings into one file, in turns."""

    def write(root: str) -> bytes:
        codecs = cycle(("utf-8", "windows-1252"))
        xml = _declared(root, declared)
        parts = zip(NOT_ASCII.split(xml), [*NOT_ASCII.findall(xml), ""], strict=True)
        return b"".join(
            text.encode() + letter.encode(next(codecs) if letter else "ascii", REFERENCES) for text, letter in parts
        )

    return write


def _declared(root: str, encoding: str | None) -> str:
    return root if encoding is None else f'<?xml version="1.0" encoding="{encoding}"?>\n{root}'


CHARSETS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": _in("utf-8", "UTF-8"),
    "UTF-8, not declared": _in("utf-8", None),
    "UTF-8 with a mark": _in("utf-8-sig", "UTF-8"),
    "UTF-8 with two marks": _in("utf-8-sig", "UTF-8", before="\ufeff"),
    "UTF-8 with a mark, declared as windows-1252": _in("utf-8-sig", "windows-1252"),
    "UTF-8 filled up with NULs": _in("utf-8", "UTF-8", after=NULS),
    "UTF-8, declared as UTF-16": _in("utf-8", "UTF-16"),
    "UTF-16": _in("utf-16", "UTF-16"),
    "UTF-16 with two marks": _in("utf-16", "UTF-16", before="\ufeff"),
    "UTF-16 filled up with NULs": _in("utf-16", "UTF-16", after=NULS),
    "UTF-16 without a mark": _in("utf-16-le", "UTF-16"),
    "UTF-16 without a mark, big-endian": _in("utf-16-be", "UTF-16"),
    "UTF-16, big-endian, filled up with NULs": _in("utf-16-be", "UTF-16", before="\ufeff", after=NULS),
    "windows-1252": _in("windows-1252", "windows-1252"),
    "windows-1252, declared as UTF-8": _in("windows-1252", "UTF-8"),
    "windows-1252, declared as ISO-8859-1": _in("windows-1252", "ISO-8859-1"),
    "windows-1252, not declared": _in("windows-1252", None),
    "windows-1252 filled up with NULs": _in("windows-1252", "windows-1252", after=NULS),
    "ISO-8859-1": _in("iso-8859-1", "ISO-8859-1"),
    "ISO-8859-15": _in("iso-8859-15", "ISO-8859-15"),
    "US-ASCII": _in("ascii", "US-ASCII"),
    "UTF-8 and windows-1252": _mixed("UTF-8"),
    "UTF-8 and windows-1252, not declared": _mixed(None),
    "UTF-8 and windows-1252, declared as windows-1252": _mixed("windows-1252"),
    "UTF-8 and windows-1252, declared as ISO-8859-1": _mixed("ISO-8859-1"),
}
"""By name: the function that writes XML, given without a declaration."""
