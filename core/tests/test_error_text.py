"""The API's own message, in one line, without secrets."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.errors import error_text

_BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["errors", "error", "title", "message", "detail", "error_description", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errors": [{"status": "403", "title": "Forbidden", "detail": "No access."}]}, "Forbidden: No access"),
        ({"title": "Out of credit", "detail": "Balance: 30.", "status": 402}, "Out of credit: Balance: 30"),
        (
            {"problem_details": {"title": "Bad Request", "detail": "VAT number is invalid"}},
            "Bad Request: VAT number is invalid",
        ),
        ({"error": "invalid_grant", "error_description": "Token expired"}, "invalid_grant: Token expired"),
        ({"error": "Nope"}, "Nope"),
        ({"message": "Nope"}, "Nope"),
        ({"error": {"message": "Nope", "code": 7}}, "Nope"),
        ({"error": "Nope", "message": "Nope."}, "Nope"),
        ({"errors": {"vat_number": ["is too short", "is wrong"]}}, "vat_number is too short"),
        ({"errors": ["first", "second"]}, "first"),
        ([{"message": "in a list"}], "in a list"),
        ("a plain text", "a plain text"),
        ({}, ""),
        ([], ""),
        (None, ""),
        (12, ""),
        ({"message": None, "data": ["x"]}, ""),
        ({"message": ""}, ""),
    ],
)
def test_the_message_is_found_in_every_documented_form(body: Any, message: str) -> None:  # noqa: ANN401 - JSON is any of six types
    assert error_text(body) == message


def test_control_characters_become_spaces() -> None:
    assert error_text({"message": "a\x1b[31mb\r\n\tc\x00d\x7fe\x9bf\u2028g"}) == "a [31mb c d e f g"


@given(_BODIES)
def test_any_body_gives_one_short_line(body: object) -> None:
    line = error_text(body)
    assert len(line) <= 300
    assert not any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in line)
    assert line == line.strip()


def test_a_long_message_is_cut_and_ends_in_an_ellipsis() -> None:
    assert error_text({"message": "x" * 300}) == "x" * 300
    assert error_text({"message": "x" * 301}) == "x" * 299 + "…"


@given(st.integers(min_value=0, max_value=320))
def test_a_token_where_the_line_is_cut_is_redacted_completely(position: int) -> None:
    token = "tok-0123456789"
    line = error_text({"message": f"{'.' * position}{token} is wrong"}, [token])
    assert token[:4] not in line
