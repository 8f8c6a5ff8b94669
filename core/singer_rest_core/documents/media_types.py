"""Media types of documents, detected from their content, and the base64 that carries documents in JSON."""

from __future__ import annotations

import contextlib
import re
from binascii import a2b_base64

PDF = "application/pdf"
XML = "application/xml"
ZIP = "application/zip"
PKCS7 = "application/pkcs7-mime"
HTML = "text/html"
UNKNOWN = "application/octet-stream"

_SIGNED_DATA = re.compile(rb"[ \t\r\n]*\x30.{1,17}?\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", re.DOTALL)
"""A sequence, its length, and the identifier of signed data. Lengths of BER have up to nine bytes, and more where a
program took the file for text and changed its line ends."""

_PEM_HEADER = re.compile(rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----")
_ZIP_START = (b"PK\x03\x04", b"PK\x05\x06")
_HTML_START = re.compile(
    r"(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_XML_START = re.compile(r"<(?:\?xml[\s-]|!--|!DOCTYPE\s|[A-Za-z_][\w.-]*(?::[\w.-]+)?(?:[\s/>]|$))")
_ENCODINGS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_PDF_HEADER_RANGE = 1024  # ISO 32000-1, annex H.3, note 13: readers accept the header in the first 1024 bytes
_ZIP_BASED = re.compile(r"\+zip$|openxmlformats|opendocument")


class NotBase64(ValueError):
    """The text is not valid base64."""


def media_type_of(content: bytes, declared: str | None = None) -> str:
    """Return the media type of a document; its content takes precedence over what was declared.

    Detects PDF, ZIP, XML (also with a byte order mark, in UTF-16 or without a declaration), HTML, and PKCS#7 signed
    data (.p7m), raw or as base64.

    Args:
        content: The document, or at least its first kilobyte.
        declared: The media type or Content-Type header that came with it.

    Returns:
        A media type in lower case, without parameters. If nothing is detected, the declared one, unless it is a type
        that would have been detected: then `application/octet-stream`.
    """
    declared_type = (declared or "").partition(";")[0].strip().lower()
    detected = _detected(content[: 4 * _PDF_HEADER_RANGE])
    if detected is None:
        detectable = {PDF, XML, "text/xml", ZIP, PKCS7, HTML}
        return declared_type if "/" in declared_type and declared_type not in detectable else UNKNOWN
    if detected == XML and declared_type.endswith("+xml"):
        return declared_type
    if detected == ZIP and _ZIP_BASED.search(declared_type):
        return declared_type
    return detected


def from_base64(text: str | bytes) -> bytes:
    """Decode base64 strictly, except that white space is ignored, and that the `=` at its end may be missing.

    Args:
        text: The base64 text, as JSON carries it.

    Returns:
        The decoded bytes; empty for an empty text.

    Raises:
        NotBase64: If the text is not valid base64; the message does not repeat the text.
    """
    try:
        letters = b"".join((text if isinstance(text, bytes) else text.encode("ascii")).split())
        letters += b"=" * (-len(letters) % 4)
        content = a2b_base64(letters, strict_mode=True)
    except UnicodeEncodeError:
        raise NotBase64("the document is not valid base64: it contains a character that is not ASCII") from None
    except ValueError as error:
        reason = str(error)
        raise NotBase64(f"the document is not valid base64: {reason[:1].lower()}{reason[1:]}") from None
    # binascii accepts excess padding, even in strict mode.
    if len(letters) != (len(content) + 2) // 3 * 4:
        raise NotBase64("the document is not valid base64: excess padding")
    return content


def _detected(start: bytes) -> str | None:
    if start.startswith(_ZIP_START):
        return ZIP
    if _SIGNED_DATA.match(start):
        return PKCS7
    text = _decode_text(start)
    if _HTML_START.match(text):
        return HTML
    if _XML_START.match(text):
        return XML
    if _SIGNED_DATA.match(_decode_base64_start(start)):
        return PKCS7
    return PDF if b"%PDF-" in start[:_PDF_HEADER_RANGE] else None


def _decode_base64_start(start: bytes) -> bytes:
    letters = b"".join(_PEM_HEADER.sub(b"", start.removeprefix(b"\xef\xbb\xbf"), count=1).split())[:64]
    with contextlib.suppress(ValueError):
        return a2b_base64(letters[: len(letters) // 4 * 4], strict_mode=True)
    return b""


def _decode_text(start: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
    return start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
