"""The streams, grouped by the vendor's subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_productive.streams import (
    contacts,
    content,
    finance,
    organization,
    projects,
    sales,
    staff,
    surveys,
    time_tracking,
    views,
)

if TYPE_CHECKING:
    from tap_productive.client import ProductiveStream

STREAMS: tuple[type[ProductiveStream], ...] = (
    *finance.STREAMS,
    *contacts.STREAMS,
    *sales.STREAMS,
    *projects.STREAMS,
    *time_tracking.STREAMS,
    *staff.STREAMS,
    *content.STREAMS,
    *views.STREAMS,
    *surveys.STREAMS,
    *organization.STREAMS,
)
"""Every list of the API."""

NAMES = frozenset(str(vars(stream)["name"]) for stream in STREAMS)
"""Their names."""
