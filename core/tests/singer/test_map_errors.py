"""What is wrong with `stream_maps` is one line that names the map."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError

from conftest import CONCURRENCY, read
from singer_rest_core import RestStream, RestTap, RunIncomplete, settings_schema
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from pytest_httpserver import HTTPServer

    from conftest import Reading


class _List(RestStream):
    primary_keys = ("id",)
    row_layout = FlatRows("data")
    schema: ClassVar[dict[str, Any]] = {
        "properties": {"id": {"type": "string"}, "amount": {"type": ["number", "null"]}},
    }

    def __init__(self, tap: RestTap) -> None:
        super().__init__(tap, path=f"/{self.name}")


class Orders(_List):
    """Mapped in the tests."""

    name = "orders"


class Payments(_List):
    """Read beside them."""

    name = "payments"


class MappedTap(RestTap):
    """A tap with two lists."""

    name = "tap-mapped"
    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property("auth_token", th.StringType, required=True, secret=True),
        api_url=None,
        page_size=(10, 10),
        start_date=None,
    )

    def discover_streams(self) -> Sequence[RestStream]:
        return [Orders(self), Payments(self)]

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@pytest.fixture
def settings(httpserver: HTTPServer) -> dict[str, Any]:
    """The settings for a server with two rows in each list, the second without an amount."""
    for name in ("orders", "payments"):
        rows = [{"id": "1", "amount": 2}, {"id": "2", "amount": None}]
        httpserver.expect_request(f"/{name}").respond_with_data(json.dumps({"data": rows}))
    return {"api_url": httpserver.url_for("/"), "auth_token": "tok-5ecret-0123456789"}


def _read(settings: dict[str, Any], concurrency: int = 1, **maps: object) -> Reading:
    return read(MappedTap, {**settings, "concurrency": concurrency, "stream_maps": maps})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "division by zero"),
        ("amount.upper()", "no access to"),
        ("nowhere", "'nowhere' is not defined"),
        ("doubled(amount)", "Function 'doubled' not defined"),
        ("int(record['amount'] + 1)", "unsupported operand"),
        ("record['absent']", "there is no 'absent'"),
        ("__import__('os')", "__import__"),
    ],
)
@pytest.mark.parametrize("field", ["amount", "total", "__filter__"])
def test_a_failing_expression_is_named_and_fails_its_stream_alone(
    settings: dict[str, Any], caplog: pytest.LogCaptureFixture, field: str, expression: str, reason: str
) -> None:
    if expression == "amount.upper()":
        reason = "upper"
    reading = _read(settings, orders={field: expression})
    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("payments") == ["1", "2"]
    (line,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    shown = expression if "'" not in expression else f'"{expression}"'
    assert shown in line
    assert line.startswith("orders: failed: stream_maps: orders: ")
    assert " fails for a record: " in line
    assert reason.lower() in line.lower()
    assert "at fault" not in caplog.text


@CONCURRENCY
def test_a_copy_of_a_stream_that_fails_is_named_with_its_source(
    settings: dict[str, Any], caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    reading = _read(settings, concurrency, big_orders={"__source__": "orders", "x": "float(amount)"})
    assert isinstance(reading.error, RunIncomplete)
    assert "stream_maps: orders as big_orders: 'float(amount)' fails for a record: float() argument" in caplog.text
    assert reading.ids("payments") == ["1", "2"]


@pytest.mark.parametrize(
    ("maps", "line"),
    [
        ({"orders": {"amount": "amount +"}}, ": orders.amount: 'amount +' is not an expression: invalid syntax"),
        ({"orders": {"__filter__": "("}}, ": orders.__filter__: '(' is not an expression: '(' was never closed"),
        ({"orders": {"amount": ""}}, ": orders.amount: '' is not an expression: invalid syntax"),
        ({"orders": {"amount": 5}}, ".orders has an invalid format (it is \"{'amount': 5}\")"),
        ({"orders": {"id": None}}, ": Removing key property 'id' is not permitted in 'orders'"),
        ({"__else__": "x"}, ".__else__ has an invalid format (it is 'x')"),
        ({"orders": {"__else__": "x"}}, ".orders has an invalid format (it is \"{'__else__': 'x'}\")"),
    ],
)
def test_a_map_that_is_none_is_named_before_anything_is_requested(
    settings: dict[str, Any], httpserver: HTTPServer, maps: dict[str, Any], line: str
) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        _read(settings, **maps)
    assert refusal.value.errors == [str(refusal.value)]
    assert str(refusal.value).startswith(f"Setting stream_maps{line}")
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("maps", "streams"),
    [
        ({"orders": None}, {"payments"}),
        ({"orders": "__NULL__"}, {"payments"}),
        ({"orders": {"amount": None}, "__else__": None}, {"orders"}),
        ({"orders": {"__alias__": "sales"}}, {"sales", "payments"}),
        ({"orders": {"__key_properties__": ["id"], "__else__": None, "id": "id"}}, {"orders", "payments"}),
    ],
)
def test_every_documented_form_of_a_map_is_accepted(
    settings: dict[str, Any], maps: dict[str, Any], streams: set[str]
) -> None:
    reading = _read(settings, **maps)
    assert reading.error is None
    assert set(reading.records) == streams


def test_maps_that_work_are_applied(settings: dict[str, Any]) -> None:
    reading = _read(settings, orders={"__filter__": "id == '1'", "total": "float(amount) * 2"})
    assert reading.error is None
    assert [(record["id"], record["total"]) for record in reading.records["orders"]] == [("1", 4.0)]
