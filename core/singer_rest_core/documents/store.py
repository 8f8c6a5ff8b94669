"""Documents beside the records: PDFs, XML and ZIPs in a folder or bucket, whole or not at all.

Nothing here asks an API for anything: a stream fetches, the store keeps, and `Document.record` is what the stream says
about it. Credentials of a bucket come from its library's own environment variables, never from the URL, so that the URL
may stand in records and logs.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from binascii import a2b_base64
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

# fsspec has no types; _FileSystem says what is used of it
from fsspec.config import conf  # type: ignore[import-untyped]
from fsspec.core import url_to_fs  # type: ignore[import-untyped]
from singer_sdk import typing as th
from singer_sdk.exceptions import FatalSyncError

from singer_rest_core.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PDF = "application/pdf"
XML = "application/xml"
ZIP = "application/zip"
PKCS7 = "application/pkcs7-mime"
HTML = "text/html"
UNKNOWN = "application/octet-stream"

DOCUMENTS_URL: th.Property[str] = th.Property(
    "documents_url",
    th.StringType,
    title="Documents URL",
    description=(
        "Folder or bucket for documents: a path, file://, s3://, gs:// or az://. If not set, no documents are fetched. "
        "Credentials of a bucket come from its own environment variables."
    ),
)
"""The setting, for the taps that have documents; `documents_url_errors` checks it."""

DOCUMENT_PROPERTIES: dict[str, Any] = th.PropertiesList(
    th.Property("name", th.StringType, description="Path below documents_url."),
    th.Property("url", th.StringType, description="Where the document is kept, as fsspec opens it."),
    th.Property("media_type", th.StringType, description="Found from the content where it can be."),
    th.Property("size", th.IntegerType, description="In bytes."),
    th.Property("sha256", th.StringType, description="Of the content, in hexadecimal."),
).to_dict()["properties"]
"""JSON schema of what `Document.record` gives; a stream adds its own keys."""

# The package that each protocol needs, all of them stores where one put is atomic. Others (sftp, smb, webdav) are
# refused: whether their rename replaces a file is a matter of the server.
_PACKAGES = {
    "file": None,
    "local": None,
    "memory": None,
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
}
_KNOWN = "a folder, file://, s3://, gs:// or az://"
_AZURE_ACCOUNT = re.compile(r"[a-z0-9$-]+@(?=[a-z0-9.-]+(?:/|$))")
_BLOCK = 4 << 20  # most documents in one request
_WRITE_CHECK = "write-check"
_SHORTEST_SECRET = 8

_LONGEST_SEGMENT = 80
_HASH_CHARACTERS = 16
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,10}){1,2}")
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_HASHED = re.compile(rf".*-[a-z2-7]{{{_HASH_CHARACTERS}}}")
_SAFE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*\.[a-z0-9]+")
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{number}" for port in ("COM", "LPT") for number in range(10)},
)

_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DER_HEADER = re.compile(rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)", re.DOTALL)
_PEM_HEADER = re.compile(rb"-----BEGIN (?:PKCS7|CMS|PKCS #7 SIGNED DATA)-----")
_ZIP_START = (b"PK\x03\x04", b"PK\x05\x06")
_HTML_START = re.compile(
    r"(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
_XML_START = re.compile(r"<(?:\?xml[\s-]|!--|!DOCTYPE\s|[A-Za-z_][\w.-]*(?::[\w.-]+)?(?:[\s/>]|$))")
_ENCODINGS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_PDF_HEADER_WITHIN = 1024  # ISO 32000-1, annex H.3, note 13: readers accept the header in the first 1024 bytes
_ZIP_BASED = re.compile(r"\+zip$|openxmlformats|opendocument")


class DocumentsUnusable(FatalSyncError):
    """The place for documents cannot be opened, written or read. Ends the stream; records without documents go on."""


class NotBase64(ValueError):
    """A text is no base64."""


@dataclass(frozen=True)
class Document:
    """A document that is kept.

    Args:
        name: Its path below the store.
        url: Where it is, as fsspec opens it; without credentials.
        media_type: For example `application/pdf`.
        size: In bytes.
        sha256: Of the content, in hexadecimal.
    """

    name: str
    url: str
    media_type: str
    size: int
    sha256: str

    def record(self) -> dict[str, str | int]:
        """Give the fields of `DOCUMENT_PROPERTIES`, for a stream to put its keys beside."""
        return asdict(self)


class DocumentStore:
    """A folder or bucket of documents. Threads may share one.

    Args:
        url: The setting `documents_url`. fsspec reads it: a file:// URL is not percent-decoded.

    Raises:
        DocumentsUnusable: If the URL cannot be used, or the package for its protocol is missing.
    """

    def __init__(self, url: str) -> None:
        """Open the store; nothing is written yet."""
        protocol = _checked_protocol(url)
        package = _PACKAGES[protocol]
        self._hidden = _texts(conf.get(protocol))
        try:
            filesystem, root = url_to_fs(url)
        except ImportError:
            raise DocumentsUnusable(
                f"documents_url needs the package {package} for {protocol}://: install it beside the tap, "
                f"for example with `pip install {package}`",
            ) from None
        except Exception as error:  # noqa: BLE001 - each cloud library raises errors of its own
            raise DocumentsUnusable(f"documents_url cannot be opened: {_reason(error, self._hidden)}") from None
        self._files: _FileSystem = filesystem
        self._local = protocol in {"file", "local"}
        self._root = str(root).rstrip("/")
        self._url = url.rstrip("/") if package else f"{'file' if self._local else protocol}://{self._root}"

    def put(self, name: str, content: bytes | Iterable[bytes], *, media_type: str) -> Document:
        """Keep a document: under its name is either the whole of it or what was there before.

        Content that is there already is not written again. Chunks are collected in a file outside the store, so an
        answer that breaks off leaves nothing in it, and memory holds one chunk at a time.

        Args:
            name: Made by `safe_name`.
            content: The bytes, or chunks of them; what goes wrong in reading them is raised as it is.
            media_type: See `media_type_of`.

        Returns:
            What is kept.

        Raises:
            DocumentsUnusable: If the store refuses.
            ValueError: If the name is not a safe one.
        """
        _refuse_unsafe(name)
        if isinstance(content, bytes):
            return self._keep(name, content, len(content), hashlib.sha256(content).hexdigest(), media_type)
        with tempfile.TemporaryDirectory(prefix="documents-") as folder:
            collected = Path(folder, "content")
            digest = hashlib.sha256()
            with collected.open("xb") as file:
                for chunk in content:
                    digest.update(chunk)
                    file.write(chunk)
                size = file.tell()
            return self._keep(name, collected, size, digest.hexdigest(), media_type)

    def find(self, name: str, *, media_type: str) -> Document | None:
        """Describe a document that is kept already, so that its record can be written without fetching it again.

        The digest is made from what is kept, which is read for it.

        Args:
            name: Made by `safe_name`.
            media_type: What it was put as.

        Returns:
            The document, or None if there is none of this name.

        Raises:
            DocumentsUnusable: If the store cannot be read.
            ValueError: If the name is not a safe one.
        """
        size = self._size(name)
        return None if size is None else self._document(name, media_type, size, self._sha256(name, size))

    def has(self, name: str, *, sha256: str | None = None, size: int | None = None) -> bool:
        """Tell whether a document is kept.

        Args:
            name: Made by `safe_name`.
            sha256: The digest its content must have; what is kept is read only to compare this.
            size: The bytes its content must have.

        Returns:
            Whether it is there, and as described.

        Raises:
            DocumentsUnusable: If the store cannot be read.
            ValueError: If the name is not a safe one.
        """
        kept = self._size(name)
        if kept is None or (size is not None and kept != size):
            return False
        return sha256 is None or self._sha256(name, kept) == sha256.lower()

    def read(self, name: str) -> bytes:
        """Read a document.

        Args:
            name: Made by `safe_name`.

        Returns:
            Its content.

        Raises:
            DocumentsUnusable: If there is none of this name, or the store cannot be read.
            ValueError: If the name is not a safe one.
        """
        path = self._path(name)
        with self._refusing(name, "read"):
            return self._files.cat_file(path)

    def verify_writable(self) -> None:
        """Write and remove an empty file, making the folder if it is not there.

        Raises:
            DocumentsUnusable: If that fails.
        """
        with self._refusing("", "written"):
            if self._local:
                folder = Path(self._root or "/")
                folder.mkdir(parents=True, exist_ok=True)
                with _passing_file(folder) as file:
                    file.touch()
            else:
                self._files.pipe_file(f"{self._root}/{_WRITE_CHECK}", b"")
                # A bucket may keep for good what it is given (object lock): then one empty object stays.
                with contextlib.suppress(Exception):
                    self._files.rm_file(f"{self._root}/{_WRITE_CHECK}")

    def _keep(self, name: str, source: bytes | Path, size: int, sha256: str, media_type: str) -> Document:
        if not self.has(name, sha256=sha256, size=size):
            path = self._path(name)
            with self._refusing(name, "written"):
                if self._local:
                    _replace(Path(path), source)
                elif isinstance(source, bytes):
                    self._files.pipe_file(path, source)
                else:
                    self._files.put_file(str(source), path)
        return self._document(name, media_type, size, sha256)

    def _document(self, name: str, media_type: str, size: int, sha256: str) -> Document:
        return Document(name=name, url=f"{self._url}/{name}", media_type=media_type, size=size, sha256=sha256)

    def _size(self, name: str) -> int | None:
        path = self._path(name)
        with self._refusing(name, "read"):
            try:
                found = self._files.info(path)
            except (FileNotFoundError, NotADirectoryError):
                return None
            return int(found["size"]) if found["type"] == "file" else None

    def _sha256(self, name: str, size: int) -> str:
        path = self._path(name)
        digest = hashlib.sha256()
        with self._refusing(name, "read"):
            for start in range(0, size, _BLOCK):
                digest.update(self._files.cat_file(path, start=start, end=min(start + _BLOCK, size)))
        return digest.hexdigest()

    def _path(self, name: str) -> str:
        _refuse_unsafe(name)
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _refusing(self, name: str, doing: str) -> Iterator[None]:
        """Say in one line what the store refuses; the library's own error goes no further, as it may hold secrets."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - each cloud library raises errors of its own
            missing = doing == "read" and isinstance(error, FileNotFoundError)
            reason = "it is not there" if missing else _reason(error, self._hidden)
            place = f"{self._root if self._local else self._url}/{name}".rstrip("/") or "/"
            raise DocumentsUnusable(f"documents_url: {place} cannot be {doing}: {reason}") from None


def documents_url_errors(config: Mapping[str, Any]) -> list[str]:
    """Check `documents_url` before anything is fetched: its protocol, its package, and that it can be written.

    A folder that is missing is made.

    Args:
        config: The settings.

    Returns:
        One line if documents cannot be kept there, without credentials; none if they can, or if it is not set.
    """
    url = config.get("documents_url")
    if not isinstance(url, str):
        return []
    try:
        DocumentStore(url).verify_writable()
    except DocumentsUnusable as fault:
        return [f"Setting {fault}"]
    return []


def safe_name(*parts: str, suffix: str) -> str:
    """Make a path below the store from ids and file names that an API gives.

    The path is portable: ASCII letters, digits, `_`, `-` and `.`; no segment begins with a dot, is a device of Windows
    or has more than 80 characters. Parts of lower-case letters, digits, `_` and `-` stay as they are; if anything else
    occurs, what is readable is kept and a hash of all parts follows, so that different parts never share a name, also
    where a file system ignores case. The same parts always give the same name.

    Args:
        parts: Folders, and at last the name. They may hold anything.
        suffix: How the name ends, one or two extensions in lower case: `.pdf`, `.xml.p7m`. Ours, not the API's.

    Returns:
        The path, segments parted by `/`.

    Raises:
        ValueError: If there are no parts, or the suffix is no such suffix.

    Example:
        >>> safe_name("invoices", "4711", suffix=".pdf")
        'invoices/4711.pdf'
        >>> safe_name("../Etc", "Fattura n° 1.pdf", suffix=".pdf")
        '_Etc/Fattura_n_1-orpvjx6njrror4bs.pdf'
    """
    if not parts:
        raise ValueError("a document's name has at least one part")
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"{suffix!r} is no suffix like .pdf or .xml.p7m")
    *folders, stem = parts
    if (
        all(_is_plain(part) for part in parts)
        and len(stem) + len(suffix) <= _LONGEST_SEGMENT
        and not _HASHED.fullmatch(stem)
    ):
        return f"{'/'.join(parts)}{suffix}"
    if stem.lower().endswith(suffix):
        stem = stem[: -len(suffix)]
    end = f"-{_hash(*parts, suffix)}{suffix}"
    # A folder has no dot and a document has one: neither can stand in the other's place.
    readable = [_readable(folder, _LONGEST_SEGMENT).replace(".", "_") for folder in folders]
    return "/".join([*readable, _readable(stem, _LONGEST_SEGMENT - len(end)) + end])


def media_type_of(content: bytes, declared: str | None = None) -> str:
    """Find what a document is. What the content shows counts more than what was said of it.

    Recognised are PDF, ZIP, XML (with a byte order mark, in UTF-16, without a declaration), HTML, and PKCS#7 signed
    data (.p7m), also as base64.

    Args:
        content: The document, or its first kilobyte at least.
        declared: A media type or Content-Type header that came with it.

    Returns:
        A media type in lower case, without parameters. Where the content shows nothing, it is the declared one, unless
        that is a type which the content would have shown: then `application/octet-stream`.
    """
    said = (declared or "").partition(";")[0].strip().lower()
    shown = _shown(content[: 4 * _PDF_HEADER_WITHIN])
    if shown is None:
        recognisable = {PDF, XML, "text/xml", ZIP, PKCS7, HTML}
        return said if "/" in said and said not in recognisable else UNKNOWN
    if shown == XML and said.endswith("+xml"):
        return said
    if shown == ZIP and _ZIP_BASED.search(said):
        return said
    return shown


def from_base64(text: str | bytes) -> bytes:
    """Decode base64 out of JSON. White space between the characters is passed over; anything else must be exact.

    Args:
        text: The base64.

    Returns:
        The bytes; none for an empty text.

    Raises:
        NotBase64: If it is none; the text itself is not repeated.
    """
    try:
        letters = b"".join((text if isinstance(text, bytes) else text.encode("ascii")).split())
        content = a2b_base64(letters, strict_mode=True)
    except UnicodeEncodeError:
        raise NotBase64("the document is no base64: it holds a character that is not ASCII") from None
    except ValueError as error:
        reason = str(error)
        raise NotBase64(f"the document is no base64: {reason[:1].lower()}{reason[1:]}") from None
    # binascii, strict or not, takes more padding than there can be.
    if len(letters) != (len(content) + 2) // 3 * 4:
        raise NotBase64("the document is no base64: excess padding")
    return content


class _FileSystem(Protocol):
    """What is used of `fsspec.AbstractFileSystem`."""

    def info(self, path: str) -> dict[str, Any]: ...
    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...
    def put_file(self, lpath: str, rpath: str) -> None: ...
    def rm_file(self, path: str) -> None: ...


def _checked_protocol(url: str) -> str:
    """Find the protocol of a URL that is fit for documents; an unfit URL is not repeated, as it may hold a password."""
    protocol, separator, rest = url.partition("://")
    if not url.strip():
        raise DocumentsUnusable(f"documents_url is empty: use {_KNOWN}, or remove it")
    if any(unicodedata.category(character) == "Cc" for character in url):
        raise DocumentsUnusable("documents_url holds a line end or another control character: remove it")
    if not separator or len(protocol) == 1:
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", url):
            raise DocumentsUnusable(f"documents_url is neither a path nor a URL with ://; use {_KNOWN}")
        return "file"
    if protocol not in _PACKAGES:
        shown = f"{protocol}://" if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", protocol) else "its protocol"
        raise DocumentsUnusable(f"documents_url: {shown} is no place for documents; use {_KNOWN}")
    package = _PACKAGES[protocol]
    bucket = rest.partition("/")[0]
    if package == "adlfs":
        rest = _AZURE_ACCOUNT.sub("", rest, count=1) if _AZURE_ACCOUNT.match(rest) else rest
    # A secret key may hold a slash, so an @ counts wherever it stands.
    if (package and re.search(r"[@?#]|^(?!arn:)[^/]*:", rest)) or (not package and "@" in bucket):
        raise DocumentsUnusable(
            "documents_url must not hold credentials or options"
            + (f": give them as the environment variables that {package} reads" if package else ""),
        )
    if package and not bucket:
        raise DocumentsUnusable(f"documents_url names no bucket: write it like {protocol}://bucket/folder")
    return protocol


def _replace(path: Path, source: bytes | Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _passing_file(path.parent) as passing:
        with passing.open("xb") as file:
            if isinstance(source, bytes):
                file.write(source)
            else:
                with source.open("rb") as collected:
                    shutil.copyfileobj(collected, file, _BLOCK)
            file.flush()
            # Else a power cut may keep the new name and lose its content.
            os.fsync(file.fileno())
        passing.replace(path)


@contextlib.contextmanager
def _passing_file(folder: Path) -> Iterator[Path]:
    """Give a path that no document has, and that is gone afterwards."""
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _reason(error: Exception, hidden: Iterable[str]) -> str:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    # A signed URL carries its signature in the query.
    return error_text(re.sub(r"\?\S+", "?***", str(words)), hidden)


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _texts(entry)]
    return [value] if isinstance(value, str) and len(value) >= _SHORTEST_SECRET else []


def _refuse_unsafe(name: str) -> None:
    if not _SAFE.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a document: make it with safe_name")


def _is_plain(part: str) -> bool:
    return bool(_PLAIN.fullmatch(part)) and len(part) <= _LONGEST_SEGMENT and part.upper() not in _DEVICES


def _readable(part: str, longest: int) -> str:
    """Keep what is portable of a part; accents go, as some file systems compose them anew."""
    decomposed = unicodedata.normalize("NFKD", part[: 2 * _LONGEST_SEGMENT])
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", letters).lstrip(".-")
    if kept.partition(".")[0].upper() in _DEVICES:
        kept = f"_{kept}"
    return kept[:longest] or "_"


def _hash(*parts: str) -> str:
    # Lengths keep ("a", "b") apart from ("ab", ""); surrogates alone are no UTF-8, but must differ too.
    whole = "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
    return base64.b32encode(hashlib.sha256(whole).digest())[:_HASH_CHARACTERS].decode().lower()


def _shown(start: bytes) -> str | None:
    if start.startswith(_ZIP_START):
        return ZIP
    if _is_signed(start):
        return PKCS7
    text = _text(start)
    if _HTML_START.match(text):
        return HTML
    if _XML_START.match(text):
        return XML
    if _is_signed(_decoded(start)):
        return PKCS7
    return PDF if b"%PDF-" in start[:_PDF_HEADER_WITHIN] else None


def _is_signed(start: bytes) -> bool:
    header = _DER_HEADER.match(start)
    return header is not None and start.startswith(_SIGNED_DATA, header.end())


def _decoded(start: bytes) -> bytes:
    letters = b"".join(_PEM_HEADER.sub(b"", start.removeprefix(b"\xef\xbb\xbf"), count=1).split())[:64]
    with contextlib.suppress(ValueError):
        return a2b_base64(letters[: len(letters) // 4 * 4], strict_mode=True)
    return b""


def _text(start: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS if start.startswith(mark)), "utf-8")
    return start.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
