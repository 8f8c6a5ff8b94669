"""Unwraps FatturaPA invoices: base64, PEM, S/MIME, `data:` URLs and CAdES, detected by content and never by name."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass, replace

from lxml import etree

from singer_rest_core.documents import HTML, UNKNOWN, media_type_of
from tap_invoicetronic.fattura.encodings import is_markup
from tap_invoicetronic.fattura.irregular_envelope import contents_of, invoice_in, is_signed_data
from tap_invoicetronic.fattura.signed_data import NotSignedData, content_of
from tap_invoicetronic.fattura.text_wrappings import NotWrapped, from_text
from tap_invoicetronic.fattura.xml_parser import InvalidXml, parse

MAX_SIZE = 50 << 20
"""The largest file that is read, in bytes. The SDI accepts files of 5 MB."""

MAX_TAGS = 2_000_000
"""The most tags that are parsed. 5 MB of lines have about 300,000."""

_MAX_LAYERS = 6  # base64 of base64 of a file that is signed twice, itself in base64: more was never reported
_MAX_READINGS = 24
"""The most contents that are looked at in one file: an irregular envelope has several that may be meant."""

_ROOTS = ("FatturaElettronica", "FatturaElettronicaSemplificata")


class NotAFattura(ValueError):
    """A file is not a readable FatturaPA invoice. The message is one line and repeats nothing of the file."""


class _Unreadable(NotAFattura):
    """A content is not readable, but another reading of the envelope around it may be."""


@dataclass(frozen=True)
class UnwrappedInvoice:
    """An invoice without its wrapping.

    Args:
        root: `FatturaElettronica` or `FatturaElettronicaSemplificata`, without comments.
        is_signed: Whether it came in a CAdES signature.
        is_irregular: Whether that signature's envelope was damaged around it.
    """

    root: etree._Element
    is_signed: bool
    is_irregular: bool

    @property
    def signature(self) -> str | None:
        """What the column `firma` says of the envelope; None if there is none."""
        if not self.is_signed:
            return None
        return "CAdES, irregular" if self.is_irregular else "CAdES"


def unwrap(payload: bytes | str) -> UnwrappedInvoice:
    """Unwrap and parse a file.

    Entities are not expanded, nothing is fetched, and a document type is refused.

    Args:
        payload: The file as bytes; or as text, which is decoded already, so that the encoding in its XML declaration
            is ignored.

    Returns:
        The invoice.

    Raises:
        NotAFattura: If the file is not an invoice.
    """
    return _Unwrapping().read(_Wrapped(_encoded(payload)))


@dataclass(frozen=True)
class _Wrapped:
    """A content, and what was around it."""

    content: bytes
    layers: int = 0
    is_signed: bool = False
    is_irregular: bool = False


class _Unwrapping:
    """Unwraps one file; where an envelope is irregular, one reading of it after the other until one is an invoice."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._seen: set[bytes] = set()

    def read(self, wrapped: _Wrapped) -> UnwrappedInvoice:
        """Return the invoice in a content.

        Args:
            wrapped: The content.

        Raises:
            NotAFattura: If there is none.
        """
        content = wrapped.content
        if wrapped.layers == _MAX_LAYERS:
            raise NotAFattura(f"not a FatturaPA invoice: more than {_MAX_LAYERS} nested wrappings")
        if len(content) > MAX_SIZE:
            raise NotAFattura(f"not a FatturaPA invoice: {len(content)} bytes is too large")
        kind = media_type_of(content)
        if kind != HTML and is_markup(content):
            return _invoice(wrapped)
        if is_signed_data(content):
            return self._signed(wrapped)
        return self.read(replace(wrapped, content=_from_text(content, kind), layers=wrapped.layers + 1))

    def _signed(self, envelope: _Wrapped) -> UnwrappedInvoice:
        inner = replace(envelope, layers=envelope.layers + 1, is_signed=True)
        try:
            content = content_of(envelope.content)
            self._is_new(content)
            return self.read(replace(inner, content=content))
        except NotSignedData as not_signed:
            fault = _Unreadable(f"not a FatturaPA invoice: a signed file (.p7m), but {not_signed}")
        except _Unreadable as unreadable:
            fault = unreadable
        for content in filter(self._is_new, contents_of(envelope.content)):
            try:
                return self.read(replace(inner, content=content, is_irregular=True))
            except _Unreadable:
                continue
        raise fault

    def _is_new(self, content: bytes) -> bool:
        """Return whether a content was not read before, unless too many were."""
        digest = hashlib.sha256(content).digest()
        if digest in self._seen or len(self._seen) >= _MAX_READINGS:
            return False
        self._seen.add(digest)
        return True


def _encoded(payload: bytes | str) -> bytes:
    """Return text as bytes whose mark says that it is UTF-8, whatever it declares."""
    if isinstance(payload, bytes):
        return payload
    try:
        return codecs.BOM_UTF8 + payload.encode()
    except UnicodeEncodeError:
        raise NotAFattura("not a FatturaPA invoice: the text has an unpaired surrogate") from None


def _from_text(content: bytes, kind: str) -> bytes:
    try:
        if wrapped := from_text(content):
            return wrapped
    except NotWrapped:
        shown = "neither XML, nor signed, nor base64" if kind == UNKNOWN else kind
        raise _Unreadable(f"not a FatturaPA invoice: {shown}") from None
    raise _Unreadable("not a FatturaPA invoice: it is empty")


def _invoice(wrapped: _Wrapped) -> UnwrappedInvoice:
    """Parse XML; of XML in an envelope, the invoice alone if there is something else around it."""
    if wrapped.content.count(b"<") > MAX_TAGS:
        raise NotAFattura("not a FatturaPA invoice: it has too many elements")
    root, is_alone = _parsed(wrapped)
    if root.getroottree().docinfo.internalDTD is not None:
        raise NotAFattura("not a FatturaPA invoice: XML with a document type (DTD), which is a security risk")
    if etree.QName(root).localname not in _ROOTS:
        raise NotAFattura("not a FatturaPA invoice: XML of another kind")
    return UnwrappedInvoice(root, wrapped.is_signed, wrapped.is_irregular or not is_alone)


def _parsed(wrapped: _Wrapped) -> tuple[etree._Element, bool]:
    """Return the root of an invoice, and whether the XML held nothing else."""
    try:
        return parse(wrapped.content), True
    except InvalidXml as invalid:
        fault = _Unreadable(f"not a FatturaPA invoice: {invalid}")
    invoice = invoice_in(wrapped.content) if wrapped.is_signed else None
    if invoice is None:
        raise fault
    try:
        return parse(invoice), False
    except InvalidXml:
        raise fault from None
