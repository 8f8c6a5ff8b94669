"""The streams, grouped by the vendor's subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_productive.streams import contacts, finance, organization, projects, sales

if TYPE_CHECKING:
    from tap_productive.client import ProductiveStream

STREAMS: tuple[type[ProductiveStream], ...] = (
    *finance.STREAMS,
    *contacts.STREAMS,
    *sales.STREAMS,
    *projects.STREAMS,
    *organization.STREAMS,
)
"""Every stream of the tap."""
