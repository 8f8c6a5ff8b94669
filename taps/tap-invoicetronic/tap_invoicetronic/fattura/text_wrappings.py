"""Wrappings of invoices that are text: base64, with or without the header of PEM or S/MIME, and `data:` URLs."""

from __future__ import annotations

import quopri
import re
from urllib.parse import unquote_to_bytes

from singer_rest_core.documents import NotBase64, from_base64

_AROUND = b" \t\r\n\x00\xef\xbb\xbf"
_DATA_URL = re.compile(rb"data:([^,]{0,500}),", re.IGNORECASE)
_PEM = re.compile(rb"-----BEGIN [^-\r\n]{1,64}-----(.*?)(?:-----END |\Z)", re.DOTALL)
_HEADER = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]{0,99}:[^\r\n]*(?:\r*\n[ \t][^\r\n]*)*\r*\n)+\r*\n")
_MAX_HEADER_SIZE = 16 << 10
_TRANSFER_ENCODING = re.compile(rb"^Content-Transfer-Encoding:\s*\"?([a-z0-9-]+)", re.IGNORECASE | re.MULTILINE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LETTERS_IN_GROUP = 4


class NotWrapped(ValueError):
    """The text is none of these wrappings."""


def from_text(content: bytes) -> bytes:
    """Return what a text wraps.

    Args:
        content: The text. Byte order marks, white space and NULs around it are ignored.

    Returns:
        The bytes without the outermost wrapping.

    Raises:
        NotWrapped: If it is not wrapped.
    """
    text = content.lstrip(_AROUND)
    if url := _DATA_URL.match(text):
        return _from_data_url(url[1], text[url.end() :])
    if pem := _PEM.search(text):
        inside = pem[1].lstrip()
        header = _HEADER.match(inside, 0, _MAX_HEADER_SIZE)
        return _from_base64(inside[header.end() if header else 0 :])
    if header := _HEADER.match(text, 0, _MAX_HEADER_SIZE):
        return _from_mime(header[0], text[header.end() :])
    return _from_base64(text)


def _from_data_url(header: bytes, data: bytes) -> bytes:
    """Decode what a `data:` URL holds (RFC 2397)."""
    decoded = unquote_to_bytes(data) if b"%" in data else data
    return _from_base64(decoded) if header.lower().rstrip().endswith(b";base64") else decoded


def _from_mime(header: bytes, body: bytes) -> bytes:
    """Decode the body of a message (RFC 8551): signed data in base64, as a rule, but also XML as it is."""
    encoding = _TRANSFER_ENCODING.search(header)
    match encoding[1].lower() if encoding else b"":
        case b"base64":
            return _from_base64(body)
        case b"quoted-printable":
            return quopri.decodestring(body)
        case _:
            return body


def _from_base64(text: bytes) -> bytes:
    """Decode base64, also with the alphabet of URLs; of a text that was cut off, what is whole."""
    letters = b"".join(text.strip(_AROUND).translate(_URL_SAFE).split())
    if len(letters.rstrip(b"=")) % _LETTERS_IN_GROUP == 1:
        letters = letters.rstrip(b"=")[:-1]
    try:
        return from_base64(letters)
    except NotBase64:
        raise NotWrapped("not base64") from None
