"""Sellers and buyers: names, and numbers with correct check digits."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.invoicetronic.fatturapa.blocks import Given
    from sandbox.invoicetronic.fatturapa.draw import Draw

COMPANIES = (
    "Rossi Impianti S.r.l.",
    "Caffè Città di Trieste S.n.c.",
    "Officine Meccaniche Ferrari S.p.A.",
    "Studio Legale D'Angelo & Associati",
    "Cooperativa Agricola L'Età dell'Oro",
    "Elettroforniture Nord S.r.l.",
    "Panificio Più Buono S.a.s.",
    "Trasporti Brenner S.r.l.",
    "Libreria <Il Punto> S.r.l.",
    "Società Energetica Alto Adige S.p.A.",
)
OFFICES = ("Comune di Forlì", "Azienda Sanitaria Locale 3", "Università di Trieste", "Ministero della Cultura")
FIRST_NAMES = ("Mario", "Niccolò", "Giulia", "Anna Maria", "José", "Chiara", "Matteo", "Zoë")
LAST_NAMES = ("Rossi", "D'Amico", "Bianchi", "Forlì", "De Santis", "Müller", "Esposito", "Colombo")
FOREIGN = ("DE", "FR", "SI", "AT")

ITALY = "IT"
HIGHEST_DIGIT = 9
MONTHS = "ABCDEHLMPRST"
ODD_LETTERS = "BAKPLCQDREVOSFTGUHMINJWZYX"
"""Values of letters at odd positions of the tax code: the value is the index; 0 to 9 count as A to J."""


@dataclass(frozen=True)
class Party:
    """A seller or a buyer.

    Attributes:
        country: The two-letter country of its VAT number.
        vat: Its VAT number without the country; None for a consumer.
        fiscal_code: Its tax code (codice fiscale), if stated.
        name: The name of a company; None for a person.
        first_name: The first name of a person; None for a company.
        last_name: The last name of a person; None for a company.
    """

    country: str
    vat: str | None
    fiscal_code: str | None
    name: str | None
    first_name: str | None = None
    last_name: str | None = None

    @property
    def vat_number(self) -> str | None:
        """The VAT number with its country."""
        return None if self.vat is None else f"{self.country}{self.vat}"

    @property
    def display_name(self) -> str:
        """The name as it appears in a list."""
        return self.name or f"{self.first_name} {self.last_name}"


def vat_check_digit(ten: str) -> str:
    """Return the last digit of an Italian VAT number, from its first ten (Luhn)."""
    total = sum(map(int, ten[::2]))
    for digit in map(int, ten[1::2]):
        total += 2 * digit - (HIGHEST_DIGIT if 2 * digit > HIGHEST_DIGIT else 0)
    return str(-total % 10)


def fiscal_code_check_letter(fifteen: str) -> str:
    """Return the last letter of a person's tax code, from its first fifteen characters."""
    indexes = [int(each) if each.isdigit() else string.ascii_uppercase.index(each) for each in fifteen]
    odd = sum(ODD_LETTERS.index(string.ascii_uppercase[index]) for index in indexes[::2])
    return string.ascii_uppercase[(odd + sum(indexes[1::2])) % 26]


def italian_vat(draw: Draw) -> str:
    """Return a VAT number with the correct check digit."""
    ten = draw.digits(10)
    return ten + vat_check_digit(ten)


def personal_fiscal_code(draw: Draw) -> str:
    """Return a person's tax code with the correct check letter."""
    born = f"{draw.digits(2)}{draw.one_of(MONTHS)}{draw.integer(1, 28):02}"
    fifteen = f"{draw.letters(6)}{born}{draw.one_of('AFHL')}{draw.digits(3)}"
    return fifteen + fiscal_code_check_letter(fifteen)


def company(draw: Draw) -> Party:
    """Return a company in Italy; its tax code, if stated, is its VAT number."""
    vat = italian_vat(draw)
    return Party(ITALY, vat, vat if draw.maybe(0.5) else None, draw.one_of(COMPANIES))


def person(draw: Draw, *, vat: bool) -> Party:
    """Return a person in Italy: a professional with a VAT number, or a consumer without."""
    return Party(
        ITALY,
        italian_vat(draw) if vat else None,
        personal_fiscal_code(draw),
        None,
        draw.one_of(FIRST_NAMES),
        draw.one_of(LAST_NAMES),
    )


def seller(draw: Draw) -> Party:
    """Return a company or, one time in four, a professional."""
    return person(draw, vat=True) if draw.maybe(0.25) else company(draw)


def buyer(draw: Draw, *, public: bool) -> Party:
    """Return a public office if `public`, otherwise a company, a consumer or a foreign company."""
    if public:
        vat = italian_vat(draw)
        return Party(ITALY, vat if draw.maybe(0.5) else None, vat, draw.one_of(OFFICES))
    if draw.maybe(0.15):
        return person(draw, vat=False)
    if draw.maybe(0.1):
        return Party(draw.one_of(FOREIGN), draw.digits(9), None, draw.one_of(COMPANIES))
    return company(draw)


def tax_number(party: Party) -> Given | None:
    """Return `IdFiscaleIVA`, if there is one."""
    return None if party.vat is None else {"IdPaese": party.country, "IdCodice": party.vat}


def name_elements(party: Party) -> Given:
    """Return `Denominazione`, or `Nome` and `Cognome`."""
    if party.name is not None:
        return {"Denominazione": party.name}
    return {"Nome": party.first_name, "Cognome": party.last_name}
