"""What `docs/running-it.md` says of Meltano, tried on a copy of the project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scripts.local_world import ROOT
from tests.meltano_project import MeltanoProject

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

DUMP = ["invoke", "--no-install", "--dump=config", "tap-invobi"]


@pytest.fixture
def project(tmp_path: Path) -> MeltanoProject:
    """A copy of the project."""
    return MeltanoProject(tmp_path / "project")


def extractor(section: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the entry of an extractor in a section of meltano.yml."""
    (entry,) = [each for each in section["plugins"]["extractors"] if each["name"] == name]
    return dict(entry)


def test_what_select_and_config_set_do_to_meltano_yml(project: MeltanoProject) -> None:
    before = extractor(project.content, "tap-invoicetronic")["select"]
    in_prod = "--environment=prod"
    *_, printed, printed_in_prod = project.run(
        ["select", "tap-invobi", "invoices", "*"],
        ["select", "tap-invoicetronic", "company", "*"],
        ["select", "--exclude", "tap-invoicetronic", "webhook", "*"],
        ["select", "--clear", "tap-covage"],
        [in_prod, "select", "tap-invoicetronic", "*", "*"],
        ["config", "set", "tap-invobi", "user_agent", "a$WORD"],
        ["config", "set", "tap-invobi", "api_token", "pa$WORD"],
        [in_prod, "config", "set", "tap-invobi", "quota_share", "0.5"],
        ["config", "print", "--extras", "tap-invoicetronic"],
        [in_prod, "config", "print", "--extras", "tap-invoicetronic"],
    )

    text = (project.folder / "meltano.yml").read_text(encoding="utf-8")
    assert "# <jobs>" not in text
    content = project.content
    (prod,) = [each["config"] for each in content["environments"] if each["name"] == "prod"]
    assert extractor(content, "tap-invobi")["select"] == ["invoices.*"]
    assert extractor(content, "tap-invoicetronic")["select"] == [*before, "company.*", "!webhook.*"]
    assert "select" not in extractor(content, "tap-covage")
    assert extractor(prod, "tap-invoicetronic")["select"] == ["*.*"]
    config = extractor(content, "tap-invobi")["config"]
    assert config == {"skip_unchanged": True, "user_agent": "a$WORD"}, "written without a backslash"
    assert "pa$WORD" in (project.folder / ".env").read_text(encoding="utf-8")
    assert float(extractor(prod, "tap-invobi")["config"]["quota_share"]) == 0.5
    assert json.loads(printed.stdout)["_select"] == [*before, "company.*", "!webhook.*"]
    assert json.loads(printed_in_prod.stdout)["_select"] == ["*.*"], "the exclusions of the plugin are gone"


def test_without_select_in_meltano_yml_the_lock_leaves_out_what_the_tap_leaves_out(project: MeltanoProject) -> None:
    taps = [each["name"] for each in project.content["plugins"]["extractors"]]
    show = {tap: ["config", "print", "--extras", tap] for tap in taps}
    cleared = [["select", "--clear", tap] for tap in taps]

    *results, _, narrowed = project.run(
        *cleared, *show.values(), ["select", "tap-covage", "orders", "*"], show["tap-covage"]
    )

    for tap, result in zip(taps, results[len(taps) :], strict=True):
        lock = json.loads((ROOT / "plugins" / "extractors" / f"{tap}--invoicing-taps.lock").read_text(encoding="utf-8"))
        assert json.loads(result.stdout)["_select"] == lock.get("select", ["*.*"]), tap
    assert json.loads(narrowed.stdout)["_select"] == ["orders.*"], "the first pattern takes the place of the lock's"


def test_what_meltano_makes_of_dollars_booleans_and_empty_variables(project: MeltanoProject) -> None:
    content = project.content
    (entry,) = [each for each in content["plugins"]["extractors"] if each["name"] == "tap-invobi"]
    entry["config"] = {"user_agent": "$WORD|${word}|$UNSET|\\$WORD|\\${word}|$word|$1|\\$1"}
    project.write(content)
    (project.folder / ".env").write_text("WORD=a\nword=b\nTAP_INVOBI_API_TOKEN='$WORD|${WORD}'\n", encoding="utf-8")
    variables = {
        "TAP_INVOBI_ALLOW_PLAIN_HTTP": "t",
        "TAP_INVOBI_EMIT_ACTIVATE_VERSION_MESSAGES": "",
        "TAP_INVOBI_DOCUMENTS_URL": "$WORD|${WORD}",
    }

    (dump,) = project.run(DUMP, environment=variables)

    config = json.loads(dump.stdout)
    assert config["user_agent"] == "a|b||$WORD|${word}|$word|$1|\\$1"
    assert config["api_token"] == "$WORD|a"
    assert config["documents_url"] == "$WORD|${WORD}"
    assert config["allow_plain_http"] is False
    assert config["emit_activate_version_messages"] is False


@pytest.mark.parametrize("setting", ["PAGE_SIZE", "DETAILS", "STREAM_MAPS"])
def test_an_empty_number_choice_or_object_ends_a_run(project: MeltanoProject, setting: str) -> None:
    (dump,) = project.attempt(DUMP, environment={f"TAP_INVOBI_{setting}": ""})
    assert dump.code != 0


def test_variables_for_proxies_reach_a_tap_from_dotenv_and_from_meltano_yml(project: MeltanoProject) -> None:
    content = project.content
    (entry,) = [each for each in content["plugins"]["extractors"] if each["name"] == "tap-covage"]
    entry["env"] = {"HTTPS_PROXY": "http://proxy-of-covage:3128"}
    project.write(content)
    (project.folder / ".env").write_text("HTTPS_PROXY=http://proxy-of-all:3128\nNO_PROXY=a\n", encoding="utf-8")
    shown = ["--print-var=HTTPS_PROXY", "--print-var=NO_PROXY"]

    # The copy has no plugins, so that it ends after it has printed them.
    others, covage = project.attempt(
        *(["invoke", "--no-install", *shown, tap, "--version"] for tap in ("tap-invobi", "tap-covage")),
        environment={"NO_PROXY": "b"},
    )

    assert others.stdout.split() == ["HTTPS_PROXY=http://proxy-of-all:3128", "NO_PROXY=b"]
    assert covage.stdout.split() == ["HTTPS_PROXY=http://proxy-of-covage:3128", "NO_PROXY=b"]


def test_another_state_id_and_a_full_refresh_read_everything_again(pipeline: Pipeline) -> None:
    pipeline = pipeline.selecting("invoices")
    everything, changes = "invoices: reading everything", "invoices: reading what changed since the last run"
    for options, scope in (
        ([], everything),
        ([], changes),
        (["--state-id-suffix=other"], everything),
        (["--full-refresh"], everything),
    ):
        code, output = pipeline.run(*options)
        assert code == 0, output
        assert scope in output, options

    listed, _ = pipeline.start("--environment=dev", "state", "list").communicate()

    ids = {word for word in listed.split() if word.startswith("dev:")}
    assert ids == {"dev:tap-productive-to-target-postgres", "dev:tap-productive-to-target-postgres:other"}
