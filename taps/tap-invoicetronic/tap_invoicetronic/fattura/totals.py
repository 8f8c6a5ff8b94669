"""The totals of an invoice: negative for credit notes, and computed where the document does not state its total."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_rest_core import Record

PRECISION = 100
"""Digits of calculations; amounts have 38 at most."""

CENT = Decimal("0.01")
HUNDRED = Decimal(100)

_CREDIT_NOTES = frozenset({"TD04", "TD08"})
_SURCHARGE = "MG"


def totals_of(invoice: Record, summaries: Sequence[Record], lines: Sequence[Record], *, is_simplified: bool) -> Record:
    """Return the columns with the totals of an invoice.

    Credit notes (TD04, TD08) state amounts without a sign, and a few with it: their totals are negative either way. All
    other totals keep their sign.

    Args:
        invoice: The columns of the invoice.
        summaries: Its totals by VAT rate.
        lines: Its lines.
        is_simplified: Whether it is a simplified invoice, whose lines are with VAT.

    Returns:
        The columns. A total is null if an amount it is the sum of is missing or is not a number.
    """
    with localcontext(prec=PRECISION):
        taxable, tax = _sum(summaries, "imponibile_importo"), _sum(summaries, "imposta")
        total = invoice.get("importo_totale_documento")
        is_computed = total is None
        if is_computed:
            total = _sum(lines, "importo") if is_simplified else _total(invoice, taxable, tax)
        if invoice.get("tipo_documento") in _CREDIT_NOTES:
            total = None if total is None else -abs(total)
            taxable, tax = _negative(taxable, tax)
    return {
        "imponibile_totale": taxable,
        "imposta_totale": tax,
        "importo_totale": total,
        "importo_totale_calcolato": None if total is None else is_computed,
    }


def _sum(rows: Sequence[Record], column: str) -> Decimal | None:
    amounts: list[Decimal] = [row[column] for row in rows if row.get(column) is not None]
    return sum(amounts, Decimal(0)) if amounts and len(amounts) == len(rows) else None


def _total(invoice: Record, taxable: Decimal | None, tax: Decimal | None) -> Decimal | None:
    """Return the total of an ordinary invoice.

    The VAT summaries are sums of lines: discounts on the whole document come after them, one after the other (technical
    rules, 2.1.1.9: the total is "al netto dell'eventuale sconto e comprensivo di imposta a debito del cessionario").
    Stamp duty counts if it is a line, and what the buyer withholds or pays to the tax office himself is part of the
    total.
    """
    if taxable is None or tax is None:
        return None
    total = taxable + tax
    for change in invoice.get("sconto_maggiorazione", ()):
        amount: Decimal | None = change.get("importo")
        if amount is None:
            if "percentuale" not in change:
                return None
            amount = (total * change["percentuale"] / HUNDRED).quantize(CENT, ROUND_HALF_UP)
        total += amount if change.get("tipo") == _SURCHARGE else -amount
    rounding: Decimal = invoice.get("arrotondamento", Decimal(0))
    return (total + rounding).quantize(CENT, ROUND_HALF_UP)


def _negative(taxable: Decimal | None, tax: Decimal | None) -> tuple[Decimal | None, Decimal | None]:
    """Return taxable amount and VAT of a credit note, with one change of sign for both: one may reduce the other."""
    together = (taxable or Decimal(0)) + (tax or Decimal(0))
    if together < 0 or (together == 0 and (taxable or Decimal(0)) <= 0):
        return taxable, tax
    return None if taxable is None else -taxable, None if tax is None else -tax
