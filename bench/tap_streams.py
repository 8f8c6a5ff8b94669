"""What our tap requests for its streams, so that the plain tap can request the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.paths import ROOT
from sandbox.productive.api import TOKEN, WORLD
from tap_productive.streams import STREAMS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from tap_productive.client import ProductiveStream

_SCHEMAS = ROOT / "taps" / "tap-productive" / "tap_productive" / "schemas"
_PAGE_PARAMETERS = {"page[number]", "page[after]"}


def first_streams(count: int) -> list[ProductiveStream]:
    """Return the first streams of our tap; they belong to a tap that is not run.

    Args:
        count: How many.
    """
    tap = TapProductive(config={"auth_token": TOKEN, "organization_id": WORLD, "api_url": "https://localhost"})
    return [stream(tap) for stream in STREAMS[:count]]


def invoices_stream() -> ProductiveStream:
    """Return the stream of invoices."""
    (invoices,) = (stream for stream in first_streams(len(STREAMS)) if stream.name == "invoices")
    return invoices


def description_for_plain_tap(stream: ProductiveStream) -> dict[str, Any]:
    """Return what the plain tap needs to know to read the same stream.

    Args:
        stream: A stream of our tap.

    Returns:
        Name, schema file, query, and the replication key if rows are sorted by it.
    """
    # The plain tap reads every list in the order of its replication key; ours reads complete lists by creation.
    replication_key = stream.replication_key if stream.is_sorted else None
    return {
        "name": stream.name,
        "schema": str(_SCHEMAS / f"{stream.name}.json"),
        "query": query_of(stream) | ({"sort": replication_key} if replication_key else {}),
        "replication_key": replication_key,
    }


def query_of(stream: ProductiveStream) -> dict[str, str]:
    """Return the parameters that our tap sends for a stream, without the page's number or cursor.

    Args:
        stream: A stream of our tap.

    """
    stream.prepare()
    query = stream.query()
    request = stream.request_for(query, stream.paginator(query).current_value)
    return {name: str(value) for name, value in (request.params or {}).items() if name not in _PAGE_PARAMETERS}
