"""No value of a document is lost: those that the XSDs allow have columns, all others are rescued."""

from __future__ import annotations

import base64
import copy
import random
import re
import string
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sandbox.invoicetronic.fatturapa import invoices
from singer_rest_core.records import to_utc
from tap_invoicetronic.fattura import KEYS, Origin, read
from tap_invoicetronic.fattura.code_words import (
    MODALITA_PAGAMENTO,
    NATURA,
    REGIME_FISCALE,
    TIPO_CASSA,
    TIPO_RITENUTA,
)
from tap_invoicetronic.fattura.mapping import properties
from tap_invoicetronic.fattura.schema import code_words, schema_of
from tap_invoicetronic.fattura.tables import BLOCK_STREAMS, ROOT, SIMPLIFIED_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Rows: TypeAlias = "dict[str, list[dict[str, Any]]]"
Facets: TypeAlias = "dict[str, str | None]"

ORIGIN = Origin("receive", 7, "IT01234567890_00001.xml")
XS = "{http://www.w3.org/2001/XMLSchema}"
XSDS = {"FPR12": "FatturaPA_v1.2.2.xsd", "FPA12": "FatturaPA_v1.2.2.xsd", "FSM10": "SVFSM10.xsd"}
FORMATS = sorted(XSDS)
ENCODINGS = ("utf-8", "utf-8-sig", "windows-1252", "iso-8859-1", "utf-16")
BASIC = string.ascii_letters + string.digits + " <>&'\"/.,-"
LATIN = BASIC + "àèìòùé€"[:-1] + "£§°«»\u00a0ÿ"
ALPHABETS = {
    "A-Z": string.ascii_uppercase,
    "A-Z0-9": string.ascii_uppercase + string.digits,
    r"\p{IsBasicLatin}": BASIC,
    r"\p{IsBasicLatin}\p{IsLatin-1Supplement}": LATIN,
}
SIMPLE_PATTERN = re.compile(
    r"\(?\[?(?P<letters>[^]{]+(?:\{Is[^}]+\}[^]{]*)*)\]?\{(?P<least>\d+)(?:,(?P<most>\d+))?\}\)?"
)
EXAMPLES = {
    "ABIType": "05034",
    "BICType": "BAPPIT21",
    "CABType": "11701",
    "CAPType": "00145",
    "EmailContattiType": "rossi@example.it",
    "EmailType": "rossi@pec.example.it",
    "IBANType": "IT60X0542811101000000123456",
    "TitoloType": "Dott.",
}
# Not a value of the document, or in several rows.
OURS = {
    "_rescued_data",
    "block_number",
    "body_number",
    "calcolato",
    "direction",
    "environment",
    "file_name",
    "firma",
    "imponibile_totale",
    "importo_totale",
    "importo_totale_calcolato",
    "imposta_totale",
    "invoicetronic_id",
    "position",
    "received_at",
    "sdi_identifier",
    "sha256",
    "size",
} | {words_column for stream in KEYS for words_column, _ in code_words(stream).values()}
HEADER = set(properties(ROOT.parts)) | set(properties(SIMPLIFIED_ROOT.parts))
NAMED_SHORTER = {
    "Aliquota": "aliquota_iva",
    "CausaleTrasporto": "trasporto_causale",
    "DataInizioTrasporto": "trasporto_data_inizio",
    "MezzoTrasporto": "trasporto_mezzo",
    "NumeroREA": "cedente_rea_numero",
}


class Maker:
    """Generates documents of one format from its XSD.

    Args:
        kind: The format.
        chance: Decides which elements there are and what they contain.
        whole: Whether there are all optional elements, and two of each that may be repeated.
    """

    def __init__(self, kind: str, chance: random.Random, *, whole: bool) -> None:
        """Parse the types of the XSD."""
        self.kind = kind
        self.chance = chance
        self.whole = whole
        self.made = 0
        schema = xsd(kind).getroot()
        self.types = {found.get("name"): found for found in schema if found.get("name")}
        self.namespace = str(schema.get("targetNamespace"))

    def document(self) -> etree._Element:
        name = "FatturaElettronicaSemplificata" if self.kind == "FSM10" else "FatturaElettronica"
        prefix = self.chance.choice(["p", "ns2", "b"])
        root = etree.Element(f"{{{self.namespace}}}{name}", nsmap={prefix: self.namespace})
        root.set("versione", self.kind)
        if self.kind != "FSM10" and self.is_there():
            root.set("SistemaEmittente", "Prova")
        self.fill(root, "FatturaElettronicaType")
        return root

    def is_there(self) -> bool:
        return self.whole or self.chance.random() < 0.4

    def fill(self, element: etree._Element, type_name: str) -> None:
        for group in self.types[type_name].iterfind(f"{XS}sequence"):
            self.sequence(element, group)

    def sequence(self, element: etree._Element, group: etree._Element) -> None:
        for part in group:
            if part.tag == f"{XS}choice":
                self.sequence(element, self.chance.choice(list(part)))
            elif part.tag == f"{XS}sequence":
                self.sequence(element, part)
            elif part.tag == f"{XS}element" and part.get("name"):
                for _ in range(self.times(part)):
                    self.child(etree.SubElement(element, str(part.get("name"))), str(part.get("type")))

    def times(self, part: etree._Element) -> int:
        if part.get("minOccurs") == "0" and not self.is_there():
            return 0
        if part.get("maxOccurs") != "unbounded":
            return 1
        return 2 if self.whole else self.chance.randint(1, 3)

    def child(self, element: etree._Element, type_name: str) -> None:
        if type_name in self.types and self.types[type_name].tag == f"{XS}complexType":
            self.fill(element, type_name)
        else:
            element.text = self.value(type_name)

    def value(self, type_name: str) -> str:
        self.made += 1
        if type_name in EXAMPLES:
            return EXAMPLES[type_name]
        restriction = self.types[type_name].find(f"{XS}restriction") if type_name in self.types else None
        base = type_name if restriction is None else str(restriction.get("base"))
        facets = (
            {} if restriction is None else {facet.tag.removeprefix(XS): facet.get("value") for facet in restriction}
        )
        if "enumeration" in facets:
            assert restriction is not None
            choices = [str(choice.get("value")) for choice in restriction.iterfind(f"{XS}enumeration")]
            return self.kind if self.kind in choices else self.chance.choice(choices)
        makers: dict[str, Callable[[Facets], str]] = {
            "xs:decimal": self.decimal,
            "xs:integer": lambda _: str(self.made % 999 + 1),
            "xs:date": lambda _: self.day(),
            "xs:dateTime": lambda _: f"{self.day()}T10:{self.made % 60:02}:12",
            "xs:base64Binary": lambda _: base64.b64encode(f"Allegato {self.made}".encode()).decode(),
        }
        return makers.get(base, self.text)(facets)

    def day(self) -> str:
        return (date(1970, 1, 1) + timedelta(days=self.made)).isoformat()

    def decimal(self, facets: Facets) -> str:
        places = re.search(r"\\\.\[0-9\]\{(\d+)(?:,(\d+))?\}", str(facets["pattern"]))
        assert places is not None
        fraction = self.chance.randint(int(places[1]), int(places[2] or places[1]))
        whole = self.made % 100 if "maxInclusive" in facets else self.chance.randint(0, 9999)
        sign = "-" if "\\-" in str(facets["pattern"]) and self.chance.random() < 0.2 else ""
        return f"{sign}{whole}.{self.chance.randint(0, 10**fraction - 1):0{fraction}}"

    def text(self, facets: Facets) -> str:
        if "pattern" not in facets:
            return f"X{self.made:0{int(facets.get('minLength') or 1)}}"
        pattern = SIMPLE_PATTERN.fullmatch(str(facets["pattern"]))
        assert pattern is not None, facets
        letters = ALPHABETS[pattern["letters"]]
        most = int(pattern["most"] or pattern["least"])
        size = most if self.whole else self.chance.randint(int(pattern["least"]), most)
        return "".join(self.chance.choices(letters, k=size))


@cache
def xsd(kind: str) -> etree._ElementTree:
    """Parse an XSD, reading that of signatures from the same folder instead of the network."""
    folder = files("sandbox.invoicetronic") / "xsd"
    text = (folder / XSDS[kind]).read_bytes()
    beside = re.sub(rb'schemaLocation="[^"]*xmldsig-core[^"]*"', b'schemaLocation="xmldsig-core.xsd"', text)
    return etree.ElementTree(
        etree.fromstring(beside, etree.XMLParser(remove_comments=True), base_url=str(folder / XSDS[kind]))
    )


@cache
def validator(kind: str) -> etree.XMLSchema:
    return etree.XMLSchema(xsd(kind))


def written(root: etree._Element, encoding: str) -> bytes:
    text = etree.tostring(root, encoding="unicode")
    declared = "utf-8" if encoding == "utf-8-sig" else encoding
    return f'<?xml version="1.0" encoding="{declared}"?>\n{text}'.encode(encoding)


def leaves(root: etree._Element) -> Iterator[str]:
    """Return every text and attribute of a document."""
    for element in root.iter():
        yield from (str(text) for text in element.attrib.values())
        texts = [element.text, *(child.tail for child in element)]
        yield from (text for text in texts if text and (len(element) == 0 or text.strip()))


def values(file: Rows) -> Iterator[tuple[str, str]]:
    """Return every column's value as it would be written; what is in several rows only once."""
    for stream, rows in file.items():
        if stream in BLOCK_STREAMS:
            continue  # these are in arrays of `fattura` and `fattura_line` too
        if stream == "fattura_vat_summary" and file["fattura"][0]["versione"] == "FSM10":
            continue  # calculated from the lines
        seen = set()
        for row in rows:
            for column, value in row.items():
                if column in OURS or value is None:
                    continue
                once = (
                    "header" if stream == "fattura" and column in HEADER else "",
                    (row["body_number"], row["block_number"]) if column == "condizioni_pagamento" else (),
                    column,
                )
                if any(once[:2]):
                    if once in seen:
                        continue
                    seen.add(once)
                yield from flat(column, value)


def flat(column: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from flat(column, item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in OURS:
                yield from flat(name, item)
    else:
        yield column, format(value, "f") if isinstance(value, Decimal) else str(value)


def rescued(file: Rows) -> list[str]:
    asides = [row["_rescued_data"] for rows in file.values() for row in rows]
    return [text for aside in asides if aside for _, text in flat("", aside)]


ZONE = re.compile(r"(?<=\d{4}-\d\d-\d\d)(?:Z|[+-]00:00|\+0[12]:00)$")


def meanings(texts: Iterable[str]) -> Counter[str]:
    """Return what texts mean: without blanks around them, without Italy's time zone after a date, times in UTC."""
    bare = (ZONE.sub("", text.strip()) for text in texts)
    return Counter(to_utc(text) if re.match(r"\d{4}-\d\d-\d\dT\d\d:", text) else text for text in bare if text)


def rescued_beside_columns(file: Rows) -> list[str]:
    """Return what is rescued, except codes that have blanks around them."""
    return [text for text in rescued(file) if text == text.strip()]


chances = st.randoms(use_true_random=True)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=8, deadline=None)
@given(chance=chances)
def test_documents_with_every_element_of_the_xsd_only_fill_columns(kind: str, chance: random.Random) -> None:
    root = Maker(kind, chance, whole=True).document()
    validator(kind).assertValid(root)

    file = read(written(root, "utf-8"), ORIGIN)

    assert not rescued_beside_columns(file)
    assert meanings(text for _, text in values(file)) == meanings(leaves(root))
    assert len(file["fattura"]) == 2
    assert len(file["fattura_payment"]) == (0 if kind == "FSM10" else 8)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=40, deadline=None)
@given(chance=chances, encoding=st.sampled_from(ENCODINGS))
def test_every_value_written_as_xml_is_read(kind: str, chance: random.Random, encoding: str) -> None:
    root = Maker(kind, chance, whole=False).document()
    validator(kind).assertValid(root)

    file = read(written(root, encoding), ORIGIN)

    assert not rescued_beside_columns(file)
    assert meanings(text for _, text in values(file)) == meanings(leaves(root))


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=40, deadline=None)
@given(chance=chances)
def test_no_value_is_lost_however_a_document_is_changed(kind: str, chance: random.Random) -> None:
    root = Maker(kind, chance, whole=chance.random() < 0.3).document()
    for _ in range(chance.randint(1, 12)):
        spoil(root, chance)

    file = read(written(root, "utf-8"), ORIGIN)

    kept = meanings(text for _, text in values(file)) + meanings(rescued(file))
    assert not meanings(leaves(root)) - kept


def test_no_value_of_the_sandbox_invoices_is_lost() -> None:
    for made in islice(invoices(seed=5), 300):
        file = read(made.content, ORIGIN)
        kept = meanings(text for _, text in values(file)) + meanings(rescued(file))
        assert not meanings(text for path, text in made.leaves if not path.startswith("ds:Signature")) - kept


def spoil(root: etree._Element, chance: random.Random) -> None:
    """Change one element in a way that programs, other versions or people do."""
    bodies = [element for element in root.iter() if element is not root and element.tag != "FatturaElettronicaBody"]
    target = chance.choice(bodies)
    mark = f"segno{chance.randint(0, 10**9)}"
    parent = target.getparent()
    assert parent is not None
    deed = chance.randrange(7)
    if deed == 0:
        etree.SubElement(target, chance.choice(["Nuovo", "{urn:fornitore}Numero", "Data"])).text = mark
    elif deed == 1:
        target.set(chance.choice(["nota", "{urn:fornitore}nota"]), mark)
    elif deed == 2:
        parent.append(copy.deepcopy(target))
        parent[-1].tail = None
    elif deed == 3:
        target.tail = mark
    elif deed == 4 and len(target) == 0:
        target.text = chance.choice(["12,50", "1e3", "31/12/2026", "2026-02-30", "2026-02-03+01:00", "sette"])
    elif deed == 5:
        target.tag = f"{target.tag}Bis"
    else:
        extension = etree.SubElement(parent, "Estensione", versione=mark)
        for number in range(2):
            etree.SubElement(etree.SubElement(extension, "Voce"), "Nome").text = f"{mark}-{number}"


@pytest.mark.parametrize("kind", ["FPR12", "FSM10"])
def test_a_column_has_the_name_of_its_element(kind: str) -> None:
    """One document for each element, with one text that occurs nowhere else."""
    root = Maker(kind, random.Random(1), whole=True).document()  # noqa: S311 - test data
    tree = root.getroottree()
    alike = {re.sub(r"\[\d+\]", "", tree.getpath(element)): element for element in root.iter() if len(element) == 0}
    for element in alike.values():
        kept, element.text = element.text, "999.99"
        file = read(written(root, "utf-8"), ORIGIN)
        found = {column for column, text in values(file) if text == "999.99"}
        kept_aside = (row["_rescued_data"] or {} for rows in file.values() for row in rows)
        asides = {path for each in kept_aside for path, text in each.items() if text == "999.99"}
        element.text = kept
        name = str(element.tag)
        if asides:
            assert len(asides) == 1, "not a valid date or integer"
            assert re.sub(r"\[\d+\]", "", asides.pop()).endswith(name)
        else:
            (column,) = found
            assert column.replace("_", "").endswith(NAMED_SHORTER.get(name, name).replace("_", "").lower())


@pytest.mark.parametrize("stream", sorted(KEYS))
@settings(max_examples=10, deadline=None)
@given(chance=chances, kind=st.sampled_from(FORMATS))
def test_rows_have_the_columns_and_types_of_their_schema(stream: str, chance: random.Random, kind: str) -> None:
    root = Maker(kind, chance, whole=chance.random() < 0.5).document()
    spoil(root, chance)
    schema = schema_of(stream)

    rows = read(written(root, "utf-8"), ORIGIN)[stream]

    for row in rows:
        assert list(row) == list(schema["properties"])
        assert fits(row, schema), row
        assert all(row[key] is not None for key in KEYS[stream])
    keys = [tuple(row[key] for key in KEYS[stream]) for row in rows]
    assert len(keys) == len(set(keys))


def fits(value: object, schema: dict[str, Any]) -> bool:
    """Return whether a value and all its parts have the types of a schema."""
    python_types = {
        "array": list,
        "boolean": bool,
        "integer": int,
        "null": type(None),
        "number": Decimal,
        "object": dict,
        "string": str,
    }
    declared = schema["type"]
    types = [declared] if isinstance(declared, str) else declared
    if not any(type(value) is python_types[name] for name in types):
        return False
    if isinstance(value, list):
        return all(fits(item, schema["items"]) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        return all(
            name in schema["properties"] and fits(item, schema["properties"][name]) for name, item in value.items()
        )
    return not (isinstance(value, str) and schema.get("format") == "date") or date.fromisoformat(value) is not None


WORDS_BY_TYPE = {
    "ModalitaPagamentoType": MODALITA_PAGAMENTO,
    "NaturaType": NATURA,
    "RegimeFiscaleType": REGIME_FISCALE,
    "TipoCassaType": TIPO_CASSA,
    "TipoRitenutaType": TIPO_RITENUTA,
}
YOUNGER = {"RegimeFiscaleType": {"RF20"}}


@pytest.mark.parametrize("type_name", sorted(WORDS_BY_TYPE))
def test_the_codes_of_the_xsds_have_words_and_no_others_do(type_name: str) -> None:
    codes = {
        str(choice.get("value"))
        for kind in ("FPR12", "FSM10")
        for found in xsd(kind).iterfind(f"{XS}simpleType[@name='{type_name}']")
        for choice in found.iter(f"{XS}enumeration")
    }

    assert set(WORDS_BY_TYPE[type_name]) - YOUNGER.get(type_name, set()) == codes
    assert all(WORDS_BY_TYPE[type_name].values())
