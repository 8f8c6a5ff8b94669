"""The token of an Authorization header."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def bearer_token(headers: Mapping[str, str]) -> str:
    """The token that a request carries as `Authorization: Bearer …`, empty if it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
