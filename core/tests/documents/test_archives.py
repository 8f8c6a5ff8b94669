"""ZIP archives that were made to do harm, or broke on the way."""

from __future__ import annotations

import io
import stat
import struct
import tracemalloc
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.documents.zip_archives import ArchiveRefused, Member, members

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMITS: dict[str, int] = {"longest": 1 << 22, "total": 1 << 23, "most": 100}
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"


def _zip(*files: tuple[str | zipfile.ZipInfo, bytes], **options: Any) -> bytes:  # noqa: ANN401 - as ZipFile takes them
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        warnings.simplefilter("ignore", UserWarning)  # of names given twice
        for name, content in files:
            archive.writestr(name, content, compress_type=getattr(name, "compress_type", None) or zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _patched(archive: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite a field of the first header with this signature."""
    start = archive.index(signature) + offset
    return archive[:start] + value + archive[start + len(value) :]


def _read(content: bytes, **limits: int) -> list[Member]:
    return list(members(content, **(_LIMITS | limits)))


def _refusal(content: bytes, **limits: int) -> str:
    with pytest.raises(ArchiveRefused) as refused:
        _read(content, **limits)
    line = str(refused.value)
    assert line.isprintable()
    return line


def _attributes(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    entry.create_system = 3
    return entry


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}(/[a-z]{1,5}\.xml)?", fullmatch=True), st.binary(max_size=99)))
def test_files_come_out_as_they_went_in_and_folders_are_left_out(files: dict[str, bytes]) -> None:
    archive = _zip(("folder/", b""), *files.items())

    assert _read(archive) == [Member(name, content) for name, content in files.items()]


def test_an_archive_may_be_a_file() -> None:
    assert list(members(io.BytesIO(_zip(("one.xml", b"1"))), **_LIMITS)) == [Member("one.xml", b"1")]


def test_files_before_a_broken_one_are_handed_on() -> None:
    archive = _zip(("one.xml", b"1"), ("two.xml", b"2"))
    second = archive.rindex(_CENTRAL)

    reading = members(archive[:second] + _patched(archive[second:], _CENTRAL, 16, b"\0\0\0\0"), **_LIMITS)

    assert next(reading) == Member("one.xml", b"1")
    with pytest.raises(ArchiveRefused, match=r"^ZIP member 'two.xml' is broken: Bad CRC-32"):
        next(reading)


def test_an_archive_in_an_archive_is_handed_on_unopened() -> None:
    inner = _zip(("../evil", b"x"))

    assert _read(_zip(("inner.zip", inner))) == [Member("inner.zip", inner)]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../evil.xml", "leads out of the archive"),
        ("a/../../evil.xml", "leads out of the archive"),
        ("a/..", "leads out of the archive"),
        ("/etc/passwd", "leads out of the archive"),
        ("//host/share", "leads out of the archive"),
        ("..\\evil.xml", "has a backslash or colon in its name"),
        ("C:/evil.xml", "has a backslash or colon in its name"),
        ("C:evil.xml", "has a backslash or colon in its name"),
        ("a.xml:stream", "has a backslash or colon in its name"),
        ("a//b.xml", "has an empty step in its name"),
        ("./a.xml", "has an empty step in its name"),
        ("../", "leads out of the archive"),
        ("/", "leads out of the archive"),
        ("a\nb.xml", "has a control character in its name"),
    ],
)
def test_a_name_that_plays_tricks_is_refused_before_any_file_is_read(name: str, fault: str) -> None:
    archive = _zip(("good.xml", b"x"), (name, b""))

    with pytest.raises(ArchiveRefused) as refused:
        next(members(archive, **_LIMITS))

    assert str(refused.value) == f"ZIP member {name!r} {fault}"


def test_a_name_that_ends_early_for_some_readers_is_refused() -> None:
    archive = _zip(("a.xmlX.exe", b"x")).replace(b"a.xmlX.exe", b"a.xml\0.exe")

    assert _refusal(archive) == r"ZIP member 'a.xml\x00.exe' has a control character in its name"


def test_a_member_without_a_name_is_refused() -> None:
    assert _refusal(_raw([(b"", b"", 0)])) == "ZIP member '' has an empty step in its name"


def _raw(files: Iterable[tuple[bytes, bytes, int]]) -> bytes:
    """Build an archive of stored files by hand: name, content, how much too early its header is said to be."""
    body = b""
    directory = b""
    count = 0
    for name, content, shift in files:
        crc = zlib.crc32(content)
        offset = len(body) - shift
        sizes = struct.pack("<LLL", crc, len(content), len(content))
        body += _LOCAL + struct.pack("<HHHHH", 20, 0, 0, 0, 33) + sizes + struct.pack("<HH", len(name), 0)
        body += name + content
        directory += _CENTRAL + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, 33) + sizes
        directory += struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, offset) + name
        count += 1
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(kind: int) -> None:
    archive = _zip((_attributes("link.xml", kind | 0o777), b"/etc/passwd"))

    assert _refusal(archive) == "ZIP member 'link.xml' is a link or device"


def test_ordinary_unix_modes_are_accepted() -> None:
    archive = _zip((_attributes("d/", stat.S_IFDIR | 0o755), b""), (_attributes("d/a.xml", stat.S_IFREG | 0o644), b"x"))

    assert _read(archive) == [Member("d/a.xml", b"x")]


@pytest.mark.parametrize("flag", [0x1, 0x41, 0x2000])
def test_encrypted_members_are_refused(flag: int) -> None:
    archive = _patched(_zip(("a.xml", b"secret")), _CENTRAL, 8, struct.pack("<H", flag))

    assert _refusal(archive) == "ZIP member 'a.xml' is encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, 99])
def test_unusual_packing_is_refused(method: int) -> None:
    archive = _patched(_zip(("a.xml", b"x")), _CENTRAL, 10, struct.pack("<H", method))

    assert _refusal(archive) == f"ZIP member 'a.xml' is packed by method {method}; only 0 and 8 are opened"


@pytest.mark.parametrize("names", [("a.xml", "a.xml"), ("A.xml", "a.XML"), ("é.xml", "e\u0301.xml"), ("a/", "a")])
def test_names_that_are_one_file_are_refused(names: tuple[str, str]) -> None:
    archive = _zip(*[(name, b"") for name in names])

    assert _refusal(archive) == f"ZIP member {names[1]!r} is there twice"


def test_a_folder_with_content_is_refused() -> None:
    archive = _zip(("folderX", b"x")).replace(b"folderX", b"folder/")

    assert _refusal(archive) == "ZIP member 'folder/' is a folder with content"


def test_a_bomb_is_refused_by_its_ratio_with_bounded_memory() -> None:
    archive = _zip(("bomb.xml", bytes(64 << 20)))

    tracemalloc.start()
    try:
        line = _refusal(archive, longest=1 << 30, total=1 << 30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert line == "ZIP member 'bomb.xml' inflates to more than 250 times its size"
    assert peak < 4 << 20


def test_a_header_that_understates_the_size_of_a_bomb_does_not_let_it_through() -> None:
    bomb = _zip(("bomb.xml", bytes(8 << 20)))
    small = struct.pack("<L", 1000)
    archive = _patched(_patched(bomb, _CENTRAL, 24, small), _LOCAL, 22, small)

    assert _refusal(archive).startswith("ZIP member 'bomb.xml' is broken: Bad CRC-32")


def test_a_header_that_overstates_a_size_is_refused() -> None:
    archive = _patched(_zip(("a.xml", b"x" * 100)), _CENTRAL, 24, struct.pack("<L", 2000))

    assert _refusal(archive) == "ZIP member 'a.xml' is shorter than its header says"


def test_what_comes_out_is_counted_whatever_the_headers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _zip(("a.xml", b"x" * 100))
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda _, size: bytes(size))

    assert _refusal(archive, longest=100_000) == "ZIP member 'a.xml' has more than 100000 bytes"
    assert _refusal(archive) == "ZIP member 'a.xml' inflates to more than 250 times its size"


def test_a_second_name_in_an_extra_field_plays_no_tricks_either(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = zipfile.ZipFile(io.BytesIO(_zip(("a.xml", b"x")))).infolist()
    entries[0].filename = "../evil.xml"  # as later versions of zipfile do for the field 0x7075
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda _: entries)

    assert _refusal(_zip(("a.xml", b"x"))).endswith("leads out of the archive")


def test_repetitive_xml_is_no_bomb() -> None:
    content = b"".join(b"<Linea><Prezzo>%d.00</Prezzo></Linea>\n" % number for number in range(60_000))

    assert _read(_zip(("a.xml", content))) == [Member("a.xml", content)]


def test_limits_count_what_comes_out() -> None:
    archive = _zip(("a.xml", b"x" * 100), ("b.xml", b"y" * 100))

    assert len(_read(archive, longest=100, total=200, most=2)) == 2
    assert _refusal(archive, longest=99) == "ZIP member 'a.xml' has more than 99 bytes"
    assert _refusal(archive, total=199) == "ZIP member 'b.xml' brings the files of the archive over the limit"
    assert _refusal(archive, most=1) == "The ZIP archive has 2 members, more than 1"


def test_members_that_share_packed_bytes_are_refused() -> None:
    inside, same, apart = (_raw([(b"a.xml", b"x" * 50, 0), (b"b.xml", b"", shift)]) for shift in (40, 85, 0))

    assert _refusal(inside) == "ZIP member 'a.xml' overlaps another member"
    assert _refusal(same) == "ZIP member 'b.xml' overlaps another member"
    assert [member.name for member in _read(apart)] == ["a.xml", "b.xml"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>Gateway timeout</html>", b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    assert _refusal(content).startswith("The ZIP archive cannot be opened: ")


def test_an_archive_cut_anywhere_is_refused() -> None:
    archive = _zip(("one.xml", b"1" * 50), ("two.xml", bytes(range(200))))

    for length in range(len(archive)):
        assert "ZIP" in _refusal(archive[:length])


@given(st.data())
def test_a_changed_byte_never_brings_another_error_nor_other_content(data: st.DataObject) -> None:
    files = [Member("one.xml", b"1" * 50), Member("two.xml", bytes(range(200)))]
    archive = bytearray(_zip(*[(member.name, member.content) for member in files]))
    archive[data.draw(st.integers(0, len(archive) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        read = _read(bytes(archive))
    except ArchiveRefused as refused:
        assert "ZIP" in str(refused)  # noqa: PT017 - either way is right; the message must be ours
    else:
        assert {member.content for member in read} <= {member.content for member in files}
