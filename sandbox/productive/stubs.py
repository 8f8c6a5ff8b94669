"""Placeholders for related records of types that the sandbox does not list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.productive.records import Ref


def stub_name(ref: Ref) -> str:
    """Return a name for the referenced record."""
    return f"{ref.type.replace('_', ' ').removesuffix('s').capitalize()} {ref.id}"
