"""Windows of a list: each row belongs to the one that its own time lies in, whatever the form of the times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.paging import windows

_START = datetime(2025, 1, 1, tzinfo=UTC)
_BORDERS = [_START + timedelta(days=10 * number) for number in range(1, 4)]
_OFFSETS = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
_NEAR_BORDERS = st.builds(
    lambda border, seconds: border + timedelta(seconds=seconds), st.sampled_from(_BORDERS), st.integers(-3, 3)
)
_MOMENTS = st.one_of(
    _NEAR_BORDERS,
    st.datetimes(datetime(2024, 12, 1), datetime(2025, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - `timezones` gives it
)


@given(st.lists(_MOMENTS, max_size=20), st.lists(_OFFSETS, min_size=1, max_size=2))
def test_each_row_belongs_to_the_window_that_its_time_lies_in(moments: list[datetime], offsets: list[timezone]) -> None:
    times = [moment.astimezone(offsets[turn % len(offsets)]).isoformat() for turn, moment in enumerate(moments)]
    ends = [datetime.min.replace(tzinfo=UTC), *_BORDERS, datetime.max.replace(tzinfo=UTC)]
    for number, window in enumerate(windows.between(_BORDERS)):
        expected = [ends[number] <= moment < ends[number + 1] for moment in moments]
        assert window.holding(times) == expected


def test_what_is_no_time_belongs_to_no_window() -> None:
    times = ["2025-01-15T00:00:00Z", None, "soon", "2025-01-16T00:00:00Z"]
    assert windows.between(_BORDERS)[1].holding(times) == [True, False, False, True]
    assert windows.between([])[0].holding(times) == [True, False, False, True]
