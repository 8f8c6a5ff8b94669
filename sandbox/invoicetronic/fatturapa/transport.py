"""What becomes of a signed file on its way: programs that take it for text, cut it short, or wrap it once more."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNATURE_BYTES = 256
"""The last bytes of an envelope of definite lengths."""

END_MARK = b"\x00\x00"


def _in_lines(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def _with_crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short in the signature": lambda content: content[: -SIGNATURE_BYTES // 2],
    "without the last byte": lambda content: content[:-1],
    "without the last end mark": lambda content: content.removesuffix(END_MARK),
    "LF turned into CRLF": _with_crlf,
    "a line break in front": lambda content: b"\n" + content,
    "filled up with NULs": lambda content: content + b"\x00" * 9,
}
"""By name: what programs do to a signed file, in the order in which they may do it one after another."""

WRAPPERS: dict[str, Callable[[bytes], bytes]] = {
    "none": lambda content: content,
    "base64": base64.b64encode,
    "base64 in lines": _in_lines,
    "base64 without padding": lambda content: base64.b64encode(content).rstrip(b"="),
    "base64 in lines without padding": lambda content: _in_lines(content).rstrip(b"=\r\n") + b"\r\n",
    "base64 without one of its padding": lambda content: base64.b64encode(content).removesuffix(b"="),
    "base64 for URLs": base64.urlsafe_b64encode,
    "PEM": lambda content: b"-----BEGIN PKCS7-----\r\n" + _in_lines(content) + b"-----END PKCS7-----\r\n",
    "S/MIME": lambda content: (
        b'MIME-Version: 1.0\r\nContent-Disposition: attachment; filename="smime.p7m"\r\n'
        b'Content-Type: application/pkcs7-mime; smime-type=signed-data;\r\n name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + _in_lines(content)
    ),
    "S/MIME, binary": lambda content: (
        b"MIME-Version: 1.0\nContent-Type: application/pkcs7-mime\nContent-Transfer-Encoding: binary\n\n" + content
    ),
    "data URL": lambda content: b"data:application/pkcs7-mime;base64," + base64.b64encode(content),
}
"""By name: what a file is wrapped in as a text."""
