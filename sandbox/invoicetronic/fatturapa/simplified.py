"""The simplified invoice (FSM10): every block of its XSD 1.0, in its order."""

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
from sandbox.invoicetronic.fatturapa.ordinary import ADDRESS, ATTACHMENT, COMPANY_NAME, PERSON_NAME, TAX_NUMBER
from sandbox.invoicetronic.fatturapa.values import amount, codes, day, latin, letters, text

TAX_REPRESENTATIVE = block(required("IdFiscaleIVA", TAX_NUMBER), one_of(COMPANY_NAME, PERSON_NAME))

HEADER = block(
    required(
        "DatiTrasmissione",
        block(
            required("IdTrasmittente", TAX_NUMBER),
            given("ProgressivoInvio"),
            given("FormatoTrasmissione"),
            given("CodiceDestinatario"),
            given("PECDestinatario"),
        ),
    ),
    required(
        "CedentePrestatore",
        block(
            required("IdFiscaleIVA", TAX_NUMBER),
            given("CodiceFiscale"),
            one_of(COMPANY_NAME, PERSON_NAME),
            required("Sede", ADDRESS),
            optional("StabileOrganizzazione", ADDRESS),
            optional("RappresentanteFiscale", TAX_REPRESENTATIVE),
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
            required("RegimeFiscale", codes("RF01 RF02 RF04 RF05 RF10 RF11 RF16 RF17 RF18 RF19")),
        ),
    ),
    required(
        "CessionarioCommittente",
        block(
            required("IdentificativiFiscali", block(given_block("IdFiscaleIVA", TAX_NUMBER), given("CodiceFiscale"))),
            given_block(
                "AltriDatiIdentificativi",
                block(
                    one_of(COMPANY_NAME, PERSON_NAME),
                    required("Sede", ADDRESS),
                    optional("StabileOrganizzazione", ADDRESS),
                    optional("RappresentanteFiscale", TAX_REPRESENTATIVE),
                ),
            ),
        ),
    ),
    optional("SoggettoEmittente", codes("CC TZ")),
)

BODY = block(
    required(
        "DatiGenerali",
        block(
            required(
                "DatiGeneraliDocumento", block(given("TipoDocumento"), given("Divisa"), given("Data"), given("Numero"))
            ),
            optional(
                "DatiFatturaRettificata",
                block(
                    required("NumeroFR", text(20)),
                    required("DataFR", day),
                    required("ElementiRettificati", latin(1000)),
                ),
            ),
        ),
    ),
    given_block(
        "DatiBeniServizi",
        block(
            given("Descrizione"),
            given("Importo"),
            required("DatiIVA", block(given("Imposta"), given("Aliquota"))),
            given("Natura"),
            given("RiferimentoNormativo"),
        ),
    ),
    repeated("Allegati", ATTACHMENT),
)

SIMPLIFIED = Schema(
    namespace="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.0",
    root="FatturaElettronicaSemplificata",
    header=HEADER,
    body=BODY,
)
