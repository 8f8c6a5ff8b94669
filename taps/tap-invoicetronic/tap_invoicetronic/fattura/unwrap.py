"""Unwraps FatturaPA invoices: base64, PEM and CAdES, detected by content and never by name; then parses the XML."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from lxml import etree

from singer_rest_core.documents import HTML, PKCS7, UNKNOWN, NotBase64, from_base64, media_type_of
from tap_invoicetronic.fattura.signed_data import NotSignedData, content_of

MAX_SIZE = 50 << 20
"""The largest file that is read, in bytes. The SDI accepts files of 5 MB."""

MAX_TAGS = 2_000_000
"""The most tags that are parsed. 5 MB of lines have about 300,000."""

_MAX_LAYERS = 6  # base64 of base64 of a file that is signed twice, itself in base64: more was never reported
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\x00]*<")  # also in UTF-16
_PEM = re.compile(rb"-----(?:BEGIN|END) (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----")
_DER_START = b"\x30"
_ROOTS = ("FatturaElettronica", "FatturaElettronicaSemplificata")


class NotAFattura(ValueError):
    """A file is not a readable FatturaPA invoice. The message is one line and repeats nothing of the file."""


@dataclass(frozen=True)
class UnwrappedInvoice:
    """An invoice without its wrapping.

    Args:
        root: `FatturaElettronica` or `FatturaElettronicaSemplificata`, without comments.
        is_signed: Whether it came in a CAdES signature.
    """

    root: etree._Element
    is_signed: bool


def unwrap(payload: bytes | str) -> UnwrappedInvoice:
    """Unwrap and parse a file.

    Entities are not expanded, nothing is fetched, and a document type is refused. The parser's own limits apply: 10 MB
    for one text, and a depth far beyond the 8 levels of the format.

    Args:
        payload: The file as bytes; or as text, which is decoded already, so that the encoding in its XML declaration
            is ignored.

    Returns:
        The invoice.

    Raises:
        NotAFattura: If the file is not an invoice.
    """
    content, encoding = _encoded(payload)
    is_signed = False
    for _ in range(_MAX_LAYERS):
        if len(content) > MAX_SIZE:
            raise NotAFattura(f"not a FatturaPA invoice: {len(content)} bytes is too large")
        kind = media_type_of(content)
        if kind != HTML and _MARKUP.match(content):
            return UnwrappedInvoice(_parsed(content, encoding), is_signed)
        if kind == PKCS7 and content.startswith(_DER_START):
            content = _signed_content(content)
            is_signed = True
        else:
            content = _from_text(content, kind)
        encoding = None
    raise NotAFattura(f"not a FatturaPA invoice: more than {_MAX_LAYERS} nested wrappings")


def _encoded(payload: bytes | str) -> tuple[bytes, str | None]:
    if isinstance(payload, bytes):
        return payload, None
    try:
        return payload.removeprefix("\ufeff").encode(), "utf-8"
    except UnicodeEncodeError:
        raise NotAFattura("not a FatturaPA invoice: the text has an unpaired surrogate") from None


def _signed_content(content: bytes) -> bytes:
    try:
        return content_of(content)
    except NotSignedData as fault:
        raise NotAFattura(f"not a FatturaPA invoice: a signed file (.p7m), but {fault}") from None


def _from_text(content: bytes, kind: str) -> bytes:
    """Decode base64, with or without the header of PEM; anything else is not a wrapping."""
    letters = _PEM.sub(b"", content.removeprefix(codecs.BOM_UTF8))
    if not letters.strip():
        raise NotAFattura("not a FatturaPA invoice: it is empty")
    try:
        return from_base64(letters)
    except NotBase64:
        shown = "neither XML, nor signed, nor base64" if kind == UNKNOWN else kind
        raise NotAFattura(f"not a FatturaPA invoice: {shown}") from None


def _parsed(content: bytes, encoding: str | None) -> etree._Element:
    if content.count(b"<") > MAX_TAGS:
        raise NotAFattura("not a FatturaPA invoice: it has too many elements")
    if content.startswith(codecs.BOM_UTF8):
        content, encoding = content.removeprefix(codecs.BOM_UTF8), "utf-8"
    try:
        root = _tree(content, encoding)
    except etree.XMLSyntaxError as error:
        if encoding is not None or _is_utf8(content):
            raise NotAFattura(f"not a FatturaPA invoice: invalid XML in line {error.lineno}") from None
        # Some programs write windows-1252 and declare UTF-8, or nothing.
        return _parsed(content, "windows-1252")
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotAFattura("not a FatturaPA invoice: XML with a document type (DTD), which is a security risk")
    if etree.QName(root).localname not in _ROOTS:
        raise NotAFattura("not a FatturaPA invoice: XML of another kind")
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
