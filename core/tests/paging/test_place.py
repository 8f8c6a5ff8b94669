"""Where a read stopped, from the state and back to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from singer_rest_core.paging.place import Place, PlaceLostError, WindowPlace

_BORDERS = [datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 7, 1, 12, 30, tzinfo=UTC)]
_READ = WindowPlace(is_read=True)


@pytest.mark.parametrize(
    "place",
    [
        Place({"page[after]": "x"}),
        Place({"page[after]": "x"}, second_pass_rows=0),
        Place({"page[after]": "x"}, second_pass_rows=400),
        Place(None, _BORDERS, [_READ, WindowPlace(), WindowPlace({"page[after]": "x"})]),
        Place(None, _BORDERS, [WindowPlace({"page[after]": "x"}), _READ, _READ]),
    ],
)
def test_a_place_comes_back_from_the_state(place: Place) -> None:
    state = place.as_state()
    assert Place.in_state(state) == place


def test_windows_that_an_earlier_version_read_one_after_the_other_are_continued_where_it_stopped() -> None:
    borders = ["2025-01-01T00:00:00Z", "2025-07-01T12:30:00Z"]
    place = Place.in_state({"windows": borders, "done": 1, "cursor": {"page[after]": "x"}})
    assert place.windows == [_READ, WindowPlace({"page[after]": "x"}), WindowPlace()]
    assert Place.in_state({"windows": borders, "done": 2, "cursor": None}).windows == [_READ, _READ, WindowPlace()]


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"cursor": "x"},
        {"cursor": {}, "windows": ["soon"]},
        {"cursor": {}, "windows": 3},
        {"cursor": None, "windows": ["2025-01-01T00:00:00Z"]},
        {"cursor": None, "windows": ["2025-01-01T00:00:00Z"], "done": 2},
        {"windows": ["2025-01-01T00:00:00Z"], "places": ["read", "read"]},
        {"windows": ["2025-01-01T00:00:00Z"], "places": [None, None, None]},
        {"windows": ["2025-01-01T00:00:00Z"], "places": ["unread", None]},
        {"windows": ["2025-01-01T00:00:00Z"], "places": 3},
        {"cursor": None, "windows": ["2025-01-01T00:00:00Z"], "done": -1},
        {"cursor": {}, "again": "many"},
    ],
)
def test_a_state_that_does_not_say_where_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(PlaceLostError):
        Place.in_state(state)
