"""Searches everything that a run leaves behind for secrets, in every form in which they travel."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


class SecretCollector:
    """Collects texts and files, and finds secrets in them.

    Args:
        secrets: The values.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        """Start without anything to search."""
        self._forms = {form: secret for secret in secrets for form in forms_of(secret)}
        self.found: list[str] = []
        """Where a secret is, and the secret."""
        self.searched = 0
        """How many bytes were searched."""

    def text(self, name: str, content: bytes | str) -> None:
        """Search a text.

        Args:
            name: What it is.
            content: The text.
        """
        octets = content.encode() if isinstance(content, str) else content
        self.searched += len(octets)
        for form, secret in self._forms.items():
            if form.encode() in octets:
                self.found.append(f"{name} holds {secret!r} as {form!r}")

    def folder(self, folder: Path, *, but: Iterable[str] = ()) -> None:
        """Search all files below a folder, whatever they are: logs, catalogs, states, databases, documents.

        Args:
            folder: The folder.
            but: Patterns of names that are left out.
        """
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not any(path.match(pattern) for pattern in but):
                self.text(str(path), path.read_bytes())


def forms_of(secret: str) -> Iterator[str]:
    """Return a secret as it is, quoted for URLs, escaped in JSON and Python, and in base64 at each offset.

    Args:
        secret: The secret.
    """
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield quote(quote(secret, safe=""), safe="")
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + secret.encode()).decode()
        # The letters that the secret alone decides, whatever stands around it.
        yield encoded[-(-offset * 8 // 6) : (offset + len(secret)) * 8 // 6]


def said_by_an_api(secret: str) -> str:
    """Return a text that repeats a secret in every form, as an API's words may.

    Args:
        secret: The secret.
    """
    *as_it_is, _, _, _ = forms_of(secret)
    in_base64 = [
        base64.b64encode(before + secret.encode() + b" after").decode() for before in (b"", b"a", b"a:", b"user:")
    ]
    return " ".join([*as_it_is, *in_base64])
