"""The four tables of an invoice: every value of the format, where it stands and which column it becomes.

Columns have the format's own names in snake_case, below the name of the party or block they belong to; so a column is
found in the format's documentation and the other way round. The few English names are ours. Sources are XSD 1.2.2
(FPA12, FPR12) and the XSD of the simplified invoice (FSM10).

Left out knowingly are XML signatures (`ds:Signature`), of which only the column `firma` tells, and where XML says its
schema is (`xsi:schemaLocation`).
"""

from __future__ import annotations

from tap_invoicetronic.fattura.declaration import Rows, Table, block, leaf, under
from tap_invoicetronic.fattura.kinds import DATE, DATE_TIME, DECIMAL, INTEGER, TEXT

FATTURA = "fattura"
LINE = "fattura_line"
VAT_SUMMARY = "fattura_vat_summary"
PAYMENT = "fattura_payment"

_INVOICE_KEY = ("direction", "invoicetronic_id", "body_number")
_PART_KEY = (*_INVOICE_KEY, "position")
KEYS = {FATTURA: _INVOICE_KEY, LINE: _PART_KEY, VAT_SUMMARY: _PART_KEY, PAYMENT: _PART_KEY}
"""The key of each stream. `NumeroLinea` is none: nothing keeps it from being given twice."""

BODY = "FatturaElettronicaBody"
HEADER = "FatturaElettronicaHeader"

_VAT_ID = under(
    "IdFiscaleIVA",
    "",
    "",
    leaf("IdPaese", TEXT, "country of the VAT number, two letters"),
    leaf("IdCodice", TEXT, "VAT number without the country"),
)
_FISCAL_IDS = (*_VAT_ID, leaf("CodiceFiscale", TEXT, "fiscal code (codice fiscale)"))
_NAMES = (
    leaf("Denominazione", TEXT, "name of a company; a person has `nome` and `cognome`"),
    leaf("Nome", TEXT, "first name"),
    leaf("Cognome", TEXT, "last name"),
)
_PERSON = (
    *_FISCAL_IDS,
    *under(
        "Anagrafica",
        "",
        "",
        *_NAMES,
        leaf("Titolo", TEXT, "title"),
        leaf("CodEORI", TEXT, "EORI code, for customs"),
    ),
)
_ADDRESS = (
    leaf("Indirizzo", TEXT, "street"),
    leaf("NumeroCivico", TEXT, "house number"),
    leaf("CAP", TEXT, "postal code"),
    leaf("Comune", TEXT, "town"),
    leaf("Provincia", TEXT, "province, two letters"),
    leaf("Nazione", TEXT, "country, two letters"),
)
_SEAT = under("Sede", "sede_", "seat", *_ADDRESS)
_BRANCH = under("StabileOrganizzazione", "stabile_organizzazione_", "permanent establishment", *_ADDRESS)
_REGIME = leaf("RegimeFiscale", TEXT, "tax regime, RF01 (ordinary) to RF19")
_COMPANY_REGISTER = under(
    "IscrizioneREA",
    "rea_",
    "company register (REA)",
    leaf("Ufficio", TEXT, "province of the office, two letters"),
    leaf("NumeroREA", TEXT, "number", column="numero"),
    leaf("CapitaleSociale", DECIMAL, "share capital, in euro"),
    leaf("SocioUnico", TEXT, "SU one shareholder, SM several"),
    leaf("StatoLiquidazione", TEXT, "LS in liquidation, LN not"),
)
_TRANSMISSION = under(
    "DatiTrasmissione",
    "",
    "",
    *under(
        "IdTrasmittente",
        "trasmittente_",
        "Sender of the file",
        leaf("IdPaese", TEXT, "country, two letters"),
        leaf("IdCodice", TEXT, "fiscal code or VAT number without the country"),
    ),
    leaf("ProgressivoInvio", TEXT, "The sender's own number for the file."),
    leaf("FormatoTrasmissione", TEXT, "FPA12 public administration, FPR12 private, FSM10 simplified."),
    leaf("CodiceDestinatario", TEXT, "Office or channel at which the buyer receives; 0000000 if by PEC or none."),
    *under(
        "ContattiTrasmittente",
        "trasmittente_",
        "Sender of the file",
        leaf("Telefono", TEXT, "telephone"),
        leaf("Email", TEXT, "email"),
    ),
    leaf("PECDestinatario", TEXT, "Certified email (PEC) at which the buyer receives."),
)
_ISSUER = leaf("SoggettoEmittente", TEXT, "Who issued the invoice if not the seller: CC the buyer, TZ a third party.")
_VERSION = leaf("@versione", TEXT, "Version of the format: FPA12, FPR12 or FSM10.")
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
                    *_PERSON,
                    leaf("AlboProfessionale", TEXT, "professional register"),
                    leaf("ProvinciaAlbo", TEXT, "professional register, province"),
                    leaf("NumeroIscrizioneAlbo", TEXT, "professional register, number"),
                    leaf("DataIscrizioneAlbo", DATE, "professional register, since"),
                    _REGIME,
                ),
                *_SEAT,
                *_BRANCH,
                *_COMPANY_REGISTER,
                *under(
                    "Contatti",
                    "",
                    "",
                    leaf("Telefono", TEXT, "telephone"),
                    leaf("Fax", TEXT, "fax"),
                    leaf("Email", TEXT, "email"),
                ),
                leaf("RiferimentoAmministrazione", TEXT, "the buyer's own reference for the seller"),
            ),
            *under("RappresentanteFiscale/DatiAnagrafici", "rappresentante_fiscale_", "Seller's tax agent", *_PERSON),
            *under(
                "CessionarioCommittente",
                "cessionario_",
                "Buyer",
                *under("DatiAnagrafici", "", "", *_PERSON),
                *_SEAT,
                *_BRANCH,
                *under("RappresentanteFiscale", "rappresentante_fiscale_", "tax agent", *_VAT_ID, *_NAMES),
            ),
            *under(
                "TerzoIntermediarioOSoggettoEmittente/DatiAnagrafici",
                "terzo_intermediario_",
                "Third party that issues for the seller",
                *_PERSON,
            ),
            _ISSUER,
        ),
        Rows(BODY),
    )
)
"""The file of an ordinary invoice, but for its bodies: it goes to each of them."""

SIMPLIFIED_ROOT = Table(
    (
        _VERSION,
        _SYSTEM,
        *under(
            HEADER,
            "",
            "",
            *_TRANSMISSION,
            *under("CedentePrestatore", "cedente_", "Seller", *_FISCAL_IDS, *_NAMES, *_SEAT, *_BRANCH, _REGIME),
            *under("CedentePrestatore", "cedente_", "Seller", *_COMPANY_REGISTER),
            *under(
                "CedentePrestatore/RappresentanteFiscale",
                "rappresentante_fiscale_",
                "Seller's tax agent",
                *_VAT_ID,
                *_NAMES,
            ),
            *under(
                "CessionarioCommittente",
                "cessionario_",
                "Buyer",
                *under("IdentificativiFiscali", "", "", *_FISCAL_IDS),
                *under(
                    "AltriDatiIdentificativi",
                    "",
                    "",
                    *_NAMES,
                    *_SEAT,
                    *_BRANCH,
                    *under("RappresentanteFiscale", "rappresentante_fiscale_", "tax agent", *_VAT_ID, *_NAMES),
                ),
            ),
            _ISSUER,
        ),
        Rows(BODY),
    )
)
"""The file of a simplified invoice, but for its bodies."""

_DOCUMENT = (
    leaf("TipoDocumento", TEXT, "Kind of document, TD01 to TD29; see `tipo_documento_descrizione`."),
    leaf("Divisa", TEXT, "Currency of all amounts, three letters."),
    leaf("Data", DATE, "Date of the document."),
    leaf("Numero", TEXT, "Number of the document."),
)
_DISCOUNT = (
    leaf("Tipo", TEXT, "SC discount, MG surcharge."),
    leaf("Percentuale", DECIMAL, "In percent."),
    leaf("Importo", DECIMAL, "In `divisa`; up to 8 decimals."),
)
_ATTACHMENTS = block(
    "Allegati",
    "Attachments. `size` (in bytes) and `sha256` are those of the content.",
    leaf("NomeAttachment", TEXT, "File name."),
    leaf("AlgoritmoCompressione", TEXT, "How the content is compressed, e.g. ZIP."),
    leaf("FormatoAttachment", TEXT, "Format of the content, e.g. PDF."),
    leaf("DescrizioneAttachment", TEXT, "What it is."),
    leaf("Attachment", TEXT, "The content in base64; of more than 64 KiB it stands in the document alone."),
)
_LINE_NUMBERS = leaf(
    "RiferimentoNumeroLinea", INTEGER, "`numero_linea` of the lines it is about; all if null.", repeats=True
)
_RELATED = (
    _LINE_NUMBERS,
    leaf("IdDocumento", TEXT, "Number of the document."),
    leaf("Data", DATE, "Date of the document."),
    leaf("NumItem", TEXT, "Position in the document."),
    leaf("CodiceCommessaConvenzione", TEXT, "Code of the job or framework agreement."),
    leaf("CodiceCUP", TEXT, "Code of the public investment project (CUP)."),
    leaf("CodiceCIG", TEXT, "Code of the tender (CIG)."),
)

ORDINARY_BODY = Table(
    (
        *under(
            "DatiGenerali",
            "",
            "",
            *under(
                "DatiGeneraliDocumento",
                "",
                "",
                *_DOCUMENT,
                block(
                    "DatiRitenuta",
                    "Withholding taxes.",
                    leaf("TipoRitenuta", TEXT, "RT01 to RT06."),
                    leaf("ImportoRitenuta", DECIMAL, "In `divisa`."),
                    leaf("AliquotaRitenuta", DECIMAL, "In percent."),
                    leaf("CausalePagamento", TEXT, "Reason of payment as in the form CU."),
                ),
                *under(
                    "DatiBollo",
                    "",
                    "",
                    leaf("BolloVirtuale", TEXT, "SI if stamp duty is paid virtually."),
                    leaf("ImportoBollo", DECIMAL, "Stamp duty, in `divisa`."),
                ),
                block(
                    "DatiCassaPrevidenziale",
                    "Contributions to a professional pension fund.",
                    leaf("TipoCassa", TEXT, "The fund, TC01 to TC22."),
                    leaf("AlCassa", DECIMAL, "Contribution, in percent."),
                    leaf("ImportoContributoCassa", DECIMAL, "Contribution, in `divisa`."),
                    leaf("ImponibileCassa", DECIMAL, "What it is reckoned on, in `divisa`."),
                    leaf("AliquotaIVA", DECIMAL, "VAT on it, in percent."),
                    leaf("Ritenuta", TEXT, "SI if subject to withholding tax."),
                    leaf("Natura", TEXT, "Why there is no VAT on it, N1 to N7."),
                    leaf("RiferimentoAmministrazione", TEXT, "The buyer's own reference."),
                ),
                block("ScontoMaggiorazione", "Discounts and surcharges on the whole document.", *_DISCOUNT),
                leaf("ImportoTotaleDocumento", DECIMAL, "Total with VAT, in `divisa`. Sellers may leave it out."),
                leaf("Arrotondamento", DECIMAL, "Rounding of the total, in `divisa`."),
                leaf("Causale", TEXT, "Reason of the document, in pieces of 200 characters.", repeats=True),
                leaf("Art73", TEXT, "SI if issued under art. 73 DPR 633/72."),
            ),
            block("DatiOrdineAcquisto", "Purchase orders.", *_RELATED),
            block("DatiContratto", "Contracts.", *_RELATED),
            block("DatiConvenzione", "Framework agreements.", *_RELATED),
            block("DatiRicezione", "Receipts of goods or services.", *_RELATED),
            block("DatiFattureCollegate", "Invoices that this one refers to, as a credit note does.", *_RELATED),
            block("DatiSAL", "Stages of progress.", leaf("RiferimentoFase", INTEGER, "Number of the stage.")),
            block(
                "DatiDDT",
                "Delivery notes.",
                leaf("NumeroDDT", TEXT, "Number."),
                leaf("DataDDT", DATE, "Date."),
                _LINE_NUMBERS,
            ),
            *under(
                "DatiTrasporto",
                "trasporto_",
                "Transport",
                *under(
                    "DatiAnagraficiVettore",
                    "vettore_",
                    "carrier",
                    *_PERSON,
                    leaf("NumeroLicenzaGuida", TEXT, "driving licence"),
                ),
                leaf("MezzoTrasporto", TEXT, "means", column="mezzo"),
                leaf("CausaleTrasporto", TEXT, "reason", column="causale"),
                leaf("NumeroColli", INTEGER, "number of packages"),
                leaf("Descrizione", TEXT, "description of the packages"),
                leaf("UnitaMisuraPeso", TEXT, "unit of the weights"),
                leaf("PesoLordo", DECIMAL, "gross weight, in `trasporto_unita_misura_peso`"),
                leaf("PesoNetto", DECIMAL, "net weight, in `trasporto_unita_misura_peso`"),
                leaf("DataOraRitiro", DATE_TIME, "time of collection, local as the document has it"),
                leaf("DataInizioTrasporto", DATE, "first day", column="data_inizio"),
                leaf("TipoResa", TEXT, "Incoterm, three letters"),
                *under("IndirizzoResa", "resa_", "place of delivery", *_ADDRESS),
                leaf("DataOraConsegna", DATE_TIME, "time of delivery, local as the document has it"),
            ),
            *under(
                "FatturaPrincipale",
                "",
                "",
                leaf("NumeroFatturaPrincipale", TEXT, "Number of the main invoice, on invoices for ancillary costs."),
                leaf("DataFatturaPrincipale", DATE, "Date of the main invoice."),
            ),
        ),
        Rows("DatiBeniServizi/DettaglioLinee"),
        Rows("DatiBeniServizi/DatiRiepilogo"),
        *under(
            "DatiVeicoli",
            "veicoli_",
            "New vehicle sold within the EU",
            leaf("Data", DATE, "first registration"),
            leaf("TotalePercorso", TEXT, "kilometres or hours so far, as written"),
        ),
        Rows("DatiPagamento"),
        _ATTACHMENTS,
    )
)
"""One invoice of an ordinary file."""

SIMPLIFIED_BODY = Table(
    (
        *under(
            "DatiGenerali",
            "",
            "",
            *under("DatiGeneraliDocumento", "", "", *_DOCUMENT),
            *under(
                "DatiFatturaRettificata",
                "",
                "",
                leaf("NumeroFR", TEXT, "Number of the invoice that a simplified note corrects."),
                leaf("DataFR", DATE, "Date of the invoice that a simplified note corrects."),
                leaf("ElementiRettificati", TEXT, "What a simplified note corrects."),
            ),
        ),
        Rows("DatiBeniServizi"),
        _ATTACHMENTS,
    )
)
"""One invoice of a simplified file."""

_NATURA = leaf("Natura", TEXT, "Why there is no VAT, N1 to N7.")
_LAW = leaf("RiferimentoNormativo", TEXT, "The law behind `natura`.")
_RATE = leaf("AliquotaIVA", DECIMAL, "VAT rate, in percent.")

ORDINARY_LINE = Table(
    (
        leaf("NumeroLinea", INTEGER, "The document's own number of the line, which may occur twice."),
        leaf("TipoCessionePrestazione", TEXT, "SC discount, PR bonus, AB rebate, AC ancillary cost; null otherwise."),
        block(
            "CodiceArticolo",
            "Codes of the article.",
            leaf("CodiceTipo", TEXT, "Kind of code, e.g. EAN."),
            leaf("CodiceValore", TEXT, "The code."),
        ),
        leaf("Descrizione", TEXT, "What is sold."),
        leaf("Quantita", DECIMAL, "Quantity, in `unita_misura`; up to 8 decimals."),
        leaf("UnitaMisura", TEXT, "Unit of the quantity."),
        leaf("DataInizioPeriodo", DATE, "First day of the period."),
        leaf("DataFinePeriodo", DATE, "Last day of the period."),
        leaf("PrezzoUnitario", DECIMAL, "Price of a unit without VAT, in `divisa`; up to 8 decimals."),
        block("ScontoMaggiorazione", "Discounts and surcharges on a unit.", *_DISCOUNT),
        leaf("PrezzoTotale", DECIMAL, "Total without VAT, in `divisa`; up to 8 decimals. Null if simplified."),
        _RATE,
        leaf("Ritenuta", TEXT, "SI if subject to withholding tax."),
        _NATURA,
        leaf("RiferimentoAmministrazione", TEXT, "The buyer's own reference."),
        block(
            "AltriDatiGestionali",
            "Further facts that seller and buyer agreed on.",
            leaf("TipoDato", TEXT, "Which fact."),
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
        leaf("EsigibilitaIVA", TEXT, "When VAT is due: I at once, D deferred, S the buyer pays it (split payment)."),
        _LAW,
    )
)

TERMS = Table(
    (
        leaf("CondizioniPagamento", TEXT, "TP01 by instalments, TP02 in full, TP03 in advance."),
        Rows("DettaglioPagamento"),
    )
)
"""What the payments of one `DatiPagamento` share."""

INSTALMENT = Table(
    (
        leaf("Beneficiario", TEXT, "Who is paid, if not the seller."),
        leaf("ModalitaPagamento", TEXT, "How: MP01 cash, MP05 transfer, MP08 card, MP12 RIBA, … to MP23."),
        leaf("DataRiferimentoTerminiPagamento", DATE, "From when the term counts."),
        leaf("GiorniTerminiPagamento", INTEGER, "Term, in days."),
        leaf("DataScadenzaPagamento", DATE, "When it is due."),
        leaf("ImportoPagamento", DECIMAL, "In `divisa`."),
        leaf("CodUfficioPostale", TEXT, "Code of the post office."),
        leaf("CognomeQuietanzante", TEXT, "Last name of who gives the receipt."),
        leaf("NomeQuietanzante", TEXT, "First name of who gives the receipt."),
        leaf("CFQuietanzante", TEXT, "Fiscal code of who gives the receipt."),
        leaf("TitoloQuietanzante", TEXT, "Title of who gives the receipt."),
        leaf("IstitutoFinanziario", TEXT, "Bank."),
        leaf("IBAN", TEXT, "Account that is paid to."),
        leaf("ABI", TEXT, "Italian code of the bank."),
        leaf("CAB", TEXT, "Italian code of the branch."),
        leaf("BIC", TEXT, "International code of the bank."),
        leaf("ScontoPagamentoAnticipato", DECIMAL, "Discount for early payment, in `divisa`."),
        leaf("DataLimitePagamentoAnticipato", DATE, "Last day for that discount."),
        leaf("PenalitaPagamentiRitardati", DECIMAL, "Penalty for late payment, in `divisa`."),
        leaf("DataDecorrenzaPenale", DATE, "From when the penalty runs."),
        leaf("CodicePagamento", TEXT, "Code to be quoted with the payment."),
    )
)

TABLES = {
    FATTURA: (ROOT, SIMPLIFIED_ROOT, ORDINARY_BODY, SIMPLIFIED_BODY),
    LINE: (ORDINARY_LINE, SIMPLIFIED_LINE),
    VAT_SUMMARY: (SUMMARY,),
    PAYMENT: (TERMS, INSTALMENT),
}
"""What the columns of each stream come from. Where two tables have one column, it means the same in both."""
