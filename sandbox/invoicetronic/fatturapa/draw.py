"""Seeded random choices: whether an element is present, how often, and what it contains."""

from __future__ import annotations

import random
import string
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

T = TypeVar("T")

WORDS = [
    "servizio",
    "fornitura",
    "consulenza",
    "canone",
    "licenza",
    "manutenzione",
    "trasporto",
    "materiale",
    "noleggio",
    "assistenza",
    "progetto",
    "saldo",
    "acconto",
    "mensile",
    "annuale",
    "impianto",
    "ricambio",
    "vite",
    "carta",
    "stampa",
    "energia",
    "cablaggio",
    "collaudo",
    "formazione",
]
"""Words of ASCII letters, for texts that the XSD restricts to Basic Latin."""

LATIN_WORDS = (
    *WORDS,
    "città",
    "perché",
    "qualità",
    "è",
    "così",
    "più",
    "Ä",
    "½",
    "«prova»",
    "R&D",
    "<A>",
    '"x"',
    "L'ora",
)
"""Words up to Latin-1 Supplement, and those that XML must escape."""

MANY = 3


class Draw:
    """Random choices for one document."""

    def __init__(self, seed: int | str, richness: float) -> None:
        """Seed the choices; `richness` (0 to 1) is the share of optional elements that are present."""
        self._random = random.Random(seed)  # noqa: S311 - generated data, not cryptography
        self.richness = richness

    def maybe(self, probability: float | None = None) -> bool:
        """Return True with a probability from 0 to 1, by default `richness`."""
        return self._random.random() < (self.richness if probability is None else probability)

    def times(self, least: int, most: int | None) -> int:
        """Return a count from `least` to `most`, or to a few if `most` is None."""
        if not self.maybe():
            return least
        end = MANY if most is None else most
        return self._random.randint(max(least, 1), max(end, least))

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of several."""
        return self._random.choice(choices)

    def integer(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`."""
        return self._random.randint(low, high)

    def decimal(self, low: int, high: int, places: int) -> Decimal:
        """Return a number from `low` to `high` with this many decimal places."""
        return Decimal(self._random.randint(low * 10**places, high * 10**places)).scaleb(-places)

    def digits(self, count: int) -> str:
        """Return this many digits."""
        return "".join(self._random.choices(string.digits, k=count))

    def letters(self, count: int) -> str:
        """Return this many capital letters."""
        return "".join(self._random.choices(string.ascii_uppercase, k=count))

    def bytes(self, count: int) -> bytes:
        """Return this many bytes."""
        return self._random.randbytes(count)

    def words(self, words: Sequence[str], longest: int) -> str:
        """Return some words, at most `longest` characters."""
        text = " ".join(self._random.choices(words, k=self._random.randint(1, 6)))
        return text[:longest].strip()

    def day_near(self, day: date, days: int) -> date:
        """Return a day at most this many days before or after another."""
        return day + timedelta(days=self._random.randint(-days, days))
