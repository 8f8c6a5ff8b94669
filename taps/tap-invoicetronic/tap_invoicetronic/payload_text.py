"""The payload of an invoice, a text in JSON, as the bytes of its file."""

from __future__ import annotations

import re

from singer_rest_core.documents import NotBase64, from_base64

_DECLARATION = re.compile(r"\A<\?xml\b[^>]*\?>")
_ENCODING = re.compile(r"""\s+encoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


def file_of(payload: str) -> bytes:
    """Make the file of a payload.

    Whether it is XML or base64 is told by the content: the column `encoding` says it too, but a signed file may be
    wrapped in base64 in either case (reported by a user of the API).

    Args:
        payload: What the API gave.

    Returns:
        The bytes of the XML or .p7m file. XML is written in the encoding that it declares, so that other programs can
        read the file; where the text does not fit that encoding, in UTF-8, and without the declaration of another.
    """
    text = payload.removeprefix("\ufeff")
    if not text.lstrip().startswith("<"):
        try:
            return from_base64(text)
        except NotBase64:
            return text.encode("utf-8", "surrogatepass")
    text = text.lstrip()
    declaration = _DECLARATION.match(text)
    encoding = _ENCODING.search(declaration[0]) if declaration else None
    if declaration is None or encoding is None:
        return text.encode("utf-8", "surrogatepass")
    try:
        written = text.encode(encoding[1])
        if written.startswith(declaration[0].encode()) and written.decode(encoding[1]) == text:
            return written
    except (LookupError, UnicodeError):
        pass
    undeclared = _ENCODING.sub("", declaration[0], count=1) + text[declaration.end() :]
    return undeclared.encode("utf-8", "surrogatepass")
