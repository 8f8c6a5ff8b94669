"""What Meltano needs to know of a tap: its definition, as a plugin lock holds it, jobs and schedules."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from scripts.all_taps import metadata_of, unconnected_tap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_rest_core import RestTap

VARIANT = "invoicing-taps"
LOADER = "target-postgres"
JOB_SUFFIX = "to-postgres"
MODEL_JOB = "model"
_MODEL_TASKS = ("dbt:run", "invoicing-page:write", "dbt:test")
"""The page is made before the tests: one that fails ends the job."""
_MODEL_INTERVAL = "0 5 * * *"

# A number is a "string", as Meltano 4.4 fails to write a "decimal" that comes from a variable. The taps read the text.
_KINDS = {"boolean": "boolean", "integer": "integer", "object": "object", "array": "array"}
_JOBS = re.compile(r"(# <jobs>.*?\n).*(# </jobs>)", re.DOTALL)
_MODEL_REASON = """\
# The model over all systems, after the loads of the night and whatever became of them: its freshness says what failed.
"""
_WEEKLY_REASON = """\
# Once a week the taps with incremental streams read everything again, without the state: this corrects changes that an
# API does not report. Not at midnight, as two runs of one job would share a state and Meltano would refuse the second.
# The other taps read their lists completely every night, and their state keeps what a full refresh would lose.
"""


def settings(tap_class: type[RestTap]) -> list[dict[str, Any]]:
    """List a tap's settings as Meltano writes them.

    Args:
        tap_class: The class of the tap.

    Returns:
        Its own settings, then the SDK's; nested ones with dotted names, unless their names are up to the user, as in
        `stream_maps`: that is one setting, which a variable can hold.
    """
    schema = copy.deepcopy(tap_class.config_jsonschema)
    tap_class.append_builtin_config(schema)
    return [_setting(name, entry) for name, entry in _flattened(schema["properties"])]


def _flattened(properties: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in properties.items():
        if entry.get("properties") and not isinstance(entry.get("additionalProperties"), dict):
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


def definition(name: str, tap_class: type[RestTap]) -> dict[str, Any]:
    """Return what a lock and a definition for the Hub have in common.

    Args:
        name: The distribution's name.
        tap_class: The class of the tap.
    """
    content = {
        "name": name,
        "namespace": name.replace("-", "_"),
        "variant": VARIANT,
        "label": metadata_of(name)["tool"]["meltano-hub"]["label"],
        "pip_url": name,
        "executable": name,
        "description": (tap_class.__doc__ or "").splitlines()[0],
        "capabilities": sorted(capability.value for capability in tap_class.capabilities),
        "settings_group_validation": [tap_class.config_jsonschema["required"]],
        "settings": settings(tap_class),
        "commands": {
            "test": {"args": "--config=ENV --test", "description": "Read one record of every stream"},
        },
    }
    left_out = left_out_by_default(tap_class)
    # Meltano selects everything unless the definition says otherwise.
    return content | ({"select": ["*.*", *(f"!{pattern}" for pattern in left_out)]} if left_out else {})


def left_out_by_default(tap_class: type[RestTap]) -> list[str]:
    """Return what a tap does not select by default, as patterns of Meltano: `stream.*` or `stream.column`.

    Args:
        tap_class: The class of the tap.
    """
    return [
        f"{name}.{'.'.join(breadcrumb[1::2]) or '*'}"
        for name, stream in unconnected_tap(tap_class).streams.items()
        for breadcrumb, metadata in stream.metadata.items()
        if metadata.selected_by_default is False
    ]


def lock(name: str, tap_class: type[RestTap]) -> str:
    """Return a plugin lock as Meltano writes it.

    Args:
        name: The distribution's name.
        tap_class: The class of the tap.

    Returns:
        The content of plugins/extractors/<name>--<variant>.lock.
    """
    content = {"plugin_type": "extractors", **definition(name, tap_class)}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def with_jobs(meltano_yml: str, tap_classes: Mapping[str, type[RestTap]]) -> str:
    """Return meltano.yml with a job and its schedules for each extractor, in their order, and for the model.

    Args:
        meltano_yml: The file's text.
        tap_classes: The class of each tap, by the distribution's name.

    Raises:
        ValueError: If the marks between which they are written are missing.
    """
    if not _JOBS.search(meltano_yml):
        raise ValueError("meltano.yml has no marks # <jobs> and # </jobs>")
    names = [extractor["name"] for extractor in yaml.safe_load(meltano_yml)["plugins"]["extractors"]]
    incremental = [name for name in names if name in tap_classes and _is_incremental(tap_classes[name])]
    written = f"""\
jobs:
{"".join(_job(name) for name in names)}{_model_job()}
schedules:
{"".join(_schedule(name, "daily", "'@daily'") for name in names)}{_WEEKLY_REASON}{_weekly(incremental)}\
{_MODEL_REASON}- name: {MODEL_JOB}-daily
  interval: {_MODEL_INTERVAL}
  job: {MODEL_JOB}
"""
    return _JOBS.sub(lambda match: match[1] + written + match[2], meltano_yml)


def _is_incremental(tap_class: type[RestTap]) -> bool:
    return any(stream.replication_key for stream in unconnected_tap(tap_class).streams.values())


def _weekly(names: Iterable[str]) -> str:
    full_refresh = "  env:\n    MELTANO_RUN_FULL_REFRESH: 'true'\n"
    return "".join(_schedule(name, "weekly-full-refresh", "0 12 * * 0") + full_refresh for name in names)


def _job(name: str) -> str:
    return f"- name: {name.removeprefix('tap-')}-{JOB_SUFFIX}\n  tasks:\n  - {name} {LOADER}\n"


def _model_job() -> str:
    return f"- name: {MODEL_JOB}\n  tasks:\n" + "".join(f"  - {task}\n" for task in _MODEL_TASKS)


def _schedule(name: str, suffix: str, interval: str) -> str:
    system = name.removeprefix("tap-")
    return f"- name: {system}-{suffix}\n  interval: {interval}\n  job: {system}-{JOB_SUFFIX}\n"
