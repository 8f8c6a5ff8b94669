"""Settings that cannot be right: each is one line that names the setting, and shows no secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import ConfigValidationError

from target_postgres_exact.database_url import check_database, parsed_url
from target_postgres_exact.errors import LoadFailed
from target_postgres_exact.settings import read_settings
from target_postgres_exact.target import TargetPostgresExact

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = Path(sys.executable).with_name("target-postgres-exact")
URL = "postgresql://u:p@127.0.0.1:1/db"
SEPARATE: Mapping[str, object] = {"host": "h", "user": "u", "password": "hunter2", "database": "db"}
SCHEMA = {"type": "SCHEMA", "stream": "a", "schema": {"properties": {"id": {"type": "string"}}}, "key_properties": []}


def errors_of(*arguments: str | Path) -> list[str]:
    """Return the errors of a run of the command that has to fail, and that says nothing but what it always says."""
    done = subprocess.run(
        [PROGRAM, *arguments], input=f"{json.dumps(SCHEMA)}\n", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    return [line.split("|")[-1].strip() for line in done.stderr.splitlines() if "| INFO " not in line]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"password": "hunter2"', "is not valid JSON (line 1, column 23): it has to hold a JSON object with the"),
        ('["hunter2"]', "has to hold a JSON object with the settings and holds a list."),
        ("null", "has to hold a JSON object with the settings and holds null."),
        ("", "is empty: it has to hold a JSON object with the settings."),
        ("\n", "is empty: it has to hold a JSON object with the settings."),
        ("[" * 100_000, "is not valid JSON."),
    ],
)
def test_a_file_of_settings_that_holds_none_is_named(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)

    with pytest.raises(LoadFailed) as failure:
        read_settings([str(path)])

    assert str(failure.value).startswith(f"The configuration file '{path}' {reason}")
    assert "hunter2" not in str(failure.value)


def test_a_file_of_settings_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(b'{"password": "\xff"}')

    with pytest.raises(LoadFailed, match=r"is not a text in UTF-8; save it as UTF-8\.$"):
        read_settings([str(path)])


def test_of_several_files_of_settings_the_last_counts(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.json").write_text(json.dumps({"host": number, f"only{number}": number}))

    settings = read_settings([str(tmp_path / "1.json"), "ENV", str(tmp_path / "2.json")])

    assert settings == {"host": 2, "only1": 1, "only2": 2}


@pytest.mark.parametrize("given", ['{"password": "hunter2"}', "postgresql://u:hunter2@h/db", '"' + "hunter2" * 900])
def test_settings_in_place_of_their_file_are_not_shown(given: str) -> None:
    with pytest.raises(LoadFailed, match=r"^The file that --config names cannot be read: ") as failure:
        read_settings([given])

    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            '{"password":"x"}',
            (
                "The file that --config names cannot be read: No such file or directory."
                " --config takes the name of a file, not the settings themselves."
            ),
        ),
        ("nowhere.json", "The configuration file 'nowhere.json' cannot be read: No such file or directory."),
    ],
)
def test_the_command_says_in_one_line_that_it_has_no_settings(given: str, line: str) -> None:
    assert errors_of("--config", given) == [line]


@pytest.mark.parametrize(
    ("settings", "beginning"),
    [
        ({"sqlalchemy_url": "postgresql://u:hun@hunter2#/@127.0.0.1:1/db"}, "The setting sqlalchemy_url cannot be"),
        ({"sqlalchemy_url": URL}, "The database cannot be reached: connection failed: connection to server at"),
        ({"sqlalchemy_url": URL, "load_method": "x"}, "The setting load_method has to be one of append-only, upsert,"),
        ({"sqlalchemy_url": URL, "ssh_tunnel": {"enable": True}}, "The setting ssh_tunnel lacks 'host'"),
    ],
)
def test_the_command_says_in_one_line_that_it_has_no_database(
    tmp_path: Path, settings: Mapping[str, object], beginning: str
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(settings))

    (line,) = errors_of("--config", path)

    assert line.startswith(beginning)
    assert "hunter2" not in line
    assert "Connection refused Is the server" not in line


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hun@hunter2#/@127.0.0.1:1/db",
        "postgresql://u:hun@hunter2@127.0.0.1/db",
        "postgresql://u:hun@hunter2/x@127.0.0.1/db",
        "postgresql://u:hun@hunter2#x@127.0.0.1/db",
        "postgresql://u:hun@hunter2?x@127.0.0.1/db",
        "postgresql://u:hun@hunter2?x=1@127.0.0.1/db",
        "postgresql://u:hun@hunter:2/x@127.0.0.1/db",
        "postgresql://u:hun@hunter:x/x@127.0.0.1/db",
        "postgresql://u/hunter2:x@127.0.0.1/db",
    ],
)
def test_special_characters_in_a_password_are_not_taken_for_a_host(url: str) -> None:
    with pytest.raises(LoadFailed, match=r"write special characters .* as %40 for @") as failure:
        check_database({"sqlalchemy_url": url})

    assert "hunter" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://u:p%40%23%2F@h.example.com:5432/db?sslmode=require", "h.example.com"),
        ("postgresql+psycopg://u:a/b#c?d:e@h/db", "h"),
        ("postgres://u:p@[::1]:5432/db", "::1"),
        ("postgresql+psycopg2://u:p@/db?host=/tmp/@x", None),
        ("postgresql://u:p@h/db?application_name=a@b", "h"),
        ("postgresql:///db", None),
        ("postgresql://my_host", "my_host"),
    ],
)
def test_urls_that_can_be_read_are_taken(url: str, host: str | None) -> None:
    assert parsed_url(url).host == host


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"sqlalchemy_url": "mysql://u:hunter2@h/db"}, "The setting sqlalchemy_url is not the URL of a PostgreSQL"),
        ({"sqlalchemy_url": "hunter2"}, "The setting sqlalchemy_url is no URL"),
        ({"sqlalchemy_url": "postgresql://u:p@h:hunter2/db"}, "The port in the setting sqlalchemy_url is not a number"),
        ({}, "The settings host, user, password and database are missing: set them, or sqlalchemy_url"),
        ({"sqlalchemy_url": ""}, "The settings host, user, password and database are missing: set them, or"),
        ({**SEPARATE, "dialect+driver": "mysql"}, "The setting dialect+driver names another database than PostgreSQL"),
        ({**SEPARATE, "host": "u:hunter2@h"}, "The setting host is not the name or address of a host"),
        ({**SEPARATE, "ssl_enable": True, "ssl_mode": "x"}, "The setting ssl_enable needs ssl_mode as disable, allow"),
        ({**SEPARATE, "add_record_metadata": False}, "The setting activate_version needs add_record_metadata"),
    ],
)
def test_settings_that_lead_to_no_database_are_named(settings: Mapping[str, object], line: str) -> None:
    with pytest.raises(LoadFailed) as failure:
        TargetPostgresExact(config=dict(settings))

    assert str(failure.value).startswith(line)
    assert "hunter2" not in str(failure.value)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"port": "hunter2"}, "The setting port has to be a whole number and is a text."),
        ({"password": 5}, "The setting password has to be a text and is a number."),
        ({"use_copy": "yes"}, "The setting use_copy has to be true or false and is a text."),
        ({"ssh_tunnel": "hunter2"}, "The setting ssh_tunnel has to be a JSON object and is a text."),
        ({"ssh_tunnel": {"port": "hunter2"}}, "The setting ssh_tunnel.port has to be a whole number and is a text."),
        ({"load_method": "x"}, "The setting load_method has to be one of append-only, upsert, overwrite."),
        (
            {"stream_maps": {"__else__": 5}},
            "The setting stream_maps takes null or '__NULL__' for __else__, and nothing",
        ),
        ({"stream_maps": {"a": 5}}, "The setting stream_maps.a has a value that it does not take; --about says what"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_named_without_its_value(settings: Mapping[str, object], line: str) -> None:
    with pytest.raises(ConfigValidationError) as failure:
        TargetPostgresExact(config={"sqlalchemy_url": URL, **settings})

    (said,) = failure.value.errors
    assert said.startswith(line)
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("name", "kind"),
    [("PORT", "a whole number"), ("BATCH_SIZE_ROWS", "a whole number"), ("SSH_TUNNEL", "a JSON object")],
)
def test_a_variable_of_the_wrong_kind_is_named(monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    monkeypatch.setenv(f"TARGET_POSTGRES_{name}", "hunter2")

    with pytest.raises(LoadFailed) as failure:
        TargetPostgresExact(config={"sqlalchemy_url": URL}, parse_env_config=True)

    assert str(failure.value) == f"The variable TARGET_POSTGRES_{name} has to be {kind}."
