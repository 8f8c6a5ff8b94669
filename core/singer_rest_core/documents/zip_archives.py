"""Untrusted ZIP archives, read with limits and with checks against harmful members."""

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
_ALWAYS_ALLOWED = 1 << 20  # bytes, at any compression ratio
_MAX_RATIO = 250  # bytes out per byte in; XML of repeated lines stays below 100, DEFLATE ends at 1032
_LONGEST_IN_MESSAGE = 80
# Everything that zipfile and zlib raise on content that is not an archive, or a broken one.
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
    """An archive is broken, too large or harmful. The message names the member."""


@dataclass(frozen=True)
class Member:
    """A file from an archive.

    Args:
        name: Its path in the archive, separated by `/`; not yet safe as a document name (see `safe_name`).
        content: The content of the file. A nested archive is not opened.
    """

    name: str
    content: bytes


def members(
    content: bytes | BinaryIO, *, max_file_size: int, max_total_size: int, max_members: int
) -> Iterator[Member]:
    """Read the files of a ZIP archive, one at a time.

    All names are checked before the first file is read. Sizes are counted while decompressing: a size in a header can
    only cause a refusal, never permit more.

    Args:
        content: The archive, or a seekable file that holds it.
        max_file_size: The largest size of one file, in bytes.
        max_total_size: The largest size of all files together, in bytes.
        max_members: The largest number of files and folders.

    Yields:
        The files in the order of the archive's directory, without folders.

    Raises:
        ArchiveRefused: If the archive is broken, encrypted or too large, or if a member has a path outside the archive
            or a duplicate name, is a link or device, overlaps another member, or has an excessive compression ratio.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content) if isinstance(content, bytes) else content)
    except _BROKEN as error:
        raise ArchiveRefused(f"The ZIP archive cannot be opened: {_one_line(error)}") from error
    with archive:
        entries = archive.infolist()
        if len(entries) > max_members:
            raise ArchiveRefused(f"The ZIP archive has {len(entries)} members, more than {max_members}")
        seen: set[str] = set()
        for entry in entries:
            _refuse_if(entry, _problem(entry) or _size_problem(entry.file_size, entry, max_file_size))
            name = _normalized(entry.filename)
            _refuse_if(entry, "occurs twice" if name in seen else None)
            seen.add(name)
        _refuse_overlaps(entries, archive.start_dir)
        remaining = max_total_size
        for entry in entries:
            if not entry.is_dir():
                decompressed = _decompress(archive, entry, max_file_size, remaining)
                remaining -= len(decompressed)
                yield Member(entry.filename, decompressed)


def _problem(entry: zipfile.ZipInfo) -> str | None:
    """Return what is wrong with a member according to the archive's directory."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    # An extra field may contain a second name.
    if problem := _name_problem(entry.orig_filename) or _name_problem(entry.filename):
        return problem
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is a link or device"
    if entry.is_dir() and entry.file_size:
        return "is a folder with content"
    if entry.compress_type not in _METHODS:
        return f"uses compression method {entry.compress_type}; only 0 and 8 are supported"
    return None


def _name_problem(name: str) -> str | None:
    segments = name.removesuffix("/").split("/")
    if name.startswith("/") or ".." in segments:
        return "has a path outside the archive"
    if "\\" in name or ":" in name:
        return "has a backslash or colon in its name"
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in name):
        return "has a control character in its name"
    return "has an empty path segment in its name" if {"", "."} & set(segments) else None


def _size_problem(size: int, entry: zipfile.ZipInfo, max_file_size: int) -> str | None:
    if size > max_file_size:
        return f"has more than {max_file_size} bytes"
    if size > _ALWAYS_ALLOWED and size > _MAX_RATIO * entry.compress_size:
        return f"decompresses to more than {_MAX_RATIO} times its size"
    return None


def _refuse_overlaps(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes: a ZIP bomb may use one compressed block for thousands of members."""
    for entry in sorted(entries, key=lambda one: one.header_offset, reverse=True):
        entry_end = entry.header_offset + _LOCAL_HEADER + entry.compress_size
        _refuse_if(entry, "overlaps another member" if entry_end > end else None)
        end = entry.header_offset


def _decompress(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_file_size: int, remaining: int) -> bytes:
    content = bytearray()
    try:
        with archive.open(entry) as file:
            while block := file.read(_BLOCK):
                content += block
                _refuse_if(entry, _size_problem(len(content), entry, max_file_size))
                _refuse_if(entry, "exceeds the size limit of the archive" if len(content) > remaining else None)
    except ArchiveRefused:
        raise
    except _BROKEN as error:
        raise ArchiveRefused(f"ZIP member {_quoted_name(entry)} is broken: {_one_line(error)}") from error
    _refuse_if(entry, "is shorter than its header says" if len(content) != entry.file_size else None)
    return bytes(content)


def _refuse_if(entry: zipfile.ZipInfo, problem: str | None) -> None:
    if problem:
        raise ArchiveRefused(f"ZIP member {_quoted_name(entry)} {problem}")


def _normalized(name: str) -> str:
    """Return the same text for names that are one file if a file system ignores case or composes accents."""
    return unicodedata.normalize("NFC", name.casefold()).removesuffix("/")


def _quoted_name(entry: zipfile.ZipInfo) -> str:
    name = entry.orig_filename
    return repr(name if len(name) <= _LONGEST_IN_MESSAGE else f"{name[:_LONGEST_IN_MESSAGE]}…")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_IN_MESSAGE] or type(error).__name__
