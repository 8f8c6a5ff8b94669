"""Generators of leaf texts, each within what the XSD allows."""

from __future__ import annotations

import base64
from datetime import date
from typing import TYPE_CHECKING

from sandbox.invoicetronic.fatturapa.draw import LATIN_WORDS, WORDS

if TYPE_CHECKING:
    from decimal import Decimal

    from sandbox.invoicetronic.fatturapa.blocks import Value
    from sandbox.invoicetronic.fatturapa.draw import Draw

RECENT = date(2026, 2, 1)
"""The center of random days that no invoice determines."""

ANY_CHARACTERS = ("A-100", "€ 12", "œuvre", "SKU/7", "Š-42", "Ž1", "cod. 9")
"""For fields in which the XSD allows any character; includes characters of windows-1252 that ISO 8859-1 lacks."""

PLACES_AT_LEAST = 2


def text(longest: int) -> Value:
    """Return a generator of words in Basic Latin."""
    return lambda draw: draw.words(WORDS, longest)


def latin(longest: int) -> Value:
    """Return a generator of words up to Latin-1 Supplement."""
    return lambda draw: draw.words(LATIN_WORDS, longest)


def digits(count: int) -> Value:
    """Return a generator of this many digits."""
    return lambda draw: draw.digits(count)


def letters(count: int) -> Value:
    """Return a generator of this many capital letters."""
    return lambda draw: draw.letters(count)


def codes(spaced: str) -> Value:
    """Return a generator of one of several codes, given separated by spaces."""
    choices = spaced.split()
    return lambda draw: draw.one_of(choices)


def integer(low: int, high: int) -> Value:
    """Return a generator of integers."""
    return lambda draw: str(draw.integer(low, high))


def amount(low: int, high: int, places: int = 2) -> Value:
    """Return a generator of numbers with this many decimal places."""
    return lambda draw: str(draw.decimal(low, high, places))


def any_characters(draw: Draw) -> str:
    """Return a short text of characters that windows-1252 has."""
    return draw.one_of(ANY_CHARACTERS)


def day(draw: Draw) -> str:
    """Return a day, sometimes with the offset that xs:date allows."""
    offset = draw.one_of(("", "", "", "", "", "", "Z", "+01:00"))
    return f"{draw.day_near(RECENT, 200).isoformat()}{offset}"


def instant(draw: Draw) -> str:
    """Return an instant, with or without fraction and offset."""
    return f"{draw.day_near(RECENT, 200).isoformat()}T16:46:12{draw.one_of(('', '.000', '.000+01:00', 'Z'))}"


def email(draw: Draw) -> str:
    """Return an e-mail address."""
    return f"{draw.one_of(WORDS)}@{draw.one_of(WORDS)}.example"


def phone(draw: Draw) -> str:
    """Return a telephone number of 5 to 12 characters."""
    return f"0{draw.digits(draw.integer(4, 11))}"


def iban(draw: Draw) -> str:
    """Return a text in the format of an Italian IBAN; its check digits are not correct."""
    return f"IT{draw.digits(2)}{draw.letters(1)}{draw.digits(22)}"


def bic(draw: Draw) -> str:
    """Return a text in the format of a BIC, of 8 or 11 characters."""
    return f"{draw.letters(4)}IT2{draw.one_of('ABC')}{draw.one_of(('', 'XXX', '123'))}"


def file_content(draw: Draw) -> str:
    """Return a small file in base64."""
    return base64.b64encode(draw.bytes(draw.integer(1, 60))).decode()


def money(value: Decimal) -> str:
    """Format an amount as the XSD requires: at least two decimal places, no exponent."""
    plain = f"{value:f}"
    places = len(plain.partition(".")[2])
    return plain if places >= PLACES_AT_LEAST else f"{value:.2f}"
