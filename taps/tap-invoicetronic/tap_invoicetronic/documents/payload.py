"""The payload of an invoice, a text in JSON, as the bytes of a file."""

from __future__ import annotations

import re
from typing import NamedTuple

from singer_rest_core.documents import NotBase64, from_base64

_DECLARATION = re.compile(r"\A<\?xml\b[^>]*\?>")
_ENCODING = re.compile(r"""\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")

_ENCODINGS = {
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


class PayloadFile(NamedTuple):
    """The file of a payload.

    Args:
        content: The bytes of the XML or .p7m file.
        refused_encoding: The encoding that its XML declaration had, if it is not one that invoices are written in.
    """

    content: bytes
    refused_encoding: str | None = None


def payload_file(payload: str) -> PayloadFile:
    """Return the file of a payload.

    The content decides whether it is XML or base64: the column `encoding` says so too, but a signed file may be
    base64 either way (reported by a user of the API).

    Args:
        payload: The payload as in the API's answer.

    Returns:
        The file. XML is written in the encoding that it declares, so that other programs can read it; in UTF-8 and
        without the declared encoding if invoices are not written in that, or if the text does not fit it.
    """
    text = payload.removeprefix("\ufeff")
    if not text.lstrip().startswith("<"):
        try:
            return PayloadFile(from_base64(text))
        except NotBase64:
            return PayloadFile(_utf8(text))
    text = text.lstrip()
    declaration = _DECLARATION.match(text)
    declared = _ENCODING.search(declaration[0]) if declaration else None
    if declaration is None or declared is None:
        return PayloadFile(_utf8(text))
    encoding = _ENCODINGS.get(declared[1].upper())
    if encoding is not None:
        try:
            return PayloadFile(text.encode(encoding))
        except UnicodeEncodeError:
            pass
    undeclared = _ENCODING.sub("", declaration[0], count=1) + text[declaration.end() :]
    return PayloadFile(_utf8(undeclared), None if encoding else declared[1])


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
