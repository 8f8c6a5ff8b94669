"""Write what repeats the taps' code: Meltano locks, Meltano Hub definitions, and the tables in the READMEs.

`python -m scripts.definitions` writes them; `--check` only says which are out of date, and then ends with 1.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import importlib.metadata
import json
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from singer_sdk.about import python_versions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_rest_core import RestTap

ROOT = Path(__file__).resolve().parent.parent
VARIANT = "invoicing-taps"
LABELS = {
    "tap-2invoice": ("2invoice", "https://2invoice.ro", ("2invoice", "romania", "receipts", "clients")),
    "tap-covage": ("Covage", "https://www.covage.com", ("covage", "fibre", "telecom", "orders")),
    "tap-invobi": ("Invobi", "https://invobi.com", ("invobi", "freelance")),
    "tap-invoicetronic": (
        "Invoicetronic",
        "https://invoicetronic.com",
        ("invoicetronic", "fatturapa", "e_invoicing", "italy"),
    ),
    "tap-productive": ("Productive", "https://productive.io", ("productive", "agency", "budgets", "time_tracking")),
}
"""Label, home page and keywords of each tap's system, for the Hub."""

_KINDS = {"boolean": "boolean", "integer": "integer", "number": "decimal", "object": "object", "array": "array"}


def taps() -> dict[str, type[RestTap]]:
    """Find the taps of this repository.

    Returns:
        The tap class of each distribution under taps/, by name.
    """
    found = {}
    for name in sorted(LABELS):
        module = importlib.import_module(f"{name.replace('-', '_')}.tap")
        found[name] = next(
            entry for entry in vars(module).values() if isinstance(entry, type) and getattr(entry, "name", None) == name
        )
    return found


def settings(tap: type[RestTap]) -> list[dict[str, Any]]:
    """List a tap's settings as Meltano writes them.

    Args:
        tap: The tap.

    Returns:
        Its own settings, then the SDK's; nested ones with dotted names.
    """
    schema = copy.deepcopy(tap.config_jsonschema)
    tap.append_builtin_config(schema)
    return [_setting(name, entry) for name, entry in _flattened(schema["properties"])]


def _flattened(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in properties.items():
        if isinstance(entry.get("properties"), dict) and entry["properties"]:
            yield from _flattened(entry["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", entry


def _setting(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    types = entry.get("type", "string")
    kind = next(
        (_KINDS[each] for each in ([types] if isinstance(types, str) else types) if each in _KINDS),
        "date_iso8601" if entry.get("format") == "date-time" else "string",
    )
    setting: dict[str, Any] = {"name": name, "kind": "options" if "enum" in entry else kind}
    if "default" in entry:
        setting["value"] = entry["default"]
    setting["label"] = entry.get("title") or name.replace("_", " ").replace(".", " ").title()
    if entry.get("description"):
        setting["description"] = entry["description"]
    if entry.get("secret"):
        setting["sensitive"] = True
    if "enum" in entry:
        setting["options"] = [
            {"label": str(value).title(), "value": value} for value in entry["enum"] if value is not None
        ]
    return setting


def definition(name: str, tap: type[RestTap]) -> dict[str, Any]:
    """Describe a tap to Meltano.

    Args:
        name: The distribution's name.
        tap: Its class.

    Returns:
        What a lock and a Hub definition have in common.
    """
    label, _, _ = LABELS[name]
    return {
        "name": name,
        "namespace": name.replace("-", "_"),
        "variant": VARIANT,
        "label": label,
        "pip_url": name,
        "executable": name,
        "description": (tap.__doc__ or "").splitlines()[0],
        "capabilities": sorted(capability.value for capability in tap.capabilities),
        "settings_group_validation": [tap.config_jsonschema["required"]],
        "settings": settings(tap),
        "commands": {
            "test": {"args": "--config=ENV --test", "description": "Read one record of every stream"},
        },
    }


def lock(name: str, tap: type[RestTap]) -> str:
    """Write a lock as Meltano does.

    Args:
        name: The distribution's name.
        tap: Its class.

    Returns:
        The content of plugins/extractors/<name>--<variant>.lock.
    """
    return json.dumps({"plugin_type": "extractors", **definition(name, tap)}, indent=2, ensure_ascii=False) + "\n"


def hub_definition(name: str, tap: type[RestTap]) -> str:
    """Write a definition as the Meltano Hub keeps them.

    Args:
        name: The distribution's name.
        tap: Its class.

    Returns:
        YAML with sorted keys.
    """
    _, home, keywords = LABELS[name]
    entry = definition(name, tap) | {
        "domain_url": home,
        "keywords": ["meltano_sdk", "api", "invoicing", *keywords],
        "maintenance_status": "active",
        "quality": "unknown",
        "supported_python_versions": _python_versions(name),
    }
    entry["settings"] = sorted(entry["settings"], key=lambda setting: setting["name"])
    return yaml.safe_dump(entry, sort_keys=True, allow_unicode=True, width=100)


def settings_table(tap: type[RestTap]) -> str:
    """Write the table of a tap's own settings.

    Args:
        tap: The tap.

    Returns:
        Markdown.
    """
    required = tap.config_jsonschema["required"]
    own = copy.deepcopy(tap.config_jsonschema)["properties"]
    builtin: dict[str, Any] = {"properties": {}}
    tap.append_builtin_config(builtin)
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


def instance_of(tap: type[RestTap]) -> RestTap:
    """Make a tap that is only looked at.

    Args:
        tap: Its class.

    Returns:
        An instance with settings that lead nowhere.
    """
    urls = {
        name: "https://localhost" for name in ("api_url", "auth_url") if name in tap.config_jsonschema["properties"]
    }
    required = dict.fromkeys(tap.config_jsonschema["required"], "-")
    # A tap takes the signals of its process, which is ours.
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        return tap(config=required | urls, validate_config=True, setup_mapper=False)
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)


def streams_table(tap: type[RestTap]) -> str:
    """Write the table of a tap's streams.

    Args:
        tap: The tap.

    Returns:
        Markdown.
    """
    streams = list(instance_of(tap).streams.values())
    # A tap may say of its streams what the API allows, and how much of it is certain.
    said = [name for name in ("api_allows", "evidence") if any(hasattr(stream, name) for stream in streams)]
    rows = [
        (
            f"`{stream.name}`",
            ", ".join(f"`{key}`" for key in stream.primary_keys),
            f"incremental, `{stream.replication_key}`" if stream.replication_key else "full table",
            *(str(getattr(stream, name, "")) for name in said),
            " ".join((type(stream).__doc__ or "").split()),
        )
        for stream in streams
    ]
    columns = {"api_allows": "what the API allows", "evidence": "evidence"}
    return markdown_table(("stream", "key", "replication", *(columns[name] for name in said), "what it holds"), rows)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table.

    Args:
        header: Names of the columns.
        rows: Their cells.

    Returns:
        Markdown.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def with_tables(text: str, tables: Mapping[str, str]) -> str:
    """Put tables into a README between their marks, `<!-- name -->` and `<!-- end of name -->`.

    Args:
        text: The README.
        tables: The tables by name.

    Returns:
        The README with today's tables.

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


def generated() -> dict[Path, str]:
    """Generate everything.

    Returns:
        The content of each file by its path.
    """
    files = {}
    for name, tap in taps().items():
        files[ROOT / "plugins" / "extractors" / f"{name}--{VARIANT}.lock"] = lock(name, tap)
        files[ROOT / "hub" / "extractors" / name / f"{VARIANT}.yml"] = hub_definition(name, tap)
        readme = ROOT / "taps" / name / "README.md"
        files[readme] = with_tables(
            readme.read_text(encoding="utf-8"),
            {"settings": settings_table(tap), "streams": streams_table(tap)},
        )
    return files


def outdated() -> list[Path]:
    """Find what is not as it would be generated today.

    Returns:
        Paths below the repository's root.
    """
    return [
        path.relative_to(ROOT)
        for path, content in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]


def _python_versions(name: str) -> list[str]:
    return list(python_versions(importlib.metadata.metadata(name)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or check them.

    Args:
        arguments: The command line; `sys.argv` if None.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if a file is out of date")
    if parser.parse_args(arguments).check:
        late = outdated()
        for path in late:
            print(f"{path} is out of date: run make definitions")
        return 1 if late else 0
    for path, content in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
