"""Reads what the readers wrote, in each of their formats."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

STREAM = "invoices"
OutputFormat = Literal["singer", "airbyte", "dlt", "rows"]


class Amounts(msgspec.Struct):
    """The attributes that are compared for every record."""

    amount_with_tax: int | None = None


class Resource(msgspec.Struct):
    """A row as the API returns it."""

    id: str
    attributes: Amounts


class FlatRow(msgspec.Struct):
    """A row as every reader but the bound writes it."""

    id: str
    amount_with_tax: int | None = None


class SingerMessage(msgspec.Struct):
    """A line of a Singer tap."""

    type: str
    stream: str = ""
    record: msgspec.Raw = msgspec.Raw(b"null")


class AirbyteRecord(msgspec.Struct):
    """The content of an Airbyte RECORD."""

    stream: str
    data: msgspec.Raw


class AirbyteMessage(msgspec.Struct):
    """A line of an Airbyte source."""

    type: str
    record: AirbyteRecord | None = None


def ids_and_amounts(output_format: OutputFormat, folder: Path) -> Iterator[tuple[str, int | None]]:
    """Read what a reader wrote.

    Args:
        output_format: How it writes.
        folder: Where its output is: a file `out`, or dlt's folders.

    Yields:
        id and amount_with_tax of each record.
    """
    if output_format == "rows":
        row = msgspec.json.Decoder(Resource)
        with (folder / "out").open("rb") as file:
            for line in file:
                resource = row.decode(line)
                yield resource.id, resource.attributes.amount_with_tax
        return
    flat = msgspec.json.Decoder(FlatRow)
    for raw in _records(output_format, folder):
        record = flat.decode(raw)
        yield record.id, record.amount_with_tax


def records_by_id(output_format: OutputFormat, folder: Path, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return some of the records that a reader wrote, by id; numbers with a fraction as decimals.

    Args:
        output_format: How it writes; not the format of the bound.
        folder: Where its output is: a file `out`, or dlt's folders.
        ids: Of which records.
    """
    flat = msgspec.json.Decoder(FlatRow)
    found = {}
    for raw in _records(output_format, folder):
        if flat.decode(raw).id in ids:
            record = json.loads(bytes(raw), parse_float=Decimal)
            found[record["id"]] = record
    return found


def records_per_stream(lines: Sequence[bytes]) -> dict[str, int]:
    """Return the number of records of each stream that has any.

    Args:
        lines: The output of a Singer tap.
    """
    counts: dict[str, int] = {}
    for line in lines:
        message = json.loads(line)
        if message["type"] == "RECORD":
            counts[message["stream"]] = counts.get(message["stream"], 0) + 1
    return counts


def _records(output_format: OutputFormat, folder: Path) -> Iterator[msgspec.Raw]:
    """Yield the flat records that a reader wrote, undecoded."""
    if output_format == "dlt":
        rows = msgspec.json.Decoder(list[msgspec.Raw])
        # dlt writes one line per buffer: a list of rows.
        for path in sorted(folder.glob("**/new_jobs/invoices.*")):
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
                for line in file:
                    yield from rows.decode(line)
        return
    with (folder / "out").open("rb") as file:
        yield from _airbyte_records(file) if output_format == "airbyte" else _singer_records(file)


def _singer_records(lines: Iterable[bytes]) -> Iterator[msgspec.Raw]:
    decoder = msgspec.json.Decoder(SingerMessage)
    for line in lines:
        message = decoder.decode(line)
        if message.type == "RECORD" and message.stream == STREAM:
            yield message.record


def _airbyte_records(lines: Iterable[bytes]) -> Iterator[msgspec.Raw]:
    decoder = msgspec.json.Decoder(AirbyteMessage)
    for line in lines:
        message = decoder.decode(line)
        if message.type == "RECORD" and message.record is not None and message.record.stream == STREAM:
            yield message.record.data
