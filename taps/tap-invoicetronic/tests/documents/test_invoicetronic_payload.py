"""Payloads become the files that they were."""

from __future__ import annotations

import base64
import codecs
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sandbox.invoicetronic.fatturapa import invoices
from sandbox.invoicetronic.fatturapa.charsets import CHARSETS
from sandbox.invoicetronic.fatturapa.draw import Draw
from sandbox.invoicetronic.fatturapa.nodes import to_xml
from sandbox.invoicetronic.fatturapa.signing import envelope
from sandbox.invoicetronic.fatturapa.transport import DAMAGES, WRAPPERS
from tap_invoicetronic.documents.payload import PayloadFile, payload_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account

IRREGULAR = ", irregular"
SIGNED = bytes.fromhex("308006092a864886f70d010702") + b"content"


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        ("<a>è</a>", "<a>è</a>".encode()),
        ('<?xml version="1.0" encoding="UTF-8"?><a>è</a>', '<?xml version="1.0" encoding="UTF-8"?><a>è</a>'.encode()),
        (
            "\ufeff\r\n<?xml version='1.0' encoding='windows-1252'?><a>è €</a>",
            "<?xml version='1.0' encoding='windows-1252'?><a>è €</a>".encode("cp1252"),
        ),
        (
            '<?xml version="1.0" encoding="windows-1252"?><a>中</a>',
            '<?xml version="1.0"?><a>中</a>'.encode(),
        ),
        ('<?xml version="1.0" encoding="x-none"?><a/>', b'<?xml version="1.0"?><a/>'),
        (base64.b64encode(b"0\x80\x00signed").decode(), b"0\x80\x00signed"),
        (base64.encodebytes(b"<a/>" * 50).decode(), b"<a/>" * 50),
        (base64.b64encode(b"<a>5</a>").decode().rstrip("="), b"<a>5</a>"),
        (base64.b64encode(SIGNED).decode().rstrip("="), SIGNED),
        (f"{base64.b64encode(b'<a>5</a>').decode()}\0", b"<a>5</a>"),
        (f"data:text/xml;base64,{base64.b64encode(b'<a>5</a>').decode()}", b"<a>5</a>"),
        (f"DATA:;base64,{quote(base64.b64encode(SIGNED).decode().rstrip('='))}", SIGNED),
        ("\ufeff\ufeff<?xml version='1.0' encoding='UTF-8'?><a/>", b"<?xml version='1.0' encoding='UTF-8'?><a/>"),
        ("neither è", "neither è".encode()),
        ("DocumentoNonTrovato", b"DocumentoNonTrovato"),
        ("data: none", b"data: none"),
        ("", b""),
    ],
)
def test_a_payload_becomes_the_file_it_was(payload: str, content: bytes) -> None:
    assert payload_file(payload).content == content


@pytest.mark.parametrize(
    ("encoding", "codec"),
    [
        ("UTF-8", "utf-8"),
        ("utf8", "utf-8"),
        ("utf-16", "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ("UTF-16BE", "utf-16-be"),
        ("ISO-8859-1", "latin-1"),
        ("iso8859-1", "latin-1"),
        ("ISO_8859-1", "latin-1"),
        ("latin1", "latin-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("Latin-9", "iso-8859-15"),
        ("Windows-1252", "cp1252"),
        ("cp1252", "cp1252"),
    ],
)
def test_xml_is_written_in_the_encoding_it_declares_where_parsers_read_it(encoding: str, codec: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><a>perché</a>'

    file = payload_file(text)

    assert file == PayloadFile(text.encode(codec))
    assert etree.fromstring(file.content).text == "perché"


@pytest.mark.parametrize("encoding", ["US-ASCII", "ascii"])
def test_xml_in_ascii_is_written_in_ascii_if_it_fits(encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'

    assert payload_file(f"{declaration}<a>perche</a>") == (f"{declaration}<a>perche</a>".encode("ascii"), None)
    assert payload_file(f"{declaration}<a>perché</a>") == ('<?xml version="1.0"?><a>perché</a>'.encode(), None)


@pytest.mark.parametrize("encoding", ["punycode", "idna", "utf-7", "utf-32", "unicode_escape", "cp037", "base64", "x"])
def test_xml_that_declares_another_encoding_is_written_in_utf_8_without_it(encoding: str) -> None:
    file = payload_file(f'<?xml version="1.0" encoding="{encoding}"?><a>perché</a>')

    assert file == PayloadFile('<?xml version="1.0"?><a>perché</a>'.encode(), encoding)
    assert etree.fromstring(file.content).text == "perché"


@given(st.text(), st.sampled_from(["utf-8", "windows-1252", "iso-8859-15", "utf-16", "utf-7", "idna", "base64", "x"]))
def test_no_text_is_lost_or_refused(text: str, encoding: str) -> None:
    content = payload_file(f'<?xml version="1.0" encoding="{encoding}"?><a>{text}</a>').content

    written = "utf-16" if content.startswith(codecs.BOM_UTF16) else "utf-8"
    if b"encoding" in content.partition(b"?>")[0]:
        written = encoding
    rest = content.decode(written, "surrogatepass" if written == "utf-8" else "strict").partition("?>")[2]
    assert rest == f"<a>{text}</a>"


def test_an_encoding_that_invoices_do_not_use_is_reported(account: Account, warnings: Callable[[], list[str]]) -> None:
    (row_id,) = account.oldest("receive", 1)
    account.live.update("receive", row_id, {"payload": '<?xml version="1.0" encoding="punycode"?><a>è</a>'})

    reading = account.read("document", payloads="receive", payload_limit=1)

    assert (account.folder / reading.records["document"][0]["name"]).read_text("utf-8") == (
        '<?xml version="1.0"?><a>è</a>'
    )
    assert any(
        line.startswith(f"live/receive/{row_id}.xml (")
        and line.endswith(" declares the encoding punycode, which invoices are not written in: it is stored in UTF-8")
        for line in warnings()
    )


def test_a_payload_of_any_real_kind_becomes_rows(account: Account, warnings: Callable[[], list[str]]) -> None:
    kept = account.keep_oldest("receive", 6)
    invoice = next(each for each in invoices(seed=3) if each.plan.wrapping == "none" and each.facts.format == "FPR12")
    root = to_xml(invoice.root, pretty=True)
    signed = {form: envelope(invoice.xml, Draw(1, 0.5), form) for form in ("der", "ber", "overrun")}
    payloads = {
        "unpadded": WRAPPERS["base64 without padding"](signed["der"]),
        "data URL": WRAPPERS["data URL"](signed["der"]),
        "irregular": WRAPPERS["base64"](DAMAGES["LF turned into CRLF"](signed["ber"])),
        "overrun": WRAPPERS["base64 in lines"](signed["overrun"]),
        "mixed": WRAPPERS["base64"](CHARSETS["UTF-8 and windows-1252"](root)),
        "filled up": WRAPPERS["base64 without padding"](CHARSETS["UTF-8 filled up with NULs"](root)),
    }
    for row_id, payload in zip(kept, payloads.values(), strict=True):
        account.live.update("receive", row_id, {"payload": payload.decode(), "encoding": "Base64"})

    reading = account.read("document", "fattura", payloads="receive", payload_limit=6)

    rows = reading.records["fattura"]
    bodies = [body.number for body in invoice.facts.bodies]
    assert [row["numero"] for row in rows] == bodies * len(payloads)
    firma = {row["invoicetronic_id"]: row["firma"] for row in rows}
    assert [(firma[row_id] or "").partition("CAdES")[2] for row_id in kept] == ["", "", IRREGULAR, IRREGULAR, "", ""]
    assert {row["name"].partition(".")[2] for row in reading.records["document"]} == {"xml", "xml.p7m"}
    assert not any("no rows are made" in line for line in warnings())
