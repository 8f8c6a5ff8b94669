"""JSON in and out without losing a digit.

Numbers with a fraction are `decimal.Decimal` from the first byte to the last; they never pass through float.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

if TYPE_CHECKING:
    import requests

_NUL_ESCAPED = b"\\u0000"
_REPLACEMENT = "\ufffd"
_ATTRIBUTE = "_singer_rest_core_body"

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_checker = msgspec.json.Decoder(msgspec.Raw)


class NotJson(ValueError):
    """The bytes are no JSON document (truncated, HTML, empty, …)."""


def decode(content: bytes) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Decode a JSON document exactly.

    Characters that no database takes are replaced by U+FFFD: NUL (PostgreSQL has none, and one of them fails a
    whole batch) and lone surrogates (no UTF-8 form).

    Args:
        content: The document as UTF-8.

    Returns:
        dict, list, str, int, `Decimal`, bool or None.

    Raises:
        NotJson: If the content is no JSON document.
    """
    try:
        body = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError) as error:
        body = _decode_surrogates(content, error)
    return _storable(body) if _NUL_ESCAPED in content else body


def exact_decoder(form: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type form, which has no type
    """Give a decoder of documents of one type.

    Args:
        form: What msgspec shall decode; numbers with a fraction are `Decimal` wherever any value may stand.

    Returns:
        The decoder; it raises msgspec's errors.
    """
    return msgspec.json.Decoder(form, float_hook=Decimal)


def decodes(value: object, form: Any) -> bool:  # noqa: ANN401 - a type form, which has no type
    """Tell whether a document is of a type.

    Args:
        value: What `decode` gave for it.
        form: A type for msgspec.

    Returns:
        Whether `exact_decoder(form)` takes it.
    """
    try:
        exact_decoder(form).decode(encode(value))
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        return False
    return True


def check(content: bytes, *, thorough: bool) -> None:
    """Make sure that bytes are a JSON document, without keeping it.

    Args:
        content: The document as UTF-8.
        thorough: Whether to read all of it, or only see that it begins and ends as an object or a list does.

    Raises:
        NotJson: If the content is no JSON document.
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
        value: What `decode` returns, also with datetimes in it.

    Returns:
        The document as UTF-8, without a line end.
    """
    return _encoder.encode(value)


def body_of(response: requests.Response) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Give the decoded body of an answer; the bytes are parsed once, however often it is asked for.

    Args:
        response: An answer whose content was read.

    Returns:
        What `decode` returns.

    Raises:
        NotJson: If the content is no JSON document.
    """
    kept = vars(response)
    if _ATTRIBUTE not in kept:
        kept[_ATTRIBUTE] = decode(response.content)
    return kept[_ATTRIBUTE]


def _decode_surrogates(content: bytes, error: Exception) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Decode what the standard library takes and msgspec does not: escaped lone surrogates."""
    try:
        return _storable(json.loads(content, parse_float=Decimal, parse_constant=_refuse))
    except (ValueError, InvalidOperation, RecursionError):
        raise NotJson(str(error)) from None


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is no JSON"
    raise NotJson(msg)


def _storable(value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
    if isinstance(value, str):
        return value.replace("\x00", _REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value
