"""JSON decoded and encoded without losing a digit.

Numbers with a fraction or an exponent are `decimal.Decimal` throughout; they never pass through float.
"""

from __future__ import annotations

import base64
import hashlib
import json
from decimal import Clamped, Context, Inexact, InvalidOperation, Overflow, Subnormal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from singer_rest_core.records.nesting import flattened, is_too_deep

if TYPE_CHECKING:
    from decimal import Decimal

    import requests

_NUL_ESCAPED = b"\\u0000"
_REPLACEMENT = "\ufffd"
_ATTRIBUTE = "_singer_rest_core_body"

LARGEST_EXPONENT = 1000
"""Of a number with a fraction or an exponent; also the most digits of one. Others are decoded as texts: databases and
loaders refuse a number of 100,000 digits, which `1e100000` is."""

_numbers = Context(
    prec=LARGEST_EXPONENT,
    Emax=LARGEST_EXPONENT,
    Emin=-LARGEST_EXPONENT,
    traps=[Clamped, Inexact, InvalidOperation, Overflow, Subnormal],
)
bounded_decimal = _numbers.create_decimal
"""Makes a `Decimal` of a text, or of another one, with the same digits, as fast as the class itself; raises
ArithmeticError beyond the bounds."""

_decoder = msgspec.json.Decoder(float_hook=bounded_decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_sorted_encoder = msgspec.json.Encoder(order="sorted", decimal_format="number")
_checker = msgspec.json.Decoder(msgspec.Raw)


class NotJson(ValueError):
    """The bytes are not a JSON document (truncated, HTML, empty, …)."""


def decode(content: bytes) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Decode a JSON document exactly.

    Characters that databases reject are replaced by U+FFFD: NUL (PostgreSQL does not support it, and a single one fails
    an entire batch) and lone surrogates (which UTF-8 cannot encode). Decoded as texts are `NaN`, `Infinity` and
    `-Infinity`, which some servers send though JSON has no such numbers, numbers with an exponent or more digits than
    `LARGEST_EXPONENT`, integers of more than 4300 digits, and what is nested more deeply than `nesting.DEEPEST`.

    Args:
        content: The document in UTF-8.

    Returns:
        dict, list, str, int, `Decimal`, bool or None.

    Raises:
        NotJson: If the content is not a JSON document.
    """
    if is_too_deep(content):
        content = flattened(content)
    try:
        body = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError) as error:
        body = _decode_leniently(content, error)
    return _storable(body) if _NUL_ESCAPED in content else body


def exact_decoder(form: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type form, which has no type
    """Return a decoder for documents of one type.

    Args:
        form: The type to decode; where it is `Any`, numbers with a fraction become `Decimal`.

    Returns:
        The decoder; it raises msgspec's errors, and ArithmeticError for a number that `decode` returns as text. How
        deeply a document is nested is for the caller to check.
    """
    return msgspec.json.Decoder(form, float_hook=bounded_decimal)


def decodes(value: object, form: Any) -> bool:  # noqa: ANN401 - a type form, which has no type
    """Return whether a document is of a type.

    Args:
        value: The document as decoded by `decode`.
        form: A type for msgspec, hashable.

    Returns:
        Whether `exact_decoder(form)` accepts it.
    """
    try:
        _cached_decoder(form).decode(encode(value))
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        return False
    return True


@lru_cache(256)
def _cached_decoder(form: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type form, which has no type
    """Return the same decoder for the same type: creating one takes longer than decoding a small value."""
    return exact_decoder(form)


def check(content: bytes, *, thorough: bool) -> None:
    """Check that bytes are a JSON document, without keeping the decoded document.

    Args:
        content: The document in UTF-8.
        thorough: Whether to parse all of it, or only check that it starts and ends like an object or an array.

    Raises:
        NotJson: If the content is not a JSON document.
    """
    if not thorough and content[:1] + content[-1:] in {b"{}", b"[]"}:
        return
    try:
        _checker.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decode(content)


def encode(value: object) -> bytes:
    """Encode as compact JSON; `Decimal` becomes a number with all its digits.

    Args:
        value: A value as returned by `decode`; datetimes are accepted as well.

    Returns:
        The document in UTF-8, without a line break.
    """
    return _encoder.encode(value)


def row_digest(row: object, *, characters: int = 8) -> str:
    """Return a short digest of a row, to detect later whether it has changed; the order of its fields does not matter.

    Args:
        row: A value as returned by `decode`.
        characters: The length of the digest, 6 bits each, at most 43. 8 are enough to detect a change of one row; 22
            are needed to distinguish rows from each other.

    Returns:
        Letters, digits, `-` and `_`.
    """
    digest = hashlib.sha256(_sorted_encoder.encode(row)).digest()
    return base64.urlsafe_b64encode(digest)[:characters].decode()


def body_of(response: requests.Response) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Return the decoded body of a response; the bytes are parsed only once.

    Args:
        response: A response whose content was read.

    Returns:
        The body as returned by `decode`.

    Raises:
        NotJson: If the content is not a JSON document.
    """
    kept = vars(response)
    if _ATTRIBUTE not in kept:
        kept[_ATTRIBUTE] = decode(response.content)
    return kept[_ATTRIBUTE]


def _decode_leniently(content: bytes, error: Exception) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Decode what msgspec refuses and the standard library accepts: lone surrogates, NaN, numbers beyond bounds."""
    try:
        body = json.loads(content, parse_float=_decimal_or_text, parse_int=_int_or_text, parse_constant=str)
    except (ValueError, RecursionError):
        raise NotJson(str(error)) from None
    return _storable(body)


def _decimal_or_text(digits: str) -> Decimal | str:
    try:
        return bounded_decimal(digits)
    except ArithmeticError:
        return digits


def _int_or_text(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # sys.get_int_max_str_digits()
        return digits


def _storable(value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str):
        return value.replace("\x00", _REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
