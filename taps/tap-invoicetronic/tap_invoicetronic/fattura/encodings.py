"""Encodings of invoices: XML in UTF-8, made of files that also break their own declaration.

Some programs write windows-1252 and declare UTF-8, ISO-8859-1 or nothing; some paste texts of one encoding into a file
of another one; some write a byte order mark twice, or fill their last block with NULs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

CODECS = {
    **dict.fromkeys(("UTF-8", "UTF8"), "utf-8"),
    "UTF-16": "utf-16",
    "UTF-16LE": "utf-16-le",
    "UTF-16BE": "utf-16-be",
    **dict.fromkeys(("ISO-8859-1", "ISO8859-1", "ISO_8859-1", "LATIN1", "L1"), "iso-8859-1"),
    **dict.fromkeys(("ISO-8859-15", "ISO_8859-15", "LATIN-9"), "iso-8859-15"),
    **dict.fromkeys(("WINDOWS-1252", "CP1252"), "windows-1252"),
    **dict.fromkeys(("US-ASCII", "ASCII"), "ascii"),
}
"""Python's codec by the name that an XML declaration has, in upper case: the encodings that invoices are written in.
Python knows many more, some of which no XML parser reads (`punycode`, `utf-7`, `idna`)."""

_SINGLE_BYTE = {"iso-8859-1": "iso-8859-1", "iso-8859-15": "iso-8859-15", "windows-1252": "iso-8859-1"}
"""How bytes from 0xA0 are read; those below are always read as windows-1252, see `_WINDOWS_1252`."""

_WINDOWS_1252 = {
    byte: text for byte in range(0x80, 0xA0) if (text := bytes((byte,)).decode("windows-1252", "ignore")) != ""
}
"""What windows-1252 has in place of the control characters of ISO-8859, which no invoice contains. Its five undefined
bytes stay control characters, as in the Encoding Standard (encoding.spec.whatwg.org/#windows-1252)."""

_BLANK = b" \t\r\n\x00"
_BEFORE_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff|[ \t\r\n\x00])*")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LITTLE_ENDIAN_MARK = b"\xff\xfe"
_DECLARED = re.compile(rb"""<\?xml\b[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")

_UTF_8 = re.compile(
    rb"(?:[\xc2-\xc5\xce-\xd1][\x80-\xbf]|\xc8[\x98-\x9b]"
    rb"|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})+"
)
"""UTF-8 in a file that is not all UTF-8. Of two bytes only what Europe writes: Latin, Greek, Cyrillic. The rest is more
often a capital letter and a quotation mark of windows-1252: the end of «PERCHÉ» would be a letter of phonetics."""

_WESTERN_UTF_8 = re.compile(
    rb"(?:\xc2[\xa0-\xbf]|\xc3[\x80-\xbf]|\xc5[\x92\x93\xa0\xa1\xb8\xbd\xbe]|\xe2[\x80-\x84][\x80-\xbf])+"
)
"""UTF-8 in a file that declares an encoding of one byte: the characters of windows-1252, which would otherwise be read
as two or three others, like `Ã¨` and `Â°`."""


_NOT_CONTINUED = re.compile(rb"[^\x80-\xbf]")
_PIECE_SIZE = 1 << 20


class NotDecodable(ValueError):
    """A file in UTF-16 or UTF-32 has bytes that are no character."""


class Xml(NamedTuple):
    """XML as a parser gets it.

    Args:
        content: The bytes, without byte order marks, and without white space and NULs around them.
        encoding: What it is written in, whatever it declares; None if that is for the parser to find out.
    """

    content: bytes
    encoding: str | None


class _Wide(NamedTuple):
    """An encoding whose characters have two or four bytes.

    Args:
        codec: Python's codec.
        width: How many bytes a character has, at least.
        start: Where the first tag begins.
    """

    codec: str
    width: int
    start: int


def is_markup(content: bytes) -> bool:
    """Return whether a file begins with a tag, in any encoding.

    Args:
        content: The file.
    """
    start = _markup_start(content)
    return content[start : start + 1] == b"<"


def decoded_xml(content: bytes) -> Xml:
    """Return XML in UTF-8, or as it is where it declares an encoding that is not one of `CODECS`.

    Args:
        content: A file that `is_markup`.

    Raises:
        NotDecodable: If it is in UTF-16 or UTF-32 and has bytes that are no character.
    """
    start = _markup_start(content)
    if wide := _wide(content, start):
        return Xml(_from_wide(content, wide), "utf-8")
    xml = content[start:].rstrip(_BLANK)
    declared = None if _BYTE_ORDER_MARK in content[:start] else _DECLARED.match(xml)
    codec = CODECS.get(declared[1].decode().upper()) if declared else "utf-8"
    if codec is None:
        return Xml(xml, None)
    if codec in _SINGLE_BYTE:
        return Xml(_from_mixed(xml, _SINGLE_BYTE[codec], _WESTERN_UTF_8), "utf-8")
    return Xml(from_utf8_and_windows_1252(xml), "utf-8")


def wide_text(content: bytes) -> str | None:
    """Return a file in UTF-16 or UTF-32 as text, whatever is behind the XML in it.

    Args:
        content: The file.

    Returns:
        The text; None if the file is in another encoding, or does not begin with a tag.
    """
    wide = _wide(content, _markup_start(content)) if is_markup(content) else None
    return content[wide.start :].decode(wide.codec, "replace") if wide else None


def from_utf8_and_windows_1252(content: bytes) -> bytes:
    """Return UTF-8 as it is, and anything else read as windows-1252 but for what is UTF-8 in it.

    Args:
        content: Bytes in either encoding, or in both.

    Returns:
        The same text in UTF-8.
    """
    return content if is_utf8(content) else _from_mixed(content, "iso-8859-1", _UTF_8)


def is_utf8(content: bytes) -> bool:
    """Return whether bytes are UTF-8.

    Args:
        content: The bytes.
    """
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _markup_start(content: bytes) -> int:
    before = _BEFORE_MARKUP.match(content)
    return before.end() if before else 0


def _wide(content: bytes, start: int) -> _Wide | None:
    before, after = content[:start], content[start + 1 : start + 4]
    if not after.startswith(b"\x00"):
        return None
    width = 4 if after == b"\x00" * 3 else 2
    # A big-endian `<` is the last byte of its character, a little-endian one the first.
    is_big = start % width == width - 1 and before.endswith(b"\x00" * (width - 1))
    if is_big and not before.startswith(_LITTLE_ENDIAN_MARK):
        return _Wide(f"utf-{8 * width}-be", width, start - width + 1)
    return _Wide(f"utf-{8 * width}-le", width, start)


def _from_wide(content: bytes, wide: _Wide) -> bytes:
    xml = content[wide.start :].rstrip(b"\x00")
    # Of NULs at the end those of the last character are cut off too, if its last byte is one.
    if wide.codec.endswith("le"):
        xml += b"\x00" * (-len(xml) % wide.width)
    xml = xml[: len(xml) // wide.width * wide.width]
    try:
        return xml.decode(wide.codec).rstrip(_BLANK.decode()).encode()
    except UnicodeDecodeError:
        raise NotDecodable(f"bytes that are no character of {wide.codec[:6].upper()}") from None


def _from_mixed(content: bytes, codec: str, utf8: re.Pattern[bytes]) -> bytes:
    """Return text in UTF-8, read in an encoding of one byte but for the sequences that are UTF-8 already."""
    if content.isascii():
        return content
    return b"".join(_from_mixed_piece(piece, codec, utf8) for piece in _pieces(content))


def _pieces(content: bytes) -> Iterator[bytes]:
    """Cut text, so that its parts do not all exist at once; never within a sequence of UTF-8."""
    start = 0
    while start < len(content):
        following = _NOT_CONTINUED.search(content, start + _PIECE_SIZE)
        end = following.start() if following else len(content)
        yield content[start:end]
        start = end


def _from_mixed_piece(content: bytes, codec: str, utf8: re.Pattern[bytes]) -> bytes:
    parts: list[bytes] = []
    end = 0
    for match in utf8.finditer(content):
        parts += [_from_single_byte(content[end : match.start()], codec), match[0]]
        end = match.end()
    return b"".join((*parts, _from_single_byte(content[end:], codec)))


def _from_single_byte(content: bytes, codec: str) -> bytes:
    return content if content.isascii() else content.decode(codec).translate(_WINDOWS_1252).encode()
