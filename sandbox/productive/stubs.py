"""Stand-ins for related records of types that the sandbox does not list."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.productive.records import Ref

_NAMES = {
    "workflow_statuses": ("Not started", "Started", "Closed"),
    "deal_statuses": ("Open", "Won", "Lost", "Delivered"),
    "task_lists": ("To do", "In progress", "Later"),
    "pipelines": ("Sales", "Production"),
}


def stub_name(ref: Ref) -> str:
    """A name for the record that a reference means."""
    names = _NAMES.get(ref.type)
    number = int(ref.id)
    if names:
        return names[(number - 1) % len(names)]
    return f"{ref.type.replace('_', ' ').removesuffix('s').capitalize()} {number}"
