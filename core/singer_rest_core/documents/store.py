"""The document store: PDF, XML and ZIP files in a folder or bucket, written atomically.

Nothing here sends a request to the API: a stream fetches a document, the store keeps it, and `Document.record` gives
the columns the stream writes about it. Bucket credentials come from the environment variables of the cloud library,
never from the URL, so the URL may appear in records and logs.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

# fsspec has no types; `_FileSystem` declares the methods used here.
from fsspec.config import conf  # type: ignore[import-untyped]
from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from singer_sdk import typing as th

from singer_rest_core.documents.location import PACKAGES, DocumentsUnusable, PackageMissing, protocol_of
from singer_rest_core.documents.names import check_name
from singer_rest_core.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DOCUMENTS_URL: th.Property[str] = th.Property(
    "documents_url",
    th.StringType,
    title="Documents URL",
    description=(
        "Folder or bucket for documents: a path, file://, s3://, gs:// or az://. If not set, no documents are fetched. "
        "A bucket needs the tap's extra for it (s3, gcs or azure); its credentials come from its own environment "
        "variables."
    ),
)
"""The setting of taps that fetch documents; checked by `documents_url_errors`."""

DOCUMENT_PROPERTIES: dict[str, Any] = th.PropertiesList(
    th.Property("name", th.StringType, description="Path below documents_url."),
    th.Property("url", th.StringType, description="Where the document is kept, as fsspec opens it."),
    th.Property("media_type", th.StringType, description="Found from the content where it can be."),
    th.Property("size", th.IntegerType, description="In bytes."),
    th.Property("sha256", th.StringType, description="Of the content, in hexadecimal."),
).to_dict()["properties"]
"""JSON schema properties of `Document.record`; a stream adds its own keys."""

_BLOCK = 4 << 20  # bytes; most documents fit into one request
_WRITE_CHECK = "write-check"
_SHORTEST_SECRET = 8


@dataclass(frozen=True)
class Document:
    """A document in the store.

    Args:
        name: Its path inside the store.
        url: Its location, as fsspec opens it; without credentials.
        media_type: For example `application/pdf`.
        size: The size in bytes.
        sha256: The SHA-256 of the content, in hexadecimal.
    """

    name: str
    url: str
    media_type: str
    size: int
    sha256: str

    def record(self) -> dict[str, str | int]:
        """Return the columns of `DOCUMENT_PROPERTIES`; the stream adds its keys."""
        return asdict(self)


_LOGGERS = {"s3fs": ("aiobotocore", "botocore", "s3fs"), "gcsfs": ("gcsfs", "google"), "adlfs": ("adlfs", "azure")}
"""The loggers below each of these packages. Azure's says 25 lines of each request at the level INFO."""


def _hide_requests(loggers: Iterable[str]) -> None:
    """Let loggers say nothing below a warning, unless debug lines are shown or someone has set the level of one."""
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        return
    for logger in map(logging.getLogger, loggers):
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)


class DocumentStore:
    """A folder or bucket of documents; safe to share between threads.

    Args:
        url: The setting `documents_url`, as fsspec reads it: a file:// URL is not percent-decoded.

    Raises:
        DocumentsUnusable: If the URL is not usable, or the package for its protocol is missing.
    """

    def __init__(self, url: str) -> None:
        """Open the store without writing anything."""
        protocol = protocol_of(url)
        package = PACKAGES[protocol]
        _hide_requests(_LOGGERS.get(package or "", ()))
        self._secrets = _texts_in(conf.get(protocol))
        try:
            filesystem, root = url_to_fs(url)
        except ImportError:
            raise PackageMissing(protocol) from None
        except Exception as error:  # noqa: BLE001 - each cloud library raises errors of its own
            raise DocumentsUnusable(f"documents_url cannot be opened: {_reason(error, self._secrets)}") from None
        self._files: _FileSystem = filesystem
        self._local = protocol in {"file", "local"}
        self._root = str(root).rstrip("/")
        self._url = url.rstrip("/") if package else f"{'file' if self._local else protocol}://{self._root}"

    def put(self, name: str, content: bytes | BinaryIO | Iterable[bytes], *, media_type: str) -> Document:
        """Store a document atomically: readers find either all of it or what was there before.

        Content that is already stored is not written again. Files are copied piece by piece. Chunks are collected in a
        file outside the store, so a response that breaks off leaves nothing in it; memory holds one chunk at a time.

        Args:
            name: A name from `safe_name`.
            content: The bytes, or a seekable file, read from its beginning, or chunks of bytes; an error raised while
                reading the chunks is passed on.
            media_type: See `media_type_of`.

        Returns:
            The stored document.

        Raises:
            DocumentsUnusable: If the store cannot be read or written.
            ValueError: If the name is not safe.
        """
        check_name(name)
        if isinstance(content, bytes):
            return self._store(name, io.BytesIO(content), media_type)
        if hasattr(content, "seek"):
            return self._store(name, cast("BinaryIO", content), media_type)
        with tempfile.TemporaryFile(prefix="documents-") as collected:
            for chunk in content:
                collected.write(chunk)
            return self._store(name, cast("BinaryIO", collected), media_type)

    def find(self, name: str, *, media_type: str) -> Document | None:
        """Describe a stored document, so that its record can be written without fetching it again.

        Reads the stored content to compute its digest.

        Args:
            name: A name from `safe_name`.
            media_type: The media type it was stored with.

        Returns:
            The document, or None if it does not exist.

        Raises:
            DocumentsUnusable: If the store cannot be read.
            ValueError: If the name is not safe.
        """
        size = self._size(name)
        return None if size is None else self._document(name, media_type, size, self._sha256(name, size))

    def describe(self, name: str, content: bytes, *, media_type: str) -> Document:
        """Describe a stored document whose content the caller has read, without reading it a second time.

        Args:
            name: A name from `safe_name`.
            content: What is stored under that name.
            media_type: The media type it was stored with.

        Returns:
            The document.

        Raises:
            ValueError: If the name is not safe.
        """
        check_name(name)
        return self._document(name, media_type, len(content), hashlib.sha256(content).hexdigest())

    def has(self, name: str, *, sha256: str | None = None, size: int | None = None) -> bool:
        """Return whether a document is stored.

        Args:
            name: A name from `safe_name`.
            sha256: The digest its content must have; only this comparison reads the content.
            size: The size its content must have, in bytes.

        Returns:
            Whether it exists and is as described.

        Raises:
            DocumentsUnusable: If the store cannot be read.
            ValueError: If the name is not safe.
        """
        stored_size = self._size(name)
        if stored_size is None or (size is not None and stored_size != size):
            return False
        return sha256 is None or self._sha256(name, stored_size) == sha256.lower()

    def read(self, name: str) -> bytes:
        """Read a document.

        Args:
            name: A name from `safe_name`.

        Returns:
            Its content.

        Raises:
            DocumentsUnusable: If it does not exist, or the store cannot be read.
            ValueError: If the name is not safe.
        """
        path = self._path(name)
        with self._one_line_errors(name, "read"):
            return self._files.cat_file(path)

    def open(self, name: str) -> BinaryIO:
        """Open a document to read it piece by piece; the caller closes it.

        Args:
            name: A name from `safe_name`.

        Returns:
            A seekable file.

        Raises:
            DocumentsUnusable: If it does not exist, or the store cannot be read.
            ValueError: If the name is not safe.
        """
        path = self._path(name)
        with self._one_line_errors(name, "read"):
            return Path(path).open("rb") if self._local else self._files.open(path, "rb", block_size=_BLOCK)

    def verify_writable(self) -> None:
        """Write and remove an empty file; create the folder if it does not exist.

        Raises:
            DocumentsUnusable: If that fails.
        """
        with self._one_line_errors("", "written"):
            if self._local:
                folder = Path(self._root or "/")
                folder.mkdir(parents=True, exist_ok=True)
                with _temporary_path(folder) as file:
                    file.touch()
            else:
                self._files.pipe_file(f"{self._root}/{_WRITE_CHECK}", b"")
                # A bucket with object lock refuses to delete: then one empty object stays.
                with contextlib.suppress(Exception):
                    self._files.rm_file(f"{self._root}/{_WRITE_CHECK}")

    def _store(self, name: str, source: BinaryIO, media_type: str) -> Document:
        source.seek(0)
        digest = hashlib.sha256()
        while block := source.read(_BLOCK):
            digest.update(block)
        size, sha256 = source.tell(), digest.hexdigest()
        if not self.has(name, sha256=sha256, size=size):
            path = self._path(name)
            source.seek(0)
            with self._one_line_errors(name, "written"):
                if self._local:
                    _replace(Path(path), source)
                elif size <= _BLOCK:
                    self._files.pipe_file(path, source.read())
                else:
                    self._put_large(path, source)
        return self._document(name, media_type, size, sha256)

    def _put_large(self, path: str, source: BinaryIO) -> None:
        """Have the library upload a file, which it does in parts and at last at once."""
        with tempfile.TemporaryDirectory(prefix="documents-") as folder:
            collected = Path(folder, "content")
            with collected.open("xb") as file:
                shutil.copyfileobj(source, file, _BLOCK)
            self._files.put_file(str(collected), path)

    def _document(self, name: str, media_type: str, size: int, sha256: str) -> Document:
        return Document(name=name, url=f"{self._url}/{name}", media_type=media_type, size=size, sha256=sha256)

    def _size(self, name: str) -> int | None:
        path = self._path(name)
        with self._one_line_errors(name, "read"):
            try:
                found = self._files.info(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
            return int(found["size"]) if found["type"] == "file" else None

    def _sha256(self, name: str, size: int) -> str:
        path = self._path(name)
        digest = hashlib.sha256()
        with self._one_line_errors(name, "read"):
            for start in range(0, size, _BLOCK):
                digest.update(self._files.cat_file(path, start=start, end=min(start + _BLOCK, size)))
        return digest.hexdigest()

    def _path(self, name: str) -> str:
        check_name(name)
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _one_line_errors(self, name: str, action: str) -> Iterator[None]:
        """Turn an error of the library into one line; the error itself is dropped, as it may contain secrets."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - each cloud library raises errors of its own
            missing = action == "read" and isinstance(error, FileNotFoundError)
            reason = "it does not exist" if missing else _reason(error, self._secrets)
            place = f"{self._root if self._local else self._url}/{name}".rstrip("/") or "/"
            raise DocumentsUnusable(f"documents_url: {place} cannot be {action}: {reason}") from None


def documents_url_errors(config: Mapping[str, Any], tap_name: str) -> list[str]:
    """Check `documents_url` before anything is fetched: its protocol, its package, and that it is writable.

    Creates the folder if it does not exist.

    Args:
        config: The settings.
        tap_name: The name of the tap's distribution, which has an extra for each kind of bucket.

    Returns:
        One line, without credentials, if documents cannot be stored there; empty if they can, or if it is not set.
    """
    url = config.get("documents_url")
    if not isinstance(url, str):
        return []
    try:
        DocumentStore(url).verify_writable()
    except PackageMissing as error:
        wanted = f"{tap_name}[{error.extra}]"
        ways = f"run `pip install '{wanted}'`, or with Meltano set pip_url: {wanted} and install again"
        return [f"Setting {error}: {ways}"]
    except DocumentsUnusable as error:
        return [f"Setting {error}"]
    return []


class _FileSystem(Protocol):
    """The methods of `fsspec.AbstractFileSystem` that are used here."""

    def info(self, path: str) -> dict[str, Any]: ...
    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes: ...
    def open(self, path: str, mode: str, *, block_size: int) -> BinaryIO: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def rm_file(self, path: str) -> None: ...


def _replace(path: Path, source: BinaryIO) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_path(path.parent) as temporary:
        with temporary.open("xb") as file:
            shutil.copyfileobj(source, file, _BLOCK)
            file.flush()
            # Without it, a power failure may keep the new name and lose the content.
            os.fsync(file.fileno())
        temporary.replace(path)


@contextlib.contextmanager
def _temporary_path(folder: Path) -> Iterator[Path]:
    """Yield a path that no document can have; delete the file afterwards."""
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _reason(error: Exception, store_secrets: Iterable[str]) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    # A signed URL carries its signature in the query string.
    return error_text(re.sub(r"\?\S+", "?***", str(text)), store_secrets)


def _texts_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts_in(entry)]
    return [value] if isinstance(value, str) and len(value) >= _SHORTEST_SECRET else []
