"""What the log of a run tells, from lines as Meltano 4.4.1 writes them."""

from __future__ import annotations

import io
import json
from typing import Any

from invoicing_orchestrate.log_lines import bounded_lines, parse
from invoicing_orchestrate.run_log import RunLog

TAP: dict[str, Any] = {
    "string_id": "tap-invobi",
    "name": "tap-invobi",
    "producer": True,
    "consumer": False,
    "pid": 4711,
}
LOADER: dict[str, Any] = {
    "string_id": "target-postgres",
    "name": "target-postgres",
    "producer": False,
    "consumer": True,
    "pid": 4712,
}
REFUSED = "GET /invobi/api/v1/invoices answered 401: Invalid or expired API token. Check api_token"
NO_DATABASE = '(psycopg.OperationalError) connection failed: connection to server at "127.0.0.1", port 1 failed'


def line(event: str, level: str = "info", **members: Any) -> bytes:  # noqa: ANN401 - any JSON
    """Return a line of Meltano's log."""
    return json.dumps({"event": event, "level": level, "timestamp": "2026-11-28T09:26:52.5Z", **members}).encode()


def count(side: dict[str, Any], metric: str, value: int, stream: str) -> bytes:
    """Return a line with a measurement."""
    return line(
        "METRIC", metric_info={"type": "counter", "metric": metric, "value": value, "tags": {"stream": stream}}, **side
    )


def of_stream(stream: str, text: str, level: str) -> bytes:
    """Return what the tap says of a stream."""
    return line(f"{stream}: {text}", level, plugin_logger=f"tap-invobi.{stream}", **TAP)


def ended(**exit_codes: int) -> list[bytes]:
    """Return how Meltano ends a run in which plugins failed."""
    return [line("Block run completed", "error", success=False, exit_codes=exit_codes), line("Run completed")]


def log_of(*lines: bytes) -> RunLog:
    """Return what lines tell."""
    log = RunLog()
    for each in lines:
        log.observe(parse(each))
    return log


def test_what_a_tap_says_when_it_is_asked_for_its_catalog_is_the_reason_of_a_run_that_did_not_begin() -> None:
    asked = {"type": "discovery", "name": "tap-2invoice", "plugin_logger": "tap-2invoice", "pid": 4711}
    log = log_of(
        line("Running catalog discovery"),
        line(REFUSED, "error", **asked),
        line("Cannot start plugin tap-2invoice: Catalog discovery failed: command [...] returned 1", "error"),
        line("Block run completed", "error", success=False),
        line("Run completed"),
    )
    assert log.error() == REFUSED
    assert log.tap_pid is None, "that process has ended: a signal must go to the others"


def test_counts_of_both_sides_are_added_up() -> None:
    log = log_of(
        count(TAP, "record_count", 25, "invoices"),
        count(TAP, "record_count", 7, "invoices"),
        count(TAP, "record_count", 4, "prompts"),
        count(TAP, "http_request_count", 3, "invoices"),
        count(LOADER, "record_count", 32, "invoices"),
        count(LOADER, "record_count", 3, "prompts"),
    )
    assert log.rows_read == {"invoices": 32, "prompts": 4}
    assert (log.total_read, log.total_written, log.rows_deleted, log.total_requests) == (36, 35, None, 3)


def test_a_summary_of_the_tap_counts_all_requests_and_names_streams() -> None:
    summary = {"rows": 4, "requests": 9, "skipped": {"prompts": "403"}, "failed": {"invoices": "500: try later"}}
    log = log_of(count(TAP, "http_request_count", 3, "invoices"), line("4 rows", run_summary=summary, **TAP))
    assert (log.total_requests, log.skipped, log.failed) == (9, {"prompts": "403"}, {"invoices": "500: try later"})


def test_rows_that_were_read_count_also_where_they_are_not_handed_on() -> None:
    summary = {"rows": 500, "requests": 9}
    log = log_of(count(TAP, "record_count", 3, "invoices"), line("500 rows", run_summary=summary, **TAP))
    assert log.total_read == 500


def test_a_loader_may_say_itself_what_it_wrote_and_deleted() -> None:
    summary = {"written": 30, "deleted": 2}
    log = log_of(count(LOADER, "record_count", 32, "invoices"), line("done", run_summary=summary, **LOADER))
    assert (log.total_written, log.rows_deleted) == (30, 2)


def test_streams_are_known_without_a_summary() -> None:
    log = log_of(
        of_stream("prompts", "skipped: the account may not read it", "warning"),
        of_stream("invoices", "failed: GET /invoices answered 500", "error"),
        of_stream("invoice_details", "reading everything", "info"),
    )
    assert log.skipped == {"prompts": "the account may not read it"}
    assert log.failed == {"invoices": "GET /invoices answered 500"}


def test_the_error_of_a_refused_tap_is_its_own() -> None:
    log = log_of(line(REFUSED, "error", **TAP), line("Extractor failed", "error"), *ended(extractors=1))
    assert log.error() == REFUSED


def test_the_error_of_a_loader_that_failed_first_is_its_own_in_one_line() -> None:
    for others in ([], [line("The loader has exited and no longer reads: see its own log", "error", **TAP)]):
        codes = {"loaders": 1} | ({"extractors": 1} if others else {})
        log = log_of(line(f"{NO_DATABASE}\n\tIs it running?", "error", **LOADER), *others, *ended(**codes))
        assert log.error() == f"{NO_DATABASE} Is it running?"


def test_the_error_of_a_tap_that_failed_goes_before_that_of_its_loader() -> None:
    log = log_of(
        line("cut off in the middle", "error", **LOADER), line(REFUSED, "error", **TAP), *ended(extractors=1, loaders=1)
    )
    assert log.error() == REFUSED


def test_a_traceback_that_is_printed_ends_in_the_error() -> None:
    printed = ["Traceback (most recent call last):", '  File "x.py", line 1, in y', "KeyError: 'database'"]
    log = log_of(*(line(each, **LOADER) for each in printed), *ended(loaders=1))
    assert log.error() == "KeyError: 'database'"


def test_a_line_that_is_not_json_is_an_error_where_meltano_ends_with_it() -> None:
    assert (
        log_of(line("starting"), b"Error: Block tap-nothing not found").error() == "Error: Block tap-nothing not found"
    )
    assert log_of(line("starting"), b"Killed").error() == "Killed"
    assert log_of(b"[1, 2]", b'"text"', b"\xff{").error() == "\ufffd{"


def test_errors_that_never_end_take_no_memory_to_speak_of() -> None:
    log = RunLog()
    for number in range(1000):
        log.observe(parse(line(f"{number}", "error", **LOADER)))
    assert log.error() == "999"
    assert sum(len(errors) for errors in log._errors.values()) <= 20  # noqa: SLF001 - what is kept has no other use


def test_long_lines_are_cut_and_those_after_them_are_read() -> None:
    stream = io.BytesIO(b"a" * 95 + b"\n" + b"next\r\nlast")
    assert list(bounded_lines(stream, limit=10)) == [b"a" * 10, b"next", b"last"]


def test_a_line_that_fits_exactly_takes_no_other_with_it() -> None:
    assert list(bounded_lines(io.BytesIO(b"123456789\nnext\n"), limit=10)) == [b"123456789", b"next"]


def test_lines_are_shown_as_meltano_shows_them() -> None:
    shown = parse(line("reading", **TAP)).shown()
    assert shown == "2026-11-28T09:26:52.5Z [info     ] tap-invobi   reading"
    assert parse(b"plain text").shown() == "plain text"
    assert len(parse(line("x" * 100_000, **LOADER)).shown()) < 2_100


def test_a_tap_says_whether_another_attempt_can_go_better() -> None:
    for kind, is_refused in (("AccessRefused", True), ("ConfigValidationError", True), ("ApiUnreachable", False)):
        log = RunLog()
        log.observe(parse(line("GET / answered 401", "error", error_type=kind, **TAP)))
        assert log.is_refused is is_refused
        assert log.error() == "GET / answered 401"
