"""JSON that is nested too deeply for programs behind the tap: what lies below a depth becomes its JSON text.

Python's decoders, SQLAlchemy and stream maps end in a RecursionError at a few hundred levels; nothing that an API
means is nested so deeply.
"""

from __future__ import annotations

import json
import re

DEEPEST = 100
"""Levels of a document that are kept as objects and arrays."""

_OPENING, _CLOSING = frozenset(b"[{"), frozenset(b"]}")
_NOT_BRACKETS = bytes(sorted(frozenset(range(256)) - _OPENING - _CLOSING))
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


def is_too_deep(content: bytes) -> bool:
    """Return whether a document has more levels than are kept; quick where it has a few.

    Args:
        content: The document. Brackets in texts count too, so that a document may be taken for deep that is not.
    """
    brackets = content.translate(None, _NOT_BRACKETS)
    for level in range(DEEPEST):
        # The innermost pairs are taken away: each time, the document loses a level.
        if level + len(brackets) <= DEEPEST:
            return False
        rest = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if rest == brackets:
            break
        brackets = rest
    return bool(brackets)


def flattened(content: bytes) -> bytes:
    """Return a document in which objects and arrays below the deepest level are texts, which hold their JSON.

    Args:
        content: The document in UTF-8.

    Returns:
        The document; one that is no JSON gives another that is none.
    """
    pieces: list[bytes] = []
    depth = done = start = 0
    for token in _TOKEN.finditer(content):
        bracket = token[0][0]
        if bracket in _OPENING:
            depth += 1
            if depth == DEEPEST + 1:
                start = token.start()
        elif bracket in _CLOSING:
            depth -= 1
            if depth == DEEPEST:
                text = content[start : token.end()].decode("utf-8", "replace")
                pieces += [content[done:start], json.dumps(text, ensure_ascii=False).encode()]
                done = token.end()
    return b"".join([*pieces, content[done:]])
