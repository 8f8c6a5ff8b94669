"""accounts.yml: what is in it, and what is wrong with it, in one line for each fault."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from invoicing_orchestrate.accounts import Accounts
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.project import Project
from invoicing_orchestrate.tap_lock import tap_locks

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "s3cret-value"
GOOD: dict[str, Any] = {
    "name": "acme",
    "tap": "tap-x",
    "settings": {"organization": "1"},
    "secrets": {"login": "env:ACME"},
}


def read(tap_project: Path, *entries: object, **top: object) -> Accounts:
    """Write the file and read it."""
    path = tap_project / "accounts.yml"
    path.write_text(yaml.safe_dump({"accounts": list(entries), **top}), encoding="utf-8")
    return Accounts.read(path, tap_locks(tap_project))


def fault(tap_project: Path, *entries: object, **top: object) -> str:
    """Return what is said of a file that cannot be used."""
    with pytest.raises(ProjectError) as refused:
        read(tap_project, *entries, **top)
    assert VALUE not in str(refused.value)
    first, *lines = str(refused.value).splitlines()
    assert first.endswith("accounts.yml cannot be used:")
    return "\n".join(line.removeprefix("accounts.yml: ") for line in lines)


def test_an_account_has_a_schema_of_its_own_and_defaults(tap_project: Path) -> None:
    (account,) = read(tap_project, GOOD)
    assert account.schema == "tap_x__acme"
    assert (account.enabled, account.priority, account.quota_group, account.streams) == (True, 0, None, ())
    assert account.last_due(datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_an_account_knows_how_many_of_its_group_may_run(tap_project: Path) -> None:
    (account,) = read(tap_project, {**GOOD, "quota_group": "office-ip"}, quota_groups={"office-ip": {"at_once": 4}})
    assert (account.quota_group, account.at_once) == ("office-ip", 4)


def test_the_times_of_a_schedule(tap_project: Path) -> None:
    (account,) = read(tap_project, {**GOOD, "schedule": "0 2 * * *"})
    now = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
    assert account.last_due(now) == account.last_due(now.replace(minute=1)) == now
    assert account.last_due(now - timedelta(seconds=1)) == now - timedelta(days=1)
    assert account.next_due(now) == datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secrets": {"login": VALUE}}, "account acme: secrets.login: only a reference is taken here, env:NAME"),
        ({"secrets": {"login": 12}}, "account acme: secrets.login: only a reference is taken here, env:NAME"),
        (
            {"settings": {"login": VALUE, "organization": "1"}, "secrets": {}},
            "settings.login is a secret: put it",
        ),
        ({"secrets": {}}, "account acme: login is missing: add it to secrets"),
        ({"settings": {}}, "account acme: organization is missing: add it to settings"),
        ({"name": "Acme"}, "account Acme: name: a name has only small letters, digits and _"),
        ({"name": "a" * 60}, "has 67 bytes: shorten its name, PostgreSQL takes 63"),
        ({"tap": "tap-y"}, "account acme: the project has no tap-y (did you mean tap-x?)"),
        ({"settings": {"organisation": "1"}}, "tap-x has no setting organisation (did you mean organization?)"),
        ({"schedule": "daily"}, "schedule 'daily' is not a cron expression of five fields"),
        ({"quota_group": "office"}, "account acme: quota_groups has no office"),
        ({"stream": ["a"]}, "account acme: stream is unknown (did you mean streams?)"),
        ({"streams": []}, "must not be empty: leave it out for all streams"),
        ({"enabled": "yes"}, 'account acme: enabled: "yes" must be true or false (line '),
        ({"name": 12}, "account number 1: name: 12 must be text: put it in quotes"),
        ({"name": ""}, "account : name: a name has only small letters"),
        ({"tap": ""}, 'account acme: tap: "" must not be empty'),
        ({"tap": None}, "account acme: tap: there is no value: it must be text"),
        ({"secrets": VALUE}, "account acme: secrets: what stands here must be names with a value each, written as"),
        ({"secrets": [VALUE]}, "account acme: secrets: what stands here must be names with a value each, written as"),
        ({"settings": VALUE}, "account acme: settings: what stands here must be names with a value each, written as"),
        ({"streams": "a"}, 'account acme: streams: "a" must be a list, whose elements begin with - (line '),
        ({"schedule": "0 0 2 * * *"}, "schedule '0 0 2 * * *' is not a cron expression of five fields"),
        ({"schedule": "0 2 * * 5L/2"}, "schedule '0 2 * * 5L/2' is not a cron expression of five fields"),
        ({"schedule": "0 0 30 2 *"}, "schedule '0 0 30 2 *' never occurs: no month that it names has such a day"),
        ({"schedule": "0 0 31 4,6 *"}, "schedule '0 0 31 4,6 *' never occurs"),
        ({"schedule": "0 0 31 13 *"}, "schedule '0 0 31 13 *' is not a cron expression of five fields"),
        ({"time_limit_minutes": 0}, "time_limit_minutes: 0 must be more than 0"),
    ],
)
def test_each_fault_is_one_line_that_says_what_to_do(tap_project: Path, change: dict[str, Any], said: str) -> None:
    lines = fault(tap_project, {**GOOD, **change})
    assert said in lines
    assert all(line.startswith("account ") for line in lines.splitlines())


def test_two_accounts_with_one_name_are_refused(tap_project: Path) -> None:
    assert fault(tap_project, GOOD, GOOD) == "account acme: 2 accounts have this name"


def test_an_account_without_a_name_is_named_by_its_place(tap_project: Path) -> None:
    assert fault(tap_project, GOOD, {"tap": "tap-x"}) == "account number 2: name is missing: add it (line 8)"


def said_of(tap_project: Path, text: str) -> str:
    """Return what is said of a file with a certain text, without its path."""
    path = tap_project / "accounts.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError) as refused:
        Accounts.read(path, tap_locks(tap_project))
    assert VALUE not in str(refused.value)
    return str(refused.value).removeprefix(f"{path} ")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "accounts:\n- name: acme\n  tap: tap-y\n  settings: {organization: '1'}\n  tap: tap-x\n",
            ["tap stands twice, in line 3 and in line 5: remove one of them"],
        ),
        (
            "accounts: []\nquota_groups:\n  a: {at_once: 1}\n  a: {at_once: 2, at_once: 3}\naccounts: []\n",
            [
                "accounts stands twice, in line 1 and in line 5: remove one of them",
                "a stands twice, in line 3 and in line 4: remove one of them",
                "at_once stands twice in line 4: remove one of them",
            ],
        ),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_its_lines(tap_project: Path, text: str, lines: list[str]) -> None:
    said = said_of(tap_project, text).splitlines()
    assert said[0] == "cannot be used:"
    assert [line for line in said if "stands twice" in line] == [f"accounts.yml: {line}" for line in lines]


def test_what_overrides_merged_keys_stands_there_once(tap_project: Path) -> None:
    text = (
        "accounts:\n- &all\n  name: a\n  tap: tap-x\n  settings: {organization: '1'}\n  secrets: {login: env:A}\n"
        "- {<<: *all, name: b}\n- {<<: *all, name: c}\n"
    )
    path = tap_project / "accounts.yml"
    path.write_text(text, encoding="utf-8")
    assert list(Accounts.read(path, tap_locks(tap_project)).by_name) == ["a", "b", "c"]


def test_a_date_is_the_text_that_stands_there(tap_project: Path) -> None:
    path = tap_project / "accounts.yml"
    path.write_text(
        "accounts:\n- name: acme\n  tap: tap-x\n  secrets: {login: env:A}\n"
        "  settings: {organization: '1', start_date: 2026-01-01, size: 2026-02-30}\n",
        encoding="utf-8",
    )
    (account,) = Accounts.read(path, tap_locks(tap_project))
    assert (account.settings["start_date"], account.settings["size"]) == ("2026-01-01", "2026-02-30")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'is empty: begin it with a line "accounts:", and put the list of accounts below'),
        ("# ours\n", 'is empty: begin it with a line "accounts:"'),
        ("- name: a\n", 'has no names with values: begin it with a line "accounts:"'),
        (VALUE, 'has no names with values: begin it with a line "accounts:"'),
        ("quota_groups: {}\n", "accounts.yml: accounts is missing: add it (line 1)"),
        (
            "accounts:\n",
            "accounts.yml: accounts: there is no value: it must be a list, whose elements begin with - (line 1)",
        ),
        (f"accounts:\n  acme: {VALUE}\n", "accounts.yml: accounts: what stands here must be a list"),
        (f"accounts:\n- {VALUE}\n", "account number 1: what stands here must be names with a value each"),
        ("accounts: []\nquota_groups:\n  a b: {at_once: 1}\n", "the name of a quota group has only letters"),
        ("accounts: []\nquota_groups:\n  a: {}\n", "quota_groups.a: at_once is missing: add it (line 3)"),
        (
            "accounts:\n\t- name: a\n",
            "a tab stands where YAML takes spaces alone: replace it by spaces (line 2, column 1)",
        ),
        (
            "accounts:\n- name:\ta\n\t tap: b\n",
            "a tab stands where YAML takes spaces alone: replace it by spaces (line 3",
        ),
        (f"accounts:\n- login: !{VALUE} x\n", "a value that begins with ! has to be in quotes (line 2, column 10)"),
        (f"accounts:\n- login: !a!{VALUE} x\n", "a value that begins with ! has to be in quotes (line 2, column 10)"),
        (f"accounts:\n- login: *{VALUE}\n", "a value that begins with * has to be in quotes (line 2, column 10)"),
        (
            f"accounts:\n- login: @{VALUE}\n",
            "a value that begins with this character has to be in quotes (line 2, column 10)",
        ),
        (f"accounts:\n- login: a: {VALUE}\n", "a colon stands where none may: put the value in quotes"),
        (
            f'accounts:\n- login: "{VALUE}\n  tap: x\n',
            "a quote is opened here and not closed: put one at the end of the value (line 2",
        ),
        ("accounts: []\n---\na: 1\n", "a second document begins: remove the line --- (line 2, column 1)"),
        (
            f"accounts:\n  - name: a\n {VALUE}: b\n",
            "the indentation, a bracket or a quote is not right, here or in a line above",
        ),
        ("accounts: [a\0b]\n", "it has a character that YAML does not take: remove what is no text"),
        (f"? [{VALUE}]\n: x\n", "a bracket stands where a name has to: put the value in quotes (line 1"),
    ],
)
def test_what_is_no_file_of_accounts_is_said_in_plain_english(tap_project: Path, text: str, said: str) -> None:
    assert said in said_of(tap_project, text)


def test_many_faults_are_counted(tap_project: Path) -> None:
    lines = fault(tap_project, *({**GOOD, "name": f"a{number}", "secrets": {}} for number in range(30))).splitlines()
    assert lines[-1] == "… and 10 more"


def test_a_file_that_is_no_yaml_is_refused_without_its_text(tap_project: Path) -> None:
    path = tap_project / "accounts.yml"
    path.write_text(f"accounts:\n- secrets: {{login: {VALUE}", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"is no YAML: .*line 3") as refused:
        Accounts.read(path, {})
    assert VALUE not in str(refused.value)
    with pytest.raises(ProjectError, match="cannot be read"):
        Accounts.read(tap_project, {})


def test_five_hundred_accounts_are_read_whole(tap_project: Path) -> None:
    accounts = read(tap_project, *({**GOOD, "name": f"a{number}", "schedule": "0 2 * * *"} for number in range(500)))
    assert len(list(accounts)) == len({account.schema for account in accounts}) == 500


def test_a_project_finds_settings_and_patterns_as_meltano_does(tap_project: Path) -> None:
    plugin = {"name": "tap-x", "config": {"start_date": "$FROM", "documents_url": "${WHERE}/x"}}
    of_dev = {"name": "tap-x", "config": {"start_date": "dev"}}
    content: dict[str, Any] = {
        "default_environment": "prod",
        "environments": [
            {"name": "dev", "config": {"plugins": {"extractors": [of_dev]}}},
            {"name": "prod"},
        ],
        "plugins": {"extractors": [plugin]},
    }
    (tap_project / "meltano.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    variables = {"FROM": "2020", "WHERE": "s3://b"}
    project = Project(tap_project, variables)
    assert (project.setting("tap-x", "start_date"), project.setting("tap-x", "documents_url")) == ("2020", "s3://b/x")
    assert project.setting("tap-x", "organization") is None
    assert Project(tap_project, {**variables, "MELTANO_ENVIRONMENT": "dev"}).setting("tap-x", "start_date") == "dev"
    assert Project(tap_project, {**variables, "TAP_X_START_DATE": "2021"}).setting("tap-x", "start_date") == "2021"
    assert project.select("tap-x") == ["*.*", "!people.email"]
    plugin["select"] = ["invoices.*", "!invoices.note"]
    (tap_project / "meltano.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    assert Project(tap_project, variables).select("tap-x") == ["invoices.*", "!invoices.note"]
    assert Project(tap_project, {**variables, "TAP_X__SELECT": '["a.*"]'}).select("tap-x") == ["a.*"]


@pytest.mark.parametrize("text", ["", "a.*", '"a.*"', '{"a": "*"}', "5", "null"])
def test_a_selection_that_is_no_list_is_an_error_that_says_what_to_write(tap_project: Path, text: str) -> None:
    with pytest.raises(ProjectError) as refused:
        Project(tap_project, {"TAP_X__SELECT": text}).select("tap-x")
    assert str(refused.value) == 'The variable TAP_X__SELECT is not a JSON list, such as ["invoices.*"]'
