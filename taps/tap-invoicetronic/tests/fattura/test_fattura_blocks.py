"""Withholdings, pension funds, references and discounts of lines as rows of their own; the words beside codes."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from sandbox.invoicetronic.fatturapa import invoices
from tap_invoicetronic.fattura import KEYS, Origin, read

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = Origin("receive", 7, "IT01234567890_00001.xml", "sdi-7", "2026-03-01T10:00:00Z", "live")
KEY = {"direction": "receive", "invoicetronic_id": 7}

ORDINARY = """
<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">
  <FatturaElettronicaHeader>
    <CedentePrestatore><DatiAnagrafici><RegimeFiscale>RF20</RegimeFiscale></DatiAnagrafici></CedentePrestatore>
  </FatturaElettronicaHeader>
  <FatturaElettronicaBody/>
  <FatturaElettronicaBody>
    <DatiGenerali>
      <DatiGeneraliDocumento>
        <TipoDocumento>TD06</TipoDocumento>
        <DatiRitenuta>
          <TipoRitenuta>RT01</TipoRitenuta><ImportoRitenuta>20.00</ImportoRitenuta>
          <AliquotaRitenuta>20.00</AliquotaRitenuta><CausalePagamento>A</CausalePagamento>
        </DatiRitenuta>
        <DatiRitenuta><TipoRitenuta>RT99</TipoRitenuta><ImportoRitenuta>1,00</ImportoRitenuta></DatiRitenuta>
        <DatiCassaPrevidenziale>
          <TipoCassa>TC01</TipoCassa><AlCassa>4.00</AlCassa><ImportoContributoCassa>4.00</ImportoContributoCassa>
          <ImponibileCassa>100.00</ImponibileCassa><AliquotaIVA>0.00</AliquotaIVA><Natura>N2.2</Natura>
        </DatiCassaPrevidenziale>
      </DatiGeneraliDocumento>
      <DatiOrdineAcquisto>
        <RiferimentoNumeroLinea>1</RiferimentoNumeroLinea><RiferimentoNumeroLinea>2</RiferimentoNumeroLinea>
        <IdDocumento>OA-1 </IdDocumento><Data>2026-01-31+01:00</Data><NumItem>5</NumItem>
        <CodiceCommessaConvenzione>C1</CodiceCommessaConvenzione><CodiceCUP>123abc</CodiceCUP>
        <CodiceCIG>456def</CodiceCIG>
      </DatiOrdineAcquisto>
      <DatiOrdineAcquisto><IdDocumento>OA-2</IdDocumento></DatiOrdineAcquisto>
      <DatiContratto><IdDocumento>CO-1</IdDocumento></DatiContratto>
      <DatiConvenzione><IdDocumento>CV-1</IdDocumento></DatiConvenzione>
      <DatiRicezione><IdDocumento>RI-1</IdDocumento></DatiRicezione>
      <DatiFattureCollegate><IdDocumento>FT-1</IdDocumento></DatiFattureCollegate>
      <DatiDDT>
        <NumeroDDT>DDT-1</NumeroDDT><DataDDT>2026-02-01</DataDDT>
        <RiferimentoNumeroLinea>2</RiferimentoNumeroLinea>
      </DatiDDT>
      <FatturaPrincipale>
        <NumeroFatturaPrincipale>FP-1</NumeroFatturaPrincipale>
        <DataFatturaPrincipale>2026-02-02</DataFatturaPrincipale>
      </FatturaPrincipale>
    </DatiGenerali>
    <DatiBeniServizi>
      <DettaglioLinee>
        <NumeroLinea>1</NumeroLinea><Descrizione>A</Descrizione><Natura>N6.9</Natura>
      </DettaglioLinee>
      <DettaglioLinee>
        <NumeroLinea>1</NumeroLinea><Descrizione>B</Descrizione><Natura>N9</Natura>
        <ScontoMaggiorazione><Tipo>SC</Tipo><Percentuale>10.00</Percentuale></ScontoMaggiorazione>
        <ScontoMaggiorazione><Tipo>MG</Tipo><Importo>0.12345678</Importo></ScontoMaggiorazione>
      </DettaglioLinee>
      <DatiRiepilogo><AliquotaIVA>0.00</AliquotaIVA><Natura>N1</Natura></DatiRiepilogo>
    </DatiBeniServizi>
    <DatiPagamento>
      <DettaglioPagamento><ModalitaPagamento>MP05</ModalitaPagamento></DettaglioPagamento>
      <DettaglioPagamento><ModalitaPagamento>MP99</ModalitaPagamento></DettaglioPagamento>
    </DatiPagamento>
  </FatturaElettronicaBody>
</p:FatturaElettronica>
"""
"""The second invoice has everything; two of its lines have one number."""

SIMPLIFIED = """
<p:FatturaElettronicaSemplificata versione="FSM10"
    xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.0">
  <FatturaElettronicaHeader>
    <CedentePrestatore><RegimeFiscale>RF19</RegimeFiscale></CedentePrestatore>
  </FatturaElettronicaHeader>
  <FatturaElettronicaBody>
    <DatiGenerali>
      <DatiGeneraliDocumento>
        <TipoDocumento>TD08</TipoDocumento><Divisa>EUR</Divisa><Data>2026-02-03</Data><Numero>9</Numero>
        <BolloVirtuale>SI</BolloVirtuale>
      </DatiGeneraliDocumento>
      <DatiFatturaRettificata>
        <NumeroFR>8</NumeroFR><DataFR>2026-02-01</DataFR><ElementiRettificati>Prezzo</ElementiRettificati>
      </DatiFatturaRettificata>
    </DatiGenerali>
    <DatiBeniServizi>
      <Descrizione>A</Descrizione><Importo>80.00</Importo><DatiIVA><Aliquota>0.00</Aliquota></DatiIVA><Natura>N2.2</Natura>
    </DatiBeniServizi>
  </FatturaElettronicaBody>
</p:FatturaElettronicaSemplificata>
"""

VERSION_1_0 = """
<p:FatturaElettronica versione="1.0" xmlns:p="http://www.fatturapa.gov.it/sdi/fatturapa/v1.0">
  <FatturaElettronicaBody>
    <DatiGenerali>
      <DatiGeneraliDocumento>
        <TipoDocumento>TD01</TipoDocumento>
        <DatiBollo><NumeroBollo>12345678901234</NumeroBollo><ImportoBollo>1.81</ImportoBollo></DatiBollo>
      </DatiGeneraliDocumento>
      <NormaDiRiferimento>Art. 17, comma 2, DPR 633/72</NormaDiRiferimento>
    </DatiGenerali>
  </FatturaElettronicaBody>
</p:FatturaElettronica>
"""


def filled(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_withholdings_are_rows() -> None:
    file = read(ORDINARY, ORIGIN)

    assert filled(file["fattura_withholding"]) == [
        {
            **KEY,
            "body_number": 2,
            "position": 1,
            "tipo_ritenuta": "RT01",
            "tipo_ritenuta_descrizione": "Ritenuta di acconto persone fisiche",
            "importo_ritenuta": Decimal("20.00"),
            "aliquota_ritenuta": Decimal("20.00"),
            "causale_pagamento": "A",
        },
        {**KEY, "body_number": 2, "position": 2, "tipo_ritenuta": "RT99"},
    ]
    assert [each["tipo_ritenuta"] for each in file["fattura"][1]["dati_ritenuta"]] == ["RT01", "RT99"]
    path = "FatturaElettronicaBody/DatiGenerali/DatiGeneraliDocumento/DatiRitenuta[2]/ImportoRitenuta"
    assert file["fattura"][1]["_rescued_data"][path] == "1,00"


def test_contributions_to_pension_funds_are_rows() -> None:
    assert filled(read(ORDINARY, ORIGIN)["fattura_pension_fund"]) == [
        {
            **KEY,
            "body_number": 2,
            "position": 1,
            "tipo_cassa": "TC01",
            "tipo_cassa_descrizione": "Cassa nazionale previdenza e assistenza avvocati e procuratori legali",
            "al_cassa": Decimal("4.00"),
            "importo_contributo_cassa": Decimal("4.00"),
            "imponibile_cassa": Decimal("100.00"),
            "aliquota_iva": Decimal("0.00"),
            "natura": "N2.2",
            "natura_descrizione": "Non soggette - altri casi",
        }
    ]


def test_documents_that_an_invoice_refers_to_are_rows() -> None:
    rows = filled(read(ORDINARY, ORIGIN)["fattura_reference"])

    assert [(row["position"], row["reference_type"], row["id_documento"]) for row in rows] == [
        (1, "order", "OA-1"),
        (2, "order", "OA-2"),
        (3, "contract", "CO-1"),
        (4, "agreement", "CV-1"),
        (5, "receipt", "RI-1"),
        (6, "invoice", "FT-1"),
        (7, "delivery_note", "DDT-1"),
        (8, "main_invoice", "FP-1"),
    ]
    assert rows[0] == {
        **KEY,
        "body_number": 2,
        "position": 1,
        "reference_type": "order",
        "riferimento_numero_linea": [1, 2],
        "id_documento": "OA-1",
        "data": "2026-01-31",
        "num_item": "5",
        "codice_commessa_convenzione": "C1",
        "codice_cup": "123abc",
        "codice_cig": "456def",
    }
    assert (rows[6]["data"], rows[6]["riferimento_numero_linea"]) == ("2026-02-01", [2])
    assert rows[7]["data"] == "2026-02-02"


def test_discounts_of_a_line_are_rows_that_name_the_line_by_its_place() -> None:
    assert filled(read(ORDINARY, ORIGIN)["fattura_line_discount"]) == [
        {
            **KEY,
            "body_number": 2,
            "position": 2,
            "discount_number": 1,
            "tipo": "SC",
            "percentuale": Decimal("10.00"),
        },
        {
            **KEY,
            "body_number": 2,
            "position": 2,
            "discount_number": 2,
            "tipo": "MG",
            "importo": Decimal("0.12345678"),
        },
    ]


def test_rows_of_blocks_are_as_many_as_the_invoices_of_the_sandbox_have() -> None:
    for number, made in enumerate(islice(invoices(seed=13), 200)):
        file = read(made.content, Origin("send", number, made.file_name))
        bodies = made.facts.bodies
        assert [
            (row["tipo_ritenuta"], row["importo_ritenuta"], row["causale_pagamento"])
            for row in file["fattura_withholding"]
        ] == [(each.kind, each.amount, each.reason) for body in bodies for each in body.withholdings]
        assert [(row["tipo_cassa"], row["importo_contributo_cassa"]) for row in file["fattura_pension_fund"]] == [
            (each.kind, each.contribution) for body in bodies for each in body.funds
        ]
        assert [
            (
                row["body_number"],
                row["position"],
                row["discount_number"],
                row["tipo"],
                row["percentuale"],
                row["importo"],
            )
            for row in file["fattura_line_discount"]
        ] == [
            (body_number, position, discount_number, each.kind, each.percentage, each.amount)
            for body_number, body in enumerate(bodies, 1)
            for position, line in enumerate(body.lines, 1)
            for discount_number, each in enumerate(line.discounts, 1)
        ]
        for stream, key in KEYS.items():
            keys = [tuple(row[name] for name in key) for row in file[stream]]
            assert len(keys) == len(set(keys))


def test_codes_have_their_words_beside_them_and_unknown_ones_have_none() -> None:
    file = read(ORDINARY, ORIGIN)

    assert [row["cedente_regime_fiscale_descrizione"] for row in file["fattura"]] == [
        "Regime transfrontaliero di franchigia IVA (Direttiva UE 2020/285)"
    ] * 2
    assert [row["tipo_documento_descrizione"] for row in file["fattura"]] == [None, "Parcella"]
    assert [(row["natura"], row["natura_descrizione"]) for row in file["fattura_line"]] == [
        ("N6.9", "Inversione contabile - altri casi"),
        ("N9", None),
    ]
    assert file["fattura_vat_summary"][0]["natura_descrizione"] == "Escluse ex art. 15 del D.P.R. 633/1972"
    assert [row["modalita_pagamento_descrizione"] for row in file["fattura_payment"]] == ["Bonifico", None]


def test_a_simplified_note_has_its_stamp_duty_and_refers_to_the_invoice_it_corrects() -> None:
    file = read(SIMPLIFIED, ORIGIN)
    (row,) = file["fattura"]

    assert (row["bollo_virtuale"], row["numero_fr"], row["_rescued_data"]) == ("SI", "8", None)
    assert row["cedente_regime_fiscale_descrizione"] == "Regime forfettario"
    assert file["fattura_vat_summary"][0]["natura_descrizione"] == "Non soggette - altri casi"
    assert filled(file["fattura_reference"]) == [
        {
            **KEY,
            "body_number": 1,
            "position": 1,
            "reference_type": "invoice",
            "id_documento": "8",
            "data": "2026-02-01",
        }
    ]


def test_the_values_that_only_version_1_0_has_have_columns() -> None:
    (row,) = read(VERSION_1_0, ORIGIN)["fattura"]

    assert (row["numero_bollo"], row["importo_bollo"]) == ("12345678901234", Decimal("1.81"))
    assert row["norma_di_riferimento"] == "Art. 17, comma 2, DPR 633/72"
    assert row["_rescued_data"] is None


def test_an_invoice_says_where_it_comes_from() -> None:
    for row in read(ORDINARY, ORIGIN)["fattura"]:
        assert (row["sdi_identifier"], row["received_at"], row["environment"]) == (
            "sdi-7",
            "2026-03-01T10:00:00Z",
            "live",
        )
