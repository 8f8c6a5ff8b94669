"""The workflows on GitHub do what the project says of them. zizmor looks at their security (`make lint`)."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from scripts.distributions import distributions
from scripts.local_world import ROOT

WORKFLOWS = {path.stem: path for path in (ROOT / ".github" / "workflows").glob("*.yml")}
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def read(name: str) -> dict[str, Any]:
    """Return a workflow's content."""
    content: dict[str, Any] = yaml.safe_load(WORKFLOWS[name].read_text(encoding="utf-8"))
    return content


def commands(workflow: dict[str, Any]) -> list[str]:
    """Return what a workflow's steps run."""
    return [step["run"] for job in workflow["jobs"].values() for step in job.get("steps", ()) if "run" in step]


def test_every_python_that_a_distribution_names_is_tested() -> None:
    tested = set(read("test")["jobs"]["test"]["strategy"]["matrix"]["python"])
    prefix = "Programming Language :: Python :: 3."
    for distribution in distributions():
        named = [each for each in distribution.project["classifiers"] if each.startswith(prefix)]
        assert {each.rpartition(" ")[2] for each in named} == tested, distribution.name


def test_nothing_is_published_before_all_tests_have_passed() -> None:
    jobs = read("release")["jobs"]
    assert set(jobs["publish"]["needs"]) == {"test", "build"}
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert {"make test", "make test-slow", "make test-page", "make test-airflow"} <= {*commands(read("test"))}


def test_only_the_job_that_publishes_can_ask_for_a_token() -> None:
    for name in WORKFLOWS:
        for job, content in read(name)["jobs"].items():
            writes = {scope for scope, access in content["permissions"].items() if access == "write"}
            assert writes == ({"id-token"} if (name, job) == ("release", "publish") else set()), (name, job)


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(name: str) -> None:
    used = re.findall(r"^ *(?:- )?uses: (.+)$", WORKFLOWS[name].read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    for each in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/.*", each), each


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_every_target_of_make_exists(name: str) -> None:
    named = [target for line in commands(read(name)) for target in re.findall(r"^make ([a-z-]+)", line)]
    assert named
    assert set(named) <= TARGETS


def test_the_newest_sdk_is_tried_every_week() -> None:
    workflow = read("next-sdk")
    (schedule,) = next(value for key, value in workflow.items() if key in {"on", True})["schedule"]  # YAML: on is true
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", schedule["cron"])
    assert commands(workflow) == ["make test-next-sdk"]
