"""The document store: atomic writes, no repeated writes, and no credentials in messages."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import subprocess
import sys
import threading
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from fsspec.config import conf  # type: ignore[import-untyped] # fsspec has no types
from fsspec.core import open as open_url  # type: ignore[import-untyped] # as above
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped] # as above
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from singer_rest_core.documents import (
    DOCUMENT_PROPERTIES,
    DOCUMENTS_URL,
    Document,
    DocumentStore,
    DocumentsUnusable,
    documents_url_errors,
    members,
    safe_name,
)
from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PDF = "application/pdf"
_TAP = "tap-x"
_MINUTE = 60


@pytest.fixture
def bucket() -> Iterator[str]:
    """An empty bucket in fsspec's memory file system, which has one put and no rename."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    yield "memory:///bucket/documents"
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path, bucket: str) -> str:
    return bucket if request.param == "bucket" else str(tmp_path / "documents")


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def _raise(error: BaseException) -> NoReturn:
    raise error


def test_a_document_is_read_as_it_was_stored(url: str) -> None:
    store = DocumentStore(url)

    document = store.put("invoices/4711.pdf", b"%PDF-1.7", media_type=_PDF)

    assert store.read("invoices/4711.pdf") == b"%PDF-1.7"
    assert (document.name, document.media_type, document.size) == ("invoices/4711.pdf", _PDF, 8)
    assert document.sha256 == hashlib.sha256(b"%PDF-1.7").hexdigest()
    assert store.find("invoices/4711.pdf", media_type=_PDF) == document
    with open_url(document.url, "rb") as file:
        assert file.read() == b"%PDF-1.7"


@given(st.lists(st.binary(max_size=50), max_size=5), st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_chunks_and_bytes_give_the_same_document_under_any_name(chunks: list[bytes], parts: list[str]) -> None:
    store = DocumentStore("memory://round-trip")
    name = safe_name(*parts, suffix=".xml")

    by_chunks = store.put(name, iter(chunks), media_type="application/xml")

    assert store.read(name) == b"".join(chunks)
    assert by_chunks == store.put(name, b"".join(chunks), media_type="application/xml")


@pytest.mark.parametrize("size", [0, 8, (4 << 20) + 1, 9 << 20])
def test_a_file_is_stored_and_read_back_piece_by_piece(url: str, tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)  # noqa: S311 - no secret
    source = tmp_path / "source"
    source.write_bytes(content)
    store = DocumentStore(url)

    with source.open("rb") as file:
        file.seek(size // 2)
        stored = store.put("4711.pdf", file, media_type=_PDF)

    assert stored == store.put("4711.pdf", content, media_type=_PDF)
    with store.open("4711.pdf") as file:
        file.seek(size // 3)
        assert file.read() == content[size // 3 :]


def test_a_file_that_is_stored_already_is_not_written_again(tmp_path: Path) -> None:
    store = DocumentStore(str(tmp_path / "documents"))
    store.put("4711.pdf", b"%PDF-1.7", media_type=_PDF)
    path = tmp_path / "documents" / "4711.pdf"
    before = path.stat()
    store.put("4711.pdf", io.BytesIO(b"%PDF-1.7"), media_type=_PDF)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_document_that_is_none_cannot_be_opened(url: str) -> None:
    with pytest.raises(DocumentsUnusable, match=r"4711\.pdf cannot be read"):
        DocumentStore(url).open("4711.pdf")


def test_an_archive_passes_through_the_store_without_passing_through_memory(tmp_path: Path) -> None:
    store, source = DocumentStore(str(tmp_path / "documents")), tmp_path / "archive.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for number in range(60):
            archive.writestr(f"{number}.xml", random.Random(number).randbytes(1 << 20))  # noqa: S311 - no secret
    tracemalloc.start()
    try:
        with source.open("rb") as file:
            store.put("export.zip", file, media_type="application/zip")
        with store.open("export.zip") as file:
            sizes = [
                len(member.content)
                for member in members(file, max_file_size=2 << 20, max_total_size=1 << 30, max_members=100)
            ]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes == [1 << 20] * 60
    assert peak < 12 << 20


def test_a_record_has_exactly_the_columns_of_its_schema(url: str) -> None:
    record = DocumentStore(url).put("4711.pdf", b"%PDF-1.7", media_type=_PDF).record()

    assert list(record) == list(DOCUMENT_PROPERTIES)
    Draft202012Validator({"properties": DOCUMENT_PROPERTIES}).validate(record)
    assert record["size"] == 8


def test_a_new_version_replaces_the_old_one(url: str) -> None:
    store = DocumentStore(url)
    store.put("4711.pdf", b"first", media_type=_PDF)

    assert store.put("4711.pdf", b"second", media_type=_PDF).size == 6
    assert store.put("4711.pdf", [b"", b"third"], media_type=_PDF).size == 5
    assert store.read("4711.pdf") == b"third"


@pytest.mark.parametrize("again", [b"%PDF-1.7", [b"%PDF", b"-1.7"]], ids=["one piece", "chunks"])
def test_the_same_content_is_not_written_again(tmp_path: Path, again: bytes | list[bytes]) -> None:
    store = DocumentStore(str(tmp_path))
    first = store.put("4711.pdf", b"%PDF-1.7", media_type=_PDF)
    before = (tmp_path / "4711.pdf").stat()

    assert store.put("4711.pdf", again, media_type=_PDF) == first

    after = (tmp_path / "4711.pdf").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("again", [b"%PDF-1.7", [b"%PDF", b"-1.7"]], ids=["one piece", "chunks"])
def test_unchanged_content_is_not_sent_to_a_bucket_again(
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    again: bytes | list[bytes],
) -> None:
    store = DocumentStore(bucket)
    first = store.put("4711.pdf", b"%PDF-1.7", media_type=_PDF)
    for method in ("pipe_file", "put_file"):
        monkeypatch.setattr(MemoryFileSystem, method, lambda *_: _raise(AssertionError("sent again")))

    assert store.put("4711.pdf", again, media_type=_PDF) == first


def test_different_content_of_the_same_size_is_written(url: str) -> None:
    store = DocumentStore(url)
    store.put("4711.pdf", b"a" * 9_000_000 + b"1", media_type=_PDF)
    second = store.put("4711.pdf", b"a" * 9_000_000 + b"2", media_type=_PDF)

    assert store.read("4711.pdf")[-1:] == b"2"
    assert store.find("4711.pdf", media_type=_PDF) == second


def test_the_store_knows_whether_a_document_exists_unchanged(url: str) -> None:
    store = DocumentStore(url)
    document = store.put("a/4711.pdf", b"%PDF-1.7", media_type=_PDF)

    assert store.has("a/4711.pdf")
    assert store.has("a/4711.pdf", size=8)
    assert store.has("a/4711.pdf", sha256=document.sha256.upper(), size=8)
    assert not store.has("a/4711.pdf", size=9)
    assert not store.has("a/4711.pdf", sha256=hashlib.sha256(b"other").hexdigest())
    assert not store.has("a/4712.pdf")
    assert not store.has("b/4711.pdf")
    assert store.find("a/4712.pdf", media_type=_PDF) is None


def test_checking_the_size_of_a_document_does_not_read_it(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DocumentStore(bucket)
    store.put("4711.pdf", b"%PDF-1.7", media_type=_PDF)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", lambda *_, **__: _raise(AssertionError("read")))

    assert store.has("4711.pdf", size=8)
    assert not store.has("4711.pdf", size=9, sha256="0" * 64)


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), KeyboardInterrupt(), RunInterrupted(15)])
def test_an_interrupted_download_keeps_the_old_document_and_its_own_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = DocumentStore(str(tmp_path / "documents"))
    store.put("old.pdf", b"old", media_type=_PDF)

    def breaking_off() -> Iterator[bytes]:
        yield b"half"
        raise error

    for name in ("old.pdf", "new.pdf"):
        with pytest.raises(type(error)) as raised:
            store.put(name, breaking_off(), media_type=_PDF)
        assert raised.value is error

    assert _files(tmp_path) == {"documents/old.pdf"}
    assert store.read("old.pdf") == b"old"


def test_a_download_in_progress_has_written_nothing_to_the_store(url: str, tmp_path: Path) -> None:
    store = DocumentStore(url)
    seen: list[object] = []

    def looking() -> Iterator[bytes]:
        yield b"first half, "
        seen.append(store.has("4711.pdf"))
        seen.extend(_files(tmp_path))
        yield b"second half"

    assert store.put("4711.pdf", looking(), media_type=_PDF).size == 23
    assert seen == [False]


@pytest.mark.parametrize(
    ("failing", "error", "reason"),
    [
        ("pathlib.Path.replace", PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        ("os.fsync", OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
    ],
)
def test_a_failed_write_keeps_the_old_document_and_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
    error: OSError,
    reason: str,
) -> None:
    store = DocumentStore(str(tmp_path))
    store.put("4711.pdf", b"old", media_type=_PDF)
    monkeypatch.setattr(failing, lambda *_: _raise(error))

    with pytest.raises(DocumentsUnusable) as refused:
        store.put("4711.pdf", b"new", media_type=_PDF)

    assert str(refused.value) == f"documents_url: {tmp_path}/4711.pdf cannot be written: {reason}"
    assert _files(tmp_path) == {"4711.pdf"}
    assert store.read("4711.pdf") == b"old"


def test_a_signal_during_a_write_leaves_no_file_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = DocumentStore(str(tmp_path))
    monkeypatch.setattr("os.fsync", lambda _: _raise(RunInterrupted(15)))

    with pytest.raises(RunInterrupted):
        store.put("4711.pdf", b"new", media_type=_PDF)

    assert _files(tmp_path) == set()


def test_the_content_is_flushed_to_disk_before_it_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr("os.fsync", lambda number: synced.append((os.fstat(number).st_size, _files(tmp_path))))

    DocumentStore(str(tmp_path)).put("4711.pdf", b"new", media_type=_PDF)

    ((size, files),) = synced
    assert size == 3
    assert "4711.pdf" not in files
    assert _files(tmp_path) == {"4711.pdf"}


def test_two_threads_writing_one_name_do_not_mix(url: str, tmp_path: Path) -> None:
    store = DocumentStore(url)
    half_read, overtaken = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"slow " * 1000
        half_read.set()
        assert overtaken.wait(_MINUTE)
        yield b"slow " * 1000

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(store.put, "4711.pdf", slow(), media_type=_PDF)
        assert half_read.wait(_MINUTE)
        store.put("4711.pdf", [b"fast"], media_type=_PDF)
        assert store.read("4711.pdf") == b"fast"
        overtaken.set()
        assert waiting.result(_MINUTE).size == 10_000

    assert store.read("4711.pdf") == b"slow " * 2000
    assert _files(tmp_path) <= {"documents/4711.pdf"}


def test_readers_never_see_a_partly_written_document(url: str) -> None:
    store = DocumentStore(url)
    versions = [bytes([number]) * 300_000 for number in range(4)]
    store.put("4711.pdf", versions[0], media_type=_PDF)

    def put(number: int) -> None:
        for _ in range(5):
            store.put("4711.pdf", versions[number], media_type=_PDF)

    with ThreadPoolExecutor() as pool:
        writing = [pool.submit(put, number) for number in range(4)]
        while not all(writer.done() for writer in writing):
            assert store.read("4711.pdf") in versions
        for writer in writing:
            writer.result()


def test_a_large_document_is_stored_in_bounded_memory(tmp_path: Path) -> None:
    chunk = bytes(1 << 20)
    store = DocumentStore(str(tmp_path))

    tracemalloc.start()
    try:
        document = store.put("export.zip", (chunk for _ in range(200)), media_type="application/zip")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert document.size == (tmp_path / "export.zip").stat().st_size == 200 << 20
    assert peak < 16 << 20
    (tmp_path / "export.zip").unlink()


@pytest.mark.parametrize(
    "name",
    [
        "../x.pdf",
        "/etc/x.pdf",
        "a/../x.pdf",
        "a\\x.pdf",
        "C:x.pdf",
        ".x.pdf",
        "a//x.pdf",
        "x",
        "",
        "a.b/x.pdf",
        "x.pdf\n",
    ],
)
def test_an_unsafe_name_is_refused_everywhere(url: str, name: str) -> None:
    store = DocumentStore(url)

    for use in (
        lambda: store.put(name, b"", media_type=_PDF),
        lambda: store.put(name, (_raise(AssertionError("fetched")) for _ in "x"), media_type=_PDF),
        lambda: store.has(name),
        lambda: store.find(name, media_type=_PDF),
        lambda: store.read(name),
    ):
        with pytest.raises(ValueError, match="build it with safe_name"):
            use()


def test_reading_a_missing_document_fails_with_one_line(url: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentsUnusable) as refused:
        DocumentStore(url).read("4711.pdf")

    place = url if url.startswith("memory") else str(tmp_path / "documents")
    assert str(refused.value) == f"documents_url: {place}/4711.pdf cannot be read: it does not exist"


def test_nothing_is_checked_without_the_setting() -> None:
    assert DOCUMENTS_URL.name == "documents_url"
    assert documents_url_errors({}, _TAP) == []
    assert documents_url_errors({"documents_url": None}, _TAP) == []


def test_a_writable_store_is_left_empty(url: str, tmp_path: Path) -> None:
    assert documents_url_errors({"documents_url": url}, _TAP) == []
    assert _files(tmp_path) == set()
    assert MemoryFileSystem.store == {}


def test_a_bucket_that_refuses_deletes_can_be_used(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryFileSystem, "rm_file", lambda *_: _raise(PermissionError("object lock")))

    assert documents_url_errors({"documents_url": bucket}, _TAP) == []
    assert documents_url_errors({"documents_url": bucket}, _TAP) == []
    assert list(MemoryFileSystem.store) == ["/bucket/documents/write-check"]


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("", "documents_url is empty: use a folder, file://, s3://, gs:// or az://, or remove it"),
        ("ftp://u:hunter22@host/x", "documents_url: ftp:// is not supported for documents: use a folder, file://, "),
        ("nonsense://x", "documents_url: nonsense:// is not supported for documents: use "),
        ("https://example.com/x", "documents_url: https:// is not supported for documents: use "),
        ("simplecache::s3://bucket", "documents_url: its protocol is not supported for documents: use "),
        ("u:hunter22@s3://bucket", "documents_url: its protocol is not supported for documents: use "),
        ("s3:/bucket/x", "documents_url is neither a path nor a URL with ://: use "),
        ("file:/x", "documents_url is neither a path nor a URL with ://: use "),
        ("s3://", "documents_url has no bucket name: write it as s3://bucket/folder"),
        ("gs:///x", "documents_url has no bucket name: write it as gs://bucket/folder"),
        ("/tmp/x\n", "documents_url contains a line break or another control character: remove it"),  # noqa: S108 - not written
        (
            "s3://key:hunter22@bucket/x",
            "documents_url must not contain credentials or options: set the environment",
        ),
        (
            "s3://key:hun/ter22@bucket/x",
            "documents_url must not contain credentials or options: set the environment",
        ),
        ("s3://key:hunter22/x", "documents_url must not contain credentials or options: set the environment"),
        ("az://box/x?sig=hunter22", "documents_url must not contain credentials or options: set the environment"),
        (
            "abfs://box:hunter22@acc.dfs.core.windows.net/x",
            "documents_url must not contain credentials or options: set ",
        ),
        ("file://u:hunter22@host/x", "documents_url must not contain credentials or options"),
    ],
)
def test_an_unusable_setting_gives_one_line_without_a_password(value: str, line: str) -> None:
    (error,) = documents_url_errors({"documents_url": value}, _TAP)

    assert error.startswith(f"Setting {line}")
    assert error.isprintable()
    assert "hunter22" not in error
    assert "ter22" not in error


@pytest.mark.parametrize(
    ("value", "package", "extra"),
    [
        ("s3://bucket/x", "s3fs", "s3"),
        ("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/reader/x", "s3fs", "s3"),
        ("gs://bucket", "gcsfs", "gcs"),
        ("gcs://bucket", "gcsfs", "gcs"),
        ("az://box/x", "adlfs", "azure"),
        ("abfs://box@account.dfs.core.windows.net/x", "adlfs", "azure"),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, value: str, package: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    protocol = value.partition(":")[0]

    (error,) = documents_url_errors({"documents_url": value}, _TAP)

    assert error == (
        f"Setting documents_url needs the package {package} for {protocol}://, the extra {extra}: "
        f"run `pip install 'tap-x[{extra}]'`, or with Meltano set pip_url: tap-x[{extra}] and install again"
    )


def test_a_folder_that_cannot_be_created_gives_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert documents_url_errors({"documents_url": f"file://{tmp_path}/file/x"}, _TAP) == [
        f"Setting documents_url: {tmp_path}/file/x cannot be written: Not a directory",
    ]


def test_a_read_only_folder_gives_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = OSError(errno.EROFS, "Read-only file system")
    monkeypatch.setattr("pathlib.Path.touch", lambda *_: _raise(error))

    assert documents_url_errors({"documents_url": str(tmp_path)}, _TAP) == [
        f"Setting documents_url: {tmp_path} cannot be written: Read-only file system",
    ]


def test_an_error_of_a_cloud_library_is_reported_without_its_secrets(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(conf, "memory", {"key": "AKIAHUNTER22", "client": {"secret": "hunter22"}})

    def refuse(*_: object) -> NoReturn:
        text = "403 for AKIAHUNTER22\nhunter22 at https://x/y?sig=abc%3D&se=1 refused"
        raise RuntimeError(text)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    reported = "cannot be written: 403 for *** *** at https://x/y?*** refused"

    assert documents_url_errors({"documents_url": bucket}, _TAP) == [f"Setting documents_url: {bucket} {reported}"]
    with pytest.raises(DocumentsUnusable) as refused:
        DocumentStore(bucket).put("4711.pdf", b"", media_type=_PDF)
    assert str(refused.value) == f"documents_url: {bucket}/4711.pdf {reported}"
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("level", "own_level", "shown"),
    [
        ("INFO", "NOTSET", ["a warning"]),
        ("DEBUG", "NOTSET", ["a request", "a warning"]),
        ("INFO", "INFO", ["a request", "a warning"]),
    ],
)
def test_what_a_cloud_library_says_of_each_request_is_shown_to_who_asks_for_it(
    level: str, own_level: str, shown: list[str]
) -> None:
    program = (
        "import contextlib, logging\n"
        "from singer_rest_core.documents.store import DocumentStore, DocumentsUnusable\n"
        f"logging.basicConfig(format='%(message)s', level=logging.{level})\n"
        f"logging.getLogger('azure').setLevel(logging.{own_level})\n"
        "with contextlib.suppress(DocumentsUnusable):\n"
        "    DocumentStore('az://invoices')\n"
        "azure = logging.getLogger('azure.core.pipeline.policies.http_logging_policy')\n"
        "azure.info('a request')\n"
        "azure.warning('a warning')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == shown


def test_a_store_that_cannot_be_opened_gives_one_line_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf, "memory", {"secret": "hunter22"})

    def refuse(*_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - any arguments of fsspec
        text = "no account for hunter22"
        raise RuntimeError(text)

    monkeypatch.setattr(MemoryFileSystem, "__init__", refuse)

    assert documents_url_errors({"documents_url": "memory://x"}, _TAP) == [
        "Setting documents_url cannot be opened: no account for ***",
    ]


@pytest.mark.parametrize("value", ["documents", "./documents", "~/documents", "{}/a b", "file://{}/a b"])
def test_any_kind_of_path_is_a_folder(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))

    document = DocumentStore(value.format(tmp_path)).put("4711.pdf", b"%PDF-1.7", media_type=_PDF)

    folder = "a b" if value.endswith("a b") else "documents"
    assert _files(tmp_path) == {f"{folder}/4711.pdf"}
    assert document == Document(
        name="4711.pdf",
        url=f"file://{tmp_path}/{folder}/4711.pdf",
        media_type=_PDF,
        size=8,
        sha256=hashlib.sha256(b"%PDF-1.7").hexdigest(),
    )


def test_a_document_is_described_from_content_at_hand_as_from_the_store(tmp_path: Path) -> None:
    store = DocumentStore(str(tmp_path))
    put = store.put("a/b.xml", b"<a/>", media_type="application/xml")

    assert store.describe("a/b.xml", b"<a/>", media_type="application/xml") == put
    assert store.find("a/b.xml", media_type="application/xml") == put
