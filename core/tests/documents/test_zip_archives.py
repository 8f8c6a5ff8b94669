"""ZIP archives that are harmful or broken."""

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

from singer_rest_core.documents import ArchiveRefused, Member, members

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMITS: dict[str, int] = {"max_file_size": 1 << 22, "max_total_size": 1 << 23, "max_members": 100}
_CENTRAL = b"PK\x01\x02"
_LOCAL = b"PK\x03\x04"


def _zip(*files: tuple[str | zipfile.ZipInfo, bytes], **options: Any) -> bytes:  # noqa: ANN401 - as ZipFile takes them
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        warnings.simplefilter("ignore", UserWarning)  # about duplicate names
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
def test_files_are_read_unchanged_and_folders_are_left_out(files: dict[str, bytes]) -> None:
    archive = _zip(("folder/", b""), *files.items())

    assert _read(archive) == [Member(name, content) for name, content in files.items()]


def test_an_archive_may_be_a_file() -> None:
    assert list(members(io.BytesIO(_zip(("one.xml", b"1"))), **_LIMITS)) == [Member("one.xml", b"1")]


def test_files_before_a_broken_one_are_yielded() -> None:
    archive = _zip(("one.xml", b"1"), ("two.xml", b"2"))
    second = archive.rindex(_CENTRAL)

    reading = members(archive[:second] + _patched(archive[second:], _CENTRAL, 16, b"\0\0\0\0"), **_LIMITS)

    assert next(reading) == Member("one.xml", b"1")
    with pytest.raises(ArchiveRefused, match=r"^ZIP member 'two.xml' is broken: Bad CRC-32"):
        next(reading)


def test_a_nested_archive_is_not_opened() -> None:
    inner = _zip(("../evil", b"x"))

    assert _read(_zip(("inner.zip", inner))) == [Member("inner.zip", inner)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../evil.xml", "has a path outside the archive"),
        ("a/../../evil.xml", "has a path outside the archive"),
        ("a/..", "has a path outside the archive"),
        ("/etc/passwd", "has a path outside the archive"),
        ("//host/share", "has a path outside the archive"),
        ("..\\evil.xml", "has a backslash or colon in its name"),
        ("C:/evil.xml", "has a backslash or colon in its name"),
        ("C:evil.xml", "has a backslash or colon in its name"),
        ("a.xml:stream", "has a backslash or colon in its name"),
        ("a//b.xml", "has an empty path segment in its name"),
        ("./a.xml", "has an empty path segment in its name"),
        ("../", "has a path outside the archive"),
        ("/", "has a path outside the archive"),
        ("a\nb.xml", "has a control character in its name"),
    ],
)
def test_a_harmful_name_is_refused_before_any_file_is_read(name: str, problem: str) -> None:
    archive = _zip(("good.xml", b"x"), (name, b""))

    with pytest.raises(ArchiveRefused) as refused:
        next(members(archive, **_LIMITS))

    assert str(refused.value) == f"ZIP member {name!r} {problem}"


def test_a_name_with_a_nul_character_is_refused() -> None:
    archive = _zip(("a.xmlX.exe", b"x")).replace(b"a.xmlX.exe", b"a.xml\0.exe")

    assert _refusal(archive) == r"ZIP member 'a.xml\x00.exe' has a control character in its name"


def test_a_member_without_a_name_is_refused() -> None:
    assert _refusal(_raw([(b"", b"", 0)])) == "ZIP member '' has an empty path segment in its name"


def _raw(files: Iterable[tuple[bytes, bytes, int]]) -> bytes:
    """Build an archive of uncompressed files: name, content, how many bytes too low its header offset is."""
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
def test_an_unusual_compression_method_is_refused(method: int) -> None:
    archive = _patched(_zip(("a.xml", b"x")), _CENTRAL, 10, struct.pack("<H", method))

    assert _refusal(archive) == f"ZIP member 'a.xml' uses compression method {method}; only 0 and 8 are supported"


@pytest.mark.parametrize("names", [("a.xml", "a.xml"), ("A.xml", "a.XML"), ("é.xml", "e\u0301.xml"), ("a/", "a")])
def test_names_of_the_same_file_are_refused(names: tuple[str, str]) -> None:
    archive = _zip(*[(name, b"") for name in names])

    assert _refusal(archive) == f"ZIP member {names[1]!r} occurs twice"


def test_a_folder_with_content_is_refused() -> None:
    archive = _zip(("folderX", b"x")).replace(b"folderX", b"folder/")

    assert _refusal(archive) == "ZIP member 'folder/' is a folder with content"


def test_a_zip_bomb_is_refused_by_its_ratio_in_bounded_memory() -> None:
    archive = _zip(("bomb.xml", bytes(64 << 20)))

    tracemalloc.start()
    try:
        line = _refusal(archive, max_file_size=1 << 30, max_total_size=1 << 30)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert line == "ZIP member 'bomb.xml' decompresses to more than 250 times its size"
    assert peak < 4 << 20


def test_a_zip_bomb_with_a_too_small_size_in_its_header_is_refused() -> None:
    bomb = _zip(("bomb.xml", bytes(8 << 20)))
    small = struct.pack("<L", 1000)
    archive = _patched(_patched(bomb, _CENTRAL, 24, small), _LOCAL, 22, small)

    assert _refusal(archive).startswith("ZIP member 'bomb.xml' is broken: Bad CRC-32")


def test_a_too_large_size_in_a_header_is_refused() -> None:
    archive = _patched(_zip(("a.xml", b"x" * 100)), _CENTRAL, 24, struct.pack("<L", 2000))

    assert _refusal(archive) == "ZIP member 'a.xml' is shorter than its header says"


def test_decompressed_bytes_are_counted_whatever_the_headers_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _zip(("a.xml", b"x" * 100))
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda _, size: bytes(size))

    assert _refusal(archive, max_file_size=100_000) == "ZIP member 'a.xml' has more than 100000 bytes"
    assert _refusal(archive) == "ZIP member 'a.xml' decompresses to more than 250 times its size"


def test_a_harmful_second_name_in_an_extra_field_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = zipfile.ZipFile(io.BytesIO(_zip(("a.xml", b"x")))).infolist()
    entries[0].filename = "../evil.xml"  # as later versions of zipfile do for the field 0x7075
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda _: entries)

    assert _refusal(_zip(("a.xml", b"x"))).endswith("has a path outside the archive")


def test_repetitive_xml_is_accepted() -> None:
    content = b"".join(b"<Linea><Prezzo>%d.00</Prezzo></Linea>\n" % number for number in range(60_000))

    assert _read(_zip(("a.xml", content))) == [Member("a.xml", content)]


def test_limits_apply_to_decompressed_sizes() -> None:
    archive = _zip(("a.xml", b"x" * 100), ("b.xml", b"y" * 100))

    assert len(_read(archive, max_file_size=100, max_total_size=200, max_members=2)) == 2
    assert _refusal(archive, max_file_size=99) == "ZIP member 'a.xml' has more than 99 bytes"
    assert _refusal(archive, max_total_size=199) == "ZIP member 'b.xml' exceeds the size limit of the archive"
    assert _refusal(archive, max_members=1) == "The ZIP archive has 2 members, more than 1"


def test_members_that_share_compressed_bytes_are_refused() -> None:
    inside, same, apart = (_raw([(b"a.xml", b"x" * 50, 0), (b"b.xml", b"", shift)]) for shift in (40, 85, 0))

    assert _refusal(inside) == "ZIP member 'a.xml' overlaps another member"
    assert _refusal(same) == "ZIP member 'b.xml' overlaps another member"
    assert [member.name for member in _read(apart)] == ["a.xml", "b.xml"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<html>Gateway timeout</html>", b"PK\x05\x06" + b"\xff" * 18])
def test_content_that_is_not_an_archive_is_refused(content: bytes) -> None:
    assert _refusal(content).startswith("The ZIP archive cannot be opened: ")


def test_a_truncated_archive_is_refused() -> None:
    archive = _zip(("one.xml", b"1" * 50), ("two.xml", bytes(range(200))))

    for length in range(len(archive)):
        assert "ZIP" in _refusal(archive[:length])


@given(st.data())
def test_a_changed_byte_never_causes_another_error_or_other_content(data: st.DataObject) -> None:
    files = [Member("one.xml", b"1" * 50), Member("two.xml", bytes(range(200)))]
    archive = bytearray(_zip(*[(member.name, member.content) for member in files]))
    archive[data.draw(st.integers(0, len(archive) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        read = _read(bytes(archive))
    except ArchiveRefused as refused:
        assert "ZIP" in str(refused)  # noqa: PT017 - refusal and success are both right; the message must be ours
    else:
        assert {member.content for member in read} <= {member.content for member in files}
