"""Payloads become the files that they were."""

from __future__ import annotations

import base64
import codecs
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tap_invoicetronic.documents.payload import PayloadFile, payload_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents.conftest import Account


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
        ("neither è", "neither è".encode()),
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
