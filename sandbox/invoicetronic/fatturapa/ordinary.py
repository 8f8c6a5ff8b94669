"""The ordinary invoice (FPR12, FPA12): every block of the XSD 1.2.2, in its order.

Leaves marked `given` must agree with other values: amounts, dates, codes and names. All others are random.
"""

from __future__ import annotations

from sandbox.invoicetronic.fatturapa.blocks import (
    Schema,
    block,
    given,
    given_block,
    one_of,
    optional,
    repeated,
    required,
)
from sandbox.invoicetronic.fatturapa.values import (
    amount,
    any_characters,
    bic,
    codes,
    day,
    digits,
    email,
    file_content,
    instant,
    integer,
    latin,
    letters,
    phone,
    text,
)

TAX_NUMBER = block(required("IdPaese", codes("IT DE FR")), required("IdCodice", digits(11)))

COMPANY_NAME = block(required("Denominazione", latin(80)))
PERSON_NAME = block(required("Nome", latin(60)), required("Cognome", latin(60)))

NAMES = block(
    one_of(COMPANY_NAME, PERSON_NAME),
    optional("Titolo", codes("Dott. Ing. Avv.")),
    optional("CodEORI", lambda draw: f"IT{draw.digits(draw.integer(11, 15))}"),
)

ADDRESS = block(
    required("Indirizzo", latin(60)),
    optional("NumeroCivico", codes("12 7/A 138")),
    required("CAP", digits(5)),
    required("Comune", latin(60)),
    optional("Provincia", letters(2)),
    required("Nazione", codes("IT")),
)

TRANSMISSION = block(
    required("IdTrasmittente", TAX_NUMBER),
    given("ProgressivoInvio"),
    given("FormatoTrasmissione"),
    given("CodiceDestinatario"),
    optional("ContattiTrasmittente", block(optional("Telefono", phone), optional("Email", email))),
    given("PECDestinatario"),
)

SELLER = block(
    required(
        "DatiAnagrafici",
        block(
            required("IdFiscaleIVA", TAX_NUMBER),
            given("CodiceFiscale"),
            required("Anagrafica", NAMES),
            optional("AlboProfessionale", latin(60)),
            optional("ProvinciaAlbo", letters(2)),
            optional("NumeroIscrizioneAlbo", text(60)),
            optional("DataIscrizioneAlbo", day),
            required("RegimeFiscale", codes("RF01 RF02 RF04 RF05 RF10 RF11 RF16 RF17 RF18 RF19")),
        ),
    ),
    required("Sede", ADDRESS),
    optional("StabileOrganizzazione", ADDRESS),
    optional(
        "IscrizioneREA",
        block(
            required("Ufficio", letters(2)),
            required("NumeroREA", text(20)),
            optional("CapitaleSociale", amount(1, 9_999_999)),
            optional("SocioUnico", codes("SU SM")),
            required("StatoLiquidazione", codes("LS LN")),
        ),
    ),
    optional("Contatti", block(optional("Telefono", phone), optional("Fax", phone), optional("Email", email))),
    optional("RiferimentoAmministrazione", text(20)),
)

TAX_REPRESENTATIVE = block(
    required(
        "DatiAnagrafici",
        block(
            required("IdFiscaleIVA", TAX_NUMBER),
            optional("CodiceFiscale", digits(11)),
            required("Anagrafica", NAMES),
        ),
    )
)

BUYER = block(
    required(
        "DatiAnagrafici",
        block(given_block("IdFiscaleIVA", TAX_NUMBER), given("CodiceFiscale"), required("Anagrafica", NAMES)),
    ),
    required("Sede", ADDRESS),
    optional("StabileOrganizzazione", ADDRESS),
    optional("RappresentanteFiscale", block(required("IdFiscaleIVA", TAX_NUMBER), one_of(COMPANY_NAME, PERSON_NAME))),
)

INTERMEDIARY = block(
    required(
        "DatiAnagrafici",
        block(
            optional("IdFiscaleIVA", TAX_NUMBER),
            optional("CodiceFiscale", digits(16)),
            required("Anagrafica", NAMES),
        ),
    )
)

HEADER = block(
    required("DatiTrasmissione", TRANSMISSION),
    required("CedentePrestatore", SELLER),
    optional("RappresentanteFiscale", TAX_REPRESENTATIVE),
    required("CessionarioCommittente", BUYER),
    optional("TerzoIntermediarioOSoggettoEmittente", INTERMEDIARY),
    optional("SoggettoEmittente", codes("CC TZ")),
)

DISCOUNT = block(given("Tipo"), given("Percentuale"), given("Importo"))

DOCUMENT = block(
    given("TipoDocumento"),
    given("Divisa"),
    given("Data"),
    given("Numero"),
    given_block(
        "DatiRitenuta",
        block(given("TipoRitenuta"), given("ImportoRitenuta"), given("AliquotaRitenuta"), given("CausalePagamento")),
    ),
    given_block("DatiBollo", block(given("BolloVirtuale"), given("ImportoBollo"))),
    given_block(
        "DatiCassaPrevidenziale",
        block(
            given("TipoCassa"),
            given("AlCassa"),
            given("ImportoContributoCassa"),
            given("ImponibileCassa"),
            given("AliquotaIVA"),
            given("Ritenuta"),
            given("Natura"),
            optional("RiferimentoAmministrazione", text(20)),
        ),
    ),
    given_block("ScontoMaggiorazione", DISCOUNT),
    given("ImportoTotaleDocumento"),
    given("Arrotondamento"),
    repeated("Causale", latin(200)),
    optional("Art73", codes("SI")),
)

RELATED_DOCUMENT = block(
    repeated("RiferimentoNumeroLinea", integer(1, 9)),
    required("IdDocumento", text(20)),
    optional("Data", day),
    optional("NumItem", text(20)),
    optional("CodiceCommessaConvenzione", latin(100)),
    optional("CodiceCUP", text(15)),
    optional("CodiceCIG", text(15)),
)

TRANSPORT = block(
    optional(
        "DatiAnagraficiVettore",
        block(
            required("IdFiscaleIVA", TAX_NUMBER),
            optional("CodiceFiscale", digits(11)),
            required("Anagrafica", NAMES),
            optional("NumeroLicenzaGuida", text(20)),
        ),
    ),
    optional("MezzoTrasporto", latin(80)),
    optional("CausaleTrasporto", latin(100)),
    optional("NumeroColli", integer(1, 9999)),
    optional("Descrizione", latin(100)),
    optional("UnitaMisuraPeso", codes("KG t")),
    optional("PesoLordo", amount(1, 999)),
    optional("PesoNetto", amount(1, 999, 1)),
    optional("DataOraRitiro", instant),
    optional("DataInizioTrasporto", day),
    optional("TipoResa", codes("EXW DAP CIF")),
    optional("IndirizzoResa", ADDRESS),
    optional("DataOraConsegna", instant),
)

GENERAL = block(
    required("DatiGeneraliDocumento", DOCUMENT),
    repeated("DatiOrdineAcquisto", RELATED_DOCUMENT),
    repeated("DatiContratto", RELATED_DOCUMENT),
    repeated("DatiConvenzione", RELATED_DOCUMENT),
    repeated("DatiRicezione", RELATED_DOCUMENT),
    repeated("DatiFattureCollegate", RELATED_DOCUMENT),
    repeated("DatiSAL", block(required("RiferimentoFase", integer(1, 999)))),
    repeated(
        "DatiDDT",
        block(
            required("NumeroDDT", text(20)),
            required("DataDDT", day),
            repeated("RiferimentoNumeroLinea", integer(1, 9)),
        ),
    ),
    optional("DatiTrasporto", TRANSPORT),
    optional(
        "FatturaPrincipale",
        block(required("NumeroFatturaPrincipale", text(20)), required("DataFatturaPrincipale", day)),
    ),
)

LINE = block(
    given("NumeroLinea"),
    optional("TipoCessionePrestazione", codes("SC PR AB AC")),
    repeated("CodiceArticolo", block(required("CodiceTipo", text(35)), required("CodiceValore", any_characters))),
    given("Descrizione"),
    given("Quantita"),
    given("UnitaMisura"),
    optional("DataInizioPeriodo", day),
    optional("DataFinePeriodo", day),
    given("PrezzoUnitario"),
    given_block("ScontoMaggiorazione", DISCOUNT),
    given("PrezzoTotale"),
    given("AliquotaIVA"),
    given("Ritenuta"),
    given("Natura"),
    optional("RiferimentoAmministrazione", text(20)),
    repeated(
        "AltriDatiGestionali",
        block(
            required("TipoDato", text(10)),
            optional("RiferimentoTesto", latin(60)),
            optional("RiferimentoNumero", amount(-999, 999, 6)),
            optional("RiferimentoData", day),
        ),
    ),
)

VAT_SUMMARY = block(
    given("AliquotaIVA"),
    given("Natura"),
    given("SpeseAccessorie"),
    given("Arrotondamento"),
    given("ImponibileImporto"),
    given("Imposta"),
    given("EsigibilitaIVA"),
    given("RiferimentoNormativo"),
)

PAYMENT = block(
    optional("Beneficiario", latin(200)),
    given("ModalitaPagamento"),
    optional("DataRiferimentoTerminiPagamento", day),
    optional("GiorniTerminiPagamento", integer(0, 999)),
    given("DataScadenzaPagamento"),
    given("ImportoPagamento"),
    optional("CodUfficioPostale", text(20)),
    optional("CognomeQuietanzante", latin(60)),
    optional("NomeQuietanzante", latin(60)),
    optional("CFQuietanzante", digits(16)),
    optional("TitoloQuietanzante", codes("Dott. Ing. Avv.")),
    optional("IstitutoFinanziario", latin(80)),
    given("IBAN"),
    optional("ABI", digits(5)),
    optional("CAB", digits(5)),
    optional("BIC", bic),
    optional("ScontoPagamentoAnticipato", amount(1, 99)),
    optional("DataLimitePagamentoAnticipato", day),
    optional("PenalitaPagamentiRitardati", amount(1, 99)),
    optional("DataDecorrenzaPenale", day),
    optional("CodicePagamento", text(60)),
)

ATTACHMENT = block(
    required("NomeAttachment", latin(60)),
    optional("AlgoritmoCompressione", codes("ZIP RAR")),
    optional("FormatoAttachment", codes("PDF TXT XML")),
    optional("DescrizioneAttachment", latin(100)),
    required("Attachment", file_content),
)

BODY = block(
    required("DatiGenerali", GENERAL),
    required(
        "DatiBeniServizi",
        block(given_block("DettaglioLinee", LINE), given_block("DatiRiepilogo", VAT_SUMMARY)),
    ),
    optional("DatiVeicoli", block(required("Data", day), required("TotalePercorso", text(15)))),
    given_block("DatiPagamento", block(given("CondizioniPagamento"), given_block("DettaglioPagamento", PAYMENT))),
    repeated("Allegati", ATTACHMENT),
)

ORDINARY = Schema(
    namespace="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2",
    root="FatturaElettronica",
    header=HEADER,
    body=BODY,
)
