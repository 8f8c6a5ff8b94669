"""The lines of an invoice, and its totals by VAT rate."""

from __future__ import annotations

from tap_invoicetronic.fattura.code_words import NATURA
from tap_invoicetronic.fattura.mapping import Table, block, leaf
from tap_invoicetronic.fattura.value_types import CODE, DATE, DECIMAL, INTEGER, TEXT

_NATURA = leaf("Natura", CODE, "Why there is no VAT, N1 to N7.", words=NATURA)
_LAW = leaf("RiferimentoNormativo", TEXT, "The law behind `natura`.")
_RATE = leaf("AliquotaIVA", DECIMAL, "VAT rate, in percent.")
DISCOUNT = (
    leaf("Tipo", CODE, "SC discount, MG surcharge."),
    leaf("Percentuale", DECIMAL, "In percent."),
    leaf("Importo", DECIMAL, "In `divisa`; up to 8 decimals."),
)

ORDINARY_LINE_DISCOUNT = Table(DISCOUNT)
"""One discount or surcharge of a line, as a row."""

ORDINARY_LINE = Table(
    (
        leaf("NumeroLinea", INTEGER, "The document's own number of the line, which may occur twice."),
        leaf("TipoCessionePrestazione", CODE, "SC discount, PR bonus, AB rebate, AC ancillary cost; null otherwise."),
        block(
            "CodiceArticolo",
            "Codes of the article.",
            leaf("CodiceTipo", CODE, "Kind of code, e.g. EAN."),
            leaf("CodiceValore", CODE, "The code."),
        ),
        leaf("Descrizione", TEXT, "What is sold."),
        leaf("Quantita", DECIMAL, "Quantity, in `unita_misura`; up to 8 decimals."),
        leaf("UnitaMisura", TEXT, "Unit of the quantity."),
        leaf("DataInizioPeriodo", DATE, "First day of the period."),
        leaf("DataFinePeriodo", DATE, "Last day of the period."),
        leaf("PrezzoUnitario", DECIMAL, "Price of a unit without VAT, in `divisa`; up to 8 decimals."),
        block("ScontoMaggiorazione", "Discounts and surcharges on a unit.", *DISCOUNT),
        leaf("PrezzoTotale", DECIMAL, "Total without VAT, in `divisa`; up to 8 decimals. Null if simplified."),
        _RATE,
        leaf("Ritenuta", CODE, "SI if subject to withholding tax."),
        _NATURA,
        leaf("RiferimentoAmministrazione", CODE, "The buyer's own reference."),
        block(
            "AltriDatiGestionali",
            "Further facts that seller and buyer agreed on.",
            leaf("TipoDato", CODE, "Which fact."),
            leaf("RiferimentoTesto", TEXT, "As text."),
            leaf("RiferimentoNumero", DECIMAL, "As a number; up to 8 decimals."),
            leaf("RiferimentoData", DATE, "As a date."),
        ),
    )
)

# That `Importo` contains the VAT is inferred from the law (art. 21-bis DPR 633/72): the XSD does not say.
SIMPLIFIED_LINE = Table(
    (
        leaf("Descrizione", TEXT, "What is sold."),
        leaf("Importo", DECIMAL, "Simplified invoices only: total with VAT, in `divisa`."),
        leaf("DatiIVA/Imposta", DECIMAL, "Simplified invoices only: VAT contained in `importo`, in `divisa`."),
        leaf("DatiIVA/Aliquota", DECIMAL, _RATE.description, column=_RATE.column),
        _NATURA,
        leaf("RiferimentoNormativo", TEXT, "Simplified invoices only: the law behind `natura`."),
    )
)

SUMMARY = Table(
    (
        _RATE,
        _NATURA,
        leaf("SpeseAccessorie", DECIMAL, "Ancillary costs, part of `imponibile_importo`, in `divisa`."),
        leaf("Arrotondamento", DECIMAL, "Rounding, part of `imponibile_importo`, in `divisa`; up to 8 decimals."),
        leaf("ImponibileImporto", DECIMAL, "Taxable amount, in `divisa`."),
        leaf("Imposta", DECIMAL, "VAT, in `divisa`."),
        leaf("EsigibilitaIVA", CODE, "When VAT is due: I at once, D deferred, S the buyer pays it (split payment)."),
        _LAW,
    )
)
