"""What the run of an account has for itself, and what it does not get to see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from invoicing_orchestrate.account_run import AccountRun, meltano_database_uri
from invoicing_orchestrate.accounts import Account, Accounts
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.project import Project

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "postgresql+psycopg://loader:pa%40ss@host:5433/warehouse"


@pytest.fixture
def folder(tap_project: Path) -> Path:
    """A project whose tap and loader are installed."""
    for plugin in ("extractors/tap-x", "loaders/target-postgres"):
        (tap_project / ".meltano" / plugin / "venv").mkdir(parents=True)
    return tap_project


def run_of(folder: Path, *accounts: Account, **variables: str) -> AccountRun:
    """Return the run of the first account."""
    project = Project(folder, {"TARGET_POSTGRES_SQLALCHEMY_URL": DATABASE, **variables})
    return AccountRun(
        project, Accounts(folder / "accounts.yml", {each.name: each for each in accounts}, {}), accounts[0]
    )


def acme(**more: Any) -> Account:  # noqa: ANN401 - fields of an account
    """Return an account."""
    return Account("acme", "tap-x", **{"secrets": {"login": "env:ACME"}, **more})


def test_a_run_has_settings_secret_schema_folder_and_state_of_its_own(folder: Path) -> None:
    settings = {"organization": 1, "size": True, "maps": {"a": [1]}}
    run = run_of(folder, acme(settings=settings), ACME="token", OTHER="stays")
    environment = run.own_project().environment
    assert environment["TAP_X_LOGIN"] == "token"
    names = ("TAP_X_ORGANIZATION", "TAP_X_SIZE", "TAP_X_MAPS")
    assert [environment[name] for name in names] == ["1", "true", '{"a": [1]}']
    assert environment["TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA"] == "tap_x__acme"
    assert environment["MELTANO_SYS_DIR_ROOT"] == str(folder / ".meltano" / "accounts" / "acme")
    assert environment["OTHER"] == "stays"
    assert "--state-id-suffix=acme" in run.state_options


def test_a_run_sees_no_secret_but_its_own_also_not_those_of_dotenv(folder: Path) -> None:
    (folder / ".env").write_text(
        "BETA=beta-token\nTAP_X_LOGIN=default-token\nACME=acme-token\nPLAIN=1\n", encoding="utf-8"
    )
    beta = Account("beta", "tap-x", secrets={"login": "env:BETA"})
    run = run_of(folder, acme(), beta)
    project = run.own_project()
    assert project.environment["TAP_X_LOGIN"] == "acme-token"
    assert project.environment["PLAIN"] == "1"
    assert not {"BETA", "ACME"} & project.environment.keys()
    assert not {"beta-token", "default-token"} & set(project.environment.values())
    assert not {"beta-token", "default-token"} & set(project.variables.values())
    assert "--env-file=/dev/null" in project.meltano_command


def test_a_secret_may_be_in_a_file(folder: Path) -> None:
    (folder / "secret").write_text("from file\n", encoding="utf-8")
    run = run_of(folder, acme(secrets={"login": f"file:{folder}/secret"}))
    assert run.own_project().environment["TAP_X_LOGIN"] == "from file"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NOT_SET", "account acme: login is missing, as the variable NOT_SET is not set"),
        ("file:/no/such/file", "account acme: login is missing, as /no/such/file cannot be read: No such file"),
    ],
)
def test_a_secret_that_is_not_there_is_said(folder: Path, reference: str, said: str) -> None:
    with pytest.raises(ProjectError) as refused:
        run_of(folder, acme(secrets={"login": reference})).own_project()
    assert str(refused.value).startswith(said)


def test_streams_do_not_select_what_the_project_leaves_out(folder: Path) -> None:
    run = run_of(folder, acme(streams=["people", "invoices.id"]), ACME="t")
    patterns = json.loads(run.own_project().environment["TAP_X__SELECT"])
    assert patterns == ["people.*", "invoices.id", "!people.email"]
    assert "TAP_X__SELECT" not in run_of(folder, acme(), ACME="t").own_project().environment


@pytest.mark.parametrize(
    ("settings", "at_once", "share"),
    [({}, 2, "0.25"), ({"quota_share": 1}, 3, "0.3333"), ({"quota_share": "0.9"}, 1, "0.9")],
)
def test_accounts_of_a_group_share_its_quota(folder: Path, settings: dict[str, Any], at_once: int, share: str) -> None:
    account = acme(settings=settings, quota_group="office", at_once=at_once)
    assert run_of(folder, account, ACME="t").own_project().environment["TAP_X_QUOTA_SHARE"] == share
    assert run_of(folder, acme(), ACME="t").own_project().environment.get("TAP_X_QUOTA_SHARE") is None


def test_documents_of_each_account_are_in_a_folder_of_its_own(folder: Path) -> None:
    shared = run_of(folder, acme(), ACME="t", TAP_X_DOCUMENTS_URL="s3://bucket/x/")
    assert shared.own_project().environment["TAP_X_DOCUMENTS_URL"] == "s3://bucket/x/acme"
    own = run_of(folder, acme(settings={"documents_url": "file:///srv"}), ACME="t")
    assert own.own_project().environment["TAP_X_DOCUMENTS_URL"] == "file:///srv/acme"


def test_the_folder_shares_the_plugins_and_keeps_no_secrets_of_a_killed_run(folder: Path) -> None:
    run = run_of(folder, acme(), ACME="t")
    left = run.folder / "run" / "tap-x" / "tap.1.config.json"
    left.parent.mkdir(parents=True)
    left.write_text("token", encoding="utf-8")
    run.prepare_folder()
    run.prepare_folder()
    assert not left.exists()
    assert (run.folder / "extractors" / "tap-x" / "venv").samefile(folder / ".meltano/extractors/tap-x/venv")
    (folder / ".meltano" / "extractors" / "tap-x" / "venv").rmdir()
    with pytest.raises(ProjectError, match="tap-x is not installed: run `meltano install`"):
        run.prepare_folder()


def test_meltano_keeps_states_in_postgresql(folder: Path) -> None:
    run = run_of(folder, acme(), MELTANO_DATABASE_URI="sqlite:///x.db")
    expected = "postgresql+psycopg://loader:pa%40ss@/warehouse?host=host&port=5433&options=-csearch_path%3Dmeltano"
    assert meltano_database_uri(run.project) == expected
    given = "postgresql+psycopg://elsewhere/meltano"
    assert meltano_database_uri(run_of(folder, acme(), MELTANO_DATABASE_URI=given).project) == given
    queue = run_of(folder, acme(), ORCHESTRATE_DATABASE_URL="postgresql://q@queue/q")
    assert meltano_database_uri(queue.project).startswith("postgresql+psycopg://q@/q?host=queue&")
