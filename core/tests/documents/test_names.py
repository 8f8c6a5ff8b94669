"""Document names: inside the store, distinct and portable, whatever an API sends."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from singer_rest_core.documents import safe_name

_HOSTILE = st.sampled_from(
    [
        *"aAbB01.-_ /\\:~%?*<>|\"'\x00\n\x7f",
        *"éßﬁ…\u017f\u0131\u0130\u041a\uff0f\uff0e\uff3c\uff1a\u202e\u0301\u200b\ud800😀",
        "..",
        "con",
        "NUL",
        "com1",
        "COM¹",
        "lpt9.txt",
        ".pdf",
        ".PDF",
        "C:",
        "-aaaaaaaaaaaaaaaa",
        "x" * 90,
    ],
)
_PART = st.one_of(st.lists(_HOSTILE, max_size=6).map("".join), st.text(max_size=12), st.text("ab-_.", max_size=4))
_PARTS = st.lists(_PART, min_size=1, max_size=3).map(tuple)
_SUFFIX = st.sampled_from([".pdf", ".xml", ".p7m", ".xml.p7m"])
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_PLAIN = st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,40}", fullmatch=True).filter(
    lambda part: not _DEVICE.fullmatch(part) and not re.search(r"-[a-z2-7]{16}$", part),
)


@given(_PARTS, _SUFFIX)
@example(("..",), ".pdf")
@example(("/etc/passwd",), ".pdf")
@example(("C:\\Windows", "..\\..\\x"), ".pdf")
@example(("\u2025", "\uff0f"), ".pdf")
def test_a_name_stays_inside_the_store_on_every_system(parts: tuple[str, ...], suffix: str) -> None:
    name = safe_name(*parts, suffix=suffix)

    assert len(PurePosixPath(name).parts) == len(PureWindowsPath(name).parts) == len(parts)
    assert not PurePosixPath(name).is_absolute()
    assert PureWindowsPath(name).anchor == ""
    assert ".." not in PurePosixPath(name).parts
    assert name.endswith(suffix)


@given(_PARTS, _SUFFIX)
@example(("con",), ".pdf")
@example(("con", "aux.x"), ".pdf")
@example(("COM¹",), ".pdf")
@example(("x" * 500,), ".xml.p7m")
@example((". .",), ".pdf")
@example(("-rf",), ".pdf")
def test_every_segment_is_valid_on_windows(parts: tuple[str, ...], suffix: str) -> None:
    for segment in safe_name(*parts, suffix=suffix).split("/"):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", segment)
        assert not segment.endswith((".", " "))
        assert not _DEVICE.fullmatch(segment.partition(".")[0])
        assert len(segment) <= 80


@given(_PARTS, _PARTS, _SUFFIX, _SUFFIX)
@example(("a", "b"), ("a/b",), ".pdf", ".pdf")
@example(("A",), ("a",), ".pdf", ".pdf")
@example(("e\u0301",), ("é",), ".pdf", ".pdf")
@example(("ß",), ("ss",), ".pdf", ".pdf")
@example(("a.xml",), ("a",), ".p7m", ".xml.p7m")
@example(("a.pdf",), ("a",), ".pdf", ".pdf")
@example(("a", ""), ("a",), ".pdf", ".pdf")
@example(("\ud83d\ude00",), ("😀",), ".pdf", ".pdf")
@example(("\ud800",), ("\ud801",), ".pdf", ".pdf")
@example(("x" * 100,), ("x" * 101,), ".pdf", ".pdf")
@example(("a", "b.pdf"), ("a.pdf", "b"), ".pdf", ".pdf")
def test_different_parts_never_share_a_name_even_if_case_is_ignored(
    one: tuple[str, ...],
    other: tuple[str, ...],
    suffix: str,
    other_suffix: str,
) -> None:
    names = {safe_name(*one, suffix=suffix).casefold(), safe_name(*other, suffix=other_suffix).casefold()}

    assert len(names) == len({(one, suffix), (other, other_suffix)})


@given(_PARTS)
@example(("Rechnung 1",))
def test_the_changed_name_of_one_document_cannot_be_requested_for_another(parts: tuple[str, ...]) -> None:
    name = safe_name(*parts, suffix=".pdf")
    forged = tuple(name.removesuffix(".pdf").split("/"))

    assert (safe_name(*forged, suffix=".pdf") == name) == (forged == parts)


@given(st.lists(_PLAIN, min_size=1, max_size=3), _SUFFIX)
def test_portable_parts_are_unchanged(parts: list[str], suffix: str) -> None:
    assert safe_name(*parts, suffix=suffix) == "/".join(parts) + suffix


@given(_PARTS, _PARTS, _SUFFIX)
def test_a_document_never_has_the_path_of_a_folder(
    one: tuple[str, ...],
    other: tuple[str, ...],
    suffix: str,
) -> None:
    document = PurePosixPath(safe_name(*one, suffix=suffix).casefold())
    folders = PurePosixPath(safe_name(*other, suffix=suffix).casefold()).parents

    assert document not in folders


@pytest.mark.parametrize(
    ("parts", "suffix", "name"),
    [
        (("invoices", "4711"), ".pdf", "invoices/4711.pdf"),
        (("../Etc", "Fattura n° 1.pdf"), ".pdf", "_Etc/Fattura_n_1-orpvjx6njrror4bs.pdf"),
        (("invoices", "../4711"), ".pdf", "invoices/_4711-va442fe43mzu6ijo.pdf"),
        (("Fattura n° 1.PDF",), ".pdf", "Fattura_n_1-l62757dpmbq2uqmq.pdf"),
        (("IT01234567890_FPR01.xml.p7m",), ".xml.p7m", "IT01234567890_FPR01-dny2g42izxzquqcu.xml.p7m"),
        (("CON", "nul"), ".xml", "_CON/_nul-vrqosneha7lvsam5.xml"),
        (("Năsăud", ""), ".pdf", "Nasaud/_-ooiwc6sz5wdshxdp.pdf"),
    ],
)
def test_names_stay_readable_and_the_same_from_release_to_release(
    parts: tuple[str, ...],
    suffix: str,
    name: str,
) -> None:
    assert safe_name(*parts, suffix=suffix) == name


@pytest.mark.parametrize("suffix", ["", "pdf", ".PDF", ".", "/.pdf", ".pdf/..", ".a.b.c", ".-x", ".pdf\n"])
def test_a_suffix_must_be_an_extension(suffix: str) -> None:
    with pytest.raises(ValueError, match="is not a suffix"):
        safe_name("4711", suffix=suffix)


def test_a_name_needs_a_part() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        safe_name(suffix=".pdf")
