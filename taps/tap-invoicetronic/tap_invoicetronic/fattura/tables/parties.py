"""Columns of parties: VAT number and fiscal code, names, addresses. They occur in several tables."""

from __future__ import annotations

from tap_invoicetronic.fattura.mapping import leaf, under
from tap_invoicetronic.fattura.value_types import CODE, TEXT

VAT_ID = under(
    "IdFiscaleIVA",
    "",
    "",
    leaf("IdPaese", CODE, "country of the VAT number, two letters"),
    leaf("IdCodice", CODE, "VAT number without the country"),
)
FISCAL_IDS = (*VAT_ID, leaf("CodiceFiscale", CODE, "fiscal code (codice fiscale)"))
NAMES = (
    leaf("Denominazione", TEXT, "name of a company; a person has `nome` and `cognome`"),
    leaf("Nome", TEXT, "first name"),
    leaf("Cognome", TEXT, "last name"),
)
PERSON = (
    *FISCAL_IDS,
    *under(
        "Anagrafica",
        "",
        "",
        *NAMES,
        leaf("Titolo", TEXT, "title"),
        leaf("CodEORI", CODE, "EORI code, for customs"),
    ),
)
ADDRESS = (
    leaf("Indirizzo", TEXT, "street"),
    leaf("NumeroCivico", TEXT, "house number"),
    leaf("CAP", CODE, "postal code"),
    leaf("Comune", TEXT, "town"),
    leaf("Provincia", CODE, "province, two letters"),
    leaf("Nazione", CODE, "country, two letters"),
)
SEAT = under("Sede", "sede_", "seat", *ADDRESS)
BRANCH = under("StabileOrganizzazione", "stabile_organizzazione_", "permanent establishment", *ADDRESS)
