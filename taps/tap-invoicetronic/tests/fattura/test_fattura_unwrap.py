"""Invoices are unwrapped from everything that is in use; any other file is refused in one line."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_invoicetronic.fattura import NotAFattura, Origin, read, unwrap

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = Origin("receive", 1, "IT01234567890_00001.xml.p7m")
NAMESPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"
BODY = "<DatiGenerali><DatiGeneraliDocumento><Numero>Perché 1</Numero></DatiGeneraliDocumento></DatiGenerali>"
CONTENT = f"<FatturaElettronicaBody>{BODY}</FatturaElettronicaBody>"
ROOT = f'<p:FatturaElettronica versione="FPR12" xmlns:p="{NAMESPACE}">{CONTENT}</p:FatturaElettronica>'
XML = f'<?xml version="1.0" encoding="UTF-8"?>\n{ROOT}'.encode()
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def ber(tag: int, *parts: bytes) -> bytes:
    return bytes((tag, 0x80)) + b"".join(parts) + b"\0\0"


def signed(content: bytes) -> bytes:
    """Return CMS in DER, written by a library."""
    signed_data = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data", "content": content},
            "signer_infos": [],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())


def cms_of(octets: bytes, form: object = der) -> bytes:
    """Return CMS around an octet string, all in one form."""
    make = ber if form is ber else der
    encapsulated = make(0x30, DATA, make(0xA0, octets))
    return make(
        0x30, SIGNED_DATA, make(0xA0, make(0x30, der(2, b"\1"), make(0x31, b""), encapsulated, make(0x31, b"")))
    )


def numbers(payload: bytes | str) -> list[str]:
    return [row["numero"] for row in read(payload, ORIGIN)["fattura"]]


def in_lines(content: bytes, end: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", end)


HALVES = (XML[:100], XML[100:])
WRAPPED = {
    "xml": XML,
    "xml without a declaration": ROOT.encode(),
    "xml after white space": b"\r\n\t " + XML,
    "xml after a comment": b"<!-- programma -->" + ROOT.encode(),
    "xml after a processing instruction": b'<?xml-stylesheet href="a.xsl"?>' + ROOT.encode(),
    "xml with a byte order mark": b"\xef\xbb\xbf" + XML,
    "xml with a byte order mark and white space": b"\xef\xbb\xbf\n" + XML,
    "windows-1252": f'<?xml version="1.0" encoding="windows-1252"?>{ROOT}'.encode("cp1252"),
    "windows-1252 declared as utf-8": XML.decode().encode("cp1252"),
    "windows-1252 without a declaration": ROOT.encode("cp1252"),
    "windows-1252 without a declaration, in cms": signed(ROOT.encode("cp1252")),
    "iso-8859-1": f"<?xml version='1.0' encoding='ISO-8859-1'?>{ROOT}".encode("latin-1"),
    "utf-16": f'<?xml version="1.0" encoding="UTF-16"?>{ROOT}'.encode("utf-16"),
    "utf-16 without a mark": f'<?xml version="1.0" encoding="UTF-16LE"?>{ROOT}'.encode("utf-16-le"),
    "base64": base64.b64encode(XML),
    "base64 in lines": in_lines(XML, b"\r\n"),
    "base64 of base64": base64.b64encode(in_lines(XML, b"\n")),
    "cms by a library": signed(XML),
    "cms": cms_of(der(0x04, XML)),
    "cms in ber": cms_of(der(0x04, XML), ber),
    "cms in ber, in parts": cms_of(ber(0x24, *(der(0x04, half) for half in HALVES)), ber),
    "cms in ber, in parts, of definite length": cms_of(der(0x24, *(der(0x04, half) for half in HALVES))),
    "cms in ber, in parts of parts": cms_of(ber(0x24, ber(0x24, der(0x04, HALVES[0])), der(0x04, HALVES[1])), ber),
    "cms with bytes behind it": cms_of(der(0x04, XML)) + b"\r\n",
    "cms in base64": base64.b64encode(signed(XML)),
    "cms in base64 with a byte order mark": b"\xef\xbb\xbf" + in_lines(signed(XML), b"\r\n"),
    "pem": b"-----BEGIN PKCS7-----\n" + in_lines(signed(XML), b"\n") + b"-----END PKCS7-----\n",
    "pem of cms": b"-----BEGIN CMS-----\r\n" + in_lines(signed(XML), b"\r\n") + b"-----END CMS-----",
    "cms of base64": signed(base64.b64encode(XML)),
    "cms of cms": signed(signed(XML)),
    "base64 of cms of base64 of cms": base64.b64encode(signed(base64.b64encode(signed(XML)))),
}


@pytest.mark.parametrize("form", WRAPPED)
def test_an_invoice_is_unwrapped(form: str) -> None:
    rows = read(WRAPPED[form], ORIGIN)["fattura"]

    assert [row["numero"] for row in rows] == ["Perché 1"]
    assert rows[0]["firma"] == ("CAdES" if "cms" in form or form == "pem" else None)


@pytest.mark.parametrize("declared", ["utf-8", "windows-1252", "utf-16"])
def test_text_is_decoded_already_whatever_encoding_it_declares(declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>{ROOT}'

    assert numbers(text) == numbers(f"\ufeff{text}") == ["Perché 1"]


def test_base64_text_is_decoded_to_bytes() -> None:
    latin = f'<?xml version="1.0" encoding="windows-1252"?>{ROOT}'.encode("cp1252")

    assert numbers(base64.b64encode(latin).decode()) == ["Perché 1"]


@given(size=st.integers(0, 400), chunk=st.integers(1, 150), form=st.sampled_from([der, ber]))
@settings(max_examples=60, deadline=None)
def test_signed_content_of_any_size_is_unwrapped(size: int, chunk: int, form: object) -> None:
    xml = XML + b" " * size
    parts = [der(0x04, xml[start : start + chunk]) for start in range(0, len(xml), chunk)]

    assert numbers(cms_of(der(0x24, *parts), form)) == ["Perché 1"]
    assert numbers(cms_of(ber(0x24, *parts), form)) == ["Perché 1"]


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("fattura.xml", XML)
    return file.getvalue()


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
DTD = f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'
NOT_INVOICES = {
    "empty": b"",
    "white space": b" \r\n",
    "html": b"<!DOCTYPE html><html><body>Errore</body></html>",
    "xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
    "zip": zipped(),
    "zip in base64": base64.b64encode(zipped()),
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "words": b"Il file non esiste",
    "nothing but zeros": bytes(64),
    "receipt": b'<ns:RicevutaConsegna xmlns:ns="http://www.fatturapa.gov.it/sdi/messaggi/v1.0"/>',
    "truncated xml": XML[:-40],
    "truncated in a letter": XML[: XML.index("é".encode()) + 1],
    "two documents": XML + ROOT.encode(),
    "unknown encoding": XML.replace(b"UTF-8", b"klingon"),
    "no body": f'<p:FatturaElettronica xmlns:p="{NAMESPACE}"/>'.encode(),
    "billion laughs": f"{DTD}{ROOT.replace('Perché 1', '&a11;')}".encode(),
    "billion laughs in an attribute": f"{DTD}{ROOT.replace('FPR12', '&a11;')}".encode(),
    "entity without laughs": f'<!DOCTYPE x [<!ENTITY a "1">]>{ROOT.replace("Perché 1", "&a;")}'.encode(),
    "parameter entity": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>{ROOT}'.encode(),
    "external subset": f'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">{ROOT}'.encode(),
    "deep nesting": f"<FatturaElettronica>{'<a>' * 5000}{'</a>' * 5000}</FatturaElettronica>".encode(),
    "truncated p7m": signed(XML)[:-60],
    "truncated p7m in ber": cms_of(ber(0x24, der(0x04, XML)), ber)[:-60],
    "half a header": b"\x30\x84\x06\x09" + SIGNED_DATA,
    "p7m without content": der(0x30, SIGNED_DATA, der(0xA0, der(0x30, der(2, b"\1"), der(0x31), der(0x30, DATA)))),
    "p7m of words": signed(b"Il file non esiste"),
    "p7m of nothing": signed(b""),
    "p7m nested without end": cms_of(b"\x24\x80" * 5000, ber),
    "p7m of empty parts": cms_of(der(0x24, der(0x24, der(0x24)) * 2)),
    "p7m of a number": cms_of(der(0x02, XML[:-60])),
    "wrappings without end": signed(signed(signed(signed(signed(signed(signed(XML))))))),
    "half a base64": base64.b64encode(XML)[:-5],
}


@pytest.mark.parametrize("name", NOT_INVOICES)
def test_anything_else_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(NotAFattura, match=r"^not a FatturaPA invoice\b.{5,100}$") as refusal:
        read(NOT_INVOICES[name], ORIGIN)

    assert "\n" not in str(refusal.value)
    assert "Perch" not in str(refusal.value)


def test_text_with_an_unpaired_surrogate_is_refused_in_one_line() -> None:
    with pytest.raises(NotAFattura, match="unpaired surrogate"):
        read("<\ud800>", ORIGIN)


def deeply_wrapped_string(depth: int) -> bytes:
    octets = der(0x04, XML)
    for _ in range(depth):
        octets = der(0x24, octets)
    return octets


@pytest.mark.parametrize(
    ("content", "firma"),
    [
        (deeply_wrapped_string(5), "CAdES"),
        (deeply_wrapped_string(5000), "CAdES, irregular"),
        (der(0x02, XML), "CAdES, irregular"),
        (der(0x04, b"\0\1" + XML + b"\2"), "CAdES, irregular"),
        (der(0x04, XML[:100]) + XML[100:], "CAdES, irregular"),
    ],
)
def test_what_breaks_the_envelope_does_not_break_the_invoice(content: bytes, firma: str) -> None:
    (row,) = read(cms_of(content), ORIGIN)["fattura"]

    assert (row["numero"], row["firma"]) == ("Perché 1", firma)


def test_no_file_is_read_for_an_external_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("segreto")
    hostile = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{secret.as_uri()}">]>{ROOT.replace("Perché 1", "&a;")}'

    with pytest.raises(NotAFattura, match="document type"):
        read(hostile, ORIGIN)


def test_a_file_above_the_size_limit_is_refused() -> None:
    with pytest.raises(NotAFattura, match="52428801 bytes is too large"):
        read(bytes(unwrap.MAX_SIZE + 1), ORIGIN)


def test_a_file_with_too_many_tags_is_refused() -> None:
    crowd = XML.replace(b"<DatiGenerali>", b"<a/>" * unwrap.MAX_TAGS + b"<DatiGenerali>")

    with pytest.raises(NotAFattura, match="too many elements"):
        read(crowd, ORIGIN)


@given(
    st.one_of(
        st.binary(max_size=300),
        st.text(max_size=300),
        st.integers(0, len(XML)).map(lambda end: XML[:end]),
        st.integers(0, len(signed(XML))).map(lambda end: signed(XML)[:end]),
        st.tuples(st.integers(0, 120), st.integers(0, 255)).map(lambda at: flipped(*at)),
    )
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_an_invoice_or_refused(payload: bytes | str) -> None:
    assert len(outcome(payload).splitlines()) == 1


def outcome(payload: bytes | str) -> str:
    """Return in one line what became of a file."""
    try:
        found = read(payload, ORIGIN)["fattura"]
    except NotAFattura as refusal:
        return str(refusal)
    return f"{len(found)} invoice" if found else ""


def flipped(at: int, byte: int) -> bytes:
    """Change one byte of a signed file."""
    content = bytearray(cms_of(ber(0x24, *(der(0x04, half) for half in HALVES)), ber))
    content[at] = byte
    return bytes(content)
