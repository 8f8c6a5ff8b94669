"""Media types detected from content, and base64 decoding."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.documents import NotBase64, from_base64, media_type_of

_OID = bytes.fromhex("06092a864886f70d010702")
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<p:FatturaElettronica/>'
_SIGNED = b"\x30\x82\x10\x00" + _OID + b"\xa0\x82\x0f\xf0" + b"\x00" * 40 + _XML.encode()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\xef\xbb\xbf%PDF-1.4\n", "application/pdf"),
        (b"\r\n" * 500 + b"%PDF-1.4\n", "application/pdf"),
        (b" " * 1100 + b"%PDF-1.4\n", "application/octet-stream"),
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"PK\x05\x06" + b"\x00" * 18, "application/zip"),
        (b"PK\x01\x02", "application/octet-stream"),
        (_XML.encode(), "application/xml"),
        (b"\xef\xbb\xbf" + _XML.encode(), "application/xml"),
        (_XML.encode("utf-16"), "application/xml"),
        (_XML.encode("utf-16-le"), "application/xml"),
        (_XML.encode("utf-16-be"), "application/xml"),
        (b"\xfe\xff" + _XML.encode("utf-16-be"), "application/xml"),
        (_XML.encode("utf-32"), "application/xml"),
        (b"\n  <ns:FatturaElettronica versione='FPR12'>", "application/xml"),
        (b"<?xml-stylesheet type='text/xsl' href='x.xsl'?>\n<p:FatturaElettronica/>", "application/xml"),
        (b"<!-- made by x --><Invoice xmlns='urn:x'/>", "application/xml"),
        (b"<Invoice>%PDF-</Invoice>", "application/xml"),
        (b"<!DOCTYPE html><html>", "text/html"),
        (b"<!-- login --> <!-- x -->\n<HTML lang=en>", "text/html"),
        (b"<!---->" * 500 + b"<", "application/xml"),
        (_SIGNED, "application/pkcs7-mime"),
        (b"\x30\x80" + _OID, "application/pkcs7-mime"),
        (b"\x30\x83\x01\x00\x00" + _OID, "application/pkcs7-mime"),
        (b"\x30\x88" + bytes(6) + b"\x10\x00" + _OID, "application/pkcs7-mime"),
        (b"\x30\x82\r\n\x17" + _OID, "application/pkcs7-mime"),
        (b"\r\n" + _SIGNED, "application/pkcs7-mime"),
        (base64.b64encode(_SIGNED).rstrip(b"="), "application/pkcs7-mime"),
        (b"\x30\x82\x10\x00\x06\x03\x55\x04\x03", "application/octet-stream"),
        (b"\x30\x82\x10\x00" + _OID + b"%PDF-1.7", "application/pkcs7-mime"),
        (base64.b64encode(_SIGNED), "application/pkcs7-mime"),
        (base64.encodebytes(_SIGNED), "application/pkcs7-mime"),
        (b"-----BEGIN PKCS7-----\n" + base64.encodebytes(_SIGNED), "application/pkcs7-mime"),
        (base64.b64encode(b"not signed, but valid base64"), "application/octet-stream"),
        (b'{"error": "not found"}', "application/octet-stream"),
        (b"< 5 EUR", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_media_type_is_detected_from_the_content(content: bytes, media_type: str) -> None:
    assert media_type_of(content) == media_type
    assert media_type_of(content, "application/octet-stream") == media_type


@pytest.mark.parametrize(
    ("content", "declared", "media_type"),
    [
        (b"%PDF-1.7\n", "application/json; charset=utf-8", "application/pdf"),
        (b"<!doctype html><title>Log in</title>", "application/pdf", "text/html"),
        (b'{"error": "not found"}', "application/pdf", "application/octet-stream"),
        (b'{"error": "not found"}', "Application/JSON; charset=utf-8", "application/json"),
        (b"\x89PNG\r\n", "image/png", "image/png"),
        (b"\x89PNG\r\n", "png", "application/octet-stream"),
        (_XML.encode(), "text/xml", "application/xml"),
        (_XML.encode(), "application/atom+xml", "application/atom+xml"),
        (b"PK\x03\x04", "application/x-zip-compressed", "application/zip"),
        (
            b"PK\x03\x04",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ),
        (_SIGNED, "text/plain", "application/pkcs7-mime"),
    ],
)
def test_the_content_takes_precedence_over_the_declared_type(content: bytes, declared: str, media_type: str) -> None:
    assert media_type_of(content, declared) == media_type


@given(st.binary(max_size=40), st.one_of(st.none(), st.text(max_size=20)))
def test_any_content_and_any_header_give_a_media_type(content: bytes, declared: str | None) -> None:
    assert "/" in media_type_of(content, declared)


@given(st.binary(max_size=200))
def test_base64_with_line_breaks_is_decoded(content: bytes) -> None:
    assert from_base64(base64.encodebytes(content)) == content
    assert from_base64(f"\t{base64.encodebytes(content).decode()}\r\n ") == content


@given(st.binary(min_size=1, max_size=200), st.integers(0, 2))
def test_base64_may_lack_padding(content: bytes, missing: int) -> None:
    text = base64.b64encode(content)
    padding = len(text) - len(text.rstrip(b"="))

    assert from_base64(text[: len(text) - min(missing, padding)]) == content


@pytest.mark.parametrize(
    "text",
    [
        "Q",
        "QUJDQ",
        "QUJD=",
        "QUJD==",
        "QUJD====",
        "Q===",
        "====",
        "QU=JD",
        "QUI=QUI=",
        "QUJ-",
        "QUJD\x00",
        "QUJDé",
        "<xml/>",
        "=",
    ],
)
def test_invalid_base64_is_refused_in_one_line_without_the_text(text: str) -> None:
    with pytest.raises(NotBase64) as refused:
        from_base64(text)

    line = str(refused.value)
    assert line.startswith("the document is not valid base64: ")
    assert line.isprintable()
    assert text not in line
