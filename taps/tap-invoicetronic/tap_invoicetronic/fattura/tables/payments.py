"""The payments that an invoice asks for."""

from __future__ import annotations

from tap_invoicetronic.fattura.code_words import MODALITA_PAGAMENTO
from tap_invoicetronic.fattura.mapping import Rows, Table, leaf
from tap_invoicetronic.fattura.value_types import CODE, DATE, DECIMAL, INTEGER, TEXT

TERMS = Table(
    (
        leaf("CondizioniPagamento", CODE, "TP01 by instalments, TP02 in full, TP03 in advance."),
        Rows("DettaglioPagamento"),
    )
)
"""The terms that the instalments of one `DatiPagamento` share."""

INSTALMENT = Table(
    (
        leaf("Beneficiario", TEXT, "Who is paid, if not the seller."),
        leaf(
            "ModalitaPagamento",
            CODE,
            "How: MP01 cash, MP05 transfer, MP08 card, MP12 RIBA, … to MP23.",
            words=MODALITA_PAGAMENTO,
        ),
        leaf("DataRiferimentoTerminiPagamento", DATE, "From when the term counts."),
        leaf("GiorniTerminiPagamento", INTEGER, "Term, in days."),
        leaf("DataScadenzaPagamento", DATE, "When it is due."),
        leaf("ImportoPagamento", DECIMAL, "In `divisa`."),
        leaf("CodUfficioPostale", CODE, "Code of the post office."),
        leaf("CognomeQuietanzante", TEXT, "Last name of who gives the receipt."),
        leaf("NomeQuietanzante", TEXT, "First name of who gives the receipt."),
        leaf("CFQuietanzante", CODE, "Fiscal code of who gives the receipt."),
        leaf("TitoloQuietanzante", TEXT, "Title of who gives the receipt."),
        leaf("IstitutoFinanziario", TEXT, "Bank."),
        leaf("IBAN", CODE, "Account that is paid to."),
        leaf("ABI", CODE, "Italian code of the bank."),
        leaf("CAB", CODE, "Italian code of the branch."),
        leaf("BIC", CODE, "International code of the bank."),
        leaf("ScontoPagamentoAnticipato", DECIMAL, "Discount for early payment, in `divisa`."),
        leaf("DataLimitePagamentoAnticipato", DATE, "Last day for that discount."),
        leaf("PenalitaPagamentiRitardati", DECIMAL, "Penalty for late payment, in `divisa`."),
        leaf("DataDecorrenzaPenale", DATE, "From when the penalty runs."),
        leaf("CodicePagamento", CODE, "Code to be quoted with the payment."),
    )
)
