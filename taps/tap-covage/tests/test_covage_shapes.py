"""Answers of any shape that the documentation leaves open load without loss; what cannot be understood is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from conftest import read
from singer_rest_core import RunIncomplete
from singer_rest_core.records import UnexpectedPage
from tap_covage.response_rows import rows_in
from tap_covage.tap import TapCovage

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from conftest import Reading
    from sandbox.admin_client import SystemAdmin

LISTS = ("orders", "quotes", "projects", "ennis", "catalog_categories")


class Api:
    """An API with configured answers, and the tap that reads it."""

    def __init__(self, server: HTTPServer) -> None:
        """Give tokens."""
        self._server = server
        token = "/auth/realms/covage/protocol/openid-connect/token"
        server.expect_request(token).respond_with_data('{"access_token": "t"}')

    def answer(self, path: str, *pages: str) -> None:
        """Answer page after page, whatever cursor is requested; the last one from then on."""
        waiting = list(pages)

        def give(_request: Request) -> Response:
            return Response(waiting.pop(0) if len(waiting) > 1 else waiting[0])

        self._server.expect_request(f"/api/v1{path}").respond_with_handler(give)

    def read(self, select: str) -> Reading:
        """Run the tap."""
        root = self._server.url_for("/")
        config = {"username": "u", "password": "p", "auth_url": root, "api_url": root, "concurrency": 1}
        return read(TapCovage, config, select=select)


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.mark.parametrize("stream", LISTS)
@pytest.mark.parametrize("envelope", ["bare", "results"])
def test_every_list_may_be_bare_or_a_page(
    covage: SystemAdmin, covage_settings: dict[str, Any], stream: str, envelope: str
) -> None:
    covage.put("envelopes", {stream: envelope})

    reading = read(TapCovage, covage_settings, select=stream)

    assert reading.error is None
    assert len(reading.records[stream]) == len(covage.records(stream))
    has_pages = envelope == "results" and stream in {"orders", "quotes"}
    assert reading.activated == ([] if has_pages else [stream])


@pytest.mark.parametrize("stream", [*LISTS, "invoices"])
def test_every_list_may_be_a_single_row(covage: SystemAdmin, covage_settings: dict[str, Any], stream: str) -> None:
    covage.put("envelopes", {stream: "single"})

    reading = read(TapCovage, covage_settings, select=stream)

    assert reading.error is None
    assert len(reading.records[stream]) == 1


@pytest.mark.parametrize("stream", [*LISTS, "invoices"])
def test_any_other_envelope_is_an_error_that_names_its_keys(
    covage: SystemAdmin, covage_settings: dict[str, Any], caplog: pytest.LogCaptureFixture, stream: str
) -> None:
    covage.put("envelopes", {stream: "unknown"})

    reading = read(TapCovage, covage_settings, select=stream)

    assert isinstance(reading.error, RunIncomplete)
    assert not reading.of("RECORD")
    assert not reading.of("ACTIVATE_VERSION")
    assert "an object that is neither a page with `results` nor one row with " in caplog.text
    assert "its keys: payload, status" in caplog.text


@pytest.mark.parametrize("envelope", ["bare", "results", "single"])
def test_an_orders_detail_and_history_may_be_wrapped(
    covage: SystemAdmin, covage_settings: dict[str, Any], envelope: str
) -> None:
    covage.put("envelopes", {"order_details": envelope, "order_history": envelope})

    reading = read(TapCovage, covage_settings, select="order_details order_history")

    assert reading.error is None
    assert len(reading.records["order_details"]) == 60
    assert {record["position"] for record in reading.records["order_history"]} >= {1}
    assert all(record["step"] for record in reading.records["order_history"])


@pytest.mark.parametrize(
    ("body", "keys", "expected"),
    [
        ([], ["code"], []),
        ([{"a": 1}], ["code"], [{"a": 1}]),
        ({"results": []}, ["code"], []),
        ({"results": [{"code": 1}], "code": 2}, ["code"], [{"code": 1}]),
        ({"code": 0}, ["code"], [{"code": 0}]),
        ({"results": None, "code": "x"}, ["code"], [{"results": None, "code": "x"}]),
        ({"anything": 1}, [], [{"anything": 1}]),
        ({}, [], []),
    ],
)
def test_rows_are_found_by_the_look_of_an_answer(body: object, keys: list[str], expected: list[object]) -> None:
    assert rows_in(body, keys) == expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "its keys: none"),
        ({"code": None, "x": 1}, "its keys: code, x"),
        ({"results": {"a": 1}}, "its keys: results"),
        ({"a\nb": 1}, r"its keys: a\nb"),
        ("text", "a text instead of rows"),
        (None, "null instead of rows"),
        (True, "a boolean instead of rows"),
        (7, "a number instead of rows"),
    ],
)
def test_what_holds_no_rows_is_named(body: object, words: str) -> None:
    with pytest.raises(UnexpectedPage) as caught:
        rows_in(body, ["code"])

    assert words in str(caught.value)


@given(st.dictionaries(st.text(), st.none(), max_size=60))
def test_whatever_keys_there_are_it_stays_one_short_line(body: dict[str, None]) -> None:
    with pytest.raises(UnexpectedPage) as caught:
        rows_in(body, ["code"])

    assert len(str(caught.value)) < 10_000
    assert "\n" not in str(caught.value)


def test_fields_of_any_kind_are_kept(api: Api) -> None:
    row = {"order_reference": 17, "commitment": "12.5", "order_date": "2025-04-23T10:00:00Z", "state": None, "new": {}}
    row |= {"modification_date": "2025-04-23T12:00:00+02:00", "project_id": "", "completion_date": "2025-04-23"}
    api.answer("/order/", json.dumps([row]))

    (record,) = api.read("orders").records["orders"]

    assert record["order_reference"] == "17"
    assert str(record["commitment"]) == "12.5"
    assert record["modification_date"] == "2025-04-23T10:00:00Z"
    assert record["completion_date"] == "2025-04-23"
    assert record["project_id"] == ""
    assert record["state"] is None
    assert record["_rescued_data"] == {"order_date": "2025-04-23T10:00:00Z", "new": {}}


@pytest.mark.parametrize("name", ["next_page", "next"])
def test_pages_of_a_list_are_followed_under_either_name(api: Api, name: str) -> None:
    link = "http://elsewhere.example.com/?cursor="
    api.answer(
        "/quote/",
        json.dumps({"results": [{"id": "a"}], "count": 3, name: f"{link}2&page_size=1"}),
        json.dumps({"results": [{"id": "b"}], "count": 3, name: f"{link}3"}),
        json.dumps({"results": [{"id": "c"}, {"id": "a"}], "count": 3, name: None}),
    )

    reading = api.read("quotes")

    assert reading.ids("quotes") == ["a", "b", "c"]
    assert reading.state["bookmarks"]["quotes"]["complete_read"]["rows"] == 3


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"next_page": "http://x/?page=2"}, "names a next page without saying which"),
        ({"next_page": {"cursor": 2}}, "names a next page that is not a URL"),
        ({"count": 2}, "answered 1 of 2 rows and names no next page"),
    ],
)
def test_a_list_whose_next_page_is_not_known_is_not_complete(
    api: Api, caplog: pytest.LogCaptureFixture, page: dict[str, Any], words: str
) -> None:
    api.answer("/quote/", json.dumps({"results": [{"id": "a"}], **page}))

    reading = api.read("quotes")

    assert isinstance(reading.error, RunIncomplete)
    assert words in caplog.text
    assert not reading.of("ACTIVATE_VERSION")


def test_a_cursor_that_goes_round_ends_in_an_error(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.answer("/quote/", json.dumps({"results": [{"id": "a"}], "next_page": "/?cursor=2"}))

    reading = api.read("quotes")

    assert isinstance(reading.error, RunIncomplete)
    assert "repeats a page" in caplog.text


def test_a_row_without_its_key_is_left_out_and_reported(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.answer("/referential/project", '[{"code": "A"}, {"active": true}]')

    reading = api.read("projects")

    assert isinstance(reading.error, RunIncomplete)
    assert [record["code"] for record in reading.records["projects"]] == ["A"]
    assert "left out: row 2 of GET /api/v1/referential/project: it has no code" in caplog.text
    assert not reading.of("ACTIVATE_VERSION")


def test_the_code_of_an_enni_may_be_written_as_in_the_table(api: Api) -> None:
    api.answer("/referential/enni/", '[{"reference": "CN1", "Code": "720"}, {"reference": "CN2", "code": "721"}]')

    records = api.read("ennis").records["ennis"]

    assert [record["code"] for record in records] == ["720", "721"]
    assert {record["_rescued_data"] for record in records} == {None}


def test_steps_of_an_order_are_kept_whatever_they_are(api: Api) -> None:
    api.answer("/order/", '[{"order_reference": "A/1"}, {"order_reference": "B"}]')
    api.answer("/order/A/1/historic/", '["production_manager_assigned", {"technical_visit_planned": null}]')
    api.answer("/order/B/historic/", '{"optical_route_received": "2025-04-23"}')

    records = api.read("order_history").records["order_history"]

    assert [(record["order_reference"], record["position"]) for record in records] == [("A/1", 1), ("A/1", 2), ("B", 1)]
    assert [record["step"] for record in records] == [
        None,
        {"technical_visit_planned": None},
        {"optical_route_received": "2025-04-23"},
    ]
    assert records[0]["_rescued_data"] == {"step": "production_manager_assigned"}
