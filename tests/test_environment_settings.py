"""Every tap with `--config=ENV`: what counts as set, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import complaints
from scripts.all_taps import tap_classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_rest_core import RestTap

TAPS = tap_classes()


def variable(tap: str, setting: str) -> str:
    return f"{tap}_{setting}".upper().replace("-", "_")


def booleans(tap_class: type[RestTap]) -> list[str]:
    """Return the settings of a tap that are true or false."""
    properties = tap_class.config_jsonschema["properties"]
    return [name for name, entry in properties.items() if "boolean" in entry.get("type", ())]


def run(tap: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    command = [str(Path(sys.executable).with_name(tap)), "--config=ENV"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**others, **variables})


@pytest.mark.parametrize("tap", TAPS)
def test_a_text_that_is_no_boolean_ends_the_run_with_a_line_for_each(tap: str) -> None:
    names = [variable(tap, name) for name in booleans(TAPS[tap])]
    texts = dict(zip(names, cycle(["t", "maybe", "y"]), strict=False))

    done = run(tap, texts)

    assert done.returncode == 1
    assert done.stdout == ""
    assert complaints(done) == [
        f"Environment variable {name} has a value of the wrong kind: it must be true or false (it is {text!r})"
        for name, text in texts.items()
    ]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("tap", TAPS)
def test_empty_variables_count_as_not_set(tap: str) -> None:
    schema = TAPS[tap].config_jsonschema

    done = run(tap, {variable(tap, name): "" for name in schema["properties"]})

    assert done.returncode == 1
    assert complaints(done) == [
        f"Setting {name} is missing: set it in the configuration or as {variable(tap, name)}"
        for name in schema["required"]
    ]
