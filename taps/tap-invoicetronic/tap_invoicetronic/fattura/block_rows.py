"""Blocks of an invoice as rows of their own; they stay arrays of `fattura` and `fattura_line` too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_invoicetronic.fattura.tables import LINE_DISCOUNT, PENSION_FUND, REFERENCE, WITHHOLDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_rest_core import Record

_REFERENCE_TYPES = {
    "dati_ordine_acquisto": "order",
    "dati_contratto": "contract",
    "dati_convenzione": "agreement",
    "dati_ricezione": "receipt",
    "dati_fatture_collegate": "invoice",
    "dati_ddt": "delivery_note",
}
"""What a block refers to, by its column in `fattura`, in the order of the format."""
_DELIVERY_NOTE_COLUMNS = {"numero_ddt": "id_documento", "data_ddt": "data"}


def rows_of_blocks(invoice: Record, lines: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the rows that repeat blocks of an invoice.

    Args:
        invoice: The columns of the invoice.
        lines: The columns of its lines, in order.

    Returns:
        The rows by stream, without the key of the invoice.
    """
    return {
        WITHHOLDING: _numbered(invoice.get("dati_ritenuta", ())),
        PENSION_FUND: _numbered(invoice.get("dati_cassa_previdenziale", ())),
        REFERENCE: _numbered(list(_references(invoice))),
        LINE_DISCOUNT: [
            {"position": position, "discount_number": number, **discount}
            for position, line in enumerate(lines, 1)
            for number, discount in enumerate(line.get("sconto_maggiorazione", ()), 1)
        ],
    }


def _numbered(entries: Sequence[Record]) -> list[Record]:
    return [{"position": position, **entry} for position, entry in enumerate(entries, 1)]


def _references(invoice: Record) -> Iterator[Record]:
    for column, reference_type in _REFERENCE_TYPES.items():
        for entry in invoice.get(column, ()):
            renamed = {_DELIVERY_NOTE_COLUMNS.get(name, name): value for name, value in entry.items()}
            yield {"reference_type": reference_type, **renamed}
    for reference_type, number, day in (
        ("main_invoice", "numero_fattura_principale", "data_fattura_principale"),
        ("invoice", "numero_fr", "data_fr"),
    ):
        if number in invoice or day in invoice:
            yield {
                "reference_type": reference_type,
                "id_documento": invoice.get(number),
                "data": invoice.get(day),
            }
