"""The rows of single invoices, valid and invalid."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from scripts.check_schemas import written
from singer_rest_core.records.exact_json import encode
from tap_invoicetronic.fattura import KEYS, NotAFattura, Origin, read
from tap_invoicetronic.fattura.document_types import TIPO_DOCUMENTO
from tap_invoicetronic.fattura.mapping import compile_parts, leaf, properties
from tap_invoicetronic.fattura.schema import schema_of
from tap_invoicetronic.fattura.tables import ORDINARY_BODY, ROOT, SIMPLIFIED_BODY, SIMPLIFIED_ROOT, TABLES
from tap_invoicetronic.fattura.value_types import TEXT

ORIGIN = Origin("send", 12, "IT01234567890_00001.xml")
NAMESPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"
DSIG = "http://www.w3.org/2000/09/xmldsig#"


def invoice(*bodies: str, header: str = "", attributes: str = 'versione="FPR12"', after: str = "") -> str:
    inside = "".join(f"<FatturaElettronicaBody>{body}</FatturaElettronicaBody>" for body in bodies)
    return (
        f'<p:FatturaElettronica {attributes} xmlns:p="{NAMESPACE}">'
        f"<FatturaElettronicaHeader>{header}</FatturaElettronicaHeader>{inside}{after}</p:FatturaElettronica>"
    )


def simplified(body: str) -> str:
    return (
        invoice(body, attributes='versione="FSM10"').replace("FatturaElettronica ", "FatturaElettronicaSemplificata ")[
            : -len("</p:FatturaElettronica>")
        ]
        + "</p:FatturaElettronicaSemplificata>"
    )


def document(inside: str) -> str:
    return f"<DatiGenerali><DatiGeneraliDocumento>{inside}</DatiGeneraliDocumento></DatiGenerali>"


def lines(*inside: str) -> str:
    return (
        f"<DatiBeniServizi>{''.join(f'<DettaglioLinee>{each}</DettaglioLinee>' for each in inside)}</DatiBeniServizi>"
    )


def only(file: dict[str, list[dict[str, Any]]], stream: str) -> dict[str, Any]:
    (row,) = file[stream]
    return row


def line(inside: str) -> dict[str, Any]:
    return only(read(invoice(lines(inside)), ORIGIN), "fattura_line")


def fattura(xml: str) -> dict[str, Any]:
    return only(read(xml, ORIGIN), "fattura")


@pytest.mark.parametrize("stream", sorted(KEYS))
def test_the_packaged_schema_is_generated_from_the_tables(stream: str) -> None:
    """`python -m tap_invoicetronic.fattura` writes them."""
    packaged = files("tap_invoicetronic") / "schemas" / f"{stream}.json"

    assert packaged.read_text(encoding="utf-8") == written(schema_of(stream))
    assert json.loads(packaged.read_text(encoding="utf-8"))["required"] == list(KEYS[stream])


def test_every_column_is_described() -> None:
    for stream in KEYS:
        for name, column in schema_of(stream)["properties"].items():
            assert column["description"], name
            for part, entry in column.get("items", {}).get("properties", {}).items():
                assert entry["description"], f"{name}.{part}"


@pytest.mark.parametrize(
    "tables", [(ROOT, ORDINARY_BODY), (SIMPLIFIED_ROOT, SIMPLIFIED_BODY), TABLES["fattura_payment"]]
)
def test_tables_that_make_one_row_share_no_column(tables: tuple[Any, Any]) -> None:
    first, second = (set(properties(table.parts)) for table in tables)

    assert not first & second


@pytest.mark.parametrize("stream", sorted(KEYS))
def test_a_column_of_two_tables_has_one_schema(stream: str) -> None:
    """Otherwise it would be chance which of the two the stream has."""
    found: dict[str, dict[str, Any]] = {}
    for table in TABLES[stream]:
        for column, schema in properties(table.parts).items():
            assert found.setdefault(column, schema) == schema


@pytest.mark.parametrize(("second", "fault"), [("A", "A is declared twice"), ("B/A", "column a is declared twice")])
def test_a_path_or_column_is_declared_once(second: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        compile_parts((leaf("A", TEXT, ""), leaf(second, TEXT, "")))


def test_several_bodies_are_several_invoices_with_one_header() -> None:
    header = "<CedentePrestatore><DatiAnagrafici><CodiceFiscale>A</CodiceFiscale></DatiAnagrafici></CedentePrestatore>"
    payments = "<DatiPagamento><DettaglioPagamento/><DettaglioPagamento/></DatiPagamento>"
    bodies = [document(f"<Numero>{number}</Numero>") + lines("", "") + payments for number in (1, 2)]

    file = read(invoice(*bodies, header=header), ORIGIN)

    assert [(row["body_number"], row["numero"], row["cedente_codice_fiscale"]) for row in file["fattura"]] == [
        (1, "1", "A"),
        (2, "2", "A"),
    ]
    for stream in ("fattura_line", "fattura_payment"):
        keys = [tuple(row[key] for key in KEYS[stream]) for row in file[stream]]
        assert keys == [("send", 12, body, position) for body in (1, 2) for position in (1, 2)]


def test_a_line_number_that_occurs_twice_is_two_rows() -> None:
    rows = read(invoice(lines("<NumeroLinea>1</NumeroLinea>", "<NumeroLinea>1</NumeroLinea>")), ORIGIN)

    assert [(row["position"], row["numero_linea"]) for row in rows["fattura_line"]] == [(1, 1), (2, 1)]


def test_money_keeps_every_digit_in_the_output() -> None:
    row = line("<PrezzoUnitario>12345678901.00000001</PrezzoUnitario><PrezzoTotale>-0.10</PrezzoTotale>")

    assert row["prezzo_unitario"] == Decimal("12345678901.00000001")
    assert str(row["prezzo_totale"]) == "-0.10"
    assert b'"prezzo_unitario":12345678901.00000001' in encode(row)


@pytest.mark.parametrize(
    ("element", "text", "value", "rescued"),
    [
        ("Quantita", " \n+5.00 ", Decimal("5.00"), None),
        ("Quantita", ".5", Decimal("0.5"), None),
        ("Quantita", "1,50", None, "1,50"),
        ("Quantita", "1.234,50", None, "1.234,50"),
        ("Quantita", "1e3", None, "1e3"),
        ("Quantita", "NaN", None, "NaN"),
        ("Quantita", "9" * 39, None, "9" * 39),
        ("Quantita", "", None, None),
        ("Quantita", " ", None, None),
        ("NumeroLinea", "007", 7, None),
        ("NumeroLinea", "1.0", None, "1.0"),
        ("NumeroLinea", "9223372036854775808", None, "9223372036854775808"),
        ("NumeroLinea", "9" * 5000, None, "9" * 5000),
        ("DataInizioPeriodo", "2026-02-28", "2026-02-28", None),
        ("DataInizioPeriodo", "2026-02-28Z", "2026-02-28", None),
        ("DataInizioPeriodo", "2026-02-28+01:00", "2026-02-28", None),
        ("DataInizioPeriodo", "2026-08-31+02:00", "2026-08-31", None),
        ("DataInizioPeriodo", "2026-02-28-11:00", "2026-02-28", "2026-02-28-11:00"),
        ("DataInizioPeriodo", "2026-02-29", None, "2026-02-29"),
        ("DataInizioPeriodo", "28/02/2026", None, "28/02/2026"),
        ("Descrizione", " a  b ", " a  b ", None),
        ("Descrizione", " ", " ", None),
        ("Descrizione", "", None, None),
        ("UnitaMisura", " PZ ", " PZ ", None),
        ("Natura", "N4", "N4", None),
        ("Natura", "N4   ", "N4", "N4   "),
        ("Natura", "\u00a0N4", "N4", "\u00a0N4"),
        ("Natura", "\n      N4\n    ", "N4", None),
        ("Natura", "   ", None, None),
        ("Descrizione", "<![CDATA[<b>]]><!-- x --> &amp; c", "<b> & c", None),
    ],
)
def test_a_text_becomes_a_value_or_is_rescued(element: str, text: str, value: object, rescued: str | None) -> None:
    row = line(f"<{element}>{text}</{element}>")
    columns = {"NumeroLinea": "numero_linea", "DataInizioPeriodo": "data_inizio_periodo", "UnitaMisura": "unita_misura"}

    assert row[columns.get(element, element.lower())] == value
    assert row["_rescued_data"] == (rescued and {f"DettaglioLinee/{element}": rescued})


@pytest.mark.parametrize(
    ("text", "value", "rescued"),
    [
        ("2026-10-22T16:46:12", "2026-10-22T16:46:12", False),
        ("2026-10-22T16:46:12.5000000", "2026-10-22T16:46:12.5000000", False),
        ("2026-10-22T16:46:12Z", "2026-10-22T16:46:12Z", False),
        ("2026-10-22T16:46:12+02:00", "2026-10-22T14:46:12Z", False),
        ("2026-10-22T16:46:12.000+01:00", "2026-10-22T15:46:12.000Z", False),
        ("2026-10-22T16:46:12-05:00", "2026-10-22T21:46:12Z", True),
        ("2026-10-22T25:46:12", None, True),
        ("2026-10-22", None, True),
    ],
)
def test_a_time_is_local_or_utc(text: str, value: str | None, rescued: bool) -> None:  # noqa: FBT001 - a table
    row = fattura(
        invoice(
            f"<DatiGenerali><DatiTrasporto><DataOraRitiro>{text}</DataOraRitiro></DatiTrasporto></DatiGenerali>",
        ),
    )

    assert row["trasporto_data_ora_ritiro"] == value
    path = "FatturaElettronicaBody/DatiGenerali/DatiTrasporto/DataOraRitiro"
    assert row["_rescued_data"] == ({path: text} if rescued else None)


def test_unknown_elements_are_rescued_by_their_path_in_order() -> None:
    row = line(
        '<Descrizione lingua="it">A</Descrizione><Descrizione>B</Descrizione><Descrizione>C</Descrizione>'
        '<x:Numero xmlns:x="urn:x">1</x:Numero>'
        "<Estensione tipo='t'><Voce><Nome>a</Nome><Valore>1</Valore></Voce><Voce><Nome>b</Nome></Voce>fine</Estensione>"
        "<CodiceArticolo><CodiceTipo>EAN</CodiceTipo></CodiceArticolo>"
        "<CodiceArticolo><CodiceTipo>SKU</CodiceTipo><Nota>n</Nota></CodiceArticolo>testo",
    )

    assert row["descrizione"] == "A"
    assert row["codice_articolo"] == [{"codice_tipo": "EAN"}, {"codice_tipo": "SKU"}]
    assert row["_rescued_data"] == {
        "DettaglioLinee/text()": "testo",
        "DettaglioLinee/Descrizione/@lingua": "it",
        "DettaglioLinee/Descrizione": ["B", "C"],
        "DettaglioLinee/{urn:x}Numero": "1",
        "DettaglioLinee/Estensione": {
            "@tipo": "t",
            "Voce": [{"Nome": "a", "Valore": "1"}, {"Nome": "b"}],
            "text()": "fine",
        },
        "DettaglioLinee/CodiceArticolo[2]/Nota": "n",
    }


def test_a_second_element_where_one_is_allowed_is_rescued_and_not_mixed_with_the_first() -> None:
    first = "<DatiBollo><BolloVirtuale>SI</BolloVirtuale></DatiBollo>"
    row = fattura(invoice(document(f"{first}<DatiBollo><ImportoBollo>2.00</ImportoBollo></DatiBollo>")))

    assert (row["bollo_virtuale"], row["importo_bollo"]) == ("SI", None)
    path = "FatturaElettronicaBody/DatiGenerali/DatiGeneraliDocumento/DatiBollo"
    assert row["_rescued_data"] == {path: {"ImportoBollo": "2.00"}}


def test_only_the_items_of_a_list_that_do_not_fit_are_rescued() -> None:
    order = "".join(f"<RiferimentoNumeroLinea>{text}</RiferimentoNumeroLinea>" for text in ("1", "due", "3"))
    row = fattura(invoice(f"<DatiGenerali><DatiOrdineAcquisto>{order}</DatiOrdineAcquisto></DatiGenerali>"))

    assert row["dati_ordine_acquisto"] == [{"riferimento_numero_linea": [1, 3]}]
    path = "FatturaElettronicaBody/DatiGenerali/DatiOrdineAcquisto[1]/RiferimentoNumeroLinea"
    assert row["_rescued_data"] == {path: "due"}


@pytest.mark.parametrize("declaration", [f'xmlns="{NAMESPACE}"', 'xmlns="urn:sdi11"', ""])
def test_prefixes_and_namespaces_of_the_format_do_not_matter(declaration: str) -> None:
    """Some programs put all elements into the namespace, and older versions have other namespaces."""
    body = document("<Numero>1</Numero>")
    row = fattura(
        f'<FatturaElettronica versione="1.1" {declaration}>'
        f"<FatturaElettronicaBody>{body}</FatturaElettronicaBody></FatturaElettronica>",
    )

    assert (row["versione"], row["numero"], row["_rescued_data"]) == ("1.1", "1", None)


def test_a_vat_number_with_blanks_joins_and_its_raw_text_is_kept() -> None:
    vat = "<IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>01234567890         </IdCodice></IdFiscaleIVA>"
    row = fattura(
        invoice("", header=f"<CedentePrestatore><DatiAnagrafici>{vat}</DatiAnagrafici></CedentePrestatore>"),
    )

    assert row["cedente_id_codice"] == "01234567890"
    path = "FatturaElettronicaHeader/CedentePrestatore/DatiAnagrafici/IdFiscaleIVA/IdCodice"
    assert row["_rescued_data"] == {path: "01234567890         "}


@pytest.mark.parametrize(
    "nothing",
    [
        "<Nuovo/>",
        "<Nuovo>  </Nuovo>",
        '<Nuovo nota=""><Voce/></Nuovo>',
        "<Quantita>1</Quantita><Quantita/>",
        "<Natura xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/>",
        "<Quantita xsi:type='xs:decimal' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>1</Quantita>",
    ],
)
def test_what_says_nothing_is_not_rescued(nothing: str) -> None:
    assert line(nothing)["_rescued_data"] is None


def test_only_what_says_something_is_rescued_of_an_unknown_element() -> None:
    row = line("<Nuovo><Vuoto/><Voce>a</Voce><Voce/><Voce>b</Voce></Nuovo>")

    assert row["_rescued_data"] == {"DettaglioLinee/Nuovo": {"Voce": ["a", "b"]}}


def test_signatures_and_the_location_of_the_schema_are_left_out() -> None:
    signature = f'<ds:Signature xmlns:ds="{DSIG}"><ds:SignatureValue>QQ==</ds:SignatureValue></ds:Signature>'
    where = (
        'versione="FPA12" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="{NAMESPACE} a.xsd" xsi:type="p:FatturaElettronicaType" SistemaEmittente="Prova"'
    )
    row = fattura(invoice("", attributes=where, after=signature))

    assert (row["versione"], row["sistema_emittente"], row["firma"]) == ("FPA12", "Prova", "XAdES")
    assert row["_rescued_data"] is None


def test_attachments_are_described_and_small_ones_are_in_the_row_unchanged() -> None:
    content = b"%PDF-1.7 allegato"
    small, large = base64.encodebytes(content).decode(), base64.b64encode(bytes(64 << 10) + b"!").decode()
    attachments = "".join(
        f"<Allegati><NomeAttachment>{name}</NomeAttachment><Attachment>{text}</Attachment></Allegati>"
        for name, text in (("../a.pdf", small), ("b.pdf", "nessuno!"), ("c.pdf", large))
    )

    attachments += "<Allegati><NomeAttachment>d.pdf</NomeAttachment></Allegati>"

    row = read(invoice("", attachments), ORIGIN)["fattura"][1]

    digests = [hashlib.sha256(each).hexdigest() for each in (content, bytes(64 << 10) + b"!")]
    assert row["allegati"] == [
        {"nome_attachment": "../a.pdf", "attachment": small, "size": len(content), "sha256": digests[0]},
        {"nome_attachment": "b.pdf", "attachment": "nessuno!"},
        {"nome_attachment": "c.pdf", "size": (64 << 10) + 1, "sha256": digests[1]},
        {"nome_attachment": "d.pdf"},
    ]
    assert row["_rescued_data"] is None


def test_payments_share_the_terms_of_their_block() -> None:
    block = "<DatiPagamento><CondizioniPagamento>{}</CondizioniPagamento>{}</DatiPagamento>"
    due = "<DettaglioPagamento><ImportoPagamento>{}</ImportoPagamento></DettaglioPagamento>"
    body = block.format("TP01", due.format("1.00") + due.format("2.00")) + block.format("TP02", "<Nota>n</Nota>")

    rows = read(invoice(body), ORIGIN)["fattura_payment"]

    assert [
        (row["position"], row["block_number"], row["condizioni_pagamento"], row["importo_pagamento"]) for row in rows
    ] == [(1, 1, "TP01", Decimal("1.00")), (2, 1, "TP01", Decimal("2.00")), (3, 2, "TP02", None)]
    assert [row["_rescued_data"] for row in rows] == [None, None, {"DatiPagamento/Nota": "n"}]


@pytest.mark.parametrize(
    ("inside", "taxable", "tax", "calculated"),
    [
        ("<Importo>122.00</Importo><DatiIVA><Aliquota>22.00</Aliquota></DatiIVA>", "100.00", "22.00", True),
        ("<Importo>10.00</Importo><DatiIVA><Aliquota>22.00</Aliquota></DatiIVA>", "8.20", "1.80", True),
        ("<Importo>-10.00</Importo><DatiIVA><Aliquota>4.00</Aliquota></DatiIVA>", "-9.62", "-0.38", True),
        ("<Importo>10.00</Importo><DatiIVA><Imposta>1.81</Imposta></DatiIVA>", "8.19", "1.81", False),
        ("<Importo>10.00</Importo><DatiIVA/><Natura>N4</Natura>", "10.00", "0.00", True),
        ("<Importo>10.00</Importo><DatiIVA/>", None, None, False),
        ("<DatiIVA><Aliquota>22.00</Aliquota></DatiIVA>", None, None, False),
        ("<Importo>10.00</Importo><DatiIVA><Aliquota>-100.00</Aliquota></DatiIVA>", None, None, False),
        (
            f"<Importo>{'9' * 35}.00</Importo><DatiIVA><Imposta>0.01</Imposta></DatiIVA>",
            f"{'9' * 34}8.99",
            "0.01",
            False,
        ),
    ],
)
def test_a_simplified_line_is_also_a_vat_summary(
    inside: str,
    taxable: str | None,
    tax: str | None,
    calculated: bool,  # noqa: FBT001 - a table
) -> None:
    file = read(simplified(f"<DatiBeniServizi><Descrizione>A</Descrizione>{inside}</DatiBeniServizi>"), ORIGIN)

    row = only(file, "fattura_vat_summary")
    assert row["imponibile_importo"] == (taxable and Decimal(taxable))
    assert row["imposta"] == (tax and Decimal(tax))
    assert row["calcolato"] is calculated
    assert only(file, "fattura_line")["prezzo_totale"] is None
    assert file["fattura_payment"] == []


def test_document_types_are_described_and_new_ones_are_accepted() -> None:
    kinds = [*TIPO_DOCUMENTO, "TD99"]
    rows = read(invoice(*(document(f"<TipoDocumento>{kind}</TipoDocumento>") for kind in kinds)), ORIGIN)["fattura"]

    assert [row["tipo_documento"] for row in rows] == kinds
    assert [row["tipo_documento_descrizione"] for row in rows] == [*TIPO_DOCUMENTO.values(), None]
    assert Counter(kind[:2] for kind in TIPO_DOCUMENTO) == {"TD": 23}


def test_a_row_can_be_written_as_json_and_names_its_file() -> None:
    deep = f"{'<a>' * 200}fondo{'</a>' * 200}"
    row = fattura(invoice(deep))

    assert b"fondo" in encode(row)
    assert (row["direction"], row["invoicetronic_id"], row["file_name"]) == ("send", 12, ORIGIN.file_name)


def test_a_file_without_a_body_is_not_an_invoice() -> None:
    with pytest.raises(NotAFattura, match="it has no FatturaElettronicaBody"):
        read(invoice(), ORIGIN)
