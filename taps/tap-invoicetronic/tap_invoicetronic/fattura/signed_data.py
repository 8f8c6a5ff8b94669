"""What a CAdES file (`.p7m`) holds: the content out of CMS SignedData, RFC 5652.

Signatures are not verified: SDI does that before it delivers an invoice.

BER is read here, not by a library: signing programs write lengths and strings in every way that BER allows, and
asn1crypto refuses one of them, a string in parts whose length is definite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECT_IDENTIFIER = 0x06
_OCTET_STRING = 0x04
_OCTET_STRING_IN_PARTS = 0x24
_SEQUENCE = 0x30
_EXPLICIT_0 = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONSTRUCTED = 0x20
_LONG_TAG = 0x1F
_INDEFINITE = 0x80
_LONGEST_LENGTH = 4  # bytes that say how many bytes follow
_END_OF_CONTENTS = b"\x00\x00"
_DEEPEST = 32  # a chain of certificates and timestamps stays below 20


class NotSignedData(ValueError):
    """The bytes are no CMS SignedData, are cut short, or hold no content."""


@dataclass(frozen=True)
class _Element:
    """One element of BER: its tag, and where its content stands in the whole."""

    tag: int
    start: int
    end: int
    after: int


def content_of(data: bytes) -> bytes:
    """Take the signed content out.

    Args:
        data: CMS SignedData in DER or BER. Bytes after it are passed over.

    Returns:
        The content as it was signed.

    Raises:
        NotSignedData: If there is none in it.
    """
    content_info = _Parts(data, _element(data, 0, len(data)))
    if (named := content_info.take(_OBJECT_IDENTIFIER)) != _SIGNED_DATA:
        raise NotSignedData(f"it holds CMS content of type {named.hex()}, no signed data")
    signed_data = content_info.enter(_EXPLICIT_0).enter(_SEQUENCE)
    signed_data.skip()  # version
    signed_data.skip()  # digestAlgorithms
    encapsulated = signed_data.enter(_SEQUENCE)
    encapsulated.take(_OBJECT_IDENTIFIER)
    if encapsulated.is_at_end():
        raise NotSignedData("it holds a signature without the signed document")
    wrapped = encapsulated.enter(_EXPLICIT_0)
    return b"".join(_strings(data, wrapped.next()))


class _Parts:
    """The elements inside an element, one after the other."""

    def __init__(self, data: bytes, outer: _Element) -> None:
        """Begin with the first."""
        if not outer.tag & _CONSTRUCTED:
            raise NotSignedData(f"it is not built as signed data is: tag {outer.tag:#04x}")
        self._data = data
        self._elements = _inside(data, outer)

    def next(self) -> _Element:
        """Give the next element."""
        found = next(self._elements, None)
        if found is None:
            raise NotSignedData("it ends before the signed document")
        return found

    def is_at_end(self) -> bool:
        """Tell whether no element is left; asked for the last one that may stand here."""
        found = next(self._elements, None)
        if found is None:
            return True
        self._elements = iter((found,))
        return False

    def skip(self) -> None:
        """Pass over an element."""
        self.next()

    def take(self, tag: int) -> bytes:
        """Give the content of the next element, which must have this tag."""
        found = self._expected(tag)
        return self._data[found.start : found.end]

    def enter(self, tag: int) -> _Parts:
        """Give the parts of the next element, which must have this tag."""
        return _Parts(self._data, self._expected(tag))

    def _expected(self, tag: int) -> _Element:
        found = self.next()
        if found.tag != tag:
            raise NotSignedData(f"it is not built as signed data is: tag {found.tag:#04x} instead of {tag:#04x}")
        return found


def _strings(data: bytes, element: _Element, depth: int = 0) -> Iterator[bytes]:
    """Give the parts of a string; parts may have parts themselves."""
    if depth > _DEEPEST:
        raise NotSignedData("its elements are nested too deep")
    if element.tag == _OCTET_STRING:
        yield data[element.start : element.end]
    elif element.tag == _OCTET_STRING_IN_PARTS:
        for part in _inside(data, element):
            yield from _strings(data, part, depth + 1)
    else:
        raise NotSignedData(f"its content is no string of bytes: tag {element.tag:#04x}")


def _inside(data: bytes, outer: _Element) -> Iterator[_Element]:
    at = outer.start
    while at < outer.end:
        found = _element(data, at, outer.end)
        yield found
        at = found.after


def _element(data: bytes, at: int, limit: int, depth: int = 0) -> _Element:
    """Read the header at one place, and find where the element ends."""
    if depth > _DEEPEST:
        raise NotSignedData("its elements are nested too deep")
    if limit - at < len(_END_OF_CONTENTS):
        raise NotSignedData("it is cut short")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & _LONG_TAG == _LONG_TAG:
        raise NotSignedData("it is not built as signed data is: a tag of several bytes")
    if length == _INDEFINITE:
        return _indefinite(data, tag, start, limit, depth)
    if length > _INDEFINITE:
        size = length - _INDEFINITE
        if size > _LONGEST_LENGTH:
            raise NotSignedData("it is cut short")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    end = start + length
    if end > limit:
        raise NotSignedData("it is cut short")
    return _Element(tag, start, end, end)


def _indefinite(data: bytes, tag: int, start: int, limit: int, depth: int) -> _Element:
    if not tag & _CONSTRUCTED:
        raise NotSignedData("it is not built as signed data is: a plain value without a length")
    end = start
    while not data.startswith(_END_OF_CONTENTS, end, limit):
        end = _element(data, end, limit, depth + 1).after
    return _Element(tag, start, end, end + len(_END_OF_CONTENTS))
