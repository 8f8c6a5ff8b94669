"""Whether what a user gives as state is one: anything else would be read as none, and everything anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 40


def state_fault(state: object, what: str = "The state") -> str | None:
    """Return what is wrong with the form of a state.

    Args:
        state: What was given. An empty object is the state before the first run.
        what: How to call it.

    Returns:
        A line for the user; None if it can be used.
    """
    if not isinstance(state, dict):
        return f"{what} is not a JSON object"
    if state and "bookmarks" not in state:
        return (
            f"{what} has no bookmarks: give what is under `value` of the last STATE line, or under `singer_state` of "
            "what Meltano keeps"
        )
    bookmarks = state.get("bookmarks", {})
    if not isinstance(bookmarks, dict):
        return f"{what} has bookmarks that are no JSON object: {_TO_DO}"
    for stream, bookmark in bookmarks.items():
        if fault := _bookmark_fault(bookmark):
            return f"{what} has a bookmark of {stream} {fault}: {_TO_DO}"
    return None


_TO_DO = "correct it, or clear it to read everything again"


def shown(value: object) -> str:
    """Return a value of a state for a message.

    Args:
        value: Anything JSON can hold.

    Returns:
        As Python writes it, without what is beyond its beginning.
    """
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _bookmark_fault(bookmark: object) -> str | None:
    """Return what is wrong with the parts that the SDK uses without a look, of any stream."""
    if not isinstance(bookmark, dict):
        return f"that is no JSON object ({shown(bookmark)})"
    partitions = bookmark.get("partitions", [])
    if not isinstance(partitions, list) or not all(isinstance(each, dict) for each in partitions):
        return f"whose partitions are no list of JSON objects ({shown(partitions)})"
    parts: list[Mapping[str, Any]] = [bookmark, *partitions]
    markers = [part.get("progress_markers", {}) for part in parts]
    wrong = [shown(each) for each in markers if not isinstance(each, dict)]
    return f"whose progress_markers are no JSON object ({wrong[0]})" if wrong else None
