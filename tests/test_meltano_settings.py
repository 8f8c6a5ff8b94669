"""Every setting of every tap, set in each way that Meltano has: what the tap gets is what was set."""

from __future__ import annotations

import json
import re
from functools import reduce
from itertools import count
from typing import TYPE_CHECKING, Any

import dotenv
import pytest

from scripts import meltano_files
from scripts.all_taps import tap_classes
from tests.meltano_project import MeltanoProject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_rest_core import RestTap

pytestmark = pytest.mark.slow

TAPS = tap_classes()
CHOSEN = {
    "api_url": "https://api.example.com/v9",
    "auth_url": "https://login.example.com",
    "documents_url": "/srv/a folder",
    "batch_config.storage.root": "file:///tmp/batches",
    "start_date": "2026-01-31T05:06:07Z",
    "export_periods": ["2026-01", "2026-Q2"],
    "reports": [{"name": "time_entry_reports", "group": ["person"], "filter": {"after": "2026-01-01"}}],
    "stream_maps": {"invoices": {"total": "float(amount) * 1.5", "note": "__NULL__"}, "__else__": None},
    "stream_map_config": {"vat": 0.22, "names": ["a", "b"]},
}
"""Values of settings that do not take any text."""


def chosen_settings(tap_class: type[RestTap]) -> dict[str, Any]:
    """Return a value for each setting of a tap, none of them its default; a secret has what shells and YAML expand."""
    number = count(2)
    values: dict[str, Any] = {}
    properties = tap_class.config_jsonschema["properties"]
    for setting in meltano_files.settings(tap_class):
        name, kind, default = setting["name"], setting["kind"], setting.get("value")
        types = properties.get(name, {}).get("type", ())
        if name in CHOSEN:
            values[name] = CHOSEN[name]
        elif kind == "options":
            values[name] = next(each["value"] for each in setting["options"] if each["value"] != default)
        elif kind == "boolean":
            values[name] = not default
        elif kind == "integer":
            values[name] = next(number)
        elif "number" in types:
            values[name] = 0.25
        elif setting.get("sensitive"):
            values[name] = "pa$WORD $1 #1 'x' \"y\""
        else:
            assert kind == "string", f"{name} of kind {kind} needs a value in CHOSEN"
            values[name] = f"text {next(number)}"
    return values


def as_text(value: object) -> str:
    """Return a value as a variable holds it."""
    return value if isinstance(value, str) else json.dumps(value)


def variables(tap: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as environment variables, under the names that Meltano gives them."""
    prefix = tap.replace("-", "_")
    return {f"{prefix}_{name}".replace(".", "_").upper(): as_text(value) for name, value in values.items()}


def escaped(value: Any) -> Any:  # noqa: ANN401 - a setting is any of six types
    """Return a value as meltano.yml holds it: without what Meltano would expand there."""
    return re.sub(r"\$(?=[A-Z]|\{\w+\})", r"\\$", value) if isinstance(value, str) else value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with dotted names as objects in objects."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        reduce(lambda inner, key: inner.setdefault(key, {}), path, result)[last] = value
    return result


def in_environment(_project: MeltanoProject, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {name: text for tap in values for name, text in variables(tap, values[tap]).items()}


def in_dotenv(project: MeltanoProject, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    for name, text in in_environment(project, values).items():
        dotenv.set_key(project.folder / ".env", name, text)
    return {}


def by_config_set(project: MeltanoProject, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    project.run(
        *(
            ["config", "set", tap, name, as_text(value)]
            for tap, settings in values.items()
            for name, value in settings.items()
        )
    )
    return {}


def in_meltano_yml(project: MeltanoProject, values: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    content = project.content
    for plugin in content["plugins"]["extractors"]:
        plugin["config"] = nested({name: escaped(value) for name, value in values[plugin["name"]].items()})
    project.write(content)
    return {}


WAYS = [in_environment, in_dotenv, by_config_set, in_meltano_yml]


@pytest.fixture(scope="module", params=WAYS, ids=[way.__name__ for way in WAYS])
def received(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each tap gets from Meltano as `--config`, by its name, after all its settings were set in one way."""
    project = MeltanoProject(tmp_path_factory.mktemp("meltano") / "project")
    values = {tap: chosen_settings(tap_class) for tap, tap_class in TAPS.items()}
    environment = request.param(project, values)
    dumps = project.run(*(["invoke", "--no-install", "--dump=config", tap] for tap in TAPS), environment=environment)
    return {tap: json.loads(dump.stdout) for tap, dump in zip(TAPS, dumps, strict=True)}


@pytest.mark.parametrize("tap", TAPS)
def test_a_tap_gets_every_setting_with_its_value(received: dict[str, Any], tap: str) -> None:
    wanted = nested(chosen_settings(TAPS[tap]))

    config = TAPS[tap](config=received[tap], validate_config=True, setup_mapper=False).config

    assert dict(config) == wanted
    for name, value in wanted.items():
        assert type(config[name]) is type(value), name
