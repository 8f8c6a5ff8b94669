"""How tap-invoicetronic reads lists: what is asked for, what is read again, and what it does when the API refuses."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conftest import read
from singer_rest_core import RestStream, RunIncomplete
from singer_rest_core.api import Bucket, Window
from singer_rest_core.records.exact_json import encode
from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.streams import STREAMS, Update
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import FakeClock, Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

LIVE_KEY = "ik_live_sandbox"
LISTS = ("company", "log", "receive", "send", "update", "webhook", "webhookhistory")
MADE_OF_DOCUMENTS = {"document", "fattura", "fattura_line", "fattura_payment", "fattura_vat_summary"}
COSTLY = re.compile(r"/export|/payload|include_payload|/(send|receive)/\d")


class ReadInvoicetronic(Protocol):
    """Runs tap-invoicetronic against the sandbox."""

    def __call__(self, select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        """Read the streams named, or all; `settings` go over those of the sandbox."""
        ...


@pytest.fixture
def live(sandbox: RunningSandbox) -> SystemAdmin:
    """The admin of the live environment."""
    return sandbox.admin.system("invoicetronic/live")


@pytest.fixture
def read_invoicetronic(sandbox: RunningSandbox) -> ReadInvoicetronic:
    """Runs tap-invoicetronic against the live environment."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        config = {"api_key": LIVE_KEY, "api_url": f"{sandbox.url}/invoicetronic/v1"} | settings
        return read(TapInvoicetronic, config, state=state, select=select)

    return run


def queries(sandbox: RunningSandbox, stream: str) -> list[dict[str, str]]:
    requests = (request for request in sandbox.admin.requests() if request["path"].endswith(f"/{stream}"))
    return [{name: value for name, value in request["query"]} for request in requests]  # noqa: C416 - pairs come as lists


def bookmark_of(reading: Reading, stream: str) -> str:
    return str(reading.state["bookmarks"][stream]["replication_key_value"])


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def without_time(message: dict[str, Any]) -> bytes:
    """A message without what differs between two runs."""
    return re.sub(rb'"(version|time_extracted)":("[^"]*"|[0-9]+)', rb'"\1":0', encode(message))


def test_every_row_of_every_list_arrives_once(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    before = {name: {row["id"] for row in live.records(name)} for name in LISTS}

    reading = read_invoicetronic(page_size=50)

    assert reading.error is None
    assert {str(vars(stream)["name"]) for stream in STREAMS} == {*LISTS, "status", "subkey", *MADE_OF_DOCUMENTS}
    for name, ids in before.items():
        assert ids, name
        assert sorted(reading.ids(name)) == sorted(ids), name
    assert len(reading.records["status"]) == 1
    assert MADE_OF_DOCUMENTS.isdisjoint(reading.records)


def test_a_default_run_asks_for_nothing_that_costs_and_leaves_everything_unread(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    read_flags = {row["id"]: row["is_read"] for row in live.records("receive")}
    assert set(read_flags.values()) == {True, False}
    balance = live.get("billing")

    first = read_invoicetronic()
    second = read_invoicetronic(state=first.state)

    assert first.error is second.error is None
    assert live.get("billing") == balance
    assert {row["id"]: row["is_read"] for row in live.records("receive")} == read_flags
    assert live.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}
    asked = [f"{request['path']}?{request['query']}" for request in sandbox.admin.requests()]
    assert asked
    assert not [each for each in asked if COSTLY.search(each)]


def test_a_record_is_the_row_without_its_payload(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    records = {record["id"]: record for record in read_invoicetronic("receive").records["receive"]}

    for row in live.records("receive"):
        record = records[row["id"]]
        assert "payload" not in record
        assert record["_rescued_data"] is None
        for name in ("identifier", "file_name", "company_id", "is_read", "nome_prestatore", "encoding"):
            assert record[name] == row[name]
        assert instant(record["created"]) == instant(row["created"])


@pytest.mark.parametrize("left_out", ["empty", "null", "absent"])
def test_whatever_stands_for_a_payload_that_was_not_asked_for_is_no_news(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture, left_out: str
) -> None:
    live.put("behaviour", {"payload_left_out": left_out})

    reading = read_invoicetronic("send receive")

    assert {record["_rescued_data"] for name in ("send", "receive") for record in reading.records[name]} == {None}
    assert warnings_of(caplog) == []


def test_the_secret_of_a_webhook_is_never_written(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    live.set_extra_attributes({"webhook": {"secret": "wh_sec_hush"}, "subkey": {"key": "ik_live_hush"}})

    reading = read_invoicetronic("webhook subkey")

    assert reading.records["webhook"]
    assert reading.records["subkey"]
    assert b"hush" not in encode(reading.messages)


def test_status_is_a_snapshot_under_the_name_of_its_environment(read_invoicetronic: ReadInvoicetronic) -> None:
    (row,) = read_invoicetronic("status").records["status"]

    assert row == {
        "environment": "live",
        "has_active_seat": False,
        "is_sub_key": False,
        "operation_left": 950,
        "signature_left": 100,
        "_rescued_data": None,
    }


def test_subkey_is_read_only_when_it_is_selected(read_invoicetronic: ReadInvoicetronic) -> None:
    assert "subkey" not in {message["stream"] for message in read_invoicetronic().of("SCHEMA")}
    assert read_invoicetronic("subkey").records["subkey"]


def test_what_may_be_personal_in_the_log_is_not_selected_by_default(read_invoicetronic: ReadInvoicetronic) -> None:
    (schema,) = read_invoicetronic("log").of("SCHEMA")

    assert {"query", "response_body"}.isdisjoint(schema["schema"]["properties"])
    assert "endpoint" in schema["schema"]["properties"]


@pytest.mark.parametrize(
    ("stream", "key"),
    [("update", "last_update"), ("log", "date_time"), ("receive", "created"), ("send", "last_update")],
)
def test_a_second_run_with_nothing_new_reads_no_more_than_the_lookback_in_as_few_requests_as_there_are_lists(
    sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic, stream: str, key: str
) -> None:
    first = read_invoicetronic(stream)
    sandbox.admin.clear_requests()

    second = read_invoicetronic(stream, state=first.state)

    newest = {"log": "date_time"}.get(stream, "created")
    again = [
        record["id"]
        for record in first.records[stream]
        if (record[key] and instant(record[key]) >= instant(bookmark_of(first, stream)) - timedelta(hours=1))
        or (stream in {"send", "receive"} and _is_of_the_last_hour(record[newest], first.records[stream]))
    ]
    if stream == "log":  # the first run left rows of its own
        assert set(again) <= set(second.ids(stream))
    else:
        assert sorted(set(second.ids(stream))) == sorted(again)
        assert bookmark_of(second, stream) == bookmark_of(first, stream)
    assert len(queries(sandbox, stream)) == (2 if stream == "send" else 1)


def _is_of_the_last_hour(created: str, records: list[dict[str, Any]]) -> bool:
    newest = max(instant(record["created"]) for record in records)
    return instant(created) >= newest - timedelta(hours=1)


def test_a_run_asks_for_what_changed_by_filter_and_for_what_is_new_newest_first(
    sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("send receive update")
    assert {query["sort"] for query in queries(sandbox, "receive")} == {"-created"}
    assert {query["sort"] for query in queries(sandbox, "send")} == {"last_update"}
    sandbox.admin.clear_requests()
    read_invoicetronic("send receive update", state=first.state)

    page = {"page": "1", "page_size": "200"}
    since = f"{instant(bookmark_of(first, 'send')) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert sorted(queries(sandbox, "send"), key=len) == [
        {"sort": "-created", **page},
        {"sort": "last_update", "last_update_from": since, **page},
    ]
    assert queries(sandbox, "receive") == [{"sort": "-created", **page}]
    (updates,) = queries(sandbox, "update")
    assert updates["sort"] == "last_update"
    assert {"last_update_from", "last_update_to"} <= updates.keys()


def test_an_invoice_is_read_when_it_is_new_and_again_when_the_sdi_has_answered(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("send update")
    sandbox.admin.advance_clock(86_400)
    sent = live.create("send")
    assert sent["last_update"] is None

    second = read_invoicetronic("send update", state=first.state)
    assert sent["id"] in second.ids("send")
    third = read_invoicetronic("send update", state=second.state)
    sandbox.admin.advance_clock(86_400)
    update = live.post("sdi_updates", {"send_id": sent["id"], "state": "Inviato"})
    fourth = read_invoicetronic("send update", state=third.state)

    (row,) = [record for record in fourth.records["send"] if record["id"] == sent["id"]]
    assert row["latest_state"] == "Inviato"
    assert row["last_update"] is not None
    assert update["id"] in fourth.ids("update")
    assert bookmark_of(fourth, "send") == bookmark_of(fourth, "update") > bookmark_of(first, "send")


def test_an_old_invoice_without_an_update_is_not_read_again(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    waiting = live.create("send")["id"]
    sandbox.admin.advance_clock(10 * 86_400)
    live.create("send")
    first = read_invoicetronic("send")
    assert waiting in first.ids("send")

    assert waiting not in read_invoicetronic("send", state=first.state).ids("send")


def test_a_received_invoice_is_read_when_it_is_new(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    sandbox.admin.advance_clock(86_400)
    new = [live.create("receive")["id"] for _ in range(3)]
    sandbox.admin.clear_requests()

    second = read_invoicetronic("receive", state=first.state, page_size=2)

    assert set(new) <= set(second.ids("receive"))
    assert len(queries(sandbox, "receive")) == 3
    assert bookmark_of(second, "receive") > bookmark_of(first, "receive")


def test_a_row_that_appears_late_is_found_within_the_lookback(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    before = (instant(bookmark_of(first, "receive")) - timedelta(minutes=90)).isoformat()
    late = live.create("receive", {"created": before.replace("+00:00", "Z")})["id"]

    assert late not in read_invoicetronic("receive", state=first.state).ids("receive")
    assert late in read_invoicetronic("receive", state=first.state, lookback_minutes=120).ids("receive")


def test_the_log_is_read_up_to_the_start_of_the_run(
    sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic
) -> None:
    started = datetime.now(UTC).replace(microsecond=0)

    reading = read_invoicetronic("company log", page_size=20)

    moments = [instant(record["date_time"]) for record in reading.records["log"]]
    assert moments == sorted(moments)
    assert moments[-1] < started
    assert instant(queries(sandbox, "log")[0]["date_time_to"]) >= started
    assert instant(bookmark_of(reading, "log")) == moments[-1]


def test_requests_of_an_earlier_run_are_in_the_log_of_the_next(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_invoicetronic("company log")
    later = datetime.now(UTC) + timedelta(days=1000)  # the sandbox's clock may have been moved by other tests
    monkeypatch.setattr(TapInvoicetronic, "began", later)

    second = read_invoicetronic("log", state=first.state)

    new = [record for record in second.records["log"] if record["id"] not in first.ids("log")]
    assert {"/company", "/log"} <= {record["endpoint"] for record in new}
    assert {record["id"] for record in new} <= {row["id"] for row in live.records("log")}


def test_start_date_bounds_the_first_run(read_invoicetronic: ReadInvoicetronic) -> None:
    everything = read_invoicetronic("send receive update").records

    some = read_invoicetronic("send receive update", start_date="2026-02-01")

    bound = instant("2026-02-01")
    keys = {"send": ("last_update", "created"), "receive": ("created",), "update": ("last_update",)}
    for stream, columns in keys.items():
        due = {
            record["id"]
            for record in everything[stream]
            if any(record[column] and instant(record[column]) >= bound for column in columns)
        }
        assert set(some.ids(stream)) == due, stream
        assert 0 < len(due) < len(everything[stream])


def test_company_id_narrows_every_stream_that_can(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    narrowed = ("log", "receive", "send", "subkey", "update", "webhook")

    reading = read_invoicetronic(" ".join([*narrowed, "company", "webhookhistory"]), company_id=1)

    assert reading.error is None
    for stream in narrowed:
        assert {query["company_id"] for query in queries(sandbox, stream)} == {"1"}, stream
    for stream in ("receive", "send", "update"):
        assert {record["company_id"] for record in reading.records[stream]} == {1}
        assert len(reading.ids(stream)) == sum(row["company_id"] == 1 for row in live.records(stream)) > 0
    for stream in ("company", "webhookhistory"):
        assert "company_id" not in queries(sandbox, stream)[0]


def test_a_restricted_key_skips_what_it_may_not_read(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    live.put("restricted_keys", {"ik_live_bookkeeper": {"permissions": {"send": "Read", "update": "Read"}}})

    reading = read_invoicetronic(api_key="ik_live_bookkeeper")

    assert reading.error is None
    assert reading.records.keys() == {"send", "update"}
    line = "receive: skipped: GET /invoicetronic/v1/receive answered 403: Forbidden: The key has no access to receive "
    assert f"{line}(subkey_not_allowed): the API key has no permission for it" in warnings_of(caplog)


@pytest.mark.parametrize("shape", ["problem", "wrapped"])
def test_an_empty_balance_that_stops_reading_fails_the_stream_and_says_what_to_do(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture, shape: str
) -> None:
    live.put("behaviour", {"problem_shape": shape})
    live.put("billing", {"operation_left": 0, "refused_at_zero": "receive"})

    reading = read_invoicetronic()

    assert isinstance(reading.error, RunIncomplete)
    assert "receive" not in reading.records
    assert reading.records.keys() >= {"send", "update", "status"}
    (line,) = warnings_of(caplog)
    assert "No operations left" in line
    assert "the account has no operations left (usage_limit_exceeded). Buy operations, then run again" in line


def test_a_refused_sort_is_done_without(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invoicetronic("receive send update")
    refused = {"receive": ["created"], "send": ["created", "last_update"], "update": ["last_update"]}
    live.put("behaviour", {"refused_sorts": refused})
    new = {stream: live.create(stream, {"created": "2026-03-20T00:00:00Z"})["id"] for stream in ("receive", "send")}

    second = read_invoicetronic("receive send update", state=first.state)

    assert second.error is None
    for stream, row_id in new.items():
        assert row_id in second.ids(stream)
        assert len(set(second.ids(stream))) == len(first.ids(stream)) + 1, "it is read whole"
    told = warnings_of(caplog)
    assert "receive: rows do not come in descending order of created: it is read whole" in told
    for stream, names in refused.items():
        for name in names:
            refusal = f"GET /invoicetronic/v1/{stream} answered 400: Bad Request: Cannot sort by {name}"
            assert f"{stream}: {refusal}; the list is read without a sort" in told
    assert bookmark_of(second, "receive") == "2026-03-20T00:00:00Z"
    assert bookmark_of(second, "update") == bookmark_of(first, "update")


def test_a_sort_that_is_not_kept_to_is_noticed(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_invoicetronic("receive update")
    live.put("behaviour", {"ignored_sorts": {"receive": ["created"], "update": ["last_update"]}})
    new = live.create("receive", {"created": "2026-03-20T00:00:00Z"})["id"]

    second = read_invoicetronic("receive", state=first.state, page_size=50)

    assert second.error is None
    assert new in second.ids("receive")
    assert len(set(second.ids("receive"))) == len(first.ids("receive")) + 1
    assert "receive: rows do not come in descending order of created, as was asked for: it is read whole" in (
        warnings_of(caplog)
    )


def test_a_filter_that_is_not_kept_to_is_noticed_and_loses_nothing(
    read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_invoicetronic("update")
    # As if the API did not know the parameter: names that it does not know it passes over.
    asked = Update.list_params

    def misspelt(self: Update) -> dict[str, str]:
        return {f"x_{name}" if name.endswith(("_from", "_to")) else name: value for name, value in asked(self).items()}

    monkeypatch.setattr(Update, "list_params", misspelt)
    second = read_invoicetronic("update", state=first.state)

    assert second.error is None
    assert sorted(second.ids("update")) == sorted(first.ids("update"))
    assert bookmark_of(second, "update") == bookmark_of(first, "update")
    assert "update: the API does not keep to the filter last_update_from: older rows come again" in warnings_of(caplog)


def test_rows_that_come_between_two_pages_shift_no_row_out_of_sight(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    expected = {live.create("receive", {"created": f"2026-03-20T00:00:{each:02}Z"})["id"] for each in range(10)}
    removed = min(expected)
    live.script_changes(
        "/receive",
        after_request=1,
        changes=[
            {"action": "create", "resource": "receive", "attributes": {"created": "2026-03-21T00:00:00Z"}},
            {"action": "delete", "resource": "receive", "id": str(max(expected))},
        ],
    )

    second = read_invoicetronic("receive", state=first.state, page_size=3)

    assert second.error is None
    assert expected - {removed} <= set(second.ids("receive"))


def test_deletes_of_whole_lists_are_told_to_the_loader(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    live.delete("webhook", 1)

    reading = read_invoicetronic()

    assert {message["stream"] for message in reading.of("ACTIVATE_VERSION")} == {
        "company",
        "status",
        "webhook",
        "webhookhistory",
    }
    assert 1 not in {record["id"] for record in reading.records["webhook"]}


def test_a_run_that_dies_between_pages_goes_on_where_it_stopped(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    sandbox.admin.add_fault("*/update", query="page=3", times=100, status=500)
    first = read_invoicetronic("update", page_size=100)
    assert isinstance(first.error, RunIncomplete)
    assert len(first.ids("update")) == 200
    assert bookmark_of(first, "update") == first.records["update"][-1]["last_update"]
    sandbox.admin.clear_faults()

    second = read_invoicetronic("update", page_size=100, state=first.state)

    everything = {row["id"] for row in live.records("update")}
    assert set(first.ids("update")) | set(second.ids("update")) == everything
    assert len(second.ids("update")) < len(everything) - 100


def test_a_first_read_of_send_that_dies_loses_no_invoice_without_an_update(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    sandbox.admin.add_fault("*/send", query="page=3", times=100, status=500)
    runs = [read_invoicetronic("send", page_size=100)]
    assert isinstance(runs[0].error, RunIncomplete)
    sandbox.admin.clear_faults()

    runs.append(read_invoicetronic("send", page_size=100, state=runs[-1].state))
    runs.append(read_invoicetronic("send", page_size=100, state=runs[-1].state))

    assert any(row["last_update"] is None for row in live.records("send"))
    assert {row_id for run in runs for row_id in run.ids("send")} == {row["id"] for row in live.records("send")}


def test_the_older_wrapper_of_errors_is_understood(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    live.put("behaviour", {"problem_shape": "wrapped"})
    live.put("restricted_keys", {"ik_live_bookkeeper": {"permissions": {"company": "Read"}}})

    read_invoicetronic("company send", api_key="ik_live_bookkeeper")

    assert any("Forbidden: The key has no access to send (subkey_not_allowed)" in line for line in warnings_of(caplog))


@pytest.mark.parametrize(
    ("key", "level", "line"),
    [
        ("ik_live_sandbox", logging.INFO, "reading the live environment"),
        ("ik_test_sandbox", logging.INFO, "reading the test environment"),
    ],
)
def test_the_environment_is_announced(
    read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture, key: str, level: int, line: str
) -> None:
    caplog.set_level(logging.INFO)

    reading = read_invoicetronic("company", api_key=key)

    assert reading.error is None
    assert (level, line) in [(record.levelno, record.getMessage()) for record in caplog.records]


def test_a_key_of_neither_form_is_warned_about(
    read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    read_invoicetronic("company", api_key="itk_live_sandbox")

    assert any("api_key is neither ik_live_… nor ik_test_…" in line for line in warnings_of(caplog))
    assert "itk_live_sandbox" not in caplog.text


@pytest.mark.parametrize("drift", [False, True])
def test_every_stream_is_written_alike_by_pages_and_by_records(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, monkeypatch: pytest.MonkeyPatch, *, drift: bool
) -> None:
    """Pages go from bytes to messages at once; with stream maps and the like, the SDK writes record by record."""
    if drift:
        odd: dict[str, Any] = {"brand_new": {"a": [1, None]}, "version": "x", "user_id": "y", "secret": "hush"}
        live.set_extra_attributes(dict.fromkeys((*LISTS, "subkey"), odd))
    select = " ".join(name for name in (*LISTS, "subkey") if name != "log")

    def written() -> list[bytes]:
        reading = read_invoicetronic(select, page_size=70)
        assert reading.error is None
        return [without_time(message) for message in reading.messages]

    by_page = written()
    monkeypatch.setattr(RestStream, "page_codec", None)
    by_record = written()

    assert by_page == by_record
    assert any(b"brand_new" in line for line in by_page) is drift
    assert not any(b"hush" in line for line in by_page)


def test_reading_ahead_changes_nothing_in_what_is_written(read_invoicetronic: ReadInvoicetronic) -> None:
    select = " ".join(name for name in LISTS if name != "log")
    one = read_invoicetronic(select, page_size=20, concurrency=1)
    many = read_invoicetronic(select, page_size=20, concurrency=16)

    assert [without_time(message) for message in one.messages] == [without_time(message) for message in many.messages]
    assert len(one.messages) > 1000


def test_without_a_total_the_list_ends_at_a_page_that_is_not_full(
    read_invoicetronic: ReadInvoicetronic, live: SystemAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_invoicetronic.client.TOTAL_COUNT", "X-No-Such-Header")

    reading = read_invoicetronic("send update", page_size=45)

    assert reading.error is None
    for stream in ("send", "update"):
        assert sorted(reading.ids(stream)) == sorted(row["id"] for row in live.records(stream))


def test_half_of_the_documented_limits_is_used_and_the_busier_lists_share_a_bucket() -> None:
    tap = TapInvoicetronic(config={"api_key": LIVE_KEY}, setup_mapper=False)

    assert tap.rate_limits[""] == (Window(100, 1), Window(2000, 60), Window(100_000, 86_400))
    assert tap.rate_limits["invoices"] == (Bucket(200, 60, 60),)
    groups = {path: tap.route_group(tap.request(path)) for path in ("/send", "/receive/12", "/status", "/export")}
    assert groups == {"/send": "invoices", "/receive/12": "invoices", "/status": "", "/export": ""}
    allowed = {usage.rule: usage.allowed for usage in tap.rate_limiter.used}
    assert allowed[Bucket(200, 60, 60)] == 100
    assert allowed[Window(100, 1)] == 50


def test_a_limit_that_is_hit_is_waited_for(
    sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic, clock: FakeClock
) -> None:
    sandbox.admin.add_fault("*/company", status=429, headers={"Retry-After": "1"})
    reading = read_invoicetronic("company")

    assert reading.error is None
    assert reading.records["company"]
    assert 1 <= sum(clock.waits) < 2
