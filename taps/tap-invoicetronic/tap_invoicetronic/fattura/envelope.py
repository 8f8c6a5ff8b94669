"""What a FatturaPA invoice comes wrapped in: base64, PEM and CAdES, told by content and never by name."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from lxml import etree

from singer_rest_core.documents import HTML, PKCS7, UNKNOWN, NotBase64, from_base64, media_type_of
from tap_invoicetronic.fattura.signed_data import NotSignedData, content_of

LARGEST = 50 << 20
"""The most bytes that are looked at. SDI itself takes files of 5 MB."""

MOST_TAGS = 2_000_000
"""The most tags that are parsed. 5 MB of lines have some 300,000."""

_MOST_LAYERS = 6  # base64 of base64 of a file signed twice over, itself in base64: more has not been heard of
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<")  # in UTF-16 too
_PEM = re.compile(rb"-----(?:BEGIN|END) (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----")
_DER_START = b"\x30"
_ROOTS = ("FatturaElettronica", "FatturaElettronicaSemplificata")


class NotAFattura(ValueError):
    """A file is no FatturaPA invoice that can be read. The text is one line and repeats nothing of the file."""


@dataclass(frozen=True)
class Invoice:
    """An invoice out of its wrapping.

    Args:
        root: `FatturaElettronica` or `FatturaElettronicaSemplificata`, without comments.
        is_signed: Whether it came in a CAdES signature.
    """

    root: etree._Element
    is_signed: bool


def opened(payload: bytes | str) -> Invoice:
    """Unwrap and parse a file.

    Entities are not expanded, nothing is fetched, a document type is refused. The parser's own limits hold: 10 MB for
    one text, and a depth that is far more than the 8 levels of the format.

    Args:
        payload: The file as bytes; or as text that is decoded already, so that what its XML declaration says of an
            encoding no longer counts.

    Returns:
        The invoice.

    Raises:
        NotAFattura: If it is none.
    """
    content, encoding = _encoded(payload)
    is_signed = False
    for _ in range(_MOST_LAYERS):
        if len(content) > LARGEST:
            raise NotAFattura(f"no FatturaPA invoice is that large: {len(content)} bytes")
        kind = media_type_of(content)
        if kind != HTML and _MARKUP.match(content):
            return Invoice(_parsed(content, encoding), is_signed)
        if kind == PKCS7 and content.startswith(_DER_START):
            content = _signed_content(content)
            is_signed = True
        else:
            content = _from_text(content, kind)
        encoding = None
    raise NotAFattura(f"no FatturaPA invoice: {_MOST_LAYERS} wrappings, one in another")


def _encoded(payload: bytes | str) -> tuple[bytes, str | None]:
    if isinstance(payload, bytes):
        return payload, None
    try:
        return payload.removeprefix("\ufeff").encode(), "utf-8"
    except UnicodeEncodeError:
        raise NotAFattura("no FatturaPA invoice: the text holds a half of a character") from None


def _signed_content(content: bytes) -> bytes:
    try:
        return content_of(content)
    except NotSignedData as fault:
        raise NotAFattura(f"no FatturaPA invoice: a signed file (.p7m), but {fault}") from None


def _from_text(content: bytes, kind: str) -> bytes:
    """Decode base64, with or without the lines of PEM; anything else was no wrapping."""
    letters = _PEM.sub(b"", content.removeprefix(codecs.BOM_UTF8))
    if not letters.strip():
        raise NotAFattura("no FatturaPA invoice: it is empty")
    try:
        return from_base64(letters)
    except NotBase64:
        shown = "neither XML, nor signed, nor base64" if kind == UNKNOWN else kind
        raise NotAFattura(f"no FatturaPA invoice: {shown}") from None


def _parsed(content: bytes, encoding: str | None) -> etree._Element:
    if content.count(b"<") > MOST_TAGS:
        raise NotAFattura("no FatturaPA invoice has that many elements")
    if content.startswith(codecs.BOM_UTF8):
        content, encoding = content.removeprefix(codecs.BOM_UTF8), "utf-8"
    try:
        root = _tree(content, encoding)
    except etree.XMLSyntaxError as error:
        if encoding is not None or _is_utf8(content):
            raise NotAFattura(f"no FatturaPA invoice: XML is broken in line {error.lineno}") from None
        # Some programs write the characters of Windows and say UTF-8, or nothing.
        return _parsed(content, "windows-1252")
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotAFattura("no FatturaPA invoice: XML with a document type (DTD), which may do harm")
    if etree.QName(root).localname not in _ROOTS:
        raise NotAFattura("no FatturaPA invoice: XML of another kind")
    return root


def _tree(content: bytes, encoding: str | None) -> etree._Element:
    parser = etree.XMLParser(
        encoding=encoding,
        huge_tree=False,
        load_dtd=False,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
    )
    return etree.fromstring(content.lstrip(), parser)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
