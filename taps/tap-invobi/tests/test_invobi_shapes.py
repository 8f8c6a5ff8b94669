"""Answers of any shape that the documentation leaves open load without loss."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from werkzeug import Response

from conftest import read
from singer_rest_core import RunIncomplete
from tap_invobi.tap import TapInvobi

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from conftest import Reading

PAGINATION = {"total": 1, "page": 1, "per_page": 100, "total_pages": 1}


@pytest.fixture
def answers(httpserver: HTTPServer) -> dict[str, str]:
    """What the API answers by path, as text; to be filled."""
    by_path: dict[str, str] = {}

    def answer(request: Request) -> Response:
        return Response(by_path[f"{request.path}?page={request.args.get('page', '')}".removesuffix("?page=")])

    for path in ("/invoices", "/prompts", "/prompts/labels"):
        httpserver.expect_request(path).respond_with_handler(answer)
    for key in ("a", "7", "a%2F..%2Fb"):
        httpserver.expect_request(f"/invoices/{key.replace('%2F', '/')}").respond_with_handler(answer)
    return by_path


def run(server: HTTPServer, select: str, **settings: object) -> Reading:
    config = {"api_token": "t", "api_url": server.url_for("/").rstrip("/"), **settings}
    return read(TapInvobi, config, select=select)


def page(*rows: object, **pagination: object) -> str:
    return json.dumps({"invoices": rows, "pagination": {**PAGINATION, "total": len(rows), **pagination}})


def lists(invoices: str) -> dict[str, str]:
    return {"/invoices?page=1": invoices}


def test_fields_that_are_not_documented_are_kept(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    answers |= lists(page({"id": "a", "title": None, "total": 12.50, "tags": [{"x": None}], "paid_at": "soon"}))

    (record,) = run(httpserver, "invoices").records["invoices"]

    assert record["title"] is None
    assert record["paid_at"] is None
    assert str(record["_rescued_data"]["total"]) == "12.5"
    assert record["_rescued_data"]["tags"] == [{"x": None}]
    assert record["_rescued_data"]["paid_at"] == "soon"


def test_a_list_row_may_hold_the_details_too(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    answers |= lists(page({"id": "a", "items": [{"name": "Work", "qty": "1"}], "locale": "US"}))

    (record,) = run(httpserver, "invoices").records["invoices"]

    assert record["_rescued_data"] == {"items": [{"name": "Work", "qty": "1"}], "locale": "US"}


@pytest.mark.parametrize("key", ["a", 7, "a/../b"])
def test_an_id_may_be_a_number_and_hold_anything(httpserver: HTTPServer, answers: dict[str, str], key: object) -> None:
    answers |= lists(page({"id": key}))
    answers[f"/invoices/{key}"] = json.dumps({"invoice": {"id": key, "title": "T"}})

    reading = run(httpserver, "invoices invoice_details")

    assert reading.error is None
    assert reading.ids("invoices") == reading.ids("invoice_details") == [str(key)]


def test_a_detail_may_hold_anything(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    answers |= lists(page({"id": "a"}))
    detail = (
        '{"invoice": {"title": 5, "items": [{"qty": "7.50", "price": 1.10, "deep": {"a": [1, null]}}, null], '
        '"taxes": [], "discounts": null, "payment_details": {"iban": "X"}, "to_details": ["one", "two"], "new": true}}'
    )
    answers["/invoices/a"] = detail

    (record,) = run(httpserver, "invoice_details").records["invoice_details"]

    assert record["id"] == "a"
    assert record["title"] == "5"
    assert str(record["items"]) == "[{'qty': '7.50', 'price': Decimal('1.10'), 'deep': {'a': [1, None]}}, None]"
    assert record["taxes"] == []
    assert record["discounts"] is None
    assert record["_rescued_data"] == {"payment_details": {"iban": "X"}, "to_details": ["one", "two"], "new": True}


@pytest.mark.parametrize("answer", ['{"id": "a"}', "[]", '{"invoice": null}', '"a"'])
def test_a_detail_without_its_wrapper_is_named(httpserver: HTTPServer, answers: dict[str, str], answer: str) -> None:
    answers |= lists(page({"id": "a"})) | {"/invoices/a": answer}

    reading = run(httpserver, "invoices invoice_details")

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("invoices") == ["a"]
    assert not reading.ids("invoice_details")


def test_empty_lists_are_complete(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    answers |= lists(page(total_pages=0)) | {"/prompts": '{"prompts": []}', "/prompts/labels": '{"labels": []}'}

    reading = run(httpserver, "*")

    assert reading.error is None
    assert not reading.of("RECORD")
    assert len(reading.of("ACTIVATE_VERSION")) == 4


def test_counts_may_be_texts(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    for number in (1, 2, 3):
        answers[f"/invoices?page={number}"] = page({"id": f"i{number}"}, total="3", total_pages="3")

    reading = run(httpserver, "invoices", page_size=1)

    assert reading.ids("invoices") == ["i1", "i2", "i3"]
    assert reading.state["bookmarks"]["invoices"]["complete_read"]["rows"] == 3


@pytest.mark.parametrize("pagination", [None, [], {}, {"total_pages": None}, {"total_pages": "many"}])
def test_a_list_without_its_number_of_pages_is_not_complete(
    httpserver: HTTPServer, answers: dict[str, str], pagination: object
) -> None:
    answers |= lists(json.dumps({"invoices": [{"id": "a"}], "pagination": pagination}))

    reading = run(httpserver, "invoices")

    assert isinstance(reading.error, RunIncomplete)
    assert not reading.of("ACTIVATE_VERSION")


@pytest.mark.parametrize("answer", ['{"data": []}', "[]", '{"invoices": {}}', '{"invoices": ["a"]}'])
def test_an_answer_that_is_not_a_page_fails_its_list(
    httpserver: HTTPServer, answers: dict[str, str], answer: str
) -> None:
    answers |= lists(answer)

    reading = run(httpserver, "invoices")

    assert isinstance(reading.error, RunIncomplete)
    assert not reading.of("ACTIVATE_VERSION")


def test_labels_may_become_objects(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    answers["/prompts/labels"] = '{"labels": ["Design", {"name": "Consulting", "color": "#3b82f6"}, 7]}'

    records = run(httpserver, "prompt_labels").records["prompt_labels"]

    assert [record["name"] for record in records] == ["Design", "Consulting", "7"]
    assert records[1]["_rescued_data"] == {"color": "#3b82f6"}


def test_prompts_keep_their_labels(httpserver: HTTPServer, answers: dict[str, str]) -> None:
    prompt = {"id": 1, "user_id": 2, "prompt_text": "", "created_at": "2025-01-15T12:30:00+02:00"}
    labels = [{"name": "Consulting", "color": None, "weight": 3}]
    answers["/prompts"] = json.dumps({"prompts": [{**prompt, "labels": labels}, {"id": "x", "labels": "none"}]})

    first, second = run(httpserver, "prompts").records["prompts"]

    assert (first["id"], first["user_id"], first["prompt_text"]) == ("1", "2", "")
    assert first["created_at"] == "2025-01-15T10:30:00Z"
    assert first["labels"] == labels
    assert second["_rescued_data"] == {"labels": "none"}


@pytest.mark.parametrize(
    ("path", "stream", "answer"),
    [
        ("/prompts", "prompts", '{"prompts": [{"id": "x"}, {"prompt_text": "y"}]}'),
        ("/prompts/labels", "prompt_labels", '{"labels": ["Design", null]}'),
    ],
)
def test_a_row_without_its_key_is_left_out_and_reported(
    httpserver: HTTPServer, answers: dict[str, str], path: str, stream: str, answer: str
) -> None:
    answers[path] = answer

    reading = run(httpserver, stream)

    assert isinstance(reading.error, RunIncomplete)
    assert f"{stream} (1)" in str(reading.error)
    assert len(reading.of("RECORD")) == 1
    assert not reading.of("ACTIVATE_VERSION")
