"""How tap-2invoice reads: what is asked for, how lists may look, and that nothing of them is lost."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from conftest import CollectingWriter, Reading
from singer_rest_core import AccessRefused, RunIncomplete
from singer_rest_core.records.conform import RESCUED_DATA
from singer_rest_core.records.exact_json import decode, encode
from tap_2invoice.client import ListStream
from tap_2invoice.streams import DETAILS, LISTS
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

LIST_NAMES = [str(vars(stream)["name"]) for stream in LISTS]
DETAIL_NAMES = [str(vars(stream)["name"]) for stream in DETAILS]
PAGED = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}
"""Those with more than one page, and how many records they have."""


def read(
    settings: Mapping[str, Any],
    select: str = "",
    *,
    catalog: Mapping[str, Any] | None = None,
    state: Mapping[str, Any] | None = None,
) -> Reading:
    """Read the streams named, as a catalog selects them; if none are, those selected by default."""
    if select:
        catalog = selecting(catalog or discover(settings), select.split())
    writer = CollectingWriter()
    tap = Tap2Invoice(
        config=dict(settings),
        catalog=decode(encode(catalog)) if catalog else None,
        state=decode(encode(state or {})),
        message_writer=writer,
    )
    error: BaseException | None = None
    try:
        tap.sync_all()
    except Exception as caught:  # noqa: BLE001 - the test looks at it
        error = caught
    return Reading(writer.messages, error)


def selecting(catalog: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The catalog with these streams selected."""
    changed: dict[str, Any] = decode(encode(catalog))
    for entry in changed["streams"]:
        for metadata in entry["metadata"]:
            if metadata["breadcrumb"] == []:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in names
    return changed


def discover(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog as `--discover` prints it."""
    catalog: dict[str, Any] = Tap2Invoice(config=dict(settings), validate_config=False, setup_mapper=False).catalog_dict
    return catalog


def without_token(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog that discovery makes without a token."""
    return discover({"api_url": settings["api_url"]})


def properties_of(catalog: Mapping[str, Any], stream: str) -> dict[str, Any]:
    (entry,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    properties: dict[str, Any] = entry["schema"]["properties"]
    return properties


def key_of(catalog: Mapping[str, Any], stream: str) -> list[str]:
    (entry,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    keys: list[str] = entry["key_properties"]
    return keys


def asked(sandbox: RunningSandbox, stream: str = "") -> list[str]:
    """The paths and pages that were asked for, below the API's root."""
    paths = [
        request["path"].removeprefix("/2invoice/") + "".join(f"?{name}={value}" for name, value in request["query"])
        for request in sandbox.admin.requests()
    ]
    return [path for path in paths if path.split("?")[0].startswith(stream.replace("_", "-"))]


def ids(reading: Reading, stream: str) -> list[Any]:
    """The ids of a stream's records, in order; numbers where they come as such."""
    return [record["id"] for record in reading.records[stream]]


def versions(reading: Reading) -> list[str]:
    """The streams that the loader was told to be whole."""
    return [message["stream"] for message in reading.of("ACTIVATE_VERSION")]


def whole(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the API gave, put together again from columns and what was rescued."""
    columns = {name: value for name, value in record.items() if name != RESCUED_DATA}
    return plain(columns) | plain(record[RESCUED_DATA] or {})


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as it is written: without nulls, timestamps in one form."""
    texts = {
        name: re.sub(r"^(\d{4}-\d\d-\d\d) (?=\d\d:)", r"\1T", value) if isinstance(value, str) else value
        for name, value in row.items()
    }
    return {name: value for name, value in texts.items() if value is not None}


def written(reading: Reading) -> list[str]:
    """The messages without what differs between two runs: versions and the time of extraction."""
    pattern = rb'"(version|time_extracted)":("[^"]*"|[0-9]+)'
    return [re.sub(pattern, rb'"\1":0', encode(message)).decode() for message in reading.messages]


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def two_invoice(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's admin of this system."""
    return sandbox.admin.system("2invoice")


def test_every_record_of_every_list_arrives_once_and_whole(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    reading = read(two_invoice_settings)

    assert reading.error is None
    assert sorted(reading.records) == sorted(LIST_NAMES)
    for name in LIST_NAMES:
        rows = two_invoice.records(name)
        assert len(rows) == PAGED.get(name, len(rows)) > 0
        assert [whole(record) for record in reading.records[name]] == [plain(row) for row in rows]
    assert sorted(versions(reading)) == sorted(LIST_NAMES)


def test_a_run_with_a_catalog_asks_for_the_token_and_each_page_once(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.clear_requests()

    read(two_invoice_settings, catalog=catalog)

    assert asked(sandbox)[0] == "auth/token-information"
    assert sorted(asked(sandbox)[1:]) == sorted(
        [
            *(name.replace("_", "-") for name in LIST_NAMES),
            *(f"invoices?page={number}" for number in range(2, 8)),
            *(f"receipts?page={number}" for number in range(2, 5)),
        ]
    )
    assert {request["method"] for request in sandbox.admin.requests()} == {"GET"}


def test_nothing_new_is_read_as_before(sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]) -> None:
    catalog = discover(two_invoice_settings)
    first = read(two_invoice_settings, catalog=catalog)
    before = len(sandbox.admin.requests())
    second = read(two_invoice_settings, catalog=catalog)

    assert written(first) == written(second)
    assert first.messages != second.messages  # the version is another one
    assert len(sandbox.admin.requests()) - before == before - 11  # less those of discovery


def test_what_changed_came_and_went_shows_in_the_next_run(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    first = read(two_invoice_settings, "invoices clients")
    two_invoice.update("invoices", 20, {"total": "0.10", "storno": True})
    created = two_invoice.create("clients", {"name": "Nou SRL"})
    two_invoice.delete("invoices", 7)

    second = read(two_invoice_settings, "invoices clients")

    assert second.error is None
    assert set(ids(first, "invoices")) - set(ids(second, "invoices")) == {7}
    assert next(record for record in second.records["invoices"] if record["id"] == 20)["total"] == "0.10"
    assert set(ids(second, "clients")) - set(ids(first, "clients")) == {created["id"]}
    old, new = (next(m["version"] for m in each.of("ACTIVATE_VERSION")) for each in (first, second))
    assert new > old
    assert {message["version"] for message in second.of("RECORD")} == {new}


@pytest.mark.parametrize("concurrency", [1, 2, 16])
@pytest.mark.parametrize("envelope", ["plain", "paginated", "linked"])
def test_every_list_may_be_plain_or_paged_in_either_way(
    sandbox: RunningSandbox,
    two_invoice: SystemAdmin,
    two_invoice_settings: dict[str, Any],
    envelope: str,
    concurrency: int,
) -> None:
    two_invoice.put("lists", dict.fromkeys(LIST_NAMES, envelope))

    reading = read(two_invoice_settings | {"concurrency": concurrency})

    assert reading.error is None
    for name in LIST_NAMES:
        # What a small sample did not show is rescued, so all is compared.
        assert [whole(record) for record in reading.records[name]] == [plain(row) for row in two_invoice.records(name)]
    assert sorted(versions(reading)) == sorted(LIST_NAMES)
    pages = [path for path in asked(sandbox) if "?" in path]
    assert len(pages) == len(set(pages)) == (0 if envelope == "plain" else 6 + 2 + 1 + 3)


@pytest.mark.parametrize("wrapped", [False, True])
def test_reading_ahead_and_the_way_of_writing_change_nothing(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, *, wrapped: bool
) -> None:
    """Pages go from bytes to messages at once; with stream maps and the like, the SDK writes record by record."""
    catalog = discover(two_invoice_settings)
    if wrapped:
        two_invoice.put("lists", dict.fromkeys(LIST_NAMES, "paginated"))
    two_invoice.set_extra_attributes(dict.fromkeys(LIST_NAMES, ODD))

    by_page = read(two_invoice_settings, " ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)
    one_by_one = read(two_invoice_settings | {"concurrency": 1}, " ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)
    monkeypatch.setattr(ListStream, "page_codec", None)
    by_record = read(two_invoice_settings, " ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)

    assert by_page.error is None
    assert len(by_page.of("RECORD")) == 241 + 140
    assert written(by_page) == written(one_by_one) == written(by_record)


ODD: dict[str, Any] = {
    "brand_new": {"a": [1.5, None]},
    "name": 5,
    "number": "FCT-7",
    "total": 12.5,
    "client_id": "36",
    "is_default": "true",
    "created_at": "0000-00-00 00:00:00",
    "issue_date": "31.12.2025",
    "due_date": None,
    "products": {"0": "x"},
    "client": [],
    "storno": 1,
    "balance": None,
    "empty": [],
}
"""Values of other kinds than those of the sample."""


def test_values_of_another_kind_than_the_sample_has_are_converted_or_rescued(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(two_invoice_settings)
    two_invoice.set_extra_attributes({"invoices": ODD})

    record = read(two_invoice_settings, "invoices", catalog=catalog).records["invoices"][0]

    assert record["total"] == "12.5"  # a text column takes a number
    assert record["client_id"] == 36  # a number given as text is one
    assert record["due_date"] is None
    assert record["number"] is record["issue_date"] is record["client"] is record["storno"] is None
    assert record[RESCUED_DATA] == {
        name: ODD[name]
        for name in (
            *("balance", "brand_new", "client", "created_at", "empty", "is_default", "issue_date", "name", "number"),
            *("products", "storno"),
        )
    }


def test_a_sample_of_odd_values_makes_a_schema_that_rescues_none_of_them(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    two_invoice.set_extra_attributes(dict.fromkeys(LIST_NAMES, ODD))

    reading = read(two_invoice_settings)

    for name in LIST_NAMES:
        rescued = [record[RESCUED_DATA] for record in reading.records[name] if record[RESCUED_DATA]]
        assert all(each.keys() <= {"efactura_index"} for each in rescued)
        for record, row in zip(reading.records[name], two_invoice.records(name), strict=True):
            assert whole(record) == plain({**row, **ODD})


def schema_of(reading: Reading, stream: str) -> dict[str, Any]:
    """The columns that the loader was told, keys first."""
    (message,) = (message for message in reading.of("SCHEMA") if message["stream"] == stream)
    properties: dict[str, Any] = message["schema"]["properties"]
    return properties


@pytest.mark.parametrize(
    "values",
    [
        (1, 1.5, None),
        (1, "x", None),
        (1.5, 2, 2),
        ("2026-01-31", "", None),
        ("2026-01-31 10:00:00", "never", None),
        (None, 5, "5"),
        ([], {"a": 1}, None),
        (True, 1, None),
        ("x", {"a": 1}, None),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_column_keeps_its_type_from_run_to_run_as_a_table_does(
    two_invoice: SystemAdmin,
    two_invoice_settings: dict[str, Any],
    values: tuple[Any, Any, Any],
    *,
    given: bool,
) -> None:
    """Whether the schema is derived in the run, or by discovery before it, as Meltano does."""
    first, then, expected = values
    two_invoice.set_extra_attributes({"templates": {"odd": first}})
    before = read(two_invoice_settings, "templates")
    two_invoice.set_extra_attributes({"templates": {"odd": then}})
    catalog = selecting(discover(two_invoice_settings), ["templates"]) if given else None

    after = read(two_invoice_settings, catalog=catalog, state=before.state)

    assert after.error is None
    assert schema_of(after, "templates") == schema_of(before, "templates")
    for record in after.records["templates"]:
        assert record["odd"] == expected
        assert record[RESCUED_DATA] == (None if expected is not None else {"odd": then})


def test_a_column_that_the_sample_does_not_show_any_more_stays_and_a_new_one_comes(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    two_invoice.update("templates", 1, {"old": 1})
    before = read(two_invoice_settings, "templates")
    two_invoice.delete("templates", 1)
    two_invoice.update("templates", 2, {"new": "x"})

    after = read(two_invoice_settings, "templates", state=before.state)

    assert schema_of(after, "templates").keys() == schema_of(before, "templates").keys() | {"new"}
    assert [record["new"] for record in after.records["templates"]] == ["x", None, None]
    assert [record["old"] for record in after.records["templates"]] == [None, None, None]
    assert after.state["bookmarks"]["templates"]["columns"]["new"] == "string"


def test_a_list_that_discovery_could_not_read_keeps_its_columns(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    before = read(two_invoice_settings, "templates")
    sandbox.admin.add_fault("*/templates", status=404)
    catalog = discover(two_invoice_settings)

    after = read(two_invoice_settings, "templates", catalog=catalog, state=before.state)

    assert properties_of(catalog, "templates").keys() == {"id", RESCUED_DATA}
    assert written(after)[2:-1] == written(before)[2:-1]
    assert schema_of(after, "templates") == schema_of(before, "templates")
    assert len(after.records["templates"]) == len(two_invoice.records("templates"))


def test_a_type_that_somebody_wrote_into_the_catalog_holds(
    two_invoice_settings: dict[str, Any],
) -> None:
    before = read(two_invoice_settings, "receipts")
    catalog = discover(two_invoice_settings)
    properties_of(catalog, "receipts")["amount"] = {"type": ["number", "null"], "description": "Of `currency`."}

    after = read(two_invoice_settings, "receipts", catalog=catalog, state=before.state)

    assert schema_of(after, "receipts")["amount"]["type"] == ["number", "null"]
    assert [str(record["amount"]) for record in after.records["receipts"]] == [
        record["amount"] for record in before.records["receipts"]
    ]


def test_a_page_that_shifts_while_the_list_is_read_loses_nothing(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(two_invoice_settings)
    gone = [{"action": "delete", "resource": "invoices", "id": number} for number in (1, 2)]
    two_invoice.script_changes("/invoices", after_request=2, changes=gone)

    reading = read(two_invoice_settings | {"concurrency": 1}, "invoices", catalog=catalog)

    assert reading.error is None
    assert set(ids(reading, "invoices")) >= {row["id"] for row in two_invoice.records("invoices")}
    assert versions(reading) == ["invoices"]


def test_a_list_that_ignores_the_page_ends_in_an_error_and_not_in_a_loop(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    two_invoice.put("repeats", {"receipts": 1})

    reading = read(two_invoice_settings, "receipts templates")

    assert isinstance(reading.error, RunIncomplete)
    assert "receipts: failed: GET /receipts answered page 1 when page 2 was asked for" in warnings_of(caplog)
    assert versions(reading) == ["templates"]
    assert len(ids(reading, "receipts")) == 15


def test_a_failing_page_fails_its_stream_alone(sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.add_fault("*/invoices", query="page=3", status=404)

    reading = read(two_invoice_settings, catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert len(ids(reading, "invoices")) == 30
    assert sorted(versions(reading)) == sorted(set(LIST_NAMES) - {"invoices"})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (402, "By the vendor's documentation the parameters were valid, but the request failed"),
        (409, "By the vendor's documentation the request conflicts with another one"),
    ],
)
def test_what_a_status_means_to_the_vendor_is_said(
    sandbox: RunningSandbox,
    two_invoice_settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    status: int,
    words: str,
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.add_fault("*/products", status=status, body='{"message": "Abonament expirat."}')

    reading = read(two_invoice_settings, "products", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    (line,) = warnings_of(caplog)
    assert f"GET /2invoice/products answered {status}: Abonament expirat. " in line
    assert words in line


def test_the_limit_that_the_api_states_is_kept_to(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    """The headers name another limit than the documentation."""
    sandbox.admin.set_limits([{"scope": "token", "limit": 40, "period": 1}], system="2invoice")

    reading = read(two_invoice_settings, " ".join(LIST_NAMES))

    assert reading.error is None
    assert len(reading.of("RECORD")) == 241
    assert {request["status"] for request in sandbox.admin.requests()} <= {200, 429}
    assert [request["status"] for request in sandbox.admin.requests()].count(429) <= 1


@pytest.mark.parametrize(
    "information",
    [
        {"text": "valid until 2027"},
        {"text": "", "status": 204},
        {"body": [], "status": 201},
        {"body": {"message": "Not Found"}, "status": 404},
        {"body": {"message": "Forbidden"}, "status": 403},
    ],
)
def test_whatever_is_said_of_the_token_but_that_it_is_wrong_will_do(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], information: dict[str, Any]
) -> None:
    two_invoice.put("token_information", information)

    reading = read(two_invoice_settings, "templates")

    assert reading.error is None
    assert len(ids(reading, "templates")) == 4


def test_a_token_that_is_refused_ends_the_run_before_anything_else_is_asked(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.clear_requests()

    reading = read(two_invoice_settings | {"access_token": "wr0ng"}, catalog=catalog)

    assert isinstance(reading.error, AccessRefused)
    assert "wr0ng" not in str(reading.error)
    assert asked(sandbox) == ["auth/token-information"]
    assert reading.messages == []


@pytest.mark.parametrize("form", ["bare", "keyed"])
def test_details_are_read_one_by_one_when_they_are_selected(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], form: str
) -> None:
    two_invoice.put("details", {"invoices": form, "clients": form})

    reading = read(two_invoice_settings, " ".join(DETAIL_NAMES))

    assert reading.error is None
    clients = [plain(row) for row in two_invoice.records("clients")]
    assert [whole(record) for record in reading.records["client_details"]] == clients
    receipts = [record["receipts"] for record in reading.records["invoice_details"]]
    assert sum(map(len, receipts)) == PAGED["receipts"]
    assert versions(reading) == DETAIL_NAMES
    assert len(asked(sandbox, "invoices/")) == 1 + PAGED["invoices"]


def test_details_are_not_read_unless_they_are_selected(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(two_invoice_settings)
    roots = {
        entry["tap_stream_id"]: metadata["metadata"]
        for entry in catalog["streams"]
        for metadata in entry["metadata"]
        if metadata["breadcrumb"] == []
    }
    sandbox.admin.clear_requests()

    read(two_invoice_settings, catalog=catalog)

    assert {name for name, root in roots.items() if not root["selected"]} == set(DETAIL_NAMES)
    assert not [path for path in asked(sandbox) if path.count("/") and "token" not in path]


def test_a_detail_that_is_not_found_is_left_out_and_nothing_is_taken_for_deleted(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.add_fault("*/clients/7", status=404)

    reading = read(two_invoice_settings, "client_details", catalog=catalog)

    assert reading.error is None
    assert len(ids(reading, "client_details")) == 39
    assert 7 not in ids(reading, "client_details")
    assert versions(reading) == []
    assert "client_details: 1 that the list names were not found (404): asked for again next time" in warnings_of(
        caplog
    )


@pytest.mark.parametrize("number", ["1", "20"])
def test_a_detail_that_is_refused_does_not_hold_up_the_others(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], number: str
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.add_fault(f"*/clients/{number}", status=403)

    reading = read(two_invoice_settings, "client_details templates", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert set(ids(reading, "client_details")) == {*range(1, 41)} - {int(number)}
    assert versions(reading) == ["templates"]


def test_details_that_are_all_refused_are_skipped(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discover(two_invoice_settings)
    sandbox.admin.add_fault("*/clients/*", times=1000, status=403, body='{"message": "Not your plan."}')

    reading = read(two_invoice_settings, "client_details templates", catalog=catalog)

    assert reading.error is None
    assert versions(reading) == ["templates"]
    assert warnings_of(caplog) == ["client_details: skipped: GET /2invoice/clients/1 answered 403: Not your plan"]


# What the sandbox's world does not have, a server of a few lines gives.


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

    reading = read(serve(httpserver, clients=simple))

    assert reading.error is None
    assert ids(reading, "clients") == [1, 2, 3, 4, 5, 6]
    assert "clients" in versions(reading)


@pytest.mark.parametrize("counted", [True, False])
def test_a_page_that_comes_twice_without_its_number_is_noticed(httpserver: HTTPServer, *, counted: bool) -> None:
    place = {"last_page": 1000} if counted else {"next_page_url": "/clients?page=2"}

    reading = read(serve(httpserver, clients={"clients": rows(1, 2), **place}) | {"concurrency": 1})

    assert isinstance(reading.error, RunIncomplete)
    assert "clients" not in versions(reading)
    assert ids(reading, "clients") == [1, 2]
    assert len([request for request, _ in httpserver.log if request.path == "/clients"]) <= 3


@pytest.mark.parametrize("last", [None, 40])
def test_pages_without_records_come_to_an_end(httpserver: HTTPServer, last: int | None) -> None:
    """Where no page is named as the last one, a link to a next page may be there for ever."""

    def page(number: str) -> dict[str, Any]:
        following = f"/clients?page={int(number) + 1}"
        return {"clients": {"data": rows(1, 2) if number == "1" else [], "next_page_url": following, "last_page": last}}

    reading = read(serve(httpserver, clients=page) | {"concurrency": 1})

    assert ids(reading, "clients") == [1, 2]
    assert isinstance(reading.error, RunIncomplete) is (last is None)
    assert len([request for request, _ in httpserver.log if request.path == "/clients"]) == 1 + (last or 3)


@pytest.mark.parametrize("body", [{"message": "moved", "items": []}, {"clients": None}, {"clients": {"rows": []}}, []])
def test_an_answer_without_its_list_fails_the_stream_and_names_what_it_holds(
    httpserver: HTTPServer, body: dict[str, Any] | list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    reading = read(serve(httpserver, clients=body))

    assert isinstance(reading.error, RunIncomplete)
    assert "clients" not in versions(reading)
    held = (body["clients"] or body) if isinstance(body, dict) and "clients" in body else body
    names = f"; it contains: {', '.join(map(repr, held))}" if held else ""
    assert any(f"GET /clients answered without a list under `clients`{names}" in line for line in warnings_of(caplog))


def test_records_without_an_id_get_a_digest_as_their_key(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stock = [{"product": "a", "count": 1}, {"product": "b", "count": 1.50}, {"product": "b", "count": 1.50}]
    settings = serve(httpserver, inventories={"inventories": stock})

    first, second = read(settings), read(settings)

    records = first.records["inventories"]
    assert [(record["product"], record["count"]) for record in records] == [("a", 1), ("b", 1.5), ("b", 1.5)]
    digests = [record["_digest"] for record in records]
    assert len(set(digests)) == 3
    assert [record["_digest"] for record in second.records["inventories"]] == digests
    (schema,) = (message for message in first.of("SCHEMA") if message["stream"] == "inventories")
    assert schema["key_properties"] == ["_digest"]
    assert "inventories" in versions(first)
    assert any("inventories: records have no id" in record.getMessage() for record in caplog.records)


def test_ids_that_repeat_are_no_key(httpserver: HTTPServer) -> None:
    settings = serve(httpserver, inventories={"inventories": [{"id": 1, "at": "a"}, {"id": 1, "at": "b"}]})

    records = read(settings).records["inventories"]

    assert [(record["id"], record["at"]) for record in records] == [(1, "a"), (1, "b")]
    assert len({record["_digest"] for record in records}) == 2


NAMELESS = [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("given", [False, True])
def test_a_digest_stays_the_key_when_records_have_an_id(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, given: bool
) -> None:
    caplog.set_level(logging.INFO)
    before = read(serve(httpserver, templates={"templates": NAMELESS}))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": rows(1, 2)})

    after = read(settings, catalog=discover(settings) if given else None, state=before.state)
    later = read(settings, state=after.state)

    assert after.error is None
    assert [record["id"] for record in after.records["templates"]] == [1, 2]
    assert None not in {record["_digest"] for record in after.records["templates"]}
    assert "templates: the key stays _digest, as it was: id would do now" in caplog.messages
    for reading in (before, after, later):
        (schema,) = (message for message in reading.of("SCHEMA") if message["stream"] == "templates")
        assert schema["key_properties"] == ["_digest"]
        assert schema["schema"]["properties"]["_digest"] == {"type": "string"}


@pytest.mark.parametrize("given", [False, True])
def test_an_id_stays_the_key_when_records_lack_it_and_that_is_said(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, *, given: bool
) -> None:
    before = read(serve(httpserver, templates={"templates": rows(1, 2)}, receipts={"receipts": rows(1, 2)}))
    httpserver.clear()
    same = {"receipts": [*rows(3, 3), *rows(3, 3)]}
    settings = serve(httpserver, templates={"templates": NAMELESS}, receipts=same)

    after = read(settings, catalog=discover(settings) if given else None, state=before.state)

    assert isinstance(after.error, RunIncomplete)
    assert after.records["templates"] == []
    assert any(
        "templates: failed: GET /templates answered a record whose key id is missing" in line
        for line in warnings_of(caplog)
    )
    assert any(line.startswith("receipts: records have no id of their own any more") for line in warnings_of(caplog))
    for message in after.of("SCHEMA"):
        assert message["key_properties"] == ["id"]
        assert "_digest" not in message["schema"]["properties"]
    assert after.state["bookmarks"]["templates"] == before.state["bookmarks"]["templates"]


def test_after_an_empty_list_records_without_an_id_get_a_digest_as_their_id(httpserver: HTTPServer) -> None:
    """The table was made with a text for its key."""
    before = read(serve(httpserver))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": NAMELESS})

    after = read(settings, state=before.state)
    later = read(settings, state=after.state)

    assert after.error is None
    assert [record["name"] for record in after.records["templates"]] == ["a", "b"]
    assert schema_of(after, "templates")["id"] == {"type": "string"}
    assert len(set(ids(after, "templates"))) == 2
    assert ids(later, "templates") == ids(after, "templates")
    assert versions(later).count("templates") == 1


def test_a_catalog_made_without_a_token_still_works(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = without_token(two_invoice_settings)
    assert sandbox.admin.requests() == []

    reading = read(two_invoice_settings, " ".join(LIST_NAMES + DETAIL_NAMES), catalog=catalog)

    assert reading.error is None
    for name in LIST_NAMES:
        rows_ = [{**plain(row), "id": str(row["id"])} for row in two_invoice.records(name)]
        assert [whole(record) for record in reading.records[name]] == rows_
        assert {*reading.records[name][0]} == {"id", RESCUED_DATA}
    assert sorted(versions(reading)) == sorted(LIST_NAMES + DETAIL_NAMES)


def test_a_catalog_made_without_a_token_also_works_for_records_without_an_id(httpserver: HTTPServer) -> None:
    settings = serve(httpserver, templates={"templates": [{"name": "a"}, {"name": "b"}, {"name": "b"}]})

    reading = read(settings, "templates", catalog=without_token(settings))

    assert reading.error is None
    assert [whole(record)["name"] for record in reading.records["templates"]] == ["a", "b", "b"]
    assert len(set(ids(reading, "templates"))) == 3


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"name": "x"}, "is missing"),
        ({"id": "T-1"}, "is a string that does not fit a 64-bit integer"),
        ({"id": {"n": 1}}, "is an object that does not fit a 64-bit integer"),
    ],
)
@pytest.mark.parametrize("way", ["by page", "by record"])
def test_a_record_without_the_key_of_the_catalog_fails_its_stream(
    httpserver: HTTPServer, request: pytest.FixtureRequest, row: dict[str, Any], fault: str, way: str
) -> None:
    catalog = discover(serve(httpserver, templates={"templates": rows(1, 2)}))
    httpserver.clear()
    settings = serve(httpserver, templates={"templates": [*rows(1, 2), row]})
    if way == "by record":
        request.getfixturevalue("monkeypatch").setattr(ListStream, "page_codec", None)

    reading = read(settings, "templates", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert reading.of("RECORD") == []
    (line,) = warnings_of(request.getfixturevalue("caplog"))
    assert f"GET /templates answered a record whose key id {fault}: make the catalog again with --discover" in line


def test_details_need_an_id_to_be_asked_by(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    settings = serve(httpserver, clients={"clients": [{"name": "x"}]})

    reading = read(settings, "client_details")

    assert isinstance(reading.error, RunIncomplete)
    assert any("a record without id: its detail cannot be asked for" in line for line in warnings_of(caplog))


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

    reading = read(settings, "client_details")

    assert [whole(each) for each in reading.records["client_details"]] == [record]


def test_a_detail_that_is_no_object_fails_the_stream(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    settings = serve(httpserver, clients={"clients": [{"id": 1, "name": "x"}]}, client=[1])

    reading = read(settings, "client_details")

    assert isinstance(reading.error, RunIncomplete)
    assert any("GET /clients/1 answered something else than an object" in line for line in warnings_of(caplog))
