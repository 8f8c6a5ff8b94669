"""One invoice of a file, except its lines, totals and payments."""

from __future__ import annotations

from tap_invoicetronic.fattura.code_words import NATURA, TIPO_CASSA, TIPO_RITENUTA
from tap_invoicetronic.fattura.document_types import TIPO_DOCUMENTO
from tap_invoicetronic.fattura.mapping import Rows, Table, block, leaf, under
from tap_invoicetronic.fattura.tables.lines import DISCOUNT
from tap_invoicetronic.fattura.tables.parties import ADDRESS, PERSON
from tap_invoicetronic.fattura.value_types import CODE, DATE, DATE_TIME, DECIMAL, INTEGER, TEXT

_DOCUMENT = (
    leaf("TipoDocumento", CODE, "Kind of document, TD01 to TD29.", words=TIPO_DOCUMENTO),
    leaf("Divisa", CODE, "Currency of all amounts, three letters."),
    leaf("Data", DATE, "Date of the document."),
    leaf("Numero", CODE, "Number of the document."),
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
    leaf("IdDocumento", CODE, "Number of the document."),
    leaf("Data", DATE, "Date of the document."),
    leaf("NumItem", CODE, "Position in the document."),
    leaf("CodiceCommessaConvenzione", CODE, "Code of the job or framework agreement."),
    leaf("CodiceCUP", CODE, "Code of the public investment project (CUP)."),
    leaf("CodiceCIG", CODE, "Code of the tender (CIG)."),
)
_WITHHOLDING = (
    leaf("TipoRitenuta", CODE, "Kind of withholding, RT01 to RT06.", words=TIPO_RITENUTA),
    leaf("ImportoRitenuta", DECIMAL, "In `divisa`."),
    leaf("AliquotaRitenuta", DECIMAL, "In percent."),
    leaf("CausalePagamento", CODE, "Reason of payment as in the form CU."),
)
_PENSION_FUND = (
    leaf("TipoCassa", CODE, "The fund, TC01 to TC22.", words=TIPO_CASSA),
    leaf("AlCassa", DECIMAL, "Contribution, in percent."),
    leaf("ImportoContributoCassa", DECIMAL, "Contribution, in `divisa`."),
    leaf("ImponibileCassa", DECIMAL, "What it is reckoned on, in `divisa`."),
    leaf("AliquotaIVA", DECIMAL, "VAT on it, in percent."),
    leaf("Ritenuta", CODE, "SI if subject to withholding tax."),
    leaf("Natura", CODE, "Why there is no VAT on it, N1 to N7.", words=NATURA),
    leaf("RiferimentoAmministrazione", CODE, "The buyer's own reference."),
)
# Of simplified invoices since the version of their XSD that is called VFSM10.
_STAMP_DUTY = leaf("BolloVirtuale", CODE, "SI if stamp duty is paid virtually.")

ORDINARY_WITHHOLDING = Table(_WITHHOLDING)
"""One withholding tax, as a row."""

ORDINARY_PENSION_FUND = Table(_PENSION_FUND)
"""One contribution to a pension fund, as a row."""

ORDINARY_REFERENCE = Table(_RELATED)
"""One document that an invoice refers to, as a row."""

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
                block("DatiRitenuta", "Withholding taxes.", *_WITHHOLDING),
                *under(
                    "DatiBollo",
                    "",
                    "",
                    _STAMP_DUTY,
                    leaf("NumeroBollo", CODE, "Number of the stamp, in version 1.0 of the format."),
                    leaf("ImportoBollo", DECIMAL, "Stamp duty, in `divisa`."),
                ),
                block("DatiCassaPrevidenziale", "Contributions to a professional pension fund.", *_PENSION_FUND),
                block("ScontoMaggiorazione", "Discounts and surcharges on the whole document.", *DISCOUNT),
                leaf("ImportoTotaleDocumento", DECIMAL, "Total with VAT, in `divisa`. Sellers may leave it out."),
                leaf("Arrotondamento", DECIMAL, "Rounding of the total, in `divisa`."),
                leaf("Causale", TEXT, "Reason of the document, in pieces of 200 characters.", repeats=True),
                leaf("Art73", CODE, "SI if issued under art. 73 DPR 633/72."),
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
                leaf("NumeroDDT", CODE, "Number."),
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
                    *PERSON,
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
                leaf("TipoResa", CODE, "Incoterm, three letters"),
                *under("IndirizzoResa", "resa_", "place of delivery", *ADDRESS),
                leaf("DataOraConsegna", DATE_TIME, "time of delivery, local as the document has it"),
            ),
            leaf(
                "NormaDiRiferimento",
                TEXT,
                "Law because of which the buyer owes the VAT, in version 1.0 of the format.",
            ),
            *under(
                "FatturaPrincipale",
                "",
                "",
                leaf("NumeroFatturaPrincipale", CODE, "Number of the main invoice, on invoices for ancillary costs."),
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
            *under("DatiGeneraliDocumento", "", "", *_DOCUMENT, _STAMP_DUTY),
            *under(
                "DatiFatturaRettificata",
                "",
                "",
                leaf("NumeroFR", CODE, "Number of the invoice that a simplified note corrects."),
                leaf("DataFR", DATE, "Date of the invoice that a simplified note corrects."),
                leaf("ElementiRettificati", TEXT, "What a simplified note corrects."),
            ),
        ),
        Rows("DatiBeniServizi"),
        _ATTACHMENTS,
    )
)
"""One invoice of a simplified file."""
