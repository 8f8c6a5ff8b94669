"""Settings from environment variables (`--config=ENV`): each as the kind of value that the tap's settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.records.exact_json import NotJson, decode

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def environment_settings(
    schema: Mapping[str, Any], environment: Mapping[str, str], *, prefix: str
) -> tuple[dict[str, Any], list[str]]:
    """Read the settings of a tap from environment variables.

    Args:
        schema: The tap's settings as JSON schema.
        environment: The environment variables; an empty one counts as not set.
        prefix: What the names of the tap's variables begin with.

    Returns:
        The settings, and one line for each variable whose value is of the wrong kind.
    """
    settings: dict[str, Any] = {}
    errors = []
    for name, entry in schema.get("properties", {}).items():
        variable = f"{prefix}{name.upper()}"
        text = environment.get(variable, "")
        if not text.strip():
            continue
        try:
            settings[name] = _value(entry, text)
        except _WrongKind as fault:
            errors.append(f"Environment variable {variable} has a value of the wrong kind: it must be {fault}")
    return settings, errors


class _WrongKind(ValueError):
    """A text that is no value of the kind that the message names."""


def _value(entry: Mapping[str, Any], text: str) -> object:
    """Return the value that a text stands for. A number stays a text until all settings are checked."""
    types = entry.get("type", ())
    if "integer" in types:
        return _integer(text)
    if "boolean" in types:
        try:
            return _BOOLEANS[text.strip().lower()]
        except KeyError:
            raise _WrongKind(f"true or false (it is {text[:40]!r})") from None
    if "array" in types:
        return _array(entry, text)
    if "object" in types:
        return _parsed(text, dict, "a JSON object")
    return text


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise _WrongKind(f"a whole number (it is {text[:40]!r})") from None


def _array(entry: Mapping[str, Any], text: str) -> object:
    """Return a JSON array; of texts, also one that is written with commas, as the SDK reads it."""
    try:
        return _parsed(text, list, "a JSON array")
    except _WrongKind:
        is_json = text.lstrip().startswith(("[", "{"))
        if is_json or "string" not in entry.get("items", {}).get("type", ()):
            raise
        return [part.strip() for part in text.split(",")]


def _parsed(text: str, kind: type, words: str) -> object:
    """Return a JSON value; the error does not repeat it, as it may hold secrets of stream maps."""
    try:
        value = decode(text.encode())
    except NotJson:
        raise _WrongKind(words) from None
    if not isinstance(value, kind):
        raise _WrongKind(words)
    return value
