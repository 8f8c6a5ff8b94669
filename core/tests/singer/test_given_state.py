"""What is taken for a state: never anything that would be read as none."""

from __future__ import annotations

import pytest

from singer_rest_core.singer.given_state import state_fault


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {"things": {}}, "currently_syncing": "things"},
        {"bookmarks": {"things": {"progress_markers": {}, "partitions": [{"context": {}}]}}},
    ],
)
def test_a_state_of_any_singer_tap_can_be_used(state: object) -> None:
    assert state_fault(state) is None


@pytest.mark.parametrize("state", [None, [], [1], "x", 5, True])
def test_what_is_no_object_is_no_state(state: object) -> None:
    assert state_fault(state, "The state in x.json") == "The state in x.json is not a JSON object"


@pytest.mark.parametrize(
    "state",
    [
        {"type": "STATE", "value": {"bookmarks": {}}},
        {"completed": {"singer_state": {"bookmarks": {}}}},
        {"streams": []},
        {"api_token": "hunter2"},
    ],
)
def test_what_has_no_bookmarks_is_no_state(state: object) -> None:
    line = state_fault(state) or ""
    assert line.startswith("The state has no bookmarks: give what is under `value` of the last STATE line")
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("bookmark", "fault"),
    [
        (5, "that is no JSON object (5)"),
        (None, "that is no JSON object (None)"),
        ({"progress_markers": "y"}, "whose progress_markers are no JSON object ('y')"),
        ({"progress_markers": None}, "whose progress_markers are no JSON object (None)"),
        ({"partitions": "y"}, "whose partitions are no list of JSON objects ('y')"),
        ({"partitions": ["y"]}, "whose partitions are no list of JSON objects (['y'])"),
        ({"partitions": [{"progress_markers": 5}]}, "whose progress_markers are no JSON object (5)"),
    ],
)
def test_a_bookmark_of_another_form_is_named_with_its_stream_and_value(bookmark: object, fault: str) -> None:
    line = f"The state has a bookmark of things {fault}: correct it, or clear it to read everything again"
    assert state_fault({"bookmarks": {"others": {}, "things": bookmark}}) == line


@pytest.mark.parametrize("bookmarks", [None, [], "x"])
def test_bookmarks_of_another_form_are_no_state(bookmarks: object) -> None:
    assert (state_fault({"bookmarks": bookmarks}) or "").startswith("The state has bookmarks that are no JSON object")
