"""What `--about` prints: the settings with their kinds and defaults in words."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from singer_sdk.about import AboutInfo

_WIDTH = 100
_INDENT = "    "
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a JSON object",
    "string": "a text",
}
_PLURALS = {"string": "texts", "object": "JSON objects", "integer": "whole numbers", "number": "numbers"}
_FORMATS = {"date-time": "a date or a time, such as 2026-01-31 or 2026-01-31T08:00:00Z"}


def about_text(info: AboutInfo, own_settings: Collection[str]) -> str:
    """Return what a person wants to know of a tap.

    Args:
        info: What the SDK knows of it.
        own_settings: The settings of the tap; the others are those of every tap made with the SDK.
    """
    properties: Mapping[str, Any] = info.settings.get("properties", {})
    required = set(info.settings.get("required", ()))
    own = {name: entry for name, entry in properties.items() if name in own_settings}
    builtin = {name: entry for name, entry in properties.items() if name not in own_settings}

    def described(settings: Mapping[str, Any]) -> list[str]:
        return [
            line
            for name, entry in settings.items()
            for line in _setting(name, entry, required=name in required, variable=info.env_var_prefix + name.upper())
        ]

    return "\n".join(
        [
            f"{info.name} {info.version}, made with singer-sdk {info.sdk_version}",
            *textwrap.wrap(info.description or "", _WIDTH),
            *([f"Python {', '.join(info.supported_python_versions)}"] if info.supported_python_versions else []),
            f"Capabilities: {', '.join(each.value for each in info.capabilities)}",
            "",
            "Settings. With --config=ENV each is read from the variable behind its name.",
            *described(own),
            *(["", "Settings that every tap made with singer-sdk has.", *described(builtin)] if builtin else []),
        ]
    )


def kind_in_words(entry: Mapping[str, Any]) -> str:
    """Return what kind of value a setting takes.

    Args:
        entry: Its JSON schema.

    Returns:
        For example `a whole number from 1 to 64`.
    """
    if "enum" in entry:
        return f"one of {', '.join(map(str, entry['enum']))}"
    if entry.get("format") in _FORMATS:
        return _FORMATS[str(entry["format"])]
    types = entry.get("type", ())
    kinds = [types] if isinstance(types, str) else [each for each in types if each != "null"]
    kind = next((each for each in _KINDS if each in kinds), None)
    if kind is None:
        return "any JSON value"
    if kind == "array":
        items = entry.get("items", {}).get("type", ())
        plural = next((words for name, words in _PLURALS.items() if name in items), "")
        return f"a list of {plural}" if plural else "a list"
    return f"{_KINDS[kind]}{_bounds(entry)}"


def _bounds(entry: Mapping[str, Any]) -> str:
    low, above, high = (entry.get(name) for name in ("minimum", "exclusiveMinimum", "maximum"))
    if low is not None and high is not None:
        return f" from {low} to {high}"
    parts = [
        f"{words} {bound}"
        for words, bound in (("at least", low), ("more than", above), ("at most", high))
        if bound is not None
    ]
    return f", {' and '.join(parts)}" if parts else ""


def _setting(name: str, entry: Mapping[str, Any], *, required: bool, variable: str) -> list[str]:
    default = entry.get("default")
    facts = [
        kind_in_words(entry),
        *(["required"] if required else []),
        *(["secret"] if entry.get("secret") else []),
        *([] if default is None else [f"{_in_words(default)} if not set"]),
    ]
    said = f"{', '.join(facts)}. {entry.get('description', '')}".strip()
    lines = textwrap.wrap(said[:1].upper() + said[1:], _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return [f"  {name}  ({variable})", *lines]


def _in_words(default: object) -> str:
    return default if isinstance(default, str) else json.dumps(default)
