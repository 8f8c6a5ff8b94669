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


_MOST_DETAILS = 3
"""So many details are tried for a sample: one may be refused or answered with an error for good."""


class _SampleRequest(NamedTuple):
    """The request for a sample of a stream.

    Args:
        stream: The stream.
        request: A request without credentials.
        records_in: Returns the raw records in the answer.
        is_last: Whether no other sample is tried if this one cannot be read.
    """

    stream: InferredSchemaStream
    request: HTTPRequest
    records_in: Callable[[requests.Response], Sequence[Record]]
    is_last: bool = True


def infer_schemas(streams: Iterable[InferredSchemaStream], run: Run) -> None:
    """Infer the schemas of lists from their first page, and of details from one detail: the first one that is answered.

    A stream that cannot be read keeps a schema without fields.

    Args:
        streams: All streams.
        run: What they share.
    """
    known = list(streams)
    lists = [stream for stream in known if isinstance(stream, ListStream)]
    samples = _infer([_SampleRequest(stream, stream.sample_request(), stream.sample_of) for stream in lists], run)
    details = {
        stream: [row[ID] for row in samples[stream.listing.name] if row.get(ID) is not None][:_MOST_DETAILS]
        for stream in known
        if isinstance(stream, RecordDetailStream)
    }
    for attempt in range(_MOST_DETAILS):
        requests = [
            _SampleRequest(
                stream,
                stream.request_for_row(keys[attempt]),
                partial(stream.sample_of, keys[attempt]),
                is_last=attempt == len(keys) - 1,
            )
            for stream, keys in details.items()
            if attempt < len(keys)
        ]
        found = _infer(requests, run)
        details = {stream: keys for stream, keys in details.items() if not found.get(stream.name)}


def _infer(sample_requests: Sequence[_SampleRequest], run: Run) -> dict[str, Sequence[Record]]:
    """Request samples side by side, and infer the schema of each stream from its own.

    Returns:
        The samples by stream; empty for a stream that cannot be read.
    """
    under_way = [_send(each.request, position, run) for position, each in enumerate(sample_requests)]
    samples: dict[str, Sequence[Record]] = {}
    for (stream, _, records_in, is_last), pending in zip(sample_requests, under_way, strict=True):
        samples[stream.name] = []
        try:
            samples[stream.name] = records_in(pending.result())
        except (RequestFailed, StreamUnavailable) as refusal:
            if is_last:
                stream.logger.warning("nothing is known of the records but their id: %s", refusal)
            else:
                stream.logger.info("another record is requested as a sample: %s", refusal)
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
