"""Bearer tokens in the Authorization header."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the token of `Authorization: Bearer …`, or an empty string if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
