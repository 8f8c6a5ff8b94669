"""No secret reaches a column or a record, whatever the API sends."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import overriding_post_process
from tap_productive.client import ProductiveStream
from tap_productive.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import ReadProductive
    from sandbox.server import RunningSandbox

# Repeated here, so that no test relies on what the tap takes to be a secret.
SECRET = re.compile(
    r"token|secret|passw|credential|bearer|signature|authorization|cookie|intercom_hash|custom_headers"
    r"|(api|email|private|access)_?key"
    r"|public_?uuid|temp_url|request_ur[il]|redirect_uri|slack_options",
    re.IGNORECASE,
)
SCHEMAS = sorted(Path(str(files("tap_productive") / "schemas")).rglob("*.json"))
DOCUMENTED = {
    "sessions": "token",
    "organizations": "invitation_token",
    "users": "ical_token",
    "webhooks": "signature_token",
    "integrations": "request_token",
    "pages": "public_uuid",
    "tasks": "email_key",
}
"""Secrets that the sandbox sends as the documentation has them, by stream."""


def names(value: object) -> Iterator[str]:
    """All names of members, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_no_schema_names_a_secret(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))

    assert not [name for name in names(schema["properties"]) if SECRET.search(name)]


@pytest.mark.parametrize("by_page", [True, False])
def test_no_record_holds_a_secret_that_the_documentation_names(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    *,
    by_page: bool,
) -> None:
    if not by_page:
        monkeypatch.setattr(ProductiveStream, "post_process", overriding_post_process)
    for stream, name in DOCUMENTED.items():
        assert f"SECRET-{name}" in json.dumps(sandbox.admin.records(stream)), stream

    reading = read_productive()

    assert len(reading.records) == len(STREAMS) + 1
    assert "SECRET-" not in repr(reading.messages)
    found = {name for message in reading.messages for name in names(message) if SECRET.search(name)}
    assert found == set()


@pytest.mark.parametrize("by_page", [True, False])
def test_secrets_that_are_not_documented_are_dropped_at_any_depth(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    by_page: bool,
) -> None:
    if not by_page:
        monkeypatch.setattr(ProductiveStream, "post_process", overriding_post_process)
    new: dict[str, Any] = {
        "refresh_token": "SECRET-1",
        "connection": {"name": "x", "deep": [{"api_key": "SECRET-2", "on": True}]},
        "amount": {"password": "SECRET-3", "cents": 1},
    }
    known: dict[str, Any] = {
        "integration": {"name": "y", "access_token": "SECRET-4", "headers": {"Authorization": "SECRET-5"}},
        "email_recipients": [{"email": "a@example.com", "session_cookie": "SECRET-6"}],
    }
    sandbox.admin.set_extra_attributes({"payments": new, "emails": known})

    reading = read_productive("payments emails")

    rescued = {json.dumps(record["_rescued_data"], sort_keys=True) for record in reading.records["payments"]}
    assert rescued == {'{"amount": {"cents": 1}, "connection": {"deep": [{"on": true}], "name": "x"}}'}
    assert reading.records["emails"]
    for record in reading.records["emails"]:
        assert record["integration"] == {"name": "y", "headers": {}}
        assert record["email_recipients"] == [{"email": "a@example.com"}]
    assert "SECRET-" not in repr(reading.messages)
    assert "SECRET-" not in caplog.text
    assert "refresh_token" not in caplog.text
