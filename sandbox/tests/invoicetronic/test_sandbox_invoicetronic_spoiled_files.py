"""The sandbox writes the encodings and envelopes of real programs, also those that are not what they should be."""

from __future__ import annotations

import base64

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]

from sandbox.invoicetronic.fatturapa.charsets import CHARSETS
from sandbox.invoicetronic.fatturapa.draw import Draw
from sandbox.invoicetronic.fatturapa.signing import envelope
from sandbox.invoicetronic.fatturapa.transport import DAMAGES, WRAPPERS

MARK = b"\xef\xbb\xbf"
XML = b"<a>5 \xe2\x82\xac</a>\n"


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("UTF-8 with two marks", MARK * 2 + b'<?xml version="1.0" encoding="UTF-8"?>\n<a>\xc3\xa8 \xe2\x82\xac</a>'),
        ("UTF-8 filled up with NULs", b'<?xml version="1.0" encoding="UTF-8"?>\n<a>\xc3\xa8 \xe2\x82\xac</a>\0\0\0'),
        ("windows-1252, declared as ISO-8859-1", b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<a>\xe8 \x80</a>'),
        ("windows-1252, not declared", b"<a>\xe8 \x80</a>"),
        ("ISO-8859-1", b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<a>\xe8 &#8364;</a>'),
        ("UTF-8 and windows-1252", b'<?xml version="1.0" encoding="UTF-8"?>\n<a>\xc3\xa8 \x80</a>'),
        ("UTF-8 and windows-1252, not declared", b"<a>\xc3\xa8 \x80</a>"),
    ],
)
def test_an_encoding_is_what_its_name_says(charset: str, content: bytes) -> None:
    assert CHARSETS[charset]("<a>è €</a>") == content


def test_an_envelope_with_long_lengths_is_ber_and_holds_the_file() -> None:
    content = envelope(XML, Draw(1, 0.5), "long")

    assert content[:2] == b"\x30\x88"
    signed = cms.ContentInfo.load(content, strict=True)["content"]
    assert signed["encap_content_info"]["content"].native == XML


def test_the_content_of_an_envelope_that_overruns_is_the_file_and_the_certificate() -> None:
    content = envelope(XML, Draw(1, 0.5), "overrun")

    before, _, behind = content.partition(XML)
    assert before[-4:-2] == b"\x04\x82"
    assert int.from_bytes(before[-2:]) == len(XML) + len(behind)
    assert b"Firmatario di prova" in behind


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "filled up with NULs"])
def test_a_damage_is_one(damage: str) -> None:
    content = envelope(XML, Draw(1, 0.5), "ber")

    assert DAMAGES[damage](content) != content
    with pytest.raises(ValueError, match=r"."):
        cms.ContentInfo.load(DAMAGES[damage](content), strict=True)["content"]["signer_infos"].native  # noqa: B018


@pytest.mark.parametrize("wrapper", [name for name in WRAPPERS if "base64" in name and "URL" not in name])
def test_a_wrapper_of_base64_holds_the_file(wrapper: str) -> None:
    for size in range(5):
        assert base64.b64decode(WRAPPERS[wrapper](XML[:size]) + b"==") == XML[:size]
