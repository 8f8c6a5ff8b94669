"""Discovery: requests a sample of each stream, from which it infers its schema."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from singer_rest_core import RequestFailed, StreamUnavailable
from singer_rest_core.paging import Pending
from tap_2invoice.client import ListStream, RecordDetailStream
from tap_2invoice.keys import ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import Record
    from singer_rest_core.run import Run
    from tap_2invoice.inferred_schema import InferredSchemaStream


class _SampleRequest(NamedTuple):
    """The request for a sample of a stream.

    Args:
        stream: The stream.
        request: A request without credentials.
        records_in: Returns the raw records in the answer.
    """

    stream: InferredSchemaStream
    request: HTTPRequest
    records_in: Callable[[requests.Response], Sequence[Record]]


def infer_schemas(streams: Iterable[InferredSchemaStream], run: Run) -> None:
    """Infer the schemas of lists from their first page, and of details from one detail.

    A stream that cannot be read keeps a schema without fields.

    Args:
        streams: All streams.
        run: What they share.
    """
    known = list(streams)
    lists = [stream for stream in known if isinstance(stream, ListStream)]
    samples = _infer([_SampleRequest(stream, stream.sample_request(), stream.sample_of) for stream in lists], run)
    details = [
        _SampleRequest(stream, stream.request_for_row(row[ID]), partial(stream.sample_of, row[ID]))
        for stream in known
        if isinstance(stream, RecordDetailStream)
        for row in samples[stream.listing.name][:1]
        if row.get(ID) is not None
    ]
    _infer(details, run)


def _infer(sample_requests: Sequence[_SampleRequest], run: Run) -> dict[str, Sequence[Record]]:
    """Request samples side by side, and infer the schema of each stream from its own.

    Returns:
        The samples by stream; empty for a stream that cannot be read.
    """
    under_way = [_send(each.request, position, run) for position, each in enumerate(sample_requests)]
    samples: dict[str, Sequence[Record]] = {}
    for (stream, _, records_in), pending in zip(sample_requests, under_way, strict=True):
        samples[stream.name] = []
        try:
            samples[stream.name] = records_in(pending.result())
        except (RequestFailed, StreamUnavailable) as refusal:
            stream.logger.warning("nothing is known of the records but their id: %s", refusal)
        else:
            stream.infer_from(samples[stream.name])
    return samples


def _send(request: HTTPRequest, position: int, run: Run) -> Pending:
    send = partial(run.client.send, thorough=True)
    if run.prefetcher is not None:
        return run.prefetcher.submit((0, position), request, send)
    pending = Pending(request, send)
    pending.settle()
    return pending
