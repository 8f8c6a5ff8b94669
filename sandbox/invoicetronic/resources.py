"""The lists of the API 1.17.0: how each is filtered, searched and sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.invoicetronic.timestamps import parse_ticks

if TYPE_CHECKING:
    from collections.abc import Mapping

Row: TypeAlias = dict[str, Any]
RowPredicate: TypeAlias = Callable[[Row], bool]
Filter: TypeAlias = Callable[[str], RowPredicate]
"""Makes a predicate on rows from a parameter's value. Raises ValueError if the value is invalid."""

STATES = {
    2: "Inviato",
    5: "Consegnato",
    6: "NonConsegnato",
    7: "Scartato",
    8: "AccettatoDalDestinatario",
    9: "RifiutatoDalDestinatario",
    10: "ImpossibilitaDiRecapito",
    11: "DecorrenzaTermini",
    12: "AttestazioneTrasmissioneFattura",
}
MAX_IDS = 100
BOOLEANS = {"true": True, "false": False}


def integer(text: str) -> int:
    """Parse an integer."""
    return int(text)


def unchanged(text: str) -> str:
    """Return the text itself."""
    return text


def boolean(text: str) -> bool:
    """Parse true or false, ignoring case.

    Raises:
        ValueError: The text is neither.
    """
    if text.lower() not in BOOLEANS:
        raise ValueError(text)
    return BOOLEANS[text.lower()]


def state(text: str) -> str:
    """Parse a state, by its name or its number.

    Raises:
        ValueError: There is no such state.
    """
    name = STATES.get(int(text), "") if text.isdigit() else text
    if name not in STATES.values():
        raise ValueError(text)
    return name


def equal(field_name: str, read: Callable[[str], object] = unchanged) -> Filter:
    """Return a filter for rows whose field equals the value; VAT numbers include the country."""

    def build(text: str) -> RowPredicate:
        value = read(text)
        return lambda row: bool(row[field_name] == value)

    return build


def containing(field_name: str) -> Filter:
    """Return a filter for rows whose field contains the value."""
    return lambda text: lambda row: text in (row[field_name] or ())


def unread(text: str) -> RowPredicate:
    """Return a predicate for unread rows, or for all rows if the value is false."""
    only_unread = boolean(text)
    return lambda row: not (only_unread and row["is_read"])


def id_in(text: str) -> RowPredicate:
    """Return a predicate for rows with these ids; ids that do not exist are ignored.

    Raises:
        ValueError: There are too many ids, or one is not a number.
    """
    ids = {int(part) for part in text.split(",")}
    if len(ids) > MAX_IDS:
        raise ValueError(text)
    return lambda row: row["id"] in ids


def restricted_to_company(text: str) -> RowPredicate:
    """Return a predicate for restricted keys of that company."""
    wanted = int(text)
    return lambda row: wanted in (row["company_ids"] or ())


def document_number(text: str) -> RowPredicate:
    """Return a predicate for rows with a document of that number."""
    return lambda row: any(document["number"] == text for document in row["documents"] or ())


def instant_range(name: str, moments: Callable[[Row], list[str | None]] | None = None) -> dict[str, Filter]:
    """Return the filters `name_from` and `name_to`.

    Whether the bounds are inclusive is not documented: here both are. A row without the instant matches neither
    (inferred).
    """

    def own(row: Row) -> list[str | None]:
        return [row[name]]

    of_row = moments or own

    def since(text: str) -> RowPredicate:
        low = parse_ticks(text)
        return lambda row: any(moment is not None and parse_ticks(moment) >= low for moment in of_row(row))

    def until(text: str) -> RowPredicate:
        high = parse_ticks(text)
        return lambda row: any(moment is not None and parse_ticks(moment) <= high for moment in of_row(row))

    return {f"{name}_from": since, f"{name}_to": until}


def document_dates(row: Row) -> list[str | None]:
    """Return the dates of a row's documents."""
    return [document["date"] for document in row["documents"] or ()]


@dataclass(frozen=True)
class Resource:
    """A list.

    Attributes:
        filters: Its filters by parameter.
        searched: The fields that `q` searches.
        alternative_key: A field that identifies a row besides its id, if there is one.
        default_sort: The field it is sorted by without `sort`. Documented for update; the ids of the others are
            inferred from the report that the first page has the oldest rows.
        sorts: Whether it supports `sort`.
        in_bucket: Whether its requests count in the bucket of 200.
    """

    filters: Mapping[str, Filter] = field(default_factory=dict)
    searched: tuple[str, ...] = ()
    alternative_key: str | None = None
    default_sort: str = "id"
    sorts: bool = True
    in_bucket: bool = False


INVOICE_FILTERS: dict[str, Filter] = {
    "company_id": equal("company_id", integer),
    "identifier": equal("identifier"),
    "committente": equal("committente"),
    "prestatore": equal("prestatore"),
    "file_name": equal("file_name"),
    **instant_range("last_update"),
    **instant_range("date_sent"),
    **instant_range("document_date", document_dates),
    "document_number": document_number,
}

RESOURCES = {
    "company": Resource(searched=("name", "vat", "fiscal_code"), alternative_key="vat"),
    "send": Resource(
        filters={**INVOICE_FILTERS, "latest_state": equal("latest_state", state), "ids": id_in},
        searched=("committente", "prestatore", "identifier", "file_name"),
        alternative_key="identifier",
        in_bucket=True,
    ),
    "receive": Resource(
        filters={**INVOICE_FILTERS, "unread": unread},
        searched=("committente", "prestatore", "identifier", "file_name"),
        in_bucket=True,
    ),
    "update": Resource(
        filters={
            "company_id": equal("company_id", integer),
            "identifier": lambda text: lambda row: bool(row["send"]["identifier"] == text),
            "prestatore": lambda text: lambda row: bool(row["send"]["prestatore"] == text),
            "unread": unread,
            "send_id": equal("send_id", integer),
            "state": equal("state", state),
            **instant_range("last_update"),
            **instant_range("date_sent", lambda row: [row["send"]["date_sent"]]),
        },
        default_sort="last_update",
        in_bucket=True,
    ),
    "log": Resource(
        filters={
            "company_id": equal("company_id", integer),
            "endpoint": equal("endpoint"),
            "method": equal("method"),
            # Misspelled in every version of the documentation.
            "api_verion": equal("api_version", integer),
            "status_code": equal("status_code", integer),
            **instant_range("date_created", lambda row: [row["created"]]),
            **instant_range("date_time"),
            "query": containing("query"),
            "success": equal("success", boolean),
            "user_agent": equal("user_agent"),
        },
        in_bucket=True,
    ),
    "webhook": Resource(
        filters={
            "company_id": equal("company_id", integer),
            "description": containing("description"),
            "enabled": equal("enabled", boolean),
            "events": containing("events"),
            "url": equal("url"),
        },
    ),
    "webhookhistory": Resource(filters={"webhook_id": equal("web_hook_id", integer)}, in_bucket=True),
    "subkey": Resource(
        filters={
            "company_id": restricted_to_company,
            "active": equal("active", boolean),
        },
        searched=("description",),
        sorts=False,
    ),
}
