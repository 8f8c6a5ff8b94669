"""A short digest of a row, to see later whether the row is still as it was."""

from __future__ import annotations

import base64
import hashlib

import msgspec

_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")


def row_digest(row: object, *, characters: int = 8) -> str:
    """Digest a row as an API gave it; in which order its names come does not matter.

    Args:
        row: What `exact_json.decode` returns.
        characters: How long the digest is: 6 bits each, at most 43. 8 tell one row from what it was before; what shall
            tell rows from each other takes 22.

    Returns:
        Letters, digits, `-` and `_`.
    """
    digest = hashlib.sha256(_encoder.encode(row)).digest()
    return base64.urlsafe_b64encode(digest)[:characters].decode()
