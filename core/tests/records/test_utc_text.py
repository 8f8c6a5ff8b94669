"""The fast way to write a timestamp in UTC says what the thorough one says."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from singer_rest_core.records.timestamps import to_utc
from singer_rest_core.records.utc_text import utc_text, utc_texts

_TWO = st.integers(0, 99).map("{:02}".format) | st.sampled_from(["00", "23", "59", "12"])
_TEXTS = st.builds(
    lambda year, rest, separator, fraction, zone: (
        f"{year:04}-{rest[0]}-{rest[1]}{separator}{rest[2]}:{rest[3]}:{rest[4]}{fraction}{zone}"
    ),
    st.sampled_from([0, 1, 2024, 2025, 9999]),
    st.tuples(st.sampled_from(["01", "02", "12", "13"]), st.sampled_from(["01", "29", "31"]), _TWO, _TWO, _TWO),
    st.sampled_from("Tt x"),
    st.sampled_from(["", ".0", ".043", ".1234567890", ".", ".٣", ".12a"]),
    st.sampled_from(["Z", "z", "", "+02:00", "-11:00", "+05:30", "-00:00", "+25:00", "+0200", "+02", "+02:00:00"]),
)


_COLUMNS = st.lists(_TEXTS, max_size=3) | st.builds(
    lambda text, hours: [f"{text[:11]}{hour}{text[13:]}" for hour in hours], _TEXTS, st.lists(_TWO, max_size=5)
)


@given(_TEXTS)
def test_it_agrees_or_does_not_answer(text: str) -> None:
    answer = utc_text(text)
    if answer is not None:
        assert answer == to_utc(text)


@given(_COLUMNS)
@example(["2025-07-25T01:05:10+02:00", "2025-07-25T01:05:10.1234Z"])
@example(["2025-07-25T01:05:10.1234Z", "2025-07-25T01:05:10+02:00"])
def test_a_column_is_written_as_its_texts_are(texts: list[str]) -> None:
    assert utc_texts(texts) == [utc_text(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-07-25T01:05:10.043+02:00", "2025-07-24T23:05:10.043Z"),
        ("2025-07-25T01:05:10Z", "2025-07-25T01:05:10Z"),
        ("2025-07-25 01:05:10.123456789-01:00", "2025-07-25T02:05:10.123456789Z"),
    ],
)
def test_usual_forms_are_answered(text: str, utc: str) -> None:
    assert utc_text(text) == utc
    assert utc_texts([text, text]) == [utc, utc]


@pytest.mark.parametrize(
    "text", ["", "2025-07-25", "2025-07-25T01:05:10", "2025-07-25T01:05:10+05:30", "2025-02-30T01:05:10Z", "x" * 30]
)
def test_others_are_left_to_the_thorough_way(text: str) -> None:
    assert utc_text(text) is None
    assert utc_texts([text, "2025-07-25T01:05:10Z"]) == [None, "2025-07-25T01:05:10Z"]
