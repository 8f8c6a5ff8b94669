"""Document names: portable paths inside the store, built from the ids and file names an API sends."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

_LONGEST_SEGMENT = 80
_HASH_CHARACTERS = 16
_SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,10}){1,2}")
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_-]*")
_HASHED = re.compile(rf".*-[a-z2-7]{{{_HASH_CHARACTERS}}}")
_SAFE = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*\.[a-z0-9]+")
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"} | {f"{port}{number}" for port in ("COM", "LPT") for number in range(10)},
)


def safe_name(*parts: str, suffix: str) -> str:
    """Build a path inside the store from ids and file names sent by an API.

    The path is portable: ASCII letters, digits, `_`, `-` and `.`; no segment starts with a dot, is a Windows device
    name or exceeds 80 characters. Parts of lower-case letters, digits, `_` and `-` are used unchanged. Otherwise the
    readable characters are kept and a hash of all parts is appended, so that different parts never share a name, even
    on a case-insensitive file system. The same parts always give the same name.

    Args:
        parts: Folders, then the file name; any text is accepted.
        suffix: One or two lower-case extensions, such as `.pdf` or `.xml.p7m`; chosen by us, not by the API.

    Returns:
        The path, with segments separated by `/`.

    Raises:
        ValueError: If there are no parts, or the suffix is not one or two lower-case extensions.

    Example:
        >>> safe_name("invoices", "4711", suffix=".pdf")
        'invoices/4711.pdf'
        >>> safe_name("../Etc", "Fattura n° 1.pdf", suffix=".pdf")
        '_Etc/Fattura_n_1-orpvjx6njrror4bs.pdf'
    """
    if not parts:
        raise ValueError("a document name needs at least one part")
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"{suffix!r} is not a suffix like .pdf or .xml.p7m")
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
    # A folder has no dot and a document has one, so neither can take the other's path.
    readable = [_readable(folder, _LONGEST_SEGMENT).replace(".", "_") for folder in folders]
    return "/".join([*readable, _readable(stem, _LONGEST_SEGMENT - len(end)) + end])


def check_name(name: str) -> None:
    """Check that a document name has the form `safe_name` produces.

    Args:
        name: A path inside the store.

    Raises:
        ValueError: If it does not.
    """
    if not _SAFE.fullmatch(name):
        raise ValueError(f"{name!r} is not a valid document name: build it with safe_name")


def _is_plain(part: str) -> bool:
    return bool(_PLAIN.fullmatch(part)) and len(part) <= _LONGEST_SEGMENT and part.upper() not in _DEVICES


def _readable(part: str, longest: int) -> str:
    """Return the portable characters of a part, without accents, which some file systems recompose."""
    decomposed = unicodedata.normalize("NFKD", part[: 2 * _LONGEST_SEGMENT])
    letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", letters).lstrip(".-")
    if kept.partition(".")[0].upper() in _DEVICES:
        kept = f"_{kept}"
    return kept[:longest] or "_"


def _hash(*parts: str) -> str:
    # Lengths distinguish ("a", "b") from ("ab", ""); lone surrogates are not valid UTF-8, but must differ too.
    content = "".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
    return base64.b32encode(hashlib.sha256(content).digest())[:_HASH_CHARACTERS].decode().lower()
