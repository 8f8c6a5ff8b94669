"""Files as real programs write and spoil them: what any sane reader would read has the rows of the flawless file."""

from __future__ import annotations

import quopri
import time
from base64 import b64encode
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.invoicetronic.fatturapa import invoices
from sandbox.invoicetronic.fatturapa.charsets import CHARSETS
from sandbox.invoicetronic.fatturapa.draw import Draw
from sandbox.invoicetronic.fatturapa.nodes import to_xml
from sandbox.invoicetronic.fatturapa.signing import envelope
from sandbox.invoicetronic.fatturapa.transport import DAMAGES, WRAPPERS
from tap_invoicetronic.fattura import NotAFattura, Origin, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.invoicetronic.fatturapa import GeneratedInvoice
    from sandbox.invoicetronic.fatturapa.signing import Wrapping

ORIGIN = Origin("receive", 1, "IT01234567890_00001.xml.p7m")
NAMESPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")
COUNT = 40
REGULAR, IRREGULAR = "CAdES", "CAdES, irregular"
FORMS: tuple[Wrapping, ...] = ("der", "ber", "long", "overrun")
REGULAR_FORMS = ("der", "ber")
HARMLESS = "filled up with NULs"
NUMBERS = st.integers(0, COUNT - 1)


@cache
def sample() -> tuple[GeneratedInvoice, ...]:
    return tuple(islice(invoices(seed=7), COUNT))


@cache
def root_of(number: int) -> str:
    """Return an invoice without an XML declaration; some are one line."""
    return to_xml(sample()[number].root, pretty=number % 3 != 0)


@cache
def flawless(number: int) -> dict[str, list[dict[str, Any]]]:
    return read(root_of(number), ORIGIN)


def rows_and_firma(content: bytes, number: int) -> tuple[Any, Any]:
    """Return the rows of a file with the `firma` of the flawless one, and its own."""
    rows = read(content, ORIGIN)
    (firma,) = {row["firma"] for row in rows["fattura"]}
    unsigned = flawless(number)["fattura"][0]["firma"]
    return {**rows, "fattura": [{**row, "firma": unsigned} for row in rows["fattura"]]}, firma


def signed(content: bytes, form: Wrapping) -> bytes:
    return envelope(content, Draw(len(content), 0.5), form)


def damaged(content: bytes, damages: set[str]) -> bytes:
    for name, damage in DAMAGES.items():
        if name in damages:
            content = damage(content)
    return content


def test_the_sample_has_characters_of_every_kind() -> None:
    characters = {letter for number in range(COUNT) for letter in root_of(number)}

    assert {"è", "½", "«", "€", "œ", "Š"} <= characters
    assert "\n" not in root_of(0)
    assert "\n" in root_of(1)


@pytest.mark.parametrize("charset", CHARSETS)
@given(number=NUMBERS, wrapper=st.sampled_from(list(WRAPPERS)))
@settings(max_examples=8, deadline=None)
def test_a_file_is_read_in_every_encoding_and_text(charset: str, number: int, wrapper: str) -> None:
    content = WRAPPERS[wrapper](CHARSETS[charset](root_of(number)))

    assert read(content, ORIGIN) == flawless(number)


@pytest.mark.parametrize("form", FORMS)
@given(
    number=NUMBERS,
    charset=st.sampled_from(list(CHARSETS)),
    wrapper=st.sampled_from(list(WRAPPERS)),
    damages=st.sets(st.sampled_from(list(DAMAGES))),
)
@settings(max_examples=50, deadline=None)
def test_a_signed_file_is_read_in_every_envelope(
    form: Wrapping, number: int, charset: str, wrapper: str, damages: set[str]
) -> None:
    whole = signed(CHARSETS[charset](root_of(number)), form)
    content = damaged(whole, damages)

    rows, firma = rows_and_firma(WRAPPERS[wrapper](content), number)

    assert rows == flawless(number)
    assert firma in {REGULAR, IRREGULAR}
    if content == whole and form in REGULAR_FORMS:
        assert firma == REGULAR


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", [None, *DAMAGES])
def test_firma_says_that_the_envelope_was_irregular(form: Wrapping, damage: str | None) -> None:
    whole = signed(CHARSETS["UTF-8"](root_of(1)), form)
    content = DAMAGES[damage](whole) if damage is not None else whole
    is_regular = form in REGULAR_FORMS and (content == whole or damage == HARMLESS)

    rows, firma = rows_and_firma(content, 1)

    assert rows == flawless(1)
    assert firma == (REGULAR if is_regular else IRREGULAR)


@given(
    number=NUMBERS,
    outer=st.sampled_from(FORMS),
    inner=st.sampled_from(FORMS),
    damages=st.sets(st.sampled_from(list(DAMAGES))),
)
@settings(max_examples=30, deadline=None)
def test_an_envelope_in_an_envelope_is_read(number: int, outer: Wrapping, inner: Wrapping, damages: set[str]) -> None:
    content = damaged(signed(CHARSETS["UTF-8"](root_of(number)), inner), damages)

    rows, firma = rows_and_firma(signed(content, outer), number)

    assert rows == flawless(number)
    assert firma in {REGULAR, IRREGULAR}


def xml(text: str = "", *, attributes: str = "", inside: str = "", declaration: str = "UTF-8") -> str:
    """Return a small invoice with a text in it."""
    return (
        f'<?xml version="1.0" encoding="{declaration}"?>\n'
        f'<p:FatturaElettronica xmlns:p="{NAMESPACE}" versione="FPR12"{attributes}><FatturaElettronicaBody>'
        f"<DatiGenerali><DatiGeneraliDocumento><Numero>88/A</Numero><Causale>{text}</Causale></DatiGeneraliDocumento>"
        f"</DatiGenerali>{inside}</FatturaElettronicaBody></p:FatturaElettronica>\n"
    )


def row_of(content: bytes | str) -> dict[str, Any]:
    (row,) = read(content, ORIGIN)["fattura"]
    assert row["numero"] == "88/A"
    return row


def causale(content: bytes) -> str:
    (text,) = row_of(content)["causale"]
    return str(text)


NOT_URIS = [
    "http://gestionale.example/schemi/XSD fattura mod.xsd",
    "http://gestionale.example/&quot;1.2&quot;",
    "http://gestionale.example/l'altro &quot;modulo&quot;",
    "http://società.example/fattura",
    "http://gestionale.example/100%",
    "%zz",
    "http://[gestionale",
    "C:\\schemi\\fattura.xsd",
    "http://gestionale.example/{0}|{1}",
    "schemi/fattura.xsd",
    "fattura",
    " ",
    "\n\t http://gestionale.example",
]


@pytest.mark.parametrize("uri", NOT_URIS)
@pytest.mark.parametrize("wrapper", ["none", "base64"])
def test_a_namespace_that_is_no_uri_is_read(uri: str, wrapper: str) -> None:
    unused = row_of(WRAPPERS[wrapper](xml("Caffè", attributes=f' xmlns:q="{uri}"').encode()))
    used = row_of(WRAPPERS[wrapper](xml("Caffè", attributes=f' xmlns:q="{uri}"', inside="<q:Nota>1</q:Nota>").encode()))

    assert unused["causale"] == used["causale"] == ["Caffè"]
    assert unused["_rescued_data"] is None
    assert list(used["_rescued_data"].values()) == ["1"]


@pytest.mark.parametrize("uri", NOT_URIS)
def test_the_format_itself_may_have_a_namespace_that_is_no_uri(uri: str) -> None:
    row = row_of(xml().replace(NAMESPACE, uri))

    assert row["versione"] == "FPR12"
    assert row["_rescued_data"] is None


def test_a_namespace_with_a_blank_behind_it_is_the_one_that_was_meant() -> None:
    signature = '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig# "/>'
    location = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance " xsi:schemaLocation="a b"'
    row = row_of(xml(attributes=location).replace("</p:Fattura", f"{signature}</p:Fattura"))

    assert row["firma"] == "XAdES"
    assert row["_rescued_data"] is None


def test_hundreds_of_namespaces_that_are_no_uri_are_read() -> None:
    lines = '<q:Nota xmlns:q="XSD fattura">1</q:Nota>' * 300

    assert row_of(xml(inside=lines))["_rescued_data"] == {"FatturaElettronicaBody/{XSD fattura}Nota": ["1"] * 300}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("</Numero>", "</Nummer>"),
        ("</Numero>", ""),
        ("<Numero>", "<q:Numero>"),
        ("<Numero>", '<Numero a="1" a="2">'),
        ("<Numero>", '<Numero xmlns:a="x y" xmlns:b="x y" a:c="1" b:c="2">'),
        ("<Numero>", "<Numero>&eacute;"),
        ("<Numero>", "<Numero>\x0c"),
        ("<Numero>", "<Numero><r:a/>"),
        ("<Numero>", '<Numero><a xmlns:r=""/>'),
        ("</p:FatturaElettronica>", ""),
        ("</p:FatturaElettronica>", "<x></p:FatturaElettronica>"),
        ("<p:", "<!DOCTYPE p><p:"),
    ],
)
@pytest.mark.parametrize("count", [1, 300])
def test_a_namespace_that_is_no_uri_excuses_nothing_else(before: str, after: str, count: int) -> None:
    declarations = '<q:Nota xmlns:q="XSD fattura"/>' * count
    broken = xml(attributes=' xmlns:u="x y"', inside=declarations).replace(before, after)

    for content in (broken.encode(), signed(broken.encode(), "der")):
        with pytest.raises(NotAFattura, match=r"^not a FatturaPA invoice\b.{5,100}$"):
            read(content, ORIGIN)


@pytest.mark.parametrize("declaration", ["UTF-8", "windows-1252", "ISO-8859-1", "US-ASCII"])
def test_utf8_and_windows_1252_may_be_mixed_in_one_file(declaration: str) -> None:
    text = xml("CAFFE 5GRADI \u2013 7 EUR \u2013 L§UOMO", declaration=declaration).encode()
    mixed = text.replace(b"CAFFE", "Caffè".encode()).replace(b"GRADI", b"\xb0").replace(b" EUR", b"\x80")
    mixed = mixed.replace("§".encode(), b"\x92")

    assert causale(mixed) == "Caffè 5° \u2013 7€ \u2013 L\u2019UOMO"


@pytest.mark.parametrize("word", ["«PERCHÉ»", "PIÙ°", "“È”", "COSÌ\u2019", "Ò…", "perché\u2019", "Ü”"])
def test_capital_letters_and_quotation_marks_of_windows_1252_are_not_taken_for_utf8(word: str) -> None:
    assert causale(xml(f"{word} è").encode("cp1252")) == f"{word} è"


@pytest.mark.parametrize("word", ["Žižek", "Țară", "Αθήνα", "Москва", "你好", "😀"])
def test_words_in_utf8_stay_beside_a_byte_of_windows_1252(word: str) -> None:
    assert causale(xml(f"{word} 5GRADI").encode().replace(b"GRADI", b"\xb0")) == f"{word} 5°"


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
@pytest.mark.parametrize("declaration", ["UTF-8", "windows-1252", "cp1252", "ISO-8859-1"])
def test_a_byte_that_windows_1252_does_not_define_is_kept(byte: int, declaration: str) -> None:
    content = xml("Rata X però 5 EUR", declaration=declaration).encode("cp1252")
    content = content.replace(b"X", bytes((byte,))).replace(b"EUR", b"\x80")

    assert causale(content) == f"Rata {chr(byte)} però 5 €"


def test_windows_1252_declared_as_iso_8859_is_read_as_what_it_is() -> None:
    words = "€ 5 \u2013 l\u2019ora “più” œ Š…"
    assert causale(xml(words, declaration="ISO-8859-1").encode("cp1252")) == words
    assert causale(xml("l\u2019ora ¤", declaration="ISO-8859-15").encode("cp1252")) == "l\u2019ora €"


def test_an_encoding_of_other_countries_is_read_as_declared() -> None:
    assert causale(xml("Łódź", declaration="ISO-8859-2").encode("iso-8859-2")) == "Łódź"
    assert causale(xml("Łódź", declaration="windows-1250").encode("windows-1250")) == "Łódź"


@pytest.mark.parametrize("mark", ["\ufeff", "\ufeff\ufeff", "\ufeff\ufeff\ufeff", "\ufeff\r\n\ufeff"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("nuls", [0, 1, 2, 3, 512])
def test_marks_in_front_and_nuls_behind_are_ignored(mark: str, codec: str, nuls: int) -> None:
    content = f"{mark}{xml('Perché', declaration=codec[:6].upper())}".encode(codec) + bytes(nuls)

    assert causale(content) == causale(signed(content, "ber")) == causale(signed(content, "overrun")) == "Perché"
    assert row_of(signed(content, "der"))["firma"] == REGULAR


@pytest.mark.parametrize("codec", ["utf-32", "utf-32-le", "utf-32-be"])
def test_a_file_in_utf32_is_read(codec: str) -> None:
    assert causale(xml("Perché 5 €", declaration="UTF-32").encode(codec) + bytes(7)) == "Perché 5 €"


def test_a_utf16_file_whose_last_nul_was_cut_off_is_read() -> None:
    assert causale(xml("Perché", declaration="UTF-16").rstrip().encode("utf-16")[:-1]) == "Perché"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "cp1252"])
def test_a_content_in_a_spoiled_envelope_is_read_in_its_own_encoding(form: Wrapping, codec: str) -> None:
    declaration = "windows-1252" if codec == "cp1252" else "UTF-16"
    content = signed(xml("Perché 5 €", declaration=declaration).encode(codec), form)

    assert causale(content[:-300]) == causale(DAMAGES["LF turned into CRLF"](content)) == "Perché 5 €"


@pytest.mark.parametrize("declaration", ["windows-1252", "UTF-8"])
def test_an_invoice_is_found_in_an_envelope_without_structure(declaration: str) -> None:
    content = signed(xml("Perché 5 €", declaration=declaration).encode("cp1252"), "der").replace(DATA, b"\x06\x01\x00")

    assert causale(content) == "Perché 5 €"
    assert row_of(content)["firma"] == IRREGULAR


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.replace(b"</Numero>", b"</Nummer>"),
        lambda content: content.replace(b"</p:FatturaElettronica>", b""),
        lambda content: content[: content.index(b"</DatiGenerali>")],
        lambda content: content.replace(b"<p:", b'<!DOCTYPE p [<!ENTITY a "1">]><p:'),
        lambda content: content + content,
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_an_invoice_that_is_not_whole_is_refused_in_every_envelope(
    form: Wrapping, spoil: Callable[[bytes], bytes]
) -> None:
    whole = xml("x" * 2000).encode()

    for content in (signed(spoil(whole), form), signed(whole, form)[:900]):
        with pytest.raises(NotAFattura, match=r"^not a FatturaPA invoice\b.{5,100}$"):
            read(content, ORIGIN)


def test_a_data_url_need_not_be_base64() -> None:
    assert causale(b"data:text/xml," + quote(xml("Perché")).encode()) == "Perché"
    assert causale(b"DATA:application/xml;charset=utf-8;base64," + quote(b64encode(xml("È").encode())).encode()) == "È"


def test_a_message_may_be_quoted_printable_or_pem_have_headers_and_words_around_it() -> None:
    message = b"Content-Transfer-Encoding: quoted-printable\n\n" + quopri.encodestring(xml("Perché").encode())
    lines = WRAPPERS["base64 in lines"](signed(xml("Perché").encode(), "der"))
    pem = b"subject=CN\n-----BEGIN CMS-----\nProc-Type: 4,CLEAR\n\n" + lines + b"-----END CMS-----\nfine\n"

    assert causale(message) == causale(pem) == causale(pem[:-60]) == "Perché"


def test_a_base64_text_that_was_cut_off_in_the_signature_is_read() -> None:
    text = WRAPPERS["base64 without padding"](signed(xml("Perché").encode(), "der"))

    for missing in range(1, 9):
        assert row_of(text[:-missing])["firma"] == IRREGULAR


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x30\x80" + SIGNED_DATA + b"\x24\x80" * 500_000,
        b"\x30\x80" + SIGNED_DATA + DATA + b"\xa0\x80" + b"\x24\x80" * 500_000,
        b"\x30\x80" + SIGNED_DATA + DATA + b"\xa0\x80" + b"\x04\x00" * 500_000,
        b"\x30\x80" + SIGNED_DATA + DATA + b"\xa0\x80" + bytes(1_000_000),
        b"\x30\x80" + SIGNED_DATA + b"<p:FatturaElettronica>" * 50_000,
        b"\x30\x80" + SIGNED_DATA + b"<p:FatturaElettronica></p:FatturaElettronica" * 25_000,
        b"\x30\x80" + SIGNED_DATA + b"<?xml " * 150_000 + b"<FatturaElettronica ",
        b"<a " + b"\xe8\xc3\xa8" * 300_000,
        b"<a" + b' xmlns:q="x y"' * 70_000,
        b"data:" * 200_000,
        b"-----BEGIN " * 90_000,
        b"A:b\n" * 250_000,
        b"A:\n " * 250_000,
        b"MIIB\n-_" * 150_000,
        b"\xef\xbb\xbf\r\n" * 200_000,
    ],
)
def test_no_megabyte_takes_longer_than_its_size_explains(hostile: bytes) -> None:
    start = time.process_time()
    with pytest.raises(NotAFattura):
        read(hostile, ORIGIN)

    assert time.process_time() - start < 20
