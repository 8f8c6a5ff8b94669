"""The settings: read from files and variables, and what is wrong with them in one line each, without their values."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simplejson
from singer_sdk.helpers._util import load_json

from target_postgres_exact.errors import LoadFailed
from target_postgres_exact.messages import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENVIRONMENT = "ENV"
"""What `--config` is given to read settings from variables."""
_PLAIN_NAME = re.compile(r"[\w./~+ -]{1,200}")
"""A path that cannot be the settings themselves, nor a URL."""
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a JSON object",
    "string": "a text",
}


def read_settings(paths: Iterable[str]) -> dict[str, Any]:
    """Read files of settings; of those with equal names the last counts.

    Args:
        paths: What `--config` was given.

    Raises:
        LoadFailed: If a file cannot be read, or does not hold a JSON object.
    """
    settings: dict[str, Any] = {}
    for path in paths:
        if path != ENVIRONMENT:
            settings |= _read_file(path)
    return settings


def setting_fault(error: Any) -> str:  # noqa: ANN401 - jsonschema's, which comes with singer-sdk
    """Return what is wrong with a setting.

    Args:
        error: What its JSON schema says.
    """
    name = ".".join(map(str, error.absolute_path)) or "as a whole"
    if error.validator == "type":
        types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
        kinds = " or ".join(words for kind, words in _KINDS.items() if kind in types)
        return f"The setting {name} has to be {kinds} and is {in_words(error.instance)}."
    if error.validator == "enum":
        allowed = ", ".join(str(getattr(each, "value", each)) for each in error.validator_value)
        return f"The setting {name} has to be one of {allowed}."
    if error.validator == "required":
        missing = [each for each in error.validator_value if each not in error.instance]
        return f"The setting {name} lacks {', '.join(missing)}."
    return f"The setting {name} has a value that it does not take; --about says what it takes."


def variable_fault(schema: Mapping[str, Any], prefix: str) -> str:
    """Return what is wrong with a variable that singer-sdk could not read; empty if it is none of them.

    Args:
        schema: The settings as JSON schema.
        prefix: What the names of the variables begin with.
    """
    for name, entry in schema.get("properties", {}).items():
        variable = f"{prefix}{name.upper().replace('-', '_')}"
        text, types = os.environ.get(variable), entry.get("type", ())
        if text is None:
            continue
        try:
            if "integer" in types:
                int(text)
            elif "object" in types and "string" not in types:
                load_json(text)
        except ValueError:
            kind = _KINDS["integer" if "integer" in types else "object"]
            return f"The variable {variable} has to be {kind}."
    return ""


def _read_file(path: str) -> dict[str, Any]:
    named = f"The configuration file '{path}'" if _PLAIN_NAME.fullmatch(path) else "The file that --config names"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        settings = load_json(text)
    except OSError as error:
        hint = " --config takes the name of a file, not the settings themselves." if path.lstrip()[:1] == "{" else ""
        raise LoadFailed(f"{named} cannot be read: {error.strerror}.{hint}") from None
    except simplejson.JSONDecodeError as error:
        place = f"is not valid JSON (line {error.lineno}, column {error.colno})" if text.strip() else "is empty"
        raise LoadFailed(f"{named} {place}: it has to hold a JSON object with the settings.") from None
    except UnicodeDecodeError:
        raise LoadFailed(f"{named} is not a text in UTF-8; save it as UTF-8.") from None
    except (ValueError, RecursionError):
        raise LoadFailed(f"{named} is not valid JSON.") from None
    if not isinstance(settings, dict):
        raise LoadFailed(f"{named} has to hold a JSON object with the settings and holds {in_words(settings)}.")
    return settings
