"""`make check-project`: patterns of `select` in meltano.yml that match nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts import check_project
from scripts.all_taps import tap_classes, unconnected_tap
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MELTANO: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
CLASSES = tap_classes()


def selecting(tap: str, *patterns: str, environment: str = "", **config: Any) -> dict[str, Any]:  # noqa: ANN401 - settings
    """Return meltano.yml with the `select` of an extractor replaced."""
    content = deepcopy(MELTANO)
    if environment:
        (place,) = [each for each in content["environments"] if each["name"] == environment]
        place.setdefault("config", {}).setdefault("plugins", {})["extractors"] = [{"name": tap}]
        entries = place["config"]["plugins"]["extractors"]
    else:
        entries = content["plugins"]["extractors"]
    (entry,) = [each for each in entries if each["name"] == tap]
    entry |= {"select": list(patterns), "config": config}
    return content


def test_the_project_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert check_project.main() == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("tap", "pattern", "reason"),
    [
        ("tap-invobi", "invoces.*", "matches no stream"),
        ("tap-invobi", "invoices.titel", "matches no column of invoices"),
        ("tap-invobi", "!invoice_detail.*", "matches no stream"),
        ("tap-invobi", "!invoices.secret_*", "matches no column of invoices"),
        ("tap-invobi", "Invoices", "matches no stream"),
        ("tap-invobi", "invoice_d*.amount_", "matches no column of invoice_details, invoice_documents"),
        ("tap-2invoice", "!invoice_detail.*", "matches no stream"),
        ("tap-productive", "budget_reports.*", "matches no stream"),
        ("tap-invoicetronic", "log.*.*.*", "matches no column of log"),
    ],
)
def test_a_pattern_that_matches_nothing_is_found(tap: str, pattern: str, reason: str) -> None:
    found = check_project.faults(selecting(tap, "*.*", pattern), CLASSES)
    assert found == [f"meltano.yml, plugins, {tap}: the select pattern {pattern!r} {reason}"]


@pytest.mark.parametrize(
    ("tap", "pattern"),
    [
        ("tap-invobi", "invoices"),
        ("tap-invobi", "*.id"),
        ("tap-invobi", "!*.from_details"),
        ("tap-invobi", "prompt*.na?e"),
        ("tap-2invoice", "invoices.a_field_of_the_account"),
        ("tap-2invoice", "!client_details.*"),
        ("tap-invoicetronic", "!log.response_body"),
    ],
)
def test_a_pattern_that_matches_is_not_found(tap: str, pattern: str) -> None:
    assert check_project.faults(selecting(tap, pattern), CLASSES) == []


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_patterns_of_an_environment_are_checked_too(environment: str) -> None:
    content = selecting("tap-covage", "!order_detail.*", environment=environment)
    assert check_project.faults(content, CLASSES) == [
        f"meltano.yml, environment {environment}, tap-covage: the select pattern '!order_detail.*' matches no stream"
    ]


def test_streams_that_meltano_yml_asks_for_are_known() -> None:
    reports = [{"name": "time_entry_reports", "group": ["person"]}]
    (stream,) = [
        name
        for name in unconnected_tap(CLASSES["tap-productive"], {"reports": reports}).streams
        if name.startswith("time_entry_reports")
    ]
    pattern = f"{stream}.*"
    assert check_project.faults(selecting("tap-productive", pattern, reports=reports), CLASSES) == []
    assert check_project.faults(selecting("tap-productive", pattern), CLASSES) != []


def test_a_wrong_setting_that_hides_the_streams_is_told() -> None:
    (line,) = check_project.faults(selecting("tap-productive", "*.*", reports=[{"nme": "x"}]), CLASSES)[:1]
    assert line.startswith("meltano.yml, plugins, tap-productive: Setting reports.0")


def test_an_extractor_that_inherits_is_checked_as_its_parent() -> None:
    content = deepcopy(MELTANO)
    content["plugins"]["extractors"] += [
        {"name": "tap-invobi-b", "inherit_from": "tap-invobi", "select": ["invoces.*"]},
        {"name": "tap-of-others", "select": ["anything.*"]},
    ]
    assert check_project.faults(content, CLASSES) == [
        "meltano.yml, plugins, tap-invobi-b: the select pattern 'invoces.*' matches no stream"
    ]


def test_the_command_prints_what_it_finds_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "meltano.yml"
    path.write_text(yaml.safe_dump(selecting("tap-invobi", "invoces.*")), encoding="utf-8")
    assert check_project.main(path) == 1
    assert "'invoces.*' matches no stream" in capsys.readouterr().out
