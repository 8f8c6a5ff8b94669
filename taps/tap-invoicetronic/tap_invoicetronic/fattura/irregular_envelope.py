"""The content of CAdES files whose envelope is irregular: what breaks the envelope need not break the invoice in it.

Envelopes are cut short in the signature, lack the end marks of BER, have lengths of eight bytes or wrong ones, begin
with a line break, or went through a program that turned every LF into CRLF, as for a text. What is found counts as an
invoice only if it is well-formed from its first tag to its last one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from singer_rest_core.documents import PKCS7, media_type_of
from tap_invoicetronic.fattura.encodings import wide_text
from tap_invoicetronic.fattura.signed_data import NotSignedData, content_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_OCTET_STRING = 0x04
_CONSTRUCTED_OCTET_STRING = 0x24
_EXPLICIT_0 = 0xA0
_END_OF_CONTENTS = 0x00
_LONG_LENGTH = 0x80

_MAX_PARTS = 500_000
"""The most parts of a content. Signing programs write parts of a thousand bytes or more."""

_HEAD = 1024
_SEQUENCE = b"\x30"
_BEFORE = b" \t\r\n\x00\xef\xbb\xbf"
_CONTENT_TYPE = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
"""The identifier of `data`, which is what an invoice is signed as."""

_ROOT = re.compile(r"<((?:[^\W\d][\w.-]{0,99}:)?FatturaElettronica(?:Semplificata)?)(?=[\s/>])")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}\?>")
_END = re.compile(r"\s*>")
_PROLOGUE = 4096
"""How far before the root its declaration is looked for: style sheets and comments may come between."""

_DOCTYPE = "<!DOCTYPE"


def is_signed_data(content: bytes) -> bool:
    """Return whether bytes begin like CMS SignedData, in a regular envelope or not.

    Args:
        content: The bytes.
    """
    start = content[:_HEAD].lstrip(_BEFORE)
    return start.startswith(_SEQUENCE) and media_type_of(start) == PKCS7


def contents_of(data: bytes) -> Iterator[bytes]:
    """Return what may be the signed content of an irregular envelope, the most faithful reading first.

    Args:
        data: Bytes that `is_signed_data`, of which `content_of` made no invoice.

    Yields:
        The content, or the invoice alone that was found in the bytes.
    """
    forms = _forms(data.lstrip(_BEFORE))
    for form in forms:
        if form != data:
            try:
                yield content_of(form)
            except NotSignedData:
                continue
    for form in forms:
        if content := _octets_of(form):
            yield content
    for form in forms:
        if invoice := _invoice_among(form):
            yield invoice


def invoice_in(content: bytes) -> bytes | None:
    """Return an invoice without what is around it.

    Args:
        content: The content of an envelope.

    Returns:
        The XML declaration, if there is one, and all from the start tag of the root to its end tag. None if the content
        has no such tags, or a document type.
    """
    text = wide_text(content)
    if text is None:
        return _invoice_among(content)
    invoice = _invoice_in(text)
    return _DECLARATION.sub("", invoice, count=1).encode() if invoice is not None else None


def _invoice_among(data: bytes) -> bytes | None:
    """Return an invoice in an encoding that has ASCII.

    The header of a part of a content is no character of XML there; in UTF-16 it would be.
    """
    # ISO-8859-1 makes one character of each byte, and back.
    invoice = _invoice_in(data.decode("iso-8859-1"))
    return invoice.encode("iso-8859-1") if invoice is not None else None


def _forms(data: bytes) -> tuple[bytes, ...]:
    """Return data as it is and as it was before LF became CRLF; first the latter, if no LF is without its CR."""
    lf, crlf = data.count(b"\n"), data.count(b"\r\n")
    undone = data.replace(b"\r\n", b"\n")
    if not crlf:
        return (data,)
    return (undone, data) if lf == crlf else (data, undone)


def _invoice_in(text: str) -> str | None:
    start = _ROOT.search(text)
    if start is None:
        return None
    end_tag = f"</{start[1]}"
    end = _END.match(text, text.rfind(end_tag) + len(end_tag))
    if end is None or end.start() < start.end():
        return None
    prologue = text[max(0, start.start() - _PROLOGUE) : start.start()]
    if _DOCTYPE in prologue:
        return None
    declarations = _DECLARATION.findall(prologue)
    return "".join((*declarations[-1:], text[start.start() : end.end()]))


def _octets_of(data: bytes) -> bytes:
    """Return the octets of the content, looking at no length but those of its parts."""
    place = data.find(_CONTENT_TYPE)
    if place < 0:
        return b""
    tag, _, place = _header(data, place + len(_CONTENT_TYPE))
    if tag != _EXPLICIT_0:
        return b""
    parts: list[bytes] = []
    for _ in range(_MAX_PARTS):
        tag, length, start = _header(data, place)
        if tag == _OCTET_STRING:
            parts.append(data[start : start + length])
            place = start + length
        elif tag in {_CONSTRUCTED_OCTET_STRING, _END_OF_CONTENTS}:
            place = start
        else:
            break
    return b"".join(parts)


def _header(data: bytes, place: int) -> tuple[int | None, int, int]:
    """Return a tag, a length, and where the content begins; no tag at the end of the data."""
    if place + 2 > len(data):
        return None, 0, len(data)
    tag, length, start = data[place], data[place + 1], place + 2
    if length <= _LONG_LENGTH:
        return tag, length % _LONG_LENGTH, start
    end = start + length - _LONG_LENGTH
    return tag, int.from_bytes(data[start:end]), end
