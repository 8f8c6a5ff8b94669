"""The files that `--config`, `--state` and `--catalog` name: JSON objects, or one line that says what is wrong."""

from __future__ import annotations

import errno
import io
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from simplejson import JSONDecodeError
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._util import load_json

from singer_rest_core.errors import RunEnded
from singer_rest_core.singer.given_catalog import catalog_fault
from singer_rest_core.singer.given_state import state_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_CONTENTS = {"--config": "configuration", "--state": "state", "--catalog": "catalog"}
_CHECKED = {"--state": state_fault, "--catalog": catalog_fault}
_IN_NO_NAME = frozenset('{}"=')
"""Characters of a configuration; hardly anyone gives them to a file."""
_LONGEST_NAME = 1024
_STDIN = "-"


def read_configuration(names: Iterable[str]) -> dict[str, Any]:
    """Read what `--config` names.

    Args:
        names: The files; what a later one holds replaces the same of an earlier one.

    Returns:
        The settings.

    Raises:
        ConfigValidationError: If one of them is no JSON object.
    """
    settings: dict[str, Any] = {}
    for name in names:
        settings |= _read("--config", name)[1]
    return settings


def read_given_files(params: Iterable[click.Parameter]) -> None:
    """Have the options `--state` and `--catalog` of a command read and check their files here.

    Args:
        params: All its options, which are changed in place.
    """
    for param in params:
        if not _CHECKED.keys().isdisjoint(param.opts):
            param.type, param.metavar, param.callback = click.STRING, "FILENAME", _given_file


def _given_file(_ctx: click.Context, param: click.Parameter, given: str | None) -> io.StringIO | None:
    """Return the text of a file, which the SDK parses itself.

    Raises:
        ConfigValidationError: If it is no JSON object, or no catalog.
        RunEnded: If it is no state.
    """
    if given is None:
        return None
    option = param.opts[0]
    text, content = _read(option, given)
    fault = _CHECKED[option](content, f"The {_CONTENTS[option]} in {given}")
    if fault and option == "--state":
        raise RunEnded(fault)
    if fault:
        raise _refusal(fault)
    return io.StringIO(text)


def _read(option: str, given: str) -> tuple[str, dict[str, Any]]:
    what = f"The {_CONTENTS[option]} in {given}"
    text = _text(what, _bytes(option, given))
    if not text.strip():
        hint = ": write {} into it if there is none" if option == "--state" else ""
        raise _refusal(f"{what} is empty{hint}")
    content = _parsed(what, text)
    if not isinstance(content, dict):
        raise _refusal(f"{what} is not a JSON object")
    return text, content


def _bytes(option: str, given: str) -> bytes:
    """Return what a file holds. What cannot be its name is not repeated: it may be the configuration itself."""
    try:
        if given == _STDIN and option != "--config":
            return sys.stdin.buffer.read()
        return Path(given).read_bytes()
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if not _may_be_name(given) or number in {None, errno.ENAMETOOLONG}:
            takes = "the name of a file, or ENV" if option == "--config" else "the name of a file"
            raise _refusal(f"{option} takes {takes}") from None
        reasons = {errno.EISDIR: "is a folder", errno.ENOENT: "does not exist"}
        reason = reasons.get(number or 0, f"cannot be read: {getattr(error, 'strerror', error)}")
        raise _refusal(f"{given}, which {option} names, {reason}") from None


def _may_be_name(given: str) -> bool:
    is_printable = not any(unicodedata.category(character) == "Cc" for character in given)
    return bool(given.strip()) and is_printable and len(given) <= _LONGEST_NAME and _IN_NO_NAME.isdisjoint(given)


def _text(what: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal(f"{what} is not UTF-8 text") from None


def _parsed(what: str, text: str) -> object:
    read: Callable[[str], object] = load_json
    try:
        return read(text)
    except JSONDecodeError as error:
        raise _refusal(f"{what} is not valid JSON: {error}") from None
    except RecursionError:
        raise _refusal(f"{what} is nested too deeply") from None
    except ValueError:
        raise _refusal(f"{what} is not valid JSON: a number in it has too many digits") from None


def _refusal(line: str) -> ConfigValidationError:
    return ConfigValidationError(line, errors=[line], schema={})
