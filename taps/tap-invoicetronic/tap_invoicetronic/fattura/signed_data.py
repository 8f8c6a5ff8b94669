"""The content of a CAdES file (`.p7m`): CMS SignedData, RFC 5652.

Signatures are not verified: the SDI does that before it delivers an invoice.

BER is parsed here, not by a library: signing programs use every form of lengths and strings that BER allows, and
asn1crypto refuses one of them, a constructed string of definite length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OBJECT_IDENTIFIER = 0x06
_OCTET_STRING = 0x04
_CONSTRUCTED_OCTET_STRING = 0x24
_SEQUENCE = 0x30
_EXPLICIT_0 = 0xA0
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONSTRUCTED = 0x20
_LONG_TAG = 0x1F
_INDEFINITE = 0x80
_MAX_LENGTH_SIZE = 4  # bytes of a length
_END_OF_CONTENTS = b"\x00\x00"
_MAX_DEPTH = 32  # a chain of certificates and timestamps stays below 20


class NotSignedData(ValueError):
    """The bytes are not CMS SignedData, are truncated, or have no content."""


@dataclass(frozen=True)
class _Element:
    """One element of BER: its tag, the start and end of its content, and the start of the next element."""

    tag: int
    start: int
    end: int
    next: int


def content_of(data: bytes) -> bytes:
    """Return the signed content.

    Args:
        data: CMS SignedData in DER or BER. Bytes after it are ignored.

    Returns:
        The content as it was signed.

    Raises:
        NotSignedData: If the data has no signed content.
    """
    content_info = _Elements(data, _element(data, 0, len(data)))
    if (content_type := content_info.take(_OBJECT_IDENTIFIER)) != _SIGNED_DATA:
        raise NotSignedData(f"CMS content of type {content_type.hex()} instead of signed data")
    signed_data = content_info.enter(_EXPLICIT_0).enter(_SEQUENCE)
    signed_data.skip()  # version
    signed_data.skip()  # digestAlgorithms
    encapsulated = signed_data.enter(_SEQUENCE)
    encapsulated.take(_OBJECT_IDENTIFIER)
    if encapsulated.is_at_end():
        raise NotSignedData("a signature without the signed document")
    wrapped = encapsulated.enter(_EXPLICIT_0)
    return b"".join(_strings(data, wrapped.next()))


class _Elements:
    """Iterates over the elements inside an element."""

    def __init__(self, data: bytes, outer: _Element) -> None:
        """Start at the first element."""
        if not outer.tag & _CONSTRUCTED:
            raise NotSignedData(f"not structured as signed data: tag {outer.tag:#04x}")
        self._data = data
        self._elements = _inside(data, outer)

    def next(self) -> _Element:
        """Return the next element."""
        found = next(self._elements, None)
        if found is None:
            raise NotSignedData("it ends before the signed document")
        return found

    def is_at_end(self) -> bool:
        """Return whether no element is left."""
        found = next(self._elements, None)
        if found is None:
            return True
        self._elements = iter((found,))
        return False

    def skip(self) -> None:
        """Skip an element."""
        self.next()

    def take(self, tag: int) -> bytes:
        """Return the content of the next element, which must have this tag."""
        found = self._expected(tag)
        return self._data[found.start : found.end]

    def enter(self, tag: int) -> _Elements:
        """Return the elements inside the next element, which must have this tag."""
        return _Elements(self._data, self._expected(tag))

    def _expected(self, tag: int) -> _Element:
        found = self.next()
        if found.tag != tag:
            raise NotSignedData(f"not structured as signed data: tag {found.tag:#04x} instead of {tag:#04x}")
        return found


def _strings(data: bytes, element: _Element, depth: int = 0) -> Iterator[bytes]:
    """Return the parts of a string; parts may have parts themselves."""
    if depth > _MAX_DEPTH:
        raise NotSignedData("its elements are nested too deeply")
    if element.tag == _OCTET_STRING:
        yield data[element.start : element.end]
    elif element.tag == _CONSTRUCTED_OCTET_STRING:
        for part in _inside(data, element):
            yield from _strings(data, part, depth + 1)
    else:
        raise NotSignedData(f"its content is not an octet string: tag {element.tag:#04x}")


def _inside(data: bytes, outer: _Element) -> Iterator[_Element]:
    at = outer.start
    while at < outer.end:
        found = _element(data, at, outer.end)
        yield found
        at = found.next


def _element(data: bytes, at: int, limit: int, depth: int = 0) -> _Element:
    """Parse the element that starts at an offset."""
    if depth > _MAX_DEPTH:
        raise NotSignedData("its elements are nested too deeply")
    if limit - at < len(_END_OF_CONTENTS):
        raise NotSignedData("it is truncated")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & _LONG_TAG == _LONG_TAG:
        raise NotSignedData("not structured as signed data: a tag of several bytes")
    if length == _INDEFINITE:
        return _indefinite(data, tag, start, limit, depth)
    if length > _INDEFINITE:
        size = length - _INDEFINITE
        if size > _MAX_LENGTH_SIZE:
            raise NotSignedData("it is truncated")
        length = int.from_bytes(data[start : start + size], "big")
        start += size
    end = start + length
    if end > limit:
        raise NotSignedData("it is truncated")
    return _Element(tag, start, end, end)


def _indefinite(data: bytes, tag: int, start: int, limit: int, depth: int) -> _Element:
    if not tag & _CONSTRUCTED:
        raise NotSignedData("not structured as signed data: a primitive value without a length")
    end = start
    while not data.startswith(_END_OF_CONTENTS, end, limit):
        end = _element(data, end, limit, depth + 1).next
    return _Element(tag, start, end, end + len(_END_OF_CONTENTS))
