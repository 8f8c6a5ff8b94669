"""Answers of a form that the sandbox does not give: other pages, other envelopes, records without an id."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from conftest import discover, overriding_post_process, read, warnings_of, with_rescued
from singer_rest_core import RunIncomplete
from singer_rest_core.records import encode
from tap_2invoice.client import ListStream
from tap_2invoice.streams import LISTS
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_httpserver import HTTPServer
    from werkzeug import Request


run = partial(read, Tap2Invoice)
LIST_NAMES = [str(vars(stream)["name"]) for stream in LISTS]
NAMELESS = [{"name": "a"}, {"name": "b"}]


def without_token(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog that discovery makes without a token."""
    return discover(Tap2Invoice, {"api_url": settings["api_url"]})


def serve(server: HTTPServer, *, client: object = None, **lists: Any) -> dict[str, Any]:  # noqa: ANN401 - bodies, or what gives them
    """Answer lists by a body, or by a function of the page, and the detail of client 1; lists not given are empty."""
    for name in LIST_NAMES:
        answer_at(server, f"/{name.replace('_', '-')}", lists.get(name, {"data" if name == "products" else name: []}))
    answer_at(server, "/auth/token-information", {})
    if client is not None:
        answer_at(server, "/clients/1", client)
    server.expect_request(re.compile("/.*")).respond_with_json({"message": "Not Found"}, status=404)
    return {"access_token": "t", "api_url": server.url_for("/")}


def answer_at(server: HTTPServer, path: str, body: Any) -> None:  # noqa: ANN401 - JSON, or what gives it
    def answer(request: Request) -> Response:
        content = body(request.args.get("page", "1")) if callable(body) else body
        return Response(encode(content), content_type="application/json")

    server.expect_request(path).respond_with_handler(answer)


def rows(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"n{number}"} for number in range(first, last + 1)]


def test_a_paginator_that_does_not_count_is_followed_by_number_and_never_to_another_host(
    httpserver: HTTPServer,
) -> None:
    def simple(page: str) -> dict[str, Any]:
        number = int(page)
        following = f"https://elsewhere.example/clients?page={number + 1}" if number < 3 else None
        return {
            "clients": {"current_page": number, "data": rows(number * 2 - 1, number * 2), "next_page_url": following}
        }

    reading = run(serve(httpserver, clients=simple))

    assert reading.error is None
    assert reading.ids("clients") == [1, 2, 3, 4, 5, 6]
    assert reading.state["bookmarks"]["clients"]["complete_read"]["rows"] == 6


@pytest.mark.parametrize("counted", [True, False])
def test_a_page_that_comes_twice_without_its_number_fails_the_stream(httpserver: HTTPServer, *, counted: bool) -> None:
    place = {"last_page": 1000} if counted else {"next_page_url": "/clients?page=2"}

    reading = run(serve(httpserver, clients={"clients": rows(1, 2), **place}) | {"concurrency": 1})

    assert isinstance(reading.error, RunIncomplete)
    assert "clients" not in reading.activated
    assert reading.ids("clients") == [1, 2]
    assert len([request for request, _ in httpserver.log if request.path == "/clients"]) <= 3


@pytest.mark.parametrize("last", [None, 40])
def test_pages_without_records_come_to_an_end(httpserver: HTTPServer, last: int | None) -> None:
    """Where no page is named as the last one, a link to a next page may be there for ever."""

    def page(number: str) -> dict[str, Any]:
        following = f"/clients?page={int(number) + 1}"
        return {"clients": {"data": rows(1, 2) if number == "1" else [], "next_page_url": following, "last_page": last}}

    reading = run(serve(httpserver, clients=page) | {"concurrency": 1})

    assert reading.ids("clients") == [1, 2]
    assert isinstance(reading.error, RunIncomplete) is (last is None)
    assert len([request for request, _ in httpserver.log if request.path == "/clients"]) == 1 + (last or 3)


@pytest.mark.parametrize("body", [{"message": "moved", "items": []}, {"clients": None}, {"clients": {"rows": []}}, []])
def test_an_answer_without_its_list_fails_the_stream_and_names_what_it_contains(
    httpserver: HTTPServer, body: dict[str, Any] | list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    reading = run(serve(httpserver, clients=body))

    assert isinstance(reading.error, RunIncomplete)
    assert "clients" not in reading.activated
    held = (body["clients"] or body) if isinstance(body, dict) and "clients" in body else body
    names = f"; it contains: {', '.join(map(repr, held))}" if held else ""
    assert any(f"GET /clients answered without a list under `clients`{names}" in line for line in warnings_of(caplog))


def test_records_without_an_id_get_a_digest_as_their_key(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stock = [{"product": "a", "count": 1}, {"product": "b", "count": 1.50}, {"product": "b", "count": 1.50}]
    settings = serve(httpserver, inventories={"inventories": stock})

    first, second = run(settings), run(settings)

    records = first.records["inventories"]
    assert [(record["product"], record["count"]) for record in records] == [("a", 1), ("b", 1.5), ("b", 1.5)]
    digests = [record["_digest"] for record in records]
    assert len(set(digests)) == 3
    assert [record["_digest"] for record in second.records["inventories"]] == digests
    (schema,) = (message for message in first.of("SCHEMA") if message["stream"] == "inventories")
    assert schema["key_properties"] == ["_digest"]
    assert "inventories" in first.activated
    assert any("inventories: records have no id" in record.getMessage() for record in caplog.records)


def test_repeated_ids_are_not_a_key(httpserver: HTTPServer) -> None:
    settings = serve(httpserver, inventories={"inventories": [{"id": 1, "at": "a"}, {"id": 1, "at": "b"}]})

    records = run(settings).records["inventories"]

    assert [(record["id"], record["at"]) for record in records] == [(1, "a"), (1, "b")]
    assert len({record["_digest"] for record in records}) == 2


@pytest.mark.parametrize("given", [False, True])
def test_a_digest_stays_the_key_when_records_have_an_id(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, given: bool
) -> None:
    caplog.set_level(logging.INFO)
    before = run(serve(httpserver, templates={"templates": NAMELESS}))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": rows(1, 2)})

    after = run(settings, catalog=discover(Tap2Invoice, settings) if given else None, state=before.state)
    later = run(settings, state=after.state)

    assert after.error is None
    assert [record["id"] for record in after.records["templates"]] == [1, 2]
    assert None not in {record["_digest"] for record in after.records["templates"]}
    assert "templates: the key stays _digest, as it was: id could be the key now" in caplog.messages
    for reading in (before, after, later):
        (schema,) = (message for message in reading.of("SCHEMA") if message["stream"] == "templates")
        assert schema["key_properties"] == ["_digest"]
        assert schema["schema"]["properties"]["_digest"] == {"type": "string"}


@pytest.mark.parametrize("given", [False, True])
def test_an_id_stays_the_key_when_records_lack_it_with_a_warning(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, given: bool
) -> None:
    before = run(serve(httpserver, templates={"templates": rows(1, 2)}, receipts={"receipts": rows(1, 2)}))
    httpserver.clear()
    same = {"receipts": [*rows(3, 3), *rows(3, 3)]}
    settings = serve(httpserver, templates={"templates": NAMELESS}, receipts=same)

    after = run(settings, catalog=discover(Tap2Invoice, settings) if given else None, state=before.state)

    assert isinstance(after.error, RunIncomplete)
    assert after.records["templates"] == []
    assert any(
        line.startswith("templates: left out: row 1 of GET /templates: it has no id") for line in warnings_of(caplog)
    )
    assert any(line.startswith("receipts: records no longer have an id of their own") for line in warnings_of(caplog))
    for message in after.of("SCHEMA"):
        assert message["key_properties"] == ["id"]
        assert "_digest" not in message["schema"]["properties"]
    assert after.state["bookmarks"]["templates"] == before.state["bookmarks"]["templates"]


def test_after_an_empty_list_records_without_an_id_get_a_digest_as_their_id(httpserver: HTTPServer) -> None:
    """The table was made with a text for its key."""
    before = run(serve(httpserver))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": NAMELESS})

    after = run(settings, state=before.state)
    later = run(settings, state=after.state)

    assert after.error is None
    assert [record["name"] for record in after.records["templates"]] == ["a", "b"]
    assert after.columns("templates")["id"] == {"type": "string"}
    assert len(set(after.ids("templates"))) == 2
    assert later.ids("templates") == after.ids("templates")
    assert later.activated.count("templates") == 1


def test_a_catalog_made_without_a_token_also_works_for_records_without_an_id(httpserver: HTTPServer) -> None:
    settings = serve(httpserver, templates={"templates": [{"name": "a"}, {"name": "b"}, {"name": "b"}]})

    reading = run(settings, select="templates", catalog=without_token(settings))

    assert reading.error is None
    assert [with_rescued(record)["name"] for record in reading.records["templates"]] == ["a", "b", "b"]
    assert len(set(reading.ids("templates"))) == 3


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"name": "x"}, "it has no id"),
        ({"id": "T-1"}, "its id is a string that does not fit a 64-bit integer"),
        ({"id": {"n": 1}}, "its id is an object that does not fit a 64-bit integer"),
    ],
)
@pytest.mark.parametrize("by_page", [True, False])
def test_a_record_without_the_key_of_the_catalog_is_left_out_and_reported(  # noqa: PLR0913 - fixtures and parameters
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    row: dict[str, Any],
    fault: str,
    *,
    by_page: bool,
) -> None:
    catalog = discover(Tap2Invoice, serve(httpserver, templates={"templates": rows(1, 2)}))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": [*rows(1, 2), row]})
    if not by_page:
        monkeypatch.setattr(ListStream, "post_process", overriding_post_process)

    reading = run(settings, select="templates", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("templates") == [1, 2]
    assert not reading.of("ACTIVATE_VERSION")
    line = warnings_of(caplog)[0]
    assert f"left out: row 3 of GET /templates: {fault}: if records have other keys than when the catalog was" in line


def test_details_need_the_id_of_their_record(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    settings = serve(httpserver, clients={"clients": [{"name": "x"}, {"id": 1}]}, client={"cui": "RO1"})

    reading = run(settings, select="client_details")

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("client_details") == [1]
    assert not reading.of("ACTIVATE_VERSION")
    assert any("left out: row 1 of GET /clients: it has no id" in line for line in warnings_of(caplog))


@pytest.mark.parametrize(
    ("detail", "record"),
    [
        ({"client": {"id": 1, "cui": "RO1"}}, {"id": 1, "cui": "RO1"}),
        ({"data": {"cui": "RO1"}}, {"id": 1, "cui": "RO1"}),
        ({"cui": "RO1"}, {"id": 1, "cui": "RO1"}),
        ({"client": {"id": 1}, "balance": 5}, {"id": 1, "client": {"id": 1}, "balance": 5}),
        ({}, {"id": 1}),
    ],
)
def test_a_detail_may_be_wrapped_or_not_and_nothing_of_it_is_lost(
    httpserver: HTTPServer, detail: object, record: dict[str, Any]
) -> None:
    settings = serve(httpserver, clients={"clients": [{"id": 1, "name": "x"}]}, client=detail)

    reading = run(settings, select="client_details")

    assert [with_rescued(each) for each in reading.records["client_details"]] == [record]


def test_a_detail_that_is_not_an_object_fails_the_stream(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    settings = serve(httpserver, clients={"clients": [{"id": 1, "name": "x"}]}, client=[1])

    reading = run(settings, select="client_details")

    assert isinstance(reading.error, RunIncomplete)
    assert any("GET /clients/1 did not answer an object" in line for line in warnings_of(caplog))
