"""The small parts of tap-invoicetronic: periods, payloads as files, problem codes, progress, and declarations."""

from __future__ import annotations

import base64
import json
from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tap_invoicetronic.document_streams import Progress
from tap_invoicetronic.invoices import Invoice
from tap_invoicetronic.payload_text import file_of
from tap_invoicetronic.periods import Period

from singer_rest_core import RequestFailed, StreamUnavailable
from tap_invoicetronic import fattura
from tap_invoicetronic.client import InvoicetronicStream, plainly, problem_code
from tap_invoicetronic.streams import STREAMS

if TYPE_CHECKING:
    from singer_rest_core import DerivedStream

SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (files("tap_invoicetronic") / "schemas").iterdir()
}
HOUR = timedelta(hours=1)


def name_of(stream: type[InvoicetronicStream | DerivedStream]) -> str:
    return str(vars(stream)["name"])


def keys_of(stream: type[InvoicetronicStream | DerivedStream]) -> tuple[str, ...]:
    keys: tuple[str, ...] = vars(stream).get("primary_keys", ("id",))
    return keys


@pytest.mark.parametrize(
    ("text", "first", "last", "asked"),
    [
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31), {"year": "2026", "month": "3"}),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), {"year": "2024", "month": "2"}),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31), {"year": "2025", "month": "12"}),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), {"year": "2026", "quarter": "1"}),
        ("2025-q4", date(2025, 10, 1), date(2025, 12, 31), {"year": "2025", "quarter": "4"}),
    ],
)
def test_a_period_is_a_month_or_a_quarter(text: str, first: date, last: date, asked: dict[str, str]) -> None:
    period = Period.of(text)

    assert (period.first, period.last, period.parameters) == (first, last, asked)
    assert period.holds((str(first),))
    assert period.holds(("1999-01-01", str(last)))
    assert not period.holds((str(first - timedelta(days=1)), str(last + timedelta(days=1))))
    assert not period.holds(())


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-3", "2026-Q5", "26-03", "2026-03-01", "", "2026-Q1\n"])
def test_anything_else_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2026-03 or 2026-Q1"):
        Period.of(text)


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        ("<a>è</a>", "<a>è</a>".encode()),
        ('<?xml version="1.0" encoding="UTF-8"?><a>è</a>', '<?xml version="1.0" encoding="UTF-8"?><a>è</a>'.encode()),
        (
            "\ufeff\r\n<?xml version='1.0' encoding='windows-1252'?><a>è €</a>",
            "<?xml version='1.0' encoding='windows-1252'?><a>è €</a>".encode("cp1252"),
        ),
        (
            '<?xml version="1.0" encoding="windows-1252"?><a>中</a>',
            '<?xml version="1.0"?><a>中</a>'.encode(),
        ),
        ('<?xml version="1.0" encoding="x-none"?><a/>', b'<?xml version="1.0"?><a/>'),
        (base64.b64encode(b"0\x80\x00signed").decode(), b"0\x80\x00signed"),
        (base64.encodebytes(b"<a/>" * 50).decode(), b"<a/>" * 50),
        ("neither è", "neither è".encode()),
        ("", b""),
    ],
)
def test_a_payload_becomes_the_file_it_was(payload: str, content: bytes) -> None:
    assert file_of(payload) == content


@given(st.text(), st.sampled_from(["utf-8", "windows-1252", "iso-8859-15", "utf-16", "utf-7", "idna", "base64", "x"]))
def test_no_text_is_lost_or_refused_on_the_way_to_a_file(text: str, encoding: str) -> None:
    content = file_of(f'<?xml version="1.0" encoding="{encoding}"?><a>{text}</a>')

    declaration, _, rest = content.partition(b"?>")
    written = encoding if b"encoding" in declaration else "utf-8"
    assert rest.decode(written, "surrogatepass" if written == "utf-8" else "strict") == f"<a>{text}</a>"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"status": 403, "code": "usage_limit_exceeded", "detail": "Operazioni esaurite"}, "usage_limit_exceeded"),
        ({"problem_details": {"code": "subkey_not_allowed"}, "status_code": 403}, "subkey_not_allowed"),
        ({"problem_details": None}, None),
        ({"code": 7}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_code_of_a_problem_is_found_in_both_shapes(body: object, code: str | None) -> None:
    assert problem_code(body) == code


def test_a_refusal_is_what_its_code_says_and_not_what_its_words_say() -> None:
    spent = plainly(StreamUnavailable("Verboten", body={"code": "usage_limit_exceeded"}))
    refused = plainly(StreamUnavailable("Operazioni esaurite", body={"code": "subkey_not_allowed"}))
    other = plainly(StreamUnavailable("Verboten", body={"code": "signature_limit_exceeded"}))

    assert isinstance(spent, RequestFailed)
    assert isinstance(refused, StreamUnavailable)
    assert str(refused).endswith("the API key has no permission for it")
    assert isinstance(other, StreamUnavailable)
    assert str(other) == "Verboten (signature_limit_exceeded)"


def invoice(number: int, minute: int) -> Invoice:
    created = f"2026-03-01T{minute // 60:02}:{minute % 60:02}:00Z"
    return Invoice("receive", number, created, f"{number}.xml", is_read=False)


@given(st.lists(st.integers(0, 1439), unique=True), st.integers(0, 30))
def test_every_invoice_is_taken_once_wherever_a_run_ends(minutes: list[int], cut: int) -> None:
    listed = [invoice(number, minute) for number, minute in enumerate(sorted(minutes))]
    state: dict[str, Any] = {}
    taken: list[int] = []
    for end in (cut, None):
        state = json.loads(json.dumps(state))
        progress = Progress(state, lookback=HOUR, start_date=None)
        for each in [each for each in listed if progress.wants(each)][:end]:
            progress.take(each)
            taken.append(each.id)

    assert taken == [each.id for each in listed]
    assert len(state["taken"]) <= 61
    assert not [each for each in listed if Progress(state, lookback=HOUR, start_date=None).wants(each)]


def test_an_invoice_that_appears_late_is_taken_within_the_lookback_only() -> None:
    progress = Progress({}, lookback=HOUR, start_date=None)
    progress.take(invoice(1, 600))

    later = Progress(progress.state, lookback=HOUR, start_date=None)

    assert later.wants(invoice(2, 540))
    assert not later.wants(invoice(3, 539))
    assert not later.wants(invoice(1, 600))


def test_every_stream_has_a_schema_and_every_schema_a_stream() -> None:
    assert {name_of(stream) for stream in STREAMS} == SCHEMAS.keys()
    assert [name_of(stream) for stream in STREAMS] == sorted(SCHEMAS)


@pytest.mark.parametrize("stream", STREAMS, ids=name_of)
def test_keys_are_columns_that_are_never_null(stream: type[InvoicetronicStream | DerivedStream]) -> None:
    schema = SCHEMAS[name_of(stream)]

    for key in keys_of(stream):
        assert "null" not in schema["properties"][key]["type"]
        assert key in schema["required"]


@pytest.mark.parametrize("stream", [each for each in STREAMS if issubclass(each, InvoicetronicStream)], ids=name_of)
def test_no_schema_has_a_column_for_a_secret_or_a_payload(stream: type[InvoicetronicStream]) -> None:
    assert stream.secret_fields.isdisjoint(SCHEMAS[name_of(stream)]["properties"])


def test_the_keys_of_rows_of_invoices_are_those_of_the_parser() -> None:
    keys = {name_of(stream): keys_of(stream) for stream in STREAMS}

    assert {name: keys[name] for name in fattura.KEYS} == fattura.KEYS
