"""Settings from environment variables: what counts as set, and which texts are values of their kind."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from singer_sdk import typing as th

from singer_rest_core import settings_schema
from singer_rest_core.cli import environment_settings

_SCHEMA = settings_schema(
    th.Property("auth_token", th.StringType, required=True, secret=True),
    th.Property("periods", th.ArrayType(th.StringType)),
    th.Property("reports", th.ArrayType(th.ObjectType(additional_properties=True))),
    th.Property("maps", th.ObjectType(additional_properties=True)),
    api_url=None,
    page_size=(10, 10),
    start_date="Rows before it are not read.",
)


def _read(**variables: str) -> tuple[dict[str, Any], list[str]]:
    return environment_settings(_SCHEMA, variables, prefix="TAP_X_")


@pytest.mark.parametrize("name", _SCHEMA["properties"])
@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_variable_counts_as_not_set(name: str, text: str) -> None:
    assert _read(**{f"TAP_X_{name.upper()}": text}) == ({}, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("true", "True", "TRUE", "1", "yes", "on", " true\n")),
        *((text, False) for text in ("false", "False", "FALSE", "0", "no", "off", " off ")),
    ],
)
def test_a_boolean_is_what_the_text_says(text: str, *, value: bool) -> None:
    assert _read(TAP_X_ALLOW_PLAIN_HTTP=text) == ({"allow_plain_http": value}, [])


@pytest.mark.parametrize("text", ["t", "f", "y", "n", "T", "Y", "maybe", "2", "-1", "None", "null", "tru"])
def test_a_text_that_is_no_boolean_is_refused(text: str) -> None:
    settings, lines = _read(TAP_X_ALLOW_PLAIN_HTTP=text)
    start = "Environment variable TAP_X_ALLOW_PLAIN_HTTP has a value of the wrong kind"
    assert settings == {}
    assert lines == [f"{start}: it must be true or false (it is {text!r})"]


@pytest.mark.parametrize(
    ("variable", "text", "kind"),
    [
        ("PAGE_SIZE", "many", "a whole number (it is 'many')"),
        ("PAGE_SIZE", "1.5", "a whole number (it is '1.5')"),
        ("MAPS", "{", "a JSON object"),
        ("MAPS", "[]", "a JSON object"),
        ("REPORTS", "a,b", "a JSON array"),
        ("REPORTS", "{}", "a JSON array"),
        ("PERIODS", '["2026-01"', "a JSON array"),
    ],
)
def test_a_value_of_the_wrong_kind_gives_a_line_that_names_the_variable(variable: str, text: str, kind: str) -> None:
    settings, lines = _read(**{f"TAP_X_{variable}": text})
    assert settings == {}
    assert lines == [f"Environment variable TAP_X_{variable} has a value of the wrong kind: it must be {kind}"]


def test_all_variables_of_the_wrong_kind_are_reported_at_once() -> None:
    settings, lines = _read(TAP_X_PAGE_SIZE="x", TAP_X_CONCURRENCY="4", TAP_X_ALLOW_PLAIN_HTTP="t")
    assert settings == {"concurrency": 4}
    assert [line.split()[2] for line in lines] == ["TAP_X_PAGE_SIZE", "TAP_X_ALLOW_PLAIN_HTTP"]


def test_every_kind_of_value_is_read() -> None:
    settings, lines = _read(
        TAP_X_AUTH_TOKEN="00123",
        TAP_X_START_DATE="2026-01-31",
        TAP_X_PAGE_SIZE="7",
        TAP_X_MAX_WAIT_MINUTES="0.5",
        TAP_X_PERIODS='["2026-01", "2026-Q2"]',
        TAP_X_REPORTS='[{"name": "x", "share": 0.1}]',
        TAP_X_MAPS='{"things": {"id": "__NULL__"}}',
        TAP_Y_CONCURRENCY="9",
    )
    assert lines == []
    assert settings == {
        "auth_token": "00123",
        "start_date": "2026-01-31",
        "page_size": 7,
        "max_wait_minutes": "0.5",
        "periods": ["2026-01", "2026-Q2"],
        "reports": [{"name": "x", "share": Decimal("0.1")}],
        "maps": {"things": {"id": "__NULL__"}},
    }


def test_texts_may_also_be_written_with_commas() -> None:
    assert _read(TAP_X_PERIODS="2026-01, 2026-02") == ({"periods": ["2026-01", "2026-02"]}, [])
