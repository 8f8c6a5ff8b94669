"""Files of an export find their invoices: by name, else by the documents in them, else not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tap_invoicetronic.documents.invoice_list import Invoice
from tap_invoicetronic.documents.matching import InvoiceMatcher

DOCUMENT = "<TipoDocumento>TD01</TipoDocumento><Data>{day}</Data><Numero>{number}</Numero>"
SELLER = "<IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>{seller}</IdCodice></IdFiscaleIVA>"


def file(*documents: tuple[str, str], seller: str = "01234567890") -> bytes:
    header = f"<CedentePrestatore><DatiAnagrafici>{SELLER.format(seller=seller)}</DatiAnagrafici></CedentePrestatore>"
    bodies = "".join(
        "<FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento>"
        f"{DOCUMENT.format(day=day, number=number)}"
        "</DatiGeneraliDocumento></DatiGenerali></FatturaElettronicaBody>"
        for number, day in documents
    )
    head = f"<FatturaElettronicaHeader>{header}</FatturaElettronicaHeader>"
    return f"<FatturaElettronica>{head}{bodies}</FatturaElettronica>".encode()


def received(number: int, file_name: str | None, *documents: tuple[str, str], seller: str = "") -> Invoice:
    return Invoice("receive", number, "2026-03-01T00:00:00Z", file_name, False, documents, seller)  # noqa: FBT003 - a row


LOTTO = (("7", "2026-03-02"), ("8", "2026-03-01"))
INVOICES = [
    received(1, "IT01_1.xml.p7m", ("1", "2026-03-01"), seller="IT01234567890"),
    received(2, "IT02_1.xml", ("1", "2026-03-01"), seller="IT02"),
    received(3, "IT01_3.xml", *LOTTO[::-1]),
    received(4, "twice.xml", ("4", "2026-03-01")),
    received(5, "TWICE.xml", ("5", "2026-03-01")),
    received(6, None, ("6", "2026-03-01"), seller="IT09"),
    replace(received(7, "IT02_1.xml", ("1", "2026-03-01")), direction="send"),
]


@pytest.mark.parametrize(
    ("direction", "name", "content", "found"),
    [
        ("receive", "IT01_1.xml.p7m", b"whatever", 1),
        ("receive", "it01_1.XML", b"whatever", 1),
        ("send", "IT02_1.xml", b"whatever", 7),
        ("receive", "else.xml", file(*LOTTO), 3),
        ("receive", "else.xml", file(LOTTO[0]), None),
        ("receive", "else.xml", file(("1", "2026-03-01")), 1),
        ("receive", "else.xml", file(("1", "2026-03-01"), seller="02"), 2),
        ("receive", "else.xml", file(("1", "2026-03-01"), seller="03"), None),
        ("receive", "else.xml", file(("6", "2026-03-01"), seller="another"), 6),
        ("receive", "twice.xml", file(("5", "2026-03-01")), 5),
        ("receive", "twice.xml", file(("6", "2026-03-01")), None),
        ("receive", "else.xml", b"no invoice", None),
        ("send", "else.xml", file(*LOTTO), None),
        ("", "IT01_1.xml", file(*LOTTO), None),
    ],
)
def test_a_file_of_an_archive_finds_its_invoice(direction: str, name: str, content: bytes, found: int | None) -> None:
    owner = InvoiceMatcher(INVOICES).match(direction, name, content)

    assert (owner.id if owner else None) == found
