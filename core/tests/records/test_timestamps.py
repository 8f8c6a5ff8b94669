"""Timestamps as text: the instant is kept to the last digit of its fraction, on the fast path too."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from singer_rest_core.records.timestamps import (
    earlier,
    earliest_and_latest,
    fast_column_to_utc,
    fast_to_utc,
    instant,
    is_date,
    is_recent,
    moved_back,
    to_utc,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)).map(  # noqa: DTZ001 - the offset is drawn beside it
    lambda moment: moment.replace(microsecond=0),
)
_FRACTIONS = st.from_regex(r"(\.[0-9]{1,12})?", fullmatch=True)
_OFFSET_MINUTES = st.integers(min_value=-23 * 60 - 59, max_value=23 * 60 + 59)
_SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=4000))


def _zone(minutes: int, form: str) -> str:
    sign = "-" if minutes < 0 else "+"
    hours, rest = divmod(abs(minutes), 60)
    return f"{sign}{hours:02}{form}{rest:02}"


@st.composite
def _timestamps(draw: st.DrawFn) -> tuple[str, Fraction]:
    """Draw a timestamp with an offset, and its exact distance from 1970 in seconds."""
    wall, fraction, minutes = draw(_SECONDS), draw(_FRACTIONS), draw(_OFFSET_MINUTES)
    separator = draw(st.sampled_from("Tt "))
    zone = draw(st.sampled_from(["Z", "z"])) if not minutes else _zone(minutes, draw(st.sampled_from([":", ""])))
    whole = wall.replace(tzinfo=UTC) - timedelta(minutes=minutes) - _EPOCH
    exact = Fraction(whole.days * 86_400 + whole.seconds) + Fraction(f"0{fraction}")
    return f"{wall.isoformat(sep=separator)}{fraction}{zone}", exact


def _exact(text: str) -> Fraction:
    """Parse the output of `to_utc` without the code under test."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z", text)
    assert match, text
    whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC) - _EPOCH
    return Fraction(whole.days * 86_400 + whole.seconds) + Fraction(f"0{match[2] or ''}")


@given(_timestamps())
def test_the_instant_is_kept_for_every_offset_and_fraction(drawn: tuple[str, Fraction]) -> None:
    text, exact = drawn
    assert _exact(to_utc(text)) == exact


@given(_timestamps())
def test_a_fraction_keeps_its_digits(drawn: tuple[str, Fraction]) -> None:
    text, _ = drawn
    assert re.findall(r"\.\d+", to_utc(text)) == re.findall(r"\.\d+", text)


@given(_timestamps())
def test_converting_to_utc_twice_changes_nothing(drawn: tuple[str, Fraction]) -> None:
    once = to_utc(drawn[0])
    assert to_utc(once) == once


@given(_timestamps(), _timestamps())
def test_instants_compare_by_time_and_not_by_text(
    one: tuple[str, Fraction],
    other: tuple[str, Fraction],
) -> None:
    if one[1] - other[1] >= Fraction(1, 10**6):
        assert instant(one[0]) > instant(other[0])


@given(_timestamps(), _SPANS)
def test_moving_back_is_exact_to_the_microsecond_and_never_late(drawn: tuple[str, Fraction], span: timedelta) -> None:
    text, exact = drawn
    if exact < -60_000_000_000:  # the year 68: moving further back may reach year 1
        return
    expected = exact - Fraction(span // timedelta(microseconds=1), 10**6)
    moved = _exact(earlier(text, span))
    assert expected - Fraction(1, 10**6) < moved <= expected
    if "." not in text:
        assert moved == expected


@given(st.dates(min_value=date(20, 1, 1)), _SPANS)
def test_a_date_moved_back_is_the_date_that_contains_the_instant(day: date, span: timedelta) -> None:
    moved = earlier(day.isoformat(), span)
    assert is_date(moved)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert date.fromisoformat(moved) == (midnight - span).date()


@given(st.dates())
def test_a_date_stays_a_date(day: date) -> None:
    assert is_date(day.isoformat())
    assert earlier(day.isoformat(), timedelta(0)) == day.isoformat()
    assert instant(day.isoformat()) == datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-07-25T06:05:10.043+02:00", "2025-07-25T04:05:10.043Z"),
        ("2025-01-01T00:30:00+01:00", "2024-12-31T23:30:00Z"),
        ("2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00Z"),
        ("2024-02-29T23:59:59.999999999999-00:30", "2024-03-01T00:29:59.999999999999Z"),
        ("2025-07-25 06:05:10+02", "2025-07-25T04:05:10Z"),
        ("2025-07-25T06:05Z", "2025-07-25T06:05:00Z"),
        ("2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00Z"),
        ("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00Z"),
    ],
)
def test_a_timestamp_is_converted_to_utc(text: str, utc: str) -> None:
    assert to_utc(text) == utc


def test_a_timestamp_without_an_offset_stays_without_one() -> None:
    assert to_utc("2025-07-25 06:05:10.50") == "2025-07-25T06:05:10.50"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-07-25T06:05:60Z",
        "2016-12-31T23:59:60Z",
        "2025-07-25T24:00:01Z",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2025-07-25T06:05:10+24:00",
        "2025-07-25T06:05:10.Z",
        "2025-07-25T06:05.5Z",
        "2025-07-25T06Z",
        "2025-07-25T06:05:10Z\n",
        "2025-07-25T06:05:10.٣Z",
        "٢٠٢٥-٠٧-٢٥T٠٦:٠٥:١٠Z",  # noqa: RUF001 - digits, but not ASCII
        "2025-07-25",
        "20250725T060510Z",
    ],
)
def test_text_that_is_not_a_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        to_utc(text)


@pytest.mark.parametrize("text", ["2025-02-29", "2025-7-5", "20250725", "2025-W30-5", "٢٠٢٥-01-31", "", "2025-07-25Z"])
def test_text_that_is_not_a_date_is_recognised(text: str) -> None:
    assert not is_date(text)


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    try:
        moment = instant(text)
    except ValueError:
        return
    assert moment.tzinfo is not None


@pytest.mark.parametrize(
    ("text", "first"),
    [("0001-01-01", "0001-01-01"), ("0001-01-01T12:00:00Z", "0001-01-01T00:00:00Z")],
)
def test_nothing_is_moved_before_year_1(text: str, first: str) -> None:
    assert earlier(text, timedelta(days=1)) == first


def test_an_instant_is_not_moved_before_year_1() -> None:
    first = datetime.min.replace(tzinfo=UTC)
    assert moved_back(first, timedelta(seconds=1)) == first
    assert moved_back(first + timedelta(days=2), timedelta(days=1)) == first + timedelta(days=1)


@pytest.mark.parametrize(
    ("age", "recent"),
    [(timedelta(0), True), (timedelta(days=6), True), (timedelta(days=7), False), (timedelta(seconds=-1), False)],
)
def test_an_instant_is_recent_for_a_span_and_never_in_the_future(age: timedelta, *, recent: bool) -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert is_recent(now - age, timedelta(days=7), now=now) is recent


def test_moving_back_crosses_a_year() -> None:
    assert earlier("2025-01-01T00:30:00+01:00", timedelta(minutes=31)) == "2024-12-31T22:59:00Z"
    assert earlier("2025-01-01", timedelta(hours=12)) == "2024-12-31"


@pytest.mark.parametrize("text", ["soon", "2025-02-30", ""])
def test_text_that_is_not_a_time_cannot_be_moved(text: str) -> None:
    with pytest.raises(ValueError, match="not a timestamp"):
        earlier(text, timedelta(days=1))


_TWO = st.integers(0, 99).map("{:02}".format) | st.sampled_from(["00", "23", "59", "12"])
_USUAL = st.builds(
    lambda year, rest, separator, fraction, zone: (
        f"{year:04}-{rest[0]}-{rest[1]}{separator}{rest[2]}:{rest[3]}:{rest[4]}{fraction}{zone}"
    ),
    st.sampled_from([0, 1, 2024, 2025, 9999]),
    st.tuples(
        st.sampled_from(["01", "02", "12", "13"]),
        st.sampled_from(["01", "29", "31"]),
        _TWO,
        _TWO,
        _TWO,
    ),
    st.sampled_from("Tt x"),
    st.sampled_from(["", ".0", ".043", ".1234567890", ".", ".٣", ".12a"]),
    st.sampled_from(["Z", "z", "", "+02:00", "-11:00", "+05:30", "-00:00", "+25:00", "+0200", "+02", "+02:00:00"]),
)


_TIMESTAMP_COLUMNS = st.lists(_USUAL, max_size=3) | st.builds(
    lambda text, hours: [f"{text[:11]}{hour}{text[13:]}" for hour in hours],
    _USUAL,
    st.lists(_TWO, max_size=5),
)


@given(_USUAL)
def test_the_fast_conversion_agrees_or_returns_nothing(text: str) -> None:
    converted = fast_to_utc(text)
    if converted is not None:
        assert converted == to_utc(text)


@given(_TIMESTAMP_COLUMNS)
@example(["2025-07-25T01:05:10+02:00", "2025-07-25T01:05:10.1234Z"])
@example(["2025-07-25T01:05:10.1234Z", "2025-07-25T01:05:10+02:00"])
def test_a_column_is_converted_like_its_values(texts: list[str]) -> None:
    assert fast_column_to_utc(texts) == [fast_to_utc(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-07-25T01:05:10.043+02:00", "2025-07-24T23:05:10.043Z"),
        ("2025-07-25T01:05:10Z", "2025-07-25T01:05:10Z"),
        ("2025-07-25 01:05:10.123456789-01:00", "2025-07-25T02:05:10.123456789Z"),
    ],
)
def test_usual_forms_are_converted_fast(text: str, utc: str) -> None:
    assert fast_to_utc(text) == utc
    assert fast_column_to_utc([text, text]) == [utc, utc]


@pytest.mark.parametrize(
    "text", ["", "2025-07-25", "2025-07-25T01:05:10", "2025-07-25T01:05:10+05:30", "2025-02-30T01:05:10Z", "x" * 30]
)
def test_other_forms_are_left_to_the_full_conversion(text: str) -> None:
    assert fast_to_utc(text) is None
    assert fast_column_to_utc([text, "2025-07-25T01:05:10Z"]) == [None, "2025-07-25T01:05:10Z"]


@given(st.lists(_SECONDS, min_size=1), st.sampled_from(["Z", "+02:00", "-11:30"]), st.integers(0, 9))
def test_the_first_and_the_last_instant_of_a_column_of_one_form(
    seconds: list[datetime], zone: str, digits: int
) -> None:
    fraction = f".{'7' * digits}" if digits else ""
    texts = [f"{moment.isoformat()}{fraction}{zone}" for moment in seconds]
    assert earliest_and_latest(texts) == (min(texts, key=instant), max(texts, key=instant))


@pytest.mark.parametrize(
    "other",
    [
        "2025-07-25T06:05:10+01:00",
        "2025-07-25T06:05:10.1+02:00",
        "2025-07-25 06:05:10+02:00",
        "2025-07-25",
        "",
        None,
        20250725,
    ],
)
def test_a_column_of_several_forms_or_offsets_is_not_compared_as_text(other: object) -> None:
    assert earliest_and_latest(["2025-07-25T06:05:10+02:00", other]) is None
    assert earliest_and_latest([]) is None
