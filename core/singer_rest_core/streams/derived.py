"""Streams that are no list of the API: their records come from what other streams have read, or from a request each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from singer_rest_core.paging.prefetch import Pending
from singer_rest_core.streams.base import BaseStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.records.conform import Record

Subject = TypeVar("Subject")


class DerivedStream(BaseStream, ABC):
    """A stream that gives `make_records`; they are conformed and written one by one, the SDK's way."""

    turn = 1

    records_per_state: int = 1000
    """After how many records STATE is sent; 1 where a record costs a request or more."""

    @abstractmethod
    def make_records(self) -> Iterator[Record]:
        """Make the records; set `has_read_all` to False where some had to be left out.

        What a record stands for is put into the state (`remember`) after it was yielded: then it has been written.
        STATE follows when the next record is made; `page_written` sends it at once.

        Yields:
            Raw records.
        """

    @override
    def write_messages(self, context: Context | None) -> None:
        self.write_records(context)
        self.covers_table &= self.has_read_all

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Make the records; STATE follows every `records_per_state`.

        Yields:
            Raw records; the SDK has them conformed by `post_process`.
        """
        self.has_read_all = self.covers_table = True
        self.run.progress.stream(self.name)
        since_state = 0
        for record in self.make_records():
            if since_state == self.records_per_state:
                since_state = 0
                self.page_written()
            yield record
            since_state += 1
            self.run.page_read(1, None)

    def request_each(
        self, requests: Iterable[tuple[Subject, HTTPRequest]], *, document: bool = False
    ) -> Iterator[tuple[Subject, Pending]]:
        """Send one request after the other, some ahead of their turn.

        Args:
            requests: What each is for, and the request; taken as far as requests are sent ahead.
            document: Whether the answers are no JSON.

        Yields:
            What each is for, and the answer: its `result` returns it or raises what ended the request.
        """
        client, pool = self.run.client, self.run.prefetcher
        send = client.send_for_document if document else client.send
        turns = iter(requests)
        if pool is None:
            for subject, request in turns:
                pending = Pending(request, send)
                pending.settle()
                yield subject, pending
            return
        under_way: deque[tuple[Subject, Pending]] = deque()
        with _dropping(under_way):
            for number, (subject, request) in enumerate(turns):
                under_way.append((subject, pool.submit((self.position, number), request, send)))
                if len(under_way) >= pool.window:
                    yield under_way.popleft()
            while under_way:
                yield under_way.popleft()


@contextmanager
def _dropping(under_way: deque[tuple[Subject, Pending]]) -> Iterator[None]:
    """Drop what is still under way at the end, whatever ends it."""
    try:
        yield
    finally:
        for _, pending in under_way:
            pending.drop()
