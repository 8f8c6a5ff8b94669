"""The tables in a tap's README: its settings and its streams."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from scripts.all_taps import unconnected_tap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core import RestTap


def settings_table(tap_class: type[RestTap]) -> str:
    """Return the table of a tap's own settings, as Markdown.

    Args:
        tap_class: The class of the tap.
    """
    required = tap_class.config_jsonschema["required"]
    own = copy.deepcopy(tap_class.config_jsonschema)["properties"]
    builtin: dict[str, Any] = {"properties": {}}
    tap_class.append_builtin_config(builtin)
    rows = [
        (
            f"`{name}`",
            "yes" if name in required else "",
            f"`{json.dumps(entry['default'])}`" if "default" in entry else "",
            entry.get("description", ""),
        )
        for name, entry in own.items()
        if name not in builtin["properties"]
    ]
    return markdown_table(("setting", "required", "default", "what it does"), rows)


def streams_table(tap_class: type[RestTap]) -> str:
    """Return the table of a tap's streams, as Markdown.

    Args:
        tap_class: The class of the tap.
    """
    streams = list(unconnected_tap(tap_class).streams.values())
    # The streams of a tap may state what the API allows, and how well it is known.
    stated = [name for name in ("api_allows", "evidence") if any(hasattr(stream, name) for stream in streams)]
    rows = [
        (
            f"`{stream.name}`",
            ", ".join(f"`{key}`" for key in stream.primary_keys),
            f"incremental, `{stream.replication_key}`" if stream.replication_key else "full table",
            *(str(getattr(stream, name, "")) for name in stated),
            " ".join((type(stream).__doc__ or "").split()),
        )
        for stream in streams
    ]
    columns = {"api_allows": "what the API allows", "evidence": "evidence"}
    return markdown_table(("stream", "key", "replication", *(columns[name] for name in stated), "what it holds"), rows)


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Return a README with its tables replaced; each is between `<!-- name -->` and `<!-- end of name -->`.

    Args:
        text: The README.
        tables: The tables by name.

    Raises:
        ValueError: If a mark is missing.
    """
    for name, table in tables.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        match = pattern.search(text)
        if match is None:
            msg = f"README.md has no mark <!-- {name} -->"
            raise ValueError(msg)
        text = f"{text[: match.end(1)]}{table}\n{text[match.start(2) :]}"
    return text


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown.

    Args:
        header: Names of the columns.
        rows: Their cells.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
