"""Errors for wrong settings: which one, what is wrong, what to do, and never the value of a secret."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from singer_sdk import typing as th

from singer_rest_core import settings_schema
from singer_rest_core.cli.settings import (
    batch_errors,
    blank_secrets,
    date_errors,
    header_errors,
    schema_errors,
    unknown_settings,
    url_errors,
    with_defaults,
)

_SECRET = "hunter2-hunter2"
_SCHEMA = settings_schema(
    th.Property("auth_token", th.StringType, required=True, secret=True),
    th.Property("mode", th.StringType, allowed_values=["fast", "slow"]),
    api_url="https://api.example.com/v1",
    page_size=(100, 200),
    start_date="Rows before it are not read.",
)


def _errors(**config: object) -> list[str]:
    return schema_errors(_SCHEMA, with_defaults(_SCHEMA, config), plugin="tap-x")


def test_valid_settings_have_no_errors() -> None:
    assert _errors(auth_token=_SECRET, start_date="2026-01-31", page_size=1, max_wait_minutes=0.5, mode="fast") == []


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({}, "Setting auth_token is missing: set it in the configuration or as TAP_X_AUTH_TOKEN"),
        ({"auth_token": None}, "Setting auth_token is missing: set it in the configuration or as TAP_X_AUTH_TOKEN"),
        ({"auth_token": 5}, "Setting auth_token must be of type string"),
        ({"page_size": "many"}, "Setting page_size must be of type integer (it is 'many')"),
        ({"page_size": 0}, "Setting page_size must be at least 1 (it is '0')"),
        ({"page_size": 201}, "Setting page_size must be at most 200 (it is '201')"),
        ({"request_timeout": 0}, "Setting request_timeout must be more than 0 (it is '0')"),
        ({"max_wait_minutes": -1}, "Setting max_wait_minutes must be at least 0 (it is '-1')"),
        ({"max_wait_minutes": "long"}, "Setting max_wait_minutes must be of type number (it is 'long')"),
        ({"allow_plain_http": "yes"}, "Setting allow_plain_http must be of type boolean (it is 'yes')"),
        ({"mode": "medium"}, "Setting mode must be one of fast, slow (it is 'medium')"),
    ],
)
def test_a_wrong_setting_gives_one_line_that_says_what_to_do(config: dict[str, Any], line: str) -> None:
    assert _errors(**({"auth_token": _SECRET} | config if config.keys() - {"auth_token"} else config)) == [line]


def test_a_missing_part_of_a_setting_is_named_with_its_path() -> None:
    part = {"type": "object", "required": ["report"], "properties": {"report": {"type": "string"}}}
    schema = {"type": "object", "properties": {"reports": {"type": "array", "items": part}}}
    assert schema_errors(schema, {"reports": [{"report": "budgets"}, {}]}, plugin="tap-x") == [
        "Setting reports.1.report is missing: set it in the configuration"
    ]


def test_an_unknown_setting_is_reported_with_the_one_that_may_be_meant() -> None:
    schema: dict[str, Any] = {"properties": {"start_date": {}, "page_size": {}}}
    assert unknown_settings(schema, {"start_dat": "2026", "page_size": 5, "colour": "red"}) == [
        "Setting colour is unknown and has no effect",
        "Setting start_dat is unknown and has no effect: did you mean start_date?",
    ]


def test_a_setting_the_api_does_not_support_is_absent() -> None:
    names = settings_schema(api_url=None, page_size=None, start_date=None)["properties"].keys()

    assert _SCHEMA["properties"].keys() - names == {"auth_token", "mode", "page_size", "start_date"}


def test_all_errors_are_reported_at_once() -> None:
    assert len(_errors(page_size=0, request_timeout=0)) == 3


@pytest.mark.parametrize("value", [[_SECRET], {"token": _SECRET}, 123456789])
def test_the_value_of_a_secret_is_not_repeated(value: object) -> None:
    (line,) = _errors(auth_token=value)
    assert "hunter2" not in line
    assert "123456789" not in line


def test_a_missing_setting_does_not_bring_secrets_into_the_message() -> None:
    schema = settings_schema(
        th.Property("user", th.StringType, required=True),
        th.Property("password", th.StringType, required=True, secret=True),
        api_url=None,
        page_size=(1, 1),
        start_date=None,
    )
    lines = schema_errors(schema, with_defaults(schema, {"password": _SECRET}), plugin="tap-x")
    assert [line.split(":")[0] for line in lines] == ["Setting user is missing", "Setting api_url is missing"]
    assert not any("hunter2" in line for line in lines)


def test_defaults_are_set_and_null_counts_as_not_set() -> None:
    config = with_defaults(_SCHEMA, {"auth_token": "x", "page_size": None, "user_agent": None, "max_wait_minutes": 1})
    assert config == {
        "auth_token": "x",
        "api_url": "https://api.example.com/v1",
        "page_size": 100,
        "concurrency": 8,
        "quota_share": 1,
        "max_wait_minutes": 1,
        "request_timeout": 300,
        "emit_activate_version_messages": True,
        "skip_unchanged": False,
        "full_refresh_interval_days": 7,
        "allow_plain_http": False,
    }


def test_a_number_sent_as_text_by_the_environment_is_a_number() -> None:
    config = with_defaults(_SCHEMA, {"auth_token": "12.5", "max_wait_minutes": "0.5"})
    assert config["max_wait_minutes"] == 0.5
    assert config["auth_token"] == "12.5"


@pytest.mark.parametrize("name", ["mode", "user_agent"])
def test_a_text_that_yaml_turned_into_a_number_is_a_text(name: str) -> None:
    assert with_defaults(_SCHEMA, {"auth_token": 5, name: 4711, "page_size": 5})[name] == "4711"


def test_values_that_are_not_text_are_unchanged() -> None:
    config = {"auth_token": 5, "page_size": 5, "allow_plain_http": True, "unknown": 5}
    assert with_defaults(_SCHEMA, config).items() >= config.items()


def test_errors_inside_a_setting_name_the_path() -> None:
    thing = {
        "type": "object",
        "properties": {"name": {}, "group": {}},
        "required": ["name"],
        "additionalProperties": False,
    }
    schema = {"properties": {"things": {"type": "array", "items": thing}}}

    assert schema_errors(schema, {"things": [{"name": "a"}, {"grup": "b"}]}, plugin="tap-x") == [
        "Setting things.1.name is missing: set it in the configuration",
        "Setting things.1 contains the unknown name grup: use name, group",
    ]


def test_the_start_date_is_absent_if_nothing_is_incremental() -> None:
    schema = settings_schema(api_url=None, page_size=(1, 1), start_date=None)
    assert "start_date" not in schema["properties"]
    assert "start_date" in _SCHEMA["properties"]
    assert schema["required"] == ["api_url"]


@pytest.mark.parametrize("value", ["2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31 05:00:00.5+02:00", None])
def test_a_date_or_a_timestamp_is_accepted_as_a_date(value: str | None) -> None:
    assert date_errors({"start_date": value}, "start_date") == []


@pytest.mark.parametrize("value", ["31.01.2026", "2026-02-30", "yesterday", ""])
def test_an_invalid_date_is_reported_with_an_example(value: str) -> None:
    assert date_errors({"start_date": value}, "start_date") == [
        f"Setting start_date is not a date: {value!r}; write it as 2026-01-31 or 2026-01-31T00:00:00Z",
    ]


def test_a_url_that_must_not_receive_the_token_is_reported() -> None:
    assert url_errors({"api_url": "http://api.example.com"}, "api_url") == [
        "Setting api_url is not encrypted; use https, or set allow_plain_http if the network is yours",
    ]
    assert url_errors({"api_url": "http://api.example.com", "allow_plain_http": True}, "api_url") == []
    assert url_errors({"api_url": "nonsense"}, "api_url") == [
        "Setting api_url is not an http(s) URL such as https://api.example.com/v1",
    ]
    assert url_errors({}, "api_url") == []


@pytest.mark.parametrize("value", ["hun\x00ter2", "hunter\n2", "hunter\x852", "hunter…", "hünter"])
def test_a_value_not_allowed_in_headers_is_reported_without_the_value(value: str) -> None:
    line = "contains a character not allowed in headers (such as a line break): copy it again"
    assert header_errors(_SCHEMA, {"auth_token": value}, {"user_agent"}) == [f"Setting auth_token {line}"]
    assert header_errors(_SCHEMA, {"user_agent": value}, {"user_agent"}) == [f"Setting user_agent {line}"]
    assert header_errors(_SCHEMA, {"auth_token": "hunter 2", "mode": "a\nb"}, set()) == []


@pytest.mark.parametrize("value", ["hunter2\n", "\thunter2", " hunter2", "hunter2 ", "hunter2\xa0"])
def test_a_value_with_a_blank_around_it_is_reported_without_the_value(value: str) -> None:
    line = "begins or ends with a blank or a line break: copy it again"
    assert header_errors(_SCHEMA, {"auth_token": value}, {"user_agent"}) == [f"Setting auth_token {line}"]
    assert header_errors(_SCHEMA, {"user_agent": value}, {"user_agent"}) == [f"Setting user_agent {line}"]


def test_a_secret_of_blanks_is_empty_and_says_so_once() -> None:
    config = {"auth_token": " \n", "mode": " "}
    assert blank_secrets(_SCHEMA, config) == ["Setting auth_token is empty: it holds nothing but blanks"]
    assert header_errors(_SCHEMA, config, set()) == []
    assert blank_secrets(_SCHEMA, {"auth_token": _SECRET, "mode": " "}) == []


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"x": 1}, "batch_config.encoding is missing: set it in the configuration"),
        ({"encoding": {"format": "jsonl"}}, "batch_config.storage is missing: set it in the configuration"),
        (
            {"encoding": {"format": "jsonl"}, "storage": {"root": "file:///x"}, "size": 5},
            "batch_config contains the unknown name size: use encoding, storage, batch_size",
        ),
        (
            {"encoding": {}, "storage": {"root": "file:///x"}},
            "batch_config.encoding.format is missing: set it in the configuration",
        ),
        (
            {"encoding": {"format": "jsonl"}, "storage": {"root": 5}},
            "batch_config.storage.root must be of type string",
        ),
        ("s3://key:hunter2@bucket", "batch_config must be of type object"),
        ([], "batch_config must be of type object"),
    ],
)
def test_a_batch_config_that_the_sdk_cannot_use_gives_one_line_without_its_place(given: object, line: str) -> None:
    assert batch_errors({"batch_config": given}, plugin="tap-x") == [f"Setting {line}"]


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": "file:///x"}},
        {"encoding": {"format": "jsonl"}, "storage": {"root": "s3://x", "prefix": "p-", "params": {}}, "batch_size": 5},
    ],
)
def test_a_batch_config_of_the_sdk_has_no_errors(given: object) -> None:
    assert batch_errors({"batch_config": given}, plugin="tap-x") == []


@pytest.mark.parametrize("value", ["nan", "inf", "-Infinity", Decimal("NaN"), "1e999"])
def test_nan_and_infinity_are_not_numbers(value: object) -> None:
    config = with_defaults(_SCHEMA, {"auth_token": "x", "max_wait_minutes": value})
    assert "Setting max_wait_minutes must be of type number" in schema_errors(_SCHEMA, config, plugin="tap-x")[0]


def test_a_decimal_from_a_file_becomes_a_float() -> None:
    config = with_defaults(_SCHEMA, {"auth_token": "x", "max_wait_minutes": Decimal("0.5")})
    assert config["max_wait_minutes"] == 0.5
    assert isinstance(config["max_wait_minutes"], float)


@pytest.mark.parametrize("name", ["auth_token", "mode", "start_date", "page_size"])
def test_an_empty_text_counts_as_not_set_where_it_can_be_no_value(name: str) -> None:
    given = {"auth_token": _SECRET} | {name: ""}
    assert with_defaults(_SCHEMA, given) == with_defaults(_SCHEMA, {**given, name: None})


def test_an_empty_url_is_refused_and_not_replaced_by_that_of_the_vendor() -> None:
    config = with_defaults(_SCHEMA, {"auth_token": _SECRET, "api_url": ""})
    (line,) = url_errors(config, "api_url")
    assert line.startswith("Setting api_url is empty")


def test_an_empty_text_stays_where_it_may_be_meant() -> None:
    schema = {"properties": {"flattening_separator": {"type": ["string", "null"]}}}
    assert with_defaults(schema, {"flattening_separator": ""}) == {"flattening_separator": ""}
