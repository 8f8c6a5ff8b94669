"""What the readers wrote: whether it is the same, whatever its form."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

STREAM = "invoices"
Form = Literal["singer", "airbyte", "dlt", "rows"]


class Amounts(msgspec.Struct):
    """The attributes that are looked at."""

    amount_with_tax: int | None = None


class Resource(msgspec.Struct):
    """A row as the API gives it."""

    id: str
    attributes: Amounts


class FlatRow(msgspec.Struct):
    """A row as all but the bound write it."""

    id: str
    amount_with_tax: int | None = None


class SingerMessage(msgspec.Struct):
    """A line of a Singer tap."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"null")


class AirbyteRecord(msgspec.Struct):
    """What an Airbyte RECORD holds."""

    stream: str
    data: msgspec.Raw


class AirbyteMessage(msgspec.Struct):
    """A line of an Airbyte source."""

    type: str
    record: AirbyteRecord | None = None


@dataclass(frozen=True)
class Contents:
    """What must be the same for all readers.

    Args:
        records: How many records were written.
        ids: How many different ids they have.
        digest: Of the sorted ids.
        amount_with_tax: Its sum, in cents of whatever currency.
    """

    records: int
    ids: int
    digest: str
    amount_with_tax: int


def contents(rows: Iterable[tuple[str, int | None]]) -> Contents:
    """Sum up what a reader wrote.

    Args:
        rows: id and amount_with_tax of each record.

    Returns:
        The same for the same records in any order.
    """
    count = total = 0
    ids = set()
    for row_id, amount in rows:
        count += 1
        total += amount or 0
        ids.add(row_id)
    digest = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    return Contents(count, len(ids), digest, total)


def rows_of(form: Form, folder: Path) -> Iterator[tuple[str, int | None]]:
    """Read what a reader wrote.

    Args:
        form: In which form.
        folder: Where: a file `out`, or dlt's folders.

    Yields:
        id and amount_with_tax of each record.
    """
    if form == "rows":
        row = msgspec.json.Decoder(Resource)
        with (folder / "out").open("rb") as file:
            for line in file:
                resource = row.decode(line)
                yield resource.id, resource.attributes.amount_with_tax
        return
    flat = msgspec.json.Decoder(FlatRow)
    for raw in _records(form, folder):
        record = flat.decode(raw)
        yield record.id, record.amount_with_tax


def sampled(form: Form, folder: Path, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Pick some records out of what a reader wrote.

    Args:
        form: In which form; not that of the bound.
        folder: Where: a file `out`, or dlt's folders.
        ids: Which.

    Returns:
        Whole records by id; numbers with a fraction as decimals.
    """
    flat = msgspec.json.Decoder(FlatRow)
    found = {}
    for raw in _records(form, folder):
        if flat.decode(raw).id in ids:
            record = json.loads(bytes(raw), parse_float=Decimal)
            found[record["id"]] = record
    return found


def _records(form: Form, folder: Path) -> Iterator[msgspec.Raw]:
    """Give the flat records that a reader wrote, as they are."""
    if form == "dlt":
        pages = msgspec.json.Decoder(list[msgspec.Raw])
        # dlt writes a line for each buffer: a list of rows.
        for path in sorted(folder.glob("**/new_jobs/invoices.*")):
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for line in file:
                    yield from pages.decode(line)
        return
    with (folder / "out").open("rb") as file:
        yield from _airbyte_records(file) if form == "airbyte" else _singer_records(file)


def _singer_records(lines: Iterable[bytes]) -> Iterator[msgspec.Raw]:
    message = msgspec.json.Decoder(SingerMessage)
    for line in lines:
        told = message.decode(line)
        if told.type == "RECORD" and told.stream == STREAM:
            yield told.record


def _airbyte_records(lines: Iterable[bytes]) -> Iterator[msgspec.Raw]:
    message = msgspec.json.Decoder(AirbyteMessage)
    for line in lines:
        told = message.decode(line)
        if told.type == "RECORD" and told.record is not None and told.record.stream == STREAM:
            yield told.record.data


def differing_columns(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Compare all columns that two readers write; one that a record lacks is null there.

    Args:
        one: Records by id.
        other: The same records of another reader.

    Returns:
        Columns whose values are not the same; `id` if one of them lacks a record.
    """
    if one.keys() != other.keys():
        return {"id"}
    return {
        name
        for row_id, record in one.items()
        for name in record.keys() | other[row_id].keys()
        if not same_value(record.get(name), other[row_id].get(name))
    }


def same_value(one: object, other: object) -> bool:
    """Tell whether two readers mean the same.

    Args:
        one: A value of JSON.
        other: Another.

    Returns:
        True for equal values, for the same instant written in two zones, and for a number and its digits as text.
    """
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return True
    if isinstance(one, bool) or isinstance(other, bool) or not _are_plain(one, other):
        return False
    if isinstance(one, str) and isinstance(other, str):
        try:
            return datetime.fromisoformat(one) == datetime.fromisoformat(other)
        except (ValueError, TypeError):
            return False
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


def _are_plain(*values: object) -> bool:
    return all(isinstance(value, str | int | Decimal) for value in values)
