"""Finds the rows of a response: how they are wrapped is documented for invoices only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.records import UnexpectedPage

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_KEYS = 20
_MAX_KEY_LENGTH = 40
_KINDS = {str: "a text", bool: "a boolean", type(None): "null"}


def rows_in(body: Any, keys: Sequence[str]) -> list[Any]:  # noqa: ANN401 - JSON is any of six types
    """Return the rows of a response.

    Args:
        body: The decoded body.
        keys: Fields that distinguish a single row from a wrapper; none if any object is a row.

    Returns:
        The list itself, the list under `results`, or a single object that has one of the keys.

    Raises:
        UnexpectedPage: If the body is none of these; the message names the keys that it has.
    """
    if isinstance(body, list):
        return body
    if not isinstance(body, dict):
        raise UnexpectedPage(f"{_KINDS.get(type(body), 'a number')} instead of rows")
    results = body.get("results")
    if isinstance(results, list):
        return results
    if not keys:
        return [body] if body else []
    if any(body.get(key) is not None for key in keys):
        return [body]
    seen = ", ".join(repr(str(key)[:_MAX_KEY_LENGTH])[1:-1] for key in sorted(body)[:_MAX_KEYS]) or "none"
    row = f"one row with {' or '.join(keys)}"
    raise UnexpectedPage(f"an object that is neither a page with `results` nor {row}; its keys: {seen}")
