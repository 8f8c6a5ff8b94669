"""The payload of an invoice, a text in JSON, as the bytes of a file."""

from __future__ import annotations

import re
from typing import NamedTuple

from singer_rest_core.documents import UNKNOWN, NotBase64, from_base64, media_type_of
from tap_invoicetronic.fattura.encodings import CODECS
from tap_invoicetronic.fattura.text_wrappings import NotWrapped, from_text

_DECLARATION = re.compile(r"\A<\?xml\b[^>]*\?>")
_ENCODING = re.compile(r"""\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")

_BEFORE = "\ufeff \t\r\n\x00"
_DATA_URL = "data:"
_LETTERS_IN_GROUP = 4


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
    base64 either way (reported by a user of the API). The padding of base64 may be missing.

    Args:
        payload: The payload as in the API's answer.

    Returns:
        The file. XML is written in the encoding that it declares, so that other programs can read it; in UTF-8 and
        without the declared encoding if invoices are not written in that, or if the text does not fit it.
    """
    text = payload.lstrip(_BEFORE)
    if not text.startswith("<"):
        return PayloadFile(_decoded(text))
    declaration = _DECLARATION.match(text)
    declared = _ENCODING.search(declaration[0]) if declaration else None
    if declaration is None or declared is None:
        return PayloadFile(_utf8(text))
    encoding = CODECS.get(declared[1].upper())
    if encoding is not None:
        try:
            return PayloadFile(text.encode(encoding))
        except UnicodeEncodeError:
            pass
    undeclared = _ENCODING.sub("", declaration[0], count=1) + text[declaration.end() :]
    return PayloadFile(_utf8(undeclared), None if encoding else declared[1])


def _decoded(text: str) -> bytes:
    """Return what base64 holds, in a `data:` URL or not; any other text as it is."""
    letters = "".join(text.rstrip(_BEFORE).split())
    try:
        if text[: len(_DATA_URL)].lower() == _DATA_URL:
            return from_text(_utf8(text))
        content = from_base64(letters)
    except (NotBase64, NotWrapped):
        return _utf8(text)
    # Words are base64 without its padding, too.
    is_padded = len(letters) % _LETTERS_IN_GROUP == 0
    return content if is_padded or media_type_of(content) != UNKNOWN else _utf8(text)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
