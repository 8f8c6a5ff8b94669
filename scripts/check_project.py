"""Check meltano.yml for what Meltano accepts without a word: patterns of `select` that match nothing.

`python -m scripts.check_project` lists them, and exits with 1 if there are any.
"""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import yaml
from meltano.core.plugin.singer.catalog import SelectPattern
from singer_sdk.exceptions import ConfigValidationError

from scripts.all_taps import tap_classes, unconnected_tap
from scripts.local_world import ROOT
from singer_rest_core import RESCUED_DATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from singer_sdk import Stream

    from singer_rest_core import RestTap

MELTANO_YML = ROOT / "meltano.yml"


@dataclass(frozen=True)
class Selection:
    """A `select` of meltano.yml.

    Args:
        extractor: The name of the extractor.
        place: Where it stands, in words.
        patterns: What it lists.
        config: The settings that meltano.yml gives the extractor there.
    """

    extractor: str
    place: str
    patterns: Sequence[str]
    config: Mapping[str, Any]


def selections(meltano: Mapping[str, Any]) -> Iterator[Selection]:
    """Find every `select` in meltano.yml.

    Args:
        meltano: Its content.

    Yields:
        Those of the plugins, then those of the environments.
    """
    plugins = {entry["name"]: entry for entry in _extractors(meltano)}
    for name, entry in plugins.items():
        yield Selection(name, "plugins", _patterns(entry), entry.get("config") or {})
    for environment in meltano.get("environments") or []:
        for entry in _extractors(environment.get("config") or {}):
            config = {**(plugins.get(entry["name"], {}).get("config") or {}), **(entry.get("config") or {})}
            yield Selection(entry["name"], f"environment {environment['name']}", _patterns(entry), config)


def _extractors(section: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return (section.get("plugins") or {}).get("extractors") or []


def _patterns(entry: Mapping[str, Any]) -> list[str]:
    """Return the patterns of an entry: `select` beside its settings, or `_select` among them."""
    found = entry.get("select") or (entry.get("config") or {}).get("_select") or []
    return [str(pattern) for pattern in ([found] if isinstance(found, str) else found)]


def faults(meltano: Mapping[str, Any], classes: Mapping[str, type[RestTap]]) -> list[str]:
    """Find patterns that match no stream, or no column of the streams they match.

    Args:
        meltano: The content of meltano.yml.
        classes: The taps, by the name of their distribution.

    Returns:
        A line for each, in the order of the file.
    """
    parents = {entry["name"]: entry.get("inherit_from") for entry in _extractors(meltano)}
    lines = []
    for selection in selections(meltano):
        name: str | None = selection.extractor
        while name is not None and name not in classes:
            name = parents.get(name)
        if name is None or not selection.patterns:  # of a tap of others nobody here knows the streams
            continue
        place = f"meltano.yml, {selection.place}, {selection.extractor}"
        try:
            streams = list(unconnected_tap(classes[name], selection.config).streams.values())
        except ConfigValidationError as error:
            lines += [f"{place}: {line}" for line in error.errors]
            continue
        lines += [
            f"{place}: the select pattern {pattern!r} {reason}"
            for pattern in selection.patterns
            if (reason := _why_nothing_matches(SelectPattern.parse(pattern), streams))
        ]
    return lines


def _why_nothing_matches(pattern: SelectPattern, streams: Sequence[Stream]) -> str:
    """Return why a pattern selects or excludes nothing; empty if it does."""
    matched = [stream for stream in streams if fnmatch(stream.tap_stream_id, pattern.stream_pattern)]
    if not matched:
        return "matches no stream"
    wanted = pattern.property_pattern
    for stream in matched:
        if (
            wanted is None
            or _finds_its_columns(stream)
            or any(fnmatch(name, wanted) for name in _columns(stream.schema))
        ):
            return ""
    return f"matches no column of {', '.join(stream.name for stream in matched)}"


def _finds_its_columns(stream: Stream) -> bool:
    """Return whether the schema is found in an account: then nobody knows here more than its key."""
    is_made = isinstance(inspect.getattr_static(type(stream), "schema"), property)
    return is_made and stream.schema["properties"].keys() <= {*stream.primary_keys, RESCUED_DATA}


def _columns(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, entry in (schema.get("properties") or {}).items():
        yield f"{prefix}{name}"
        yield from _columns(entry, f"{prefix}{name}.")


def main(path: Path = MELTANO_YML) -> int:
    """Print what is wrong.

    Args:
        path: The file to check.

    Returns:
        The exit code.
    """
    lines = faults(yaml.safe_load(path.read_text(encoding="utf-8")), tap_classes())
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
