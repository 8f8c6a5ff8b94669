"""The settings that all taps share, and the errors for wrong ones."""

from __future__ import annotations

import contextlib
import difflib
import math
import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from singer_sdk import typing as th

from singer_rest_core.api.urls import url_error
from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from jsonschema import ValidationError

Schema = dict[str, Any]

_URL = "_url"
"""How the names of settings end that hold a URL."""

_BATCH_CONFIG: Schema = {
    "type": "object",
    "secret": True,
    "required": ["encoding", "storage"],
    "additionalProperties": False,
    "properties": {
        "encoding": {
            "type": "object",
            "required": ["format"],
            "additionalProperties": False,
            "properties": {"format": {"enum": ["jsonl", "parquet"]}, "compression": {"enum": ["gzip", "none", None]}},
        },
        "storage": {
            "type": "object",
            "required": ["root"],
            "additionalProperties": False,
            "secret": True,
            "properties": {
                "root": {"type": "string", "minLength": 1, "secret": True},
                "prefix": {"type": ["string", "null"], "secret": True},
                "params": {"type": "object", "secret": True},
            },
        },
        "batch_size": {"type": ["integer", "null"], "minimum": 1},
    },
}
"""What the SDK takes as `batch_config`; its own schema knows neither what must be there nor what must not."""


def settings_schema(
    *own: th.Property[Any],
    api_url: str | None,
    page_size: tuple[int, int] | None,
    start_date: str | None,
    quota_share: float = 1,
) -> Schema:
    """Return the settings of a tap: its own first, then those that every tap has.

    Args:
        own: Credentials and other settings that only this tap has.
        api_url: The default base URL, or None if the user must set it.
        page_size: The default and the largest page size, in records, or None if the API has a fixed page size.
        start_date: The description of `start_date`, or None if no stream of the tap is incremental.
        quota_share: The default of that setting.

    Returns:
        A JSON schema for `Tap.config_jsonschema`.
    """
    shared = [
        th.Property(
            "api_url",
            th.StringType,
            required=api_url is None,
            default=api_url,
            title="API URL",
            description="Base URL of the API. The credentials are sent to its origin and nowhere else.",
        ),
        th.Property(
            "concurrency",
            th.IntegerType(minimum=1, maximum=64),
            default=8,
            title="Concurrency",
            description="Requests under way at once; 1 turns reading ahead off. What is written stays the same.",
        ),
        th.Property(
            "quota_share",
            th.NumberType(exclusive_minimum=0, maximum=1),
            default=quota_share,
            title="Quota Share",
            description="The part of the API's limits this tap may use, for accounts shared with other integrations.",
        ),
        th.Property(
            "max_wait_minutes",
            th.NumberType(minimum=0, maximum=10_080),
            default=15,
            title="Max Wait Minutes",
            description="A longer wait that the API asks for ends the run cleanly instead; its state is kept.",
        ),
        th.Property(
            "request_timeout",
            th.NumberType(exclusive_minimum=0, maximum=86_400),
            default=300,
            title="Request Timeout",
            description="Seconds without a byte after which a request is given up and sent again.",
        ),
        th.Property(
            "user_agent",
            th.StringType,
            title="User Agent",
            description="Value of the User-Agent header; the tap's name and version if not set.",
        ),
        th.Property(
            "emit_activate_version_messages",
            th.BooleanType,
            default=True,
            title="Emit ACTIVATE_VERSION Messages",
            description="Let the loader mark or remove rows that a complete read of a full-table stream did not find.",
        ),
        th.Property(
            "skip_unchanged",
            th.BooleanType,
            default=False,
            title="Skip Unchanged",
            description=(
                "Write nothing of a stream whose rows the table holds already: of a full-table stream those of the "
                "last complete read, of an incremental one those within the look-back. Not for loaders that make a "
                "new file each run."
            ),
        ),
        th.Property(
            "full_refresh_interval_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=7,
            title="Full Refresh Interval Days",
            description="With skip_unchanged, a stream is written again after this many days even if it is unchanged.",
        ),
        th.Property(
            "allow_plain_http",
            th.BooleanType,
            default=False,
            title="Allow Plain HTTP",
            description="Accept an api_url without TLS beyond this machine. The token then travels readable.",
        ),
    ]
    if page_size is not None:
        default, largest = page_size
        size = th.IntegerType(minimum=1, maximum=largest)
        about = f"Records a page, at most {largest}."
        shared.insert(1, th.Property("page_size", size, default=default, title="Page Size", description=about))
    if start_date is not None:
        shared.insert(1, th.Property("start_date", th.DateTimeType, title="Start Date", description=start_date))
    schema: Schema = th.PropertiesList(*own, *shared).to_dict()
    # A tap may say more about a setting that all have.
    schema["properties"] |= th.PropertiesList(*own).to_dict()["properties"]
    return schema


def with_defaults(schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Add the defaults of settings that are not set.

    Args:
        schema: The tap's settings as JSON schema.
        config: The settings given by the user; null counts as not set, and so does an empty text, which an empty
            variable becomes in Meltano, where it can be no value: of a required or secret setting, one with a default,
            a choice or a date. Not that of a URL: the credentials would go to another one than the user meant.

    Returns:
        The settings without what is not set, with defaults. A number sent as text by an environment variable is a
        number; a text that YAML turned into a number, such as an id, is a text.
    """
    defaults = {name: entry["default"] for name, entry in schema["properties"].items() if "default" in entry}
    given = {
        name: value
        for name, value in config.items()
        if value is not None and not (value == "" and _must_have_text(schema, name))
    }
    return defaults | {name: _converted(schema["properties"].get(name, {}), value) for name, value in given.items()}


def schema_errors(schema: Mapping[str, Any], config: Mapping[str, Any], *, plugin: str) -> list[str]:
    """Check settings against their schema.

    Args:
        schema: The tap's settings as JSON schema.
        config: The settings, including defaults.
        plugin: The tap's name, from which the names of environment variables are derived.

    Returns:
        One line per error: which setting, what is wrong, what to do. Never the value of a secret.
    """
    lines = [line for error in Draft202012Validator(schema).iter_errors(config) for line in _lines(error, plugin)]
    return list(dict.fromkeys(lines))


def batch_errors(config: Mapping[str, Any], *, plugin: str) -> list[str]:
    """Check the setting `batch_config` of the SDK.

    Args:
        config: The settings.
        plugin: The tap's name.

    Returns:
        One line about the first error, without the place of the files, which may hold credentials.
    """
    given = config.get("batch_config")
    if given is None or given == {}:
        return []
    return schema_errors({"properties": {"batch_config": _BATCH_CONFIG}}, {"batch_config": given}, plugin=plugin)[:1]


def blank_secrets(schema: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Check that secrets are more than blanks.

    Args:
        schema: The tap's settings as JSON schema.
        config: The settings.

    Returns:
        One line for each that is not.
    """
    return [f"Setting {name} is empty: it holds nothing but blanks" for name in sorted(_blank_secrets(schema, config))]


def _blank_secrets(schema: Mapping[str, Any], config: Mapping[str, Any]) -> set[str]:
    secrets = {name: config.get(name) for name, entry in schema["properties"].items() if entry.get("secret")}
    return {name for name, value in secrets.items() if isinstance(value, str) and not value.strip()}


def unknown_settings(schema: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Check for settings that do not exist.

    Args:
        schema: The tap's settings as JSON schema.
        config: The settings.

    Returns:
        One line for each: its name, and the setting that may be meant.
    """
    known = schema.get("properties", {})
    lines = []
    for name in sorted(config.keys() - known.keys()):
        close = difflib.get_close_matches(name, known, n=1)
        suggestion = f": did you mean {close[0]}?" if close else ""
        lines.append(f"Setting {name} is unknown and has no effect{suggestion}")
    return lines


def url_errors(config: Mapping[str, Any], name: str) -> list[str]:
    """Check a setting that holds a URL to which the credentials are sent.

    Args:
        config: The settings.
        name: The setting.

    Returns:
        One line if the URL must not be used, otherwise empty.
    """
    url = config.get(name)
    fault = url_error(url, allow_plain_http=config.get("allow_plain_http") is True) if isinstance(url, str) else None
    return [f"Setting {name} {fault}"] if fault else []


def header_errors(schema: Mapping[str, Any], config: Mapping[str, Any], names: Container[str]) -> list[str]:
    """Check settings sent in headers: they must be ASCII, without line breaks, which values from files often have.

    Nor may they begin or end with a blank, which servers drop or refuse. The HTTP library refuses other values, with a
    message that repeats them.

    Args:
        schema: The tap's settings as JSON schema.
        config: The settings.
        names: Settings that are sent in headers, in addition to the secrets.

    Returns:
        One line for each error, without the value.
    """
    values = {
        name: config.get(name) for name, entry in schema["properties"].items() if entry.get("secret") or name in names
    }
    have_a_line = _blank_secrets(schema, config)
    return [
        f"Setting {name} {fault}: copy it again"
        for name, value in values.items()
        if isinstance(value, str) and name not in have_a_line and (fault := _header_fault(value))
    ]


def _header_fault(value: str) -> str:
    if value != value.strip():
        return "begins or ends with a blank or a line break"
    if not value.isascii() or any(unicodedata.category(character) == "Cc" for character in value):
        return "contains a character not allowed in headers (such as a line break)"
    return ""


def date_errors(config: Mapping[str, Any], name: str) -> list[str]:
    """Check a setting that holds a date or timestamp.

    Args:
        config: The settings.
        name: The setting.

    Returns:
        One line if it is neither, otherwise empty.
    """
    value = config.get(name)
    if not isinstance(value, str):
        return []
    try:
        instant(value)
    except ValueError:
        return [f"Setting {name} is not a date: {value[:40]!r}; write it as 2026-01-31 or 2026-01-31T00:00:00Z"]
    return []


def _lines(error: ValidationError, plugin: str) -> list[str]:
    rule, limit, found = str(error.validator), error.validator_value, error.instance
    path = ".".join(str(part) for part in error.absolute_path)
    entry = error.schema if isinstance(error.schema, dict) else {}
    if rule == "required":
        missing = [name for name in _listed(limit) if name not in _listed(found)]
        if path:
            return [f"Setting {path}.{name} is missing: set it in the configuration" for name in missing]
        return [
            f"Setting {name} is missing: set it in the configuration or as {_variable(plugin, name)}"
            for name in missing
        ]
    if rule == "additionalProperties":
        known = _listed(entry.get("properties", {}))
        unknown = [name for name in _listed(found) if name not in known]
        return [f"Setting {path} contains the unknown name {name}: use {', '.join(known)}" for name in unknown]
    requirement = {
        "type": f"must be of type {' or '.join(name for name in _listed(limit) if name != 'null')}",
        "minimum": f"must be at least {limit}",
        "exclusiveMinimum": f"must be more than {limit}",
        "maximum": f"must be at most {limit}",
        "enum": f"must be one of {', '.join(_listed(limit))}",
    }.get(rule, "has an invalid format")
    value = "" if entry.get("secret") else f" (it is {str(found)[:40]!r})"
    return [f"Setting {path} {requirement}{value}"]


def _must_have_text(schema: Mapping[str, Any], name: str) -> bool:
    entry = schema["properties"].get(name, {})
    if name in schema.get("required", ()):
        return True
    return not name.endswith(_URL) and not entry.keys().isdisjoint({"default", "enum", "format", "secret"})


def _converted(entry: Mapping[str, Any], value: object) -> object:
    """Convert text to a finite number, and an integer to text, where the schema asks for it; else return the value.

    An integer is not converted to a secret, as a token of digits may have lost leading zeros.
    """
    types = _listed(entry.get("type", []))
    if isinstance(value, str | Decimal) and "number" in types:
        with contextlib.suppress(ValueError):
            number = float(value)
            return number if math.isfinite(number) else str(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_whole and not entry.get("secret") and set(types) <= {"string", "null"} and types else value


def _listed(value: object) -> list[str]:
    return [str(entry) for entry in (value if isinstance(value, list | dict) else [value])]


def _variable(plugin: str, name: str) -> str:
    return f"{plugin}_{name}".upper().replace("-", "_")
