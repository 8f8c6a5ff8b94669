"""Reports: the setting, what is requested, and their own limit of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from conftest import CONCURRENCY
from tap_productive.report_groups import GROUPS
from tap_productive.report_setting import Report
from tap_productive.tap import TapProductive
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

BY_PERSON = {"name": "time_entry_reports", "group": ["person", "date:month"], "filter": {"after": "2026-01-01"}}
NAME = "time_entry_reports_by_person_and_date_month"


def report_queries(sandbox: RunningSandbox) -> list[dict[str, str]]:
    return [
        {name: value for name, value in request["query"]}  # noqa: C416 - pairs come as lists
        for request in sandbox.admin.requests()
        if "/reports/" in request["path"]
    ]


def test_no_report_is_read_by_default(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    read_productive()

    assert report_queries(sandbox) == []


def test_a_report_is_a_stream_of_its_own(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive(NAME, reports=[BY_PERSON], page_size=10)

    assert reading.error is None
    records = reading.records[NAME]
    assert len(records) > 10
    assert len({record["id"] for record in records}) == len(records)
    people = {row["id"] for row in sandbox.admin.records("people")}
    assert {record["person_id"] for record in records} <= people
    assert all(isinstance(record["total_time"], int) for record in records)
    first = report_queries(sandbox)[0]
    assert first["group"] == "person,date:month"
    assert first["filter[after]"] == "2026-01-01"
    assert first["include"] == "person"
    assert sorted(int(query["page[number]"]) for query in report_queries(sandbox)) == list(
        range(1, len(report_queries(sandbox)) + 1)
    )


def test_sums_of_a_report_are_those_of_its_records(sandbox: RunningSandbox, read_productive: ReadProductive) -> None:
    reading = read_productive("invoice_reports_by_company", reports=[{"name": "invoice_reports", "group": ["company"]}])

    counted: dict[str, int] = {}
    for row in sandbox.admin.records("invoices"):
        company = str(row["relationships"]["company"])
        counted[company] = counted.get(company, 0) + 1
    assert {row["company_id"]: row["count"] for row in reading.records["invoice_reports_by_company"]} == counted


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_every_report_fits_its_schema(read_productive: ReadProductive, name: str) -> None:
    reading = read_productive(f"{name}_by_organization", reports=[{"name": name, "group": ["organization"]}])

    assert reading.error is None
    rows = reading.records[f"{name}_by_organization"]
    assert rows
    assert [row["_rescued_data"] for row in rows if row["_rescued_data"]] == []


@pytest.mark.usefixtures("sandbox")
def test_groups_may_be_a_text_as_the_api_has_them(read_productive: ReadProductive) -> None:
    as_list = read_productive(NAME, reports=[BY_PERSON])

    as_text = read_productive(NAME, reports=[BY_PERSON | {"group": "person, date:month"}])

    assert as_text.error is None
    assert as_text.ids(NAME) == as_list.ids(NAME) != []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (
            {"date": {"gt_eq": "2026-01-01", "lt": "2026-02-01"}},
            {"date][gt_eq": "2026-01-01", "date][lt": "2026-02-01"},
        ),
        ({"person_id": [1, 2], "overhead": False}, {"person_id": "1,2", "overhead": "false"}),
    ],
)
def test_filters_are_written_as_the_api_names_them(
    sandbox: RunningSandbox, read_productive: ReadProductive, filters: dict[str, Any], expected: dict[str, str]
) -> None:
    read_productive("time_reports", reports=[{"name": "time_reports", "filter": filters}])

    query = report_queries(sandbox)[0]
    sent = {name: value for name, value in query.items() if name.startswith("filter")}
    assert sent == {f"filter[{name}]": value for name, value in expected.items()}


@pytest.mark.parametrize(
    ("reports", "line"),
    [
        (
            [{"name": "sales_reports"}],
            "Setting reports names 'sales_reports', which is not a report; there are: automation_rep",
        ),
        (
            [{"name": "payment_reports", "group": ["person"]}],
            (
                "Setting reports groups payment_reports by 'person'; it can be grouped by: "
                "company, date, invoice, month, organization, payment, quarter, subsidiary, week, year"
            ),
        ),
        (
            [{"name": "payment_reports", "group": ["date:decade"]}],
            (
                "Setting reports groups payment_reports by 'date:decade'; a date can be rounded to: "
                "day, month, quarter, week, year"
            ),
        ),
        ([BY_PERSON, BY_PERSON | {"filter": {}}], f"Setting reports requests {NAME} twice: a report and its groups"),
        (
            [{"name": "payment_reports", "group": ["company:month"]}],
            "Setting reports groups payment_reports by 'company:month', but company is not a date that can be rounded",
        ),
        *(
            (
                [{"name": "time_reports", "stream": name}],
                (
                    f"Setting reports gives time_reports the stream {name!r}: use small letters (a to z), digits and "
                    "underscores, and begin with a letter"
                ),
            )
            for name in ("", "Hours", "1st", "_hours", "my-hours", "my hours", "hours.2026", "zeiträume", "hours\n")
        ),
        (
            [{"name": "time_reports", "stream": "h" * 64}],
            f"Setting reports gives time_reports the stream '{'h' * 64}', which is 64 characters long: PostgreSQL",
        ),
        *(
            (
                [{"name": "time_reports", "stream": name}],
                f"Setting reports gives time_reports the stream {name!r}, which is a stream of this tap already",
            )
            for name in ("invoices", "custom_field_values")
        ),
        ([{"name": "time_reports", "stream": 5}], "Setting reports.0.stream must be of type string"),
        (
            [{"name": "time_reports", "stream": "hours"}, {"name": "person_reports", "stream": "hours"}],
            "Setting reports requests hours twice: ",
        ),
        (
            [{"name": "time_reports"}, {"name": "person_reports", "stream": "time_reports"}],
            "Setting reports requests time_reports twice: ",
        ),
        ([{"group": ["person"]}], "Setting reports.0.name is missing"),
        (
            [{"name": "time_reports", "sort": "date"}],
            "Setting reports.0 contains the unknown name sort: use name, group, filter",
        ),
        ("time_reports", "Setting reports must be of type array"),
    ],
)
def test_a_wrong_report_is_refused_before_anything_is_read(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], reports: object, line: str
) -> None:
    with pytest.raises(ConfigValidationError) as refusal:
        TapProductive(config=productive_settings | {"reports": reports})

    assert len(refusal.value.errors) == 1
    assert refusal.value.errors[0].startswith(line)
    assert sandbox.admin.requests() == []


LONG = {"name": "time_entry_reports", "group": "person,service_type,project,task,date:month"}
LONG_NAME = "time_entry_reports_by_person_and_service_type_and_proj_0f6fbd97"


def test_a_name_that_is_too_long_for_a_table_ends_in_a_digest(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    others = [LONG | {"group": LONG["group"].replace("month", period)} for period in ("day", "week", "quarter")]
    names = [Report.from_setting(each).stream_name for each in (LONG, *others)]

    reading = read_productive(" ".join(names), reports=[LONG, *others])

    assert reading.error is None
    assert names[0] == LONG_NAME
    assert len(set(names)) == len(names)
    assert {message["stream"] for message in reading.of("SCHEMA")} == set(names)
    assert max(map(len, names)) <= 63
    assert all(reading.records[name] for name in names)
    assert {query["group"] for query in report_queries(sandbox)} == {each["group"] for each in [LONG, *others]}


@pytest.mark.parametrize("stream", ["hours", "a", "h" * 63, "hours_2026", "booking_reports"])
def test_a_report_may_have_a_name_of_the_users_own(
    read_productive: ReadProductive, sandbox: RunningSandbox, stream: str
) -> None:
    usual = read_productive(NAME, reports=[BY_PERSON])

    reading = read_productive(f"{stream} payments", reports=[BY_PERSON | {"stream": stream}])

    assert reading.error is None
    assert reading.ids(stream) == usual.ids(NAME) != []
    assert set(reading.state["bookmarks"]) == {stream, "payments"}
    assert reading.columns(stream) == usual.columns(NAME)
    assert {query["group"] for query in report_queries(sandbox)} == {"person,date:month"}


def test_one_report_may_be_read_twice_under_two_names(read_productive: ReadProductive) -> None:
    old = BY_PERSON | {"stream": "hours_of_2025", "filter": {"after": "2025-01-01", "before": "2025-12-31"}}

    reading = read_productive(f"{NAME} hours_of_2025", reports=[BY_PERSON, old])

    assert reading.error is None
    assert reading.ids(NAME)
    assert set(reading.ids(NAME)).isdisjoint(reading.ids("hours_of_2025"))


def test_only_names_longer_than_63_bytes_are_shortened() -> None:
    def made(last: str) -> str:
        group = f"person,service_type,date:month,{last}"
        return Report.from_setting({"name": "time_reports", "group": group}).stream_name

    whole = "time_reports_by_person_and_service_type_and_date_month_and_"
    assert made("day") == f"{whole}day"
    assert made("week") == f"{whole}week"
    assert len(made("week")) == 63
    assert made("event") != f"{whole}event"
    assert made("event").startswith(whole[:54])
    assert len({made("event"), made("quarter"), made("project")}) == 3
    assert max(len(made(last)) for last in ("event", "quarter", "project")) <= 63


def test_a_filter_that_the_api_refuses_fails_the_report_alone(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    reading = read_productive(f"{NAME} payments", reports=[BY_PERSON | {"filter": {"shoe_size": 43}}])

    assert f"1 of 2 streams failed: {NAME}" in str(reading.error)
    assert len(reading.ids("payments")) == len(sandbox.admin.records("payments"))


def test_reports_keep_to_their_own_limit(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock_of_both: FakeClock
) -> None:
    sandbox.admin.set_limits([{"scope": "report", "limit": 10, "period": 30}])

    reading = read_productive(f"{NAME} payments", reports=[BY_PERSON], page_size=2, concurrency=1)

    assert reading.error is None
    pages = len(report_queries(sandbox))
    assert pages > 20
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    assert sum(clock_of_both.waits) == pytest.approx(30 * ((pages - 1) // 10), rel=0.2)


@CONCURRENCY
def test_a_row_that_a_report_no_longer_has_is_marked_when_two_complete_reads_missed_it(
    sandbox: RunningSandbox, read_productive: ReadProductive, concurrency: int
) -> None:
    """A report has no cursor: rows may slip from one page to another while it is read."""
    name = "invoice_reports_by_company"
    settings: dict[str, Any] = {"reports": [{"name": "invoice_reports", "group": "company"}], "page_size": 10}
    tables = LoadedTables()
    first = read_productive(name, **settings, concurrency=concurrency)
    tables.load(first.messages)
    gone = first.records[name][3]
    for row in sandbox.admin.records("invoices"):
        if row["relationships"]["company"] == gone["company_id"]:
            sandbox.admin.delete("invoices", row["id"])

    second = read_productive(name, **settings, concurrency=concurrency, state=first.state)
    tables.load(second.messages)

    assert gone["id"] not in second.ids(name)
    assert tables.deleted(name) == set()
    tables.load(read_productive(name, **settings, concurrency=concurrency, state=second.state).messages)
    assert tables.deleted(name) == {gone["id"]}


def test_a_report_of_one_page_marks_what_is_gone_at_once(
    sandbox: RunningSandbox, read_productive: ReadProductive
) -> None:
    name = "invoice_reports_by_company"
    settings: dict[str, Any] = {"reports": [{"name": "invoice_reports", "group": "company"}]}
    tables = LoadedTables()
    first = read_productive(name, **settings)
    tables.load(first.messages)
    gone = first.records[name][3]
    for row in sandbox.admin.records("invoices"):
        if row["relationships"]["company"] == gone["company_id"]:
            sandbox.admin.delete("invoices", row["id"])

    tables.load(read_productive(name, **settings, state=first.state).messages)

    assert tables.deleted(name) == {gone["id"]}
