"""The file of an invoice, except its bodies: who sends it, who sells and who buys."""

from __future__ import annotations

from tap_invoicetronic.fattura.code_words import REGIME_FISCALE
from tap_invoicetronic.fattura.mapping import Rows, Table, leaf, under
from tap_invoicetronic.fattura.tables.parties import BRANCH, FISCAL_IDS, NAMES, PERSON, SEAT, VAT_ID
from tap_invoicetronic.fattura.value_types import CODE, DATE, DECIMAL, TEXT

HEADER = "FatturaElettronicaHeader"
BODY = "FatturaElettronicaBody"

_REGIME = leaf("RegimeFiscale", CODE, "tax regime, RF01 (ordinary) to RF20", words=REGIME_FISCALE)
_COMPANY_REGISTER = under(
    "IscrizioneREA",
    "rea_",
    "company register (REA)",
    leaf("Ufficio", CODE, "province of the office, two letters"),
    leaf("NumeroREA", CODE, "number", column="numero"),
    leaf("CapitaleSociale", DECIMAL, "share capital, in euro"),
    leaf("SocioUnico", CODE, "SU one shareholder, SM several"),
    leaf("StatoLiquidazione", CODE, "LS in liquidation, LN not"),
)
_TRANSMISSION = under(
    "DatiTrasmissione",
    "",
    "",
    *under(
        "IdTrasmittente",
        "trasmittente_",
        "Sender of the file",
        leaf("IdPaese", CODE, "country, two letters"),
        leaf("IdCodice", CODE, "fiscal code or VAT number without the country"),
    ),
    leaf("ProgressivoInvio", CODE, "The sender's own number for the file."),
    leaf("FormatoTrasmissione", CODE, "FPA12 public administration, FPR12 private, FSM10 simplified."),
    leaf("CodiceDestinatario", CODE, "Office or channel at which the buyer receives; 0000000 if by PEC or none."),
    *under(
        "ContattiTrasmittente",
        "trasmittente_",
        "Sender of the file",
        leaf("Telefono", TEXT, "telephone"),
        leaf("Email", TEXT, "email"),
    ),
    leaf("PECDestinatario", CODE, "Certified email (PEC) at which the buyer receives."),
)
_ISSUER = leaf("SoggettoEmittente", CODE, "Who issued the invoice if not the seller: CC the buyer, TZ a third party.")
_VERSION = leaf("@versione", CODE, "Version of the format: FPA12, FPR12 or FSM10.")
_SYSTEM = leaf("@SistemaEmittente", TEXT, "Program that issued the invoice.")

ROOT = Table(
    (
        _VERSION,
        _SYSTEM,
        *under(
            HEADER,
            "",
            "",
            *_TRANSMISSION,
            *under(
                "CedentePrestatore",
                "cedente_",
                "Seller",
                *under(
                    "DatiAnagrafici",
                    "",
                    "",
                    *PERSON,
                    leaf("AlboProfessionale", TEXT, "professional register"),
                    leaf("ProvinciaAlbo", CODE, "professional register, province"),
                    leaf("NumeroIscrizioneAlbo", CODE, "professional register, number"),
                    leaf("DataIscrizioneAlbo", DATE, "professional register, since"),
                    _REGIME,
                ),
                *SEAT,
                *BRANCH,
                *_COMPANY_REGISTER,
                *under(
                    "Contatti",
                    "",
                    "",
                    leaf("Telefono", TEXT, "telephone"),
                    leaf("Fax", TEXT, "fax"),
                    leaf("Email", TEXT, "email"),
                ),
                leaf("RiferimentoAmministrazione", CODE, "the buyer's own reference for the seller"),
            ),
            *under("RappresentanteFiscale/DatiAnagrafici", "rappresentante_fiscale_", "Seller's tax agent", *PERSON),
            *under(
                "CessionarioCommittente",
                "cessionario_",
                "Buyer",
                *under("DatiAnagrafici", "", "", *PERSON),
                *SEAT,
                *BRANCH,
                *under("RappresentanteFiscale", "rappresentante_fiscale_", "tax agent", *VAT_ID, *NAMES),
            ),
            *under(
                "TerzoIntermediarioOSoggettoEmittente/DatiAnagrafici",
                "terzo_intermediario_",
                "Third party that issues for the seller",
                *PERSON,
            ),
            _ISSUER,
        ),
        Rows(BODY),
    )
)
"""The file of an ordinary invoice, except its bodies; its columns are repeated in the row of each body."""

SIMPLIFIED_ROOT = Table(
    (
        _VERSION,
        _SYSTEM,
        *under(
            HEADER,
            "",
            "",
            *_TRANSMISSION,
            *under("CedentePrestatore", "cedente_", "Seller", *FISCAL_IDS, *NAMES, *SEAT, *BRANCH, _REGIME),
            *under("CedentePrestatore", "cedente_", "Seller", *_COMPANY_REGISTER),
            *under(
                "CedentePrestatore/RappresentanteFiscale",
                "rappresentante_fiscale_",
                "Seller's tax agent",
                *VAT_ID,
                *NAMES,
            ),
            *under(
                "CessionarioCommittente",
                "cessionario_",
                "Buyer",
                *under("IdentificativiFiscali", "", "", *FISCAL_IDS),
                *under(
                    "AltriDatiIdentificativi",
                    "",
                    "",
                    *NAMES,
                    *SEAT,
                    *BRANCH,
                    *under("RappresentanteFiscale", "rappresentante_fiscale_", "tax agent", *VAT_ID, *NAMES),
                ),
            ),
            _ISSUER,
        ),
        Rows(BODY),
    )
)
"""The file of a simplified invoice, except its bodies."""
