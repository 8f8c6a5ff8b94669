"""Secrets are kept out of texts in every form in which they travel: as they are, escaped, URL-quoted, as base64."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MASK = "***"
_MIN_LENGTH = 3
"""Characters of a secret; to replace shorter ones, which occur in any word, would show them and hide the text."""
_MIN_BASE64 = 4
"""Letters of base64 that are recognized: those of a secret of four characters or more. Fewer occur in any text."""
_NOT_BEFORE = re.compile(r"[^A-Za-z0-9+/_%\\-]")
_REST_OF_BASE64 = re.compile(r"[A-Za-z0-9+/_%\\-]*=*")
_BASE64_VARIANTS = {"+": r"(?:\+|-|%2[Bb])", "/": r"(?:\\?/|_|%2[Ff])"}


def redact(text: str, secrets: Iterable[str]) -> str:
    """Replace secrets in a text, as an API or a library may repeat them.

    Recognized are a secret as it is, quoted for a URL (also twice, also as a form), escaped in JSON, HTML and in
    Python's `repr`, any mixture of these, and base64 of it, alone or within a longer text such as `user:password`.

    Args:
        text: A text to be logged.
        secrets: The values of the secret settings, and tokens; those of one or two characters are passed over.

    Returns:
        The text with `***` in place of each secret.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _MIN_LENGTH:
            text = _spellings(secret).sub(_MASK, text)
            in_base64 = _in_base64(secret)
            if in_base64 is not None:
                text = _without_words(text, in_base64)
    return text


def _without_words(text: str, part: re.Pattern[str]) -> str:
    """Replace each word of base64 that has a certain part."""
    pieces: list[str] = []
    done = 0
    for found in part.finditer(text):
        if found.start() >= done:
            before = text[done : found.start()]
            word_start = max((match.end() for match in _NOT_BEFORE.finditer(before)), default=0)
            pieces += [before[:word_start], _MASK]
            rest = _REST_OF_BASE64.match(text, found.end())
            done = rest.end() if rest else found.end()
    return "".join([*pieces, text[done:]])


@lru_cache(64)
def _spellings(secret: str) -> re.Pattern[str]:
    return re.compile("".join(map(_character, secret)))


def _character(character: str) -> str:
    """Return a pattern for one character in each of its spellings."""
    octets = character.encode("utf-8", "surrogatepass")
    in_json = {json.dumps(character, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    as_text = {character, html.escape(character), html.escape(character).replace("&#x27;", "&#39;"), *in_json}
    as_text |= {repr(character)[1:-1], "".join(f"\\x{octet:02x}" for octet in octets), f"\\{character}"}
    if character == " ":
        as_text.add("+")
    # Longest first, so that an escape is replaced with its backslash.
    spellings = [re.escape(each) for each in sorted(as_text, key=len, reverse=True)]
    quoted = "".join(rf"%(?:25)*(?i:{octet:02x})" for octet in octets)
    if not character.isascii():
        units = character.encode("utf-16-be", "surrogatepass").hex()
        spellings.append("".join(rf"\\u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)))
    return f"(?:{'|'.join([quoted, *spellings])})"


@lru_cache(64)
def _in_base64(secret: str) -> re.Pattern[str] | None:
    """Return a pattern for the part of base64 that the secret alone decides; it may begin at any of three offsets."""
    octets = secret.encode("utf-8", "surrogatepass")
    parts = []
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + octets).decode()
        # Letters that hold bits of what stands before or behind the secret differ.
        certain = encoded[-(-offset * 8 // 6) : (offset + len(octets)) * 8 // 6]
        if len(certain) >= _MIN_BASE64:
            parts.append("".join(_BASE64_VARIANTS.get(letter, letter) for letter in certain))
    return re.compile("|".join(parts)) if parts else None
