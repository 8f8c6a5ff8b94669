"""What `--about` says of settings."""

from __future__ import annotations

from typing import Any

import pytest
from singer_sdk.about import AboutInfo
from singer_sdk.helpers.capabilities import TapCapabilities

from singer_rest_core.cli.about import about_text, kind_in_words

SETTINGS = {
    "required": ["api_token"],
    "properties": {
        "api_token": {"type": ["string"], "secret": True, "description": "From the account."},
        "page_size": {"type": ["integer", "null"], "minimum": 1, "maximum": 100, "default": 50, "description": "Rows."},
        "keep": {"type": ["boolean", "null"], "default": False},
        "api_url": {"type": ["string", "null"], "default": "https://api.example.com"},
        "flattening_enabled": {"type": ["boolean", "null"]},
    },
}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"type": ["string", "null"]}, "a text"),
        ({"type": "integer", "minimum": 1, "maximum": 64}, "a whole number from 1 to 64"),
        ({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1}, "a number, more than 0 and at most 1"),
        ({"type": ["number"], "minimum": 2}, "a number, at least 2"),
        ({"type": ["boolean", "null"]}, "true or false"),
        ({"type": ["string", "null"], "enum": ["all", "none"]}, "one of all, none"),
        ({"type": ["array", "null"], "items": {"type": ["string"]}}, "a list of texts"),
        ({"type": ["array", "null"], "items": {"type": ["object", "null"]}}, "a list of JSON objects"),
        ({"type": ["array"]}, "a list"),
        ({"type": ["object", "null"]}, "a JSON object"),
        ({"anyOf": []}, "any JSON value"),
    ],
)
def test_a_kind_of_value_in_words(entry: dict[str, Any], words: str) -> None:
    assert kind_in_words(entry) == words


def test_a_date_is_explained_by_an_example() -> None:
    assert "2026-01-31" in kind_in_words({"type": ["string", "null"], "format": "date-time"})


def test_settings_are_described_with_defaults_variables_and_what_is_required() -> None:
    info = AboutInfo(
        name="tap-x",
        description="Reads x.",
        version="1.2",
        sdk_version="0.54",
        supported_python_versions=["3.11", "3.12"],
        capabilities=[TapCapabilities.CATALOG],
        settings=SETTINGS,
        env_var_prefix="TAP_X_",
    )
    text = about_text(info, ["api_token", "page_size", "keep", "api_url"])
    own, _, builtin = text.partition("every tap made with singer-sdk has")
    assert text.startswith("tap-x 1.2, made with singer-sdk 0.54\nReads x.\nPython 3.11, 3.12\nCapabilities: catalog\n")
    assert "  api_token  (TAP_X_API_TOKEN)\n    A text, required, secret. From the account.\n" in own
    assert "    A whole number from 1 to 100, 50 if not set. Rows.\n" in own
    assert "    True or false, false if not set.\n" in own
    assert "    A text, https://api.example.com if not set.\n" in own
    assert "  flattening_enabled  (TAP_X_FLATTENING_ENABLED)\n    True or false." in builtin
