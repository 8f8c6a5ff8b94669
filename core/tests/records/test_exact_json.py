"""Exact JSON: no digit is lost, and no character that a database rejects is passed on."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.records import exact_json
from singer_rest_core.records.exact_json import NotJson, body_of, decode, encode, row_digest

_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda number: number.as_tuple().exponent != 0)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(min_value=10**30, max_value=10**400) | _DECIMALS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


def _digits(value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Make 1.10 differ from 1.1, and a number from a boolean."""
    if isinstance(value, dict):
        return {key: _digits(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_digits(item) for item in value]
    return type(value), value.as_tuple() if isinstance(value, Decimal) else value


@given(_VALUES)
def test_any_json_value_survives_encoding_and_decoding(value: object) -> None:
    assert _digits(decode(encode(value))) == _digits(value)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,60})\.[0-9]{1,60}", fullmatch=True))
def test_a_number_with_a_fraction_keeps_every_digit(text: str) -> None:
    assert str(decode(text.encode())) in {text, str(Decimal(text))}
    assert decode(text.encode()).as_tuple() == Decimal(text).as_tuple()
    assert Decimal(encode(decode(text.encode())).decode()).as_tuple() == Decimal(text).as_tuple()


def test_an_amount_is_written_as_it_was_read() -> None:
    assert encode(decode(b'{"amount":1234567890123456789.10}')) == b'{"amount":1234567890123456789.10}'


def test_a_huge_integer_stays_an_integer() -> None:
    digits = b"9" * 400
    assert encode(decode(digits)) == digits


@given(st.text(st.characters(codec=None)))
def test_any_escaped_text_becomes_text_that_a_database_accepts(text: str) -> None:
    decoded = decode(json.dumps({text: [text]}).encode())
    (key,) = decoded
    assert decoded == {key: [key]}
    assert "\x00" not in key
    key.encode()  # raises on a lone surrogate


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'"a\udc00b"', "a\ufffdb"),
        (rb'"\ud800"', "\ufffd"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\ud83d\ude00\ud83d"', "\U0001f600\ufffd"),
        (rb'"\\u0000"', "\\u0000"),
    ],
)
def test_only_characters_that_cannot_be_stored_are_replaced(document: bytes, text: str) -> None:
    assert decode(document) == text


def test_numbers_next_to_a_lone_surrogate_are_exact() -> None:
    assert encode(decode(rb'["\ud800", 0.10, 123456789012345678901234567890]')) == (
        '["\ufffd",0.10,123456789012345678901234567890]'.encode()
    )


@pytest.mark.parametrize(
    "content",
    [
        b'{"data":[{"id":1},',
        b'"half a te',
        b"<!doctype html><title>Bad gateway</title>",
        b"",
        b" \n",
        b'"\xff\xfe"',
        b'"\xc3"',
        b'"a\x00b"',
        b"{} {}",
        b"nan",
        b"[+Infinity]",
        b"[01]",
        b"[" * 100_000,
        b'["\\ud800", "\xff"]',
    ],
)
def test_invalid_json_is_refused(content: bytes) -> None:
    with pytest.raises(NotJson):
        decode(content)


@pytest.mark.parametrize("around", ["%s", '"\\ud800",%s'])
@pytest.mark.parametrize(
    "number",
    [
        *("NaN", "Infinity", "-Infinity"),
        *("1e1001", "-1E+99999999999999999999", "1e-1001", "0e-5000", f"1.{'3' * 1000}", "9" * 4301),
    ],
)
def test_a_number_that_no_loader_can_hold_is_text(number: str, around: str) -> None:
    body = decode(f"[{around % number},1.50]".encode())

    assert body[-2:] == [number, Decimal("1.50")]


@pytest.mark.parametrize("number", ["1e1000", "1e-1000", "0.00", "-0.0", f"1.{'3' * 999}"])
def test_every_other_number_keeps_its_digits(number: str) -> None:
    (value,) = decode(f"[{number}]".encode())

    assert isinstance(value, Decimal)
    assert value.as_tuple() == Decimal(number).as_tuple()


def _answer(content: bytes) -> requests.Response:
    answer = requests.Response()
    vars(answer)["_content"] = content
    return answer


def test_a_body_is_decoded_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def counting(content: bytes) -> object:
        decoded.append(content)
        return decode(content)

    monkeypatch.setattr(exact_json, "decode", counting)
    answer = _answer(b'{"data":null}')
    assert body_of(answer) is body_of(answer)
    assert body_of(answer) == {"data": None}
    assert decoded == [b'{"data":null}']


def test_a_null_body_is_decoded_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _answer(b"null")
    assert body_of(answer) is None
    monkeypatch.delattr(exact_json, "decode")
    assert body_of(answer) is None


def test_a_body_that_is_not_json_is_refused() -> None:
    with pytest.raises(NotJson):
        body_of(_answer(b"<html>"))


_ROW_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_ROW_NAMES = st.text("abc")
_ROWS = st.dictionaries(_ROW_NAMES, _ROW_VALUES, max_size=5)


@given(_ROWS)
def test_a_digest_does_not_depend_on_the_order_of_fields(row: dict[str, object]) -> None:
    row = decode(encode(row))

    assert row_digest(dict(reversed(row.items()))) == row_digest(row)


@given(_ROWS, _ROW_NAMES, _ROW_VALUES)
def test_a_changed_row_has_another_digest(row: dict[str, object], name: str, value: object) -> None:
    row = decode(encode({**row, name: value}))
    shorter = {each: row[each] for each in row if each != name}
    other = {**shorter, name: [row[name]]}

    assert len({row_digest(row), row_digest(shorter), row_digest(other)}) == 3


def test_a_digest_is_short_and_url_safe() -> None:
    assert len(row_digest({"id": 1})) == 8
    assert len(row_digest({"id": 1}, characters=22)) == 22
    assert row_digest({"id": 1}) == row_digest({"id": 1}, characters=22)[:8]
    assert all(character.isalnum() or character in "-_" for character in row_digest([1, "ü"], characters=43))
