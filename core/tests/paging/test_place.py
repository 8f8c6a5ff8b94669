"""Where a read stopped, from the state and back to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from singer_rest_core.paging.place import Place, PlaceLostError

_BORDERS = (datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 7, 1, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    "place",
    [
        Place({"page[after]": "x"}),
        Place({"page[after]": "x"}, second_pass_rows=0),
        Place({"page[after]": "x"}, second_pass_rows=400),
        Place(None, _BORDERS, windows_read=2),
        Place({"page[after]": "x"}, _BORDERS),
    ],
)
def test_a_place_comes_back_from_the_state(place: Place) -> None:
    state = place.as_state()
    assert Place.in_state(state).as_state() == state


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"cursor": "x"},
        {"cursor": {}, "windows": ["soon"]},
        {"cursor": {}, "windows": 3},
        {"cursor": {}, "done": 1},
        {"cursor": None, "windows": ["2025-01-01T00:00:00Z"], "done": 2},
        {"cursor": None, "windows": ["2025-01-01T00:00:00Z"], "done": -1},
        {"cursor": {}, "again": "many"},
    ],
)
def test_a_state_that_does_not_say_where_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(PlaceLostError):
        Place.in_state(state)
