"""Columns as the page holds them: exact, small, and read by a browser in one go.

An amount is an integer: the amount times ten to the power of a scale that all amounts of the page share. Integers
beyond 2^53 are texts, as a browser would round them. Repeated texts are numbers that point into a list.
"""

from __future__ import annotations

import base64
import gzip
import json
from decimal import Context
from enum import Enum
from typing import TYPE_CHECKING, Any

from invoicing_page.errors import PageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

_LARGEST = 2**53 - 1
"""The largest integer that a JavaScript number holds exactly."""
_LONGEST_FRACTION = 20
"""Decimals of an amount; no currency and no tax authority uses more than eight."""
_EXACT = Context(prec=1_000)


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    """Texts, each kept once for the column."""
    CHOICE = "choice"
    """Texts that all tables share: systems, accounts, currencies, parties. The column's name is that of the list."""
    AMOUNT = "amount"
    """Money, in units of its currency."""
    NUMBER = "number"
    """Integers: days since 1970, seconds, counts."""


class Choices:
    """A list of different texts, in the order in which they came."""

    def __init__(self) -> None:
        """Start with none."""
        self._codes: dict[str, int] = {}

    def code(self, text: object) -> int | None:
        """Return the place of a text, which is added if it is new; None for None."""
        return None if text is None else self._codes.setdefault(str(text), len(self._codes))

    @property
    def texts(self) -> list[str]:
        """The texts, each at its place."""
        return list(self._codes)


def scale_of(amounts: Iterable[Decimal | None], table: str) -> int:
    """Return the number of decimals that all of some amounts need.

    Args:
        amounts: The amounts; None for one that is not known.
        table: Where they come from, for the message.

    Raises:
        PageError: If one is not a finite number, or has more than 20 decimals.
    """
    scale = 0
    for amount in amounts:
        if amount is None:
            continue
        exponent = amount.as_tuple().exponent
        if not isinstance(exponent, int):
            raise PageError(f"{table} holds an amount that is {amount}: correct it in the source or leave the row out")
        scale = max(scale, -exponent)
    if scale > _LONGEST_FRACTION:
        raise PageError(f"{table} holds an amount with {scale} decimals; the page takes {_LONGEST_FRACTION} at most")
    return scale


def scaled(amount: Decimal | None, scale: int) -> int | str | None:
    """Return an amount as an integer.

    Args:
        amount: In units of its currency.
        scale: The power of ten that it is multiplied by.

    Returns:
        The integer; as text beyond 2^53, and None for None.
    """
    if amount is None:
        return None
    units = int(amount.scaleb(scale, context=_EXACT))
    return units if abs(units) <= _LARGEST else str(units)


def column(kind: Kind, values: Sequence[Any], scale: int, choices: Choices) -> dict[str, Any]:
    """Return a column as the page holds it.

    Args:
        kind: What it holds.
        values: Its values, one for each row.
        scale: That of amounts.
        choices: The list that a `CHOICE` points into; that of a `TEXT` is made here.
    """
    if kind is Kind.AMOUNT:
        return {"values": [scaled(value, scale) for value in values]}
    if kind is Kind.NUMBER:
        return {"values": list(values)}
    own = choices if kind is Kind.CHOICE else Choices()
    codes = [own.code(value) for value in values]
    return {"codes": codes} if kind is Kind.CHOICE else {"codes": codes, "texts": own.texts}


def amounts(kinds: Mapping[str, Kind], rows: Sequence[Sequence[Any]]) -> Iterator[Decimal | None]:
    """Yield all amounts of a table.

    Args:
        kinds: What its columns hold, in their order.
        rows: Its rows.
    """
    places = [place for place, kind in enumerate(kinds.values()) if kind is Kind.AMOUNT]
    for row in rows:
        for place in places:
            yield row[place]


def packed(content: object) -> str:
    """Return JSON, compressed, as text that is safe anywhere in HTML.

    Args:
        content: What JSON can hold.

    Returns:
        Base64 of gzip. The same content gives the same text.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
