"""Rows as plain JSON objects: generated, changed, scheduled and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.tables import Tables, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.json_types import JsonObject


class Numbers(World):
    """Generates three rows, and counts how often."""

    def __init__(self) -> None:
        """Start with a count of 0."""
        self.keys = {"numbers": "id"}
        self.times_generated = 0

    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        self.times_generated += 1
        return {"numbers": [self.new_row("numbers", number) for number in (1, 2, 3)]}

    def new_row(self, resource: str, number: int) -> JsonObject:
        return {"id": number, "of": resource, "tags": []}


def test_rows_are_generated_once_and_on_first_use() -> None:
    world = Numbers()
    tables = Tables(world)
    tables.reset()
    assert world.times_generated == 0
    tables.update("numbers", "1", {"tags": ["x"], "new": 1.5})
    assert tables.served_row("numbers", "1") == {"id": 1, "of": "numbers", "tags": ["x"], "new": 1.5}
    tables.reset()
    assert tables.served_row("numbers", "1") == {"id": 1, "of": "numbers", "tags": []}
    assert world.times_generated == 1


def test_ids_are_never_reused_and_keys_never_change() -> None:
    tables = Tables(Numbers())
    tables.delete("numbers", "3")
    assert tables.create("numbers", {})["id"] == 4
    assert tables.create("numbers", {"id": "own"})["id"] == "own"
    assert [row["id"] for row in tables.stored_rows("numbers")] == [1, 2, 4, "own"]
    with pytest.raises(ValueError, match="has a row 4"):
        tables.create("numbers", {"id": 4})
    with pytest.raises(ValueError, match="cannot change its id"):
        tables.update("numbers", "4", {"id": 5})
    with pytest.raises(KeyError):
        tables.delete("numbers", "3")


def test_extra_attributes_are_served_and_not_stored() -> None:
    tables = Tables(Numbers())
    tables.extra_attributes = {"numbers": {"of": 7, "more": {"a": 1}}}
    assert tables.served_rows("numbers")[0] == {"id": 1, "of": 7, "tags": [], "more": {"a": 1}}
    assert tables.stored_rows("numbers")[0] == {"id": 1, "of": "numbers", "tags": []}


def test_scheduled_changes_happen_after_their_request() -> None:
    tables = Tables(Numbers())
    changes: list[JsonObject] = [
        {"action": "create", "resource": "numbers", "attributes": {"id": 9}},
        {"action": "update", "resource": "numbers", "id": "2", "attributes": {"tags": ["y"]}},
        {"action": "delete", "resource": "numbers", "id": "1"},
    ]
    tables.script_changes("/numbers", 2, changes)
    for path in ("/api/numbers", "/api/others"):
        tables.after_request(path)
    assert [row["id"] for row in tables.stored_rows("numbers")] == [1, 2, 3]
    tables.after_request("/api/numbers")
    assert tables.stored_rows("numbers") == [
        {"id": 2, "of": "numbers", "tags": ["y"]},
        {"id": 3, "of": "numbers", "tags": []},
        {"id": 9, "of": "numbers", "tags": []},
    ]
    with pytest.raises(ValueError, match="unknown action archive"):
        tables.script_changes("/numbers", 1, [{"action": "archive", "resource": "numbers"}])
