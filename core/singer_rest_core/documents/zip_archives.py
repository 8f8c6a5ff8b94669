"""ZIP archives from elsewhere, opened without trusting a word of them."""

from __future__ import annotations

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from singer_sdk.exceptions import FatalSyncError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 16
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # APPNOTE.TXT 4.4.4: traditional, strong, and a masked directory
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_LOCAL_HEADER = 30  # bytes before name and extra field, APPNOTE.TXT 4.3.7
_HARMLESS = 1 << 20
_STEEPEST = 250  # bytes out for one byte in; XML of repeated lines stays below 100, DEFLATE ends at 1032
_SHOWN = 80
# Everything that zipfile and zlib raise on content that is no archive, or a broken one.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


class ArchiveRefused(FatalSyncError):
    """An archive is broken, or made to do harm. The line names the member."""


@dataclass(frozen=True)
class Member:
    """A file out of an archive.

    Args:
        name: Its path in the archive, parted by `/`; for a name in the store it still goes through `safe_name`.
        content: The file. An archive in an archive is not opened.
    """

    name: str
    content: bytes


def members(content: bytes | BinaryIO, *, longest: int, total: int, most: int) -> Iterator[Member]:
    """Read the files of a ZIP archive, one at a time.

    All names are checked before the first file is read. Sizes are counted while inflating: what the headers say only
    ever refuses, it never allows.

    Args:
        content: The archive, or a file of it that can seek.
        longest: Bytes that one file may have.
        total: Bytes that all files together may have.
        most: Files and folders that there may be.

    Yields:
        The files in the order of the archive's directory; folders are left out.

    Raises:
        ArchiveRefused: If the archive is broken, encrypted or too large, or if a member has a name that leads out of it
            or that is given twice, is a link or device, overlaps another, or inflates beyond reason.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content)
    except _BROKEN as error:
        raise ArchiveRefused(f"The ZIP archive cannot be opened: {_words(error)}") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > most:
            raise ArchiveRefused(f"The ZIP archive has {len(entries)} members, more than {most}")
        seen: set[str] = set()
        for entry in entries:
            _refuse(entry, _fault(entry) or _size_fault(entry.file_size, entry, longest))
            name = _same_file(entry.filename)
            _refuse(entry, "is there twice" if name in seen else None)
            seen.add(name)
        _refuse_overlaps(entries, archive.start_dir)
        left = total
        for entry in entries:
            if not entry.is_dir():
                inflated = _inflate(archive, entry, longest, left)
                left -= len(inflated)
                yield Member(entry.filename, inflated)


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Find what is wrong with a member by what the directory says of it."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    # An extra field may give a second name.
    if fault := _name_fault(entry.orig_filename) or _name_fault(entry.filename):
        return fault
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or device"
    if entry.is_dir() and entry.file_size:
        return "is a folder with content"
    if entry.compress_type not in _METHODS:
        return f"is packed by method {entry.compress_type}; only 0 and 8 are opened"
    return None


def _name_fault(name: str) -> str | None:
    segments = name.removesuffix("/").split("/")
    if name.startswith("/") or ".." in segments:
        return "leads out of the archive"
    if "\\" in name or ":" in name:
        return "has a backslash or colon in its name"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return "has a control character in its name"
    return "has an empty step in its name" if {"", "."} & set(segments) else None


def _size_fault(size: int, entry: zipfile.ZipInfo, longest: int) -> str | None:
    if size > longest:
        return f"has more than {longest} bytes"
    if size > _HARMLESS and size > _STEEPEST * entry.compress_size:
        return f"inflates to more than {_STEEPEST} times its size"
    return None


def _refuse_overlaps(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes: a bomb may use one packed block for thousands of them."""
    for entry in sorted(entries, key=lambda one: one.header_offset, reverse=True):
        packed_end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        _refuse(entry, "overlaps another member" if packed_end > end else None)
        end = entry.header_offset


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, longest: int, left: int) -> bytes:
    inflated = bytearray()
    try:
        with archive.open(entry) as file:
            while block := file.read(_BLOCK):
                inflated += block
                _refuse(entry, _size_fault(len(inflated), entry, longest))
                _refuse(entry, "brings the files of the archive over the limit" if len(inflated) > left else None)
    except ArchiveRefused:
        raise
    except _BROKEN as error:
        raise ArchiveRefused(f"ZIP member {_shown(entry)} is broken: {_words(error)}") from error
    _refuse(entry, "is shorter than its header says" if len(inflated) != entry.file_size else None)
    return bytes(inflated)


def _refuse(entry: zipfile.ZipInfo, fault: str | None) -> None:
    if fault:
        raise ArchiveRefused(f"ZIP member {_shown(entry)} {fault}")


def _same_file(name: str) -> str:
    """Make names equal that are one file where a file system ignores case or composes accents."""
    return unicodedata.normalize("NFC", name.casefold()).removesuffix("/")


def _shown(entry: zipfile.ZipInfo) -> str:
    name = entry.orig_filename
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:_SHOWN] or type(error).__name__
