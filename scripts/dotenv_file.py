"""The file `.env`, from which Meltano reads variables."""

from __future__ import annotations

import os
import tempfile
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import parse_stream

if TYPE_CHECKING:
    from collections.abc import Mapping


def quoted(value: str) -> str:
    r"""Return a value as python-dotenv, with which Meltano reads the file, gives it back exactly.

    In single quotes only `\\` and `\'` are escapes, but `${NAME}` is replaced there, too: `${:-$}` is what stands for
    a `$` before a brace, the default of a variable that cannot exist.

    Args:
        value: Any text without NUL.
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "${:-$}{")
    return f"'{escaped}'"


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Return the content of the file with other values; every other line stays as it is.

    Args:
        text: The content.
        values: The values by variable.
    """
    pieces: list[str] = []
    left = dict(values)
    for binding in parse_stream(StringIO(text, newline="")):
        original = binding.original.string
        if binding.key not in values:
            pieces.append(original)
            continue
        pieces.append(original[: len(original) - len(original.lstrip())])  # empty lines before it
        if binding.key in left:
            pieces.append(f"{binding.key}={quoted(left.pop(binding.key))}\n")
    before = "".join(pieces)
    if before and not before.endswith("\n"):
        before += "\n"
    return "".join([before, *(f"{name}={quoted(value)}\n" for name, value in left.items())])


def write(path: Path, values: Mapping[str, str]) -> None:
    """Put values into the file, all or none. Only its owner can read it afterwards.

    Args:
        path: The file; made if it does not exist. Where it is a link, what it points to is replaced.
        values: The values by variable.

    Raises:
        OSError: If it cannot be written; then it is as before.
    """
    path = path.resolve()
    before = path.read_bytes().decode() if path.exists() else ""
    file, name = tempfile.mkstemp(prefix=".env-", dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(file, "wb") as output:
            output.write(with_values(before, values).encode())
            output.flush()
            os.fsync(file)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
