"""Streams that send a request for each row of a list."""

from __future__ import annotations

from abc import ABC
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from typing_extensions import override

from singer_rest_core.errors import ApiUnreachable, RequestFailed, StreamUnavailable
from singer_rest_core.records.exact_json import NotJson
from singer_rest_core.records.row_layout import UnexpectedPage
from singer_rest_core.streams.derived import DerivedStream
from singer_rest_core.streams.failed_rows import FailedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.records.conform import Record

Key = TypeVar("Key")
Made = TypeVar("Made")

_FAILED = "failed"
"""Rows whose requests failed, see `FailedRows`."""

_MOST_WITHOUT_AN_ANSWER = 20
"""So many rows may fail before any is answered: with more, it is hardly the rows, and the others wait for another run,
in which they come first."""


class PerRowStream(DerivedStream, ABC):
    """A request for each of some rows of a list.

    A row may have been deleted since the list was read. One may be refused, or answered with an error for good: the
    others are read all the same, and the stream fails at its end. What failed is remembered in the state (`failed`),
    and requested behind the others and less and less often.
    """

    requests_documents = False
    """Whether the answers are no JSON."""

    def __init__(self, tap: Tap, **sdk_arguments: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Make the stream of a tap.

        Args:
            tap: The tap.
            sdk_arguments: What the SDK's class takes beside it.
        """
        super().__init__(tap, **sdk_arguments)
        self._failed = FailedRows()
        self._failures: list[RequestFailed | StreamUnavailable] = []
        self._not_found = 0
        self._was_answered = False

    @property
    def lacks_rows(self) -> bool:
        """Whether some rows of the list did not come in this run: they failed, in this run or before."""
        return bool(self._failed.rows) or self._failed.has_overflowed

    @property
    def failed_keys(self) -> Collection[str]:
        """The keys of the rows that failed, in this run or before, as the state has them."""
        held = self.stream_state.get(_FAILED)
        return held.keys() if isinstance(held, dict) else ()

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Make the records; where rows failed, the stream fails once the others are made.

        Yields:
            Raw records.
        """
        self._failed = FailedRows.in_state(self.stream_state.get(_FAILED))
        self._failures = []
        self._not_found = 0
        self._was_answered = False
        yield from super().get_records(context)
        self._remember_failed()
        if self._not_found:
            self.logger.warning("%d rows of the list were not found (404): requested again later", self._not_found)
        if self._failed.waiting:
            self.logger.warning(
                "%d rows failed in earlier runs and are not requested in this one: their requests become rarer",
                self._failed.waiting,
            )
        self._fail_if_rows_failed()

    def answered(
        self,
        requests: Iterable[tuple[Key, HTTPRequest]],
        make: Callable[[Key, requests.Response], Made | None],
    ) -> Iterator[tuple[Key, Made]]:
        """Request rows, and pass over those that fail.

        Args:
            requests: Keys and requests, in the order of `in_turn`.
            make: Makes of an answer what is needed of it; None if it is of no use, which it logs. The row fails if it
                raises `RequestFailed`, `NotJson` or `UnexpectedPage`.

        Yields:
            Keys, and what was made of their answers.
        """
        for key, pending in self.request_each(requests, document=self.requests_documents):
            try:
                made = make(key, pending.result())
            except (RequestFailed, StreamUnavailable) as failure:
                self._pass_over(key, failure)
            except (NotJson, UnexpectedPage) as unusable:
                path = urlsplit(pending.request.url).path
                self._pass_over(key, RequestFailed(f"GET {path} answered {unusable}"))
            except ApiUnreachable:
                self._row_failed(key)
                self.page_written()
                raise
            else:
                if made is None:
                    self._row_failed(key)
                    continue
                self._was_answered = True
                yield key, made
                self._failed.forget(str(key))

    def in_turn(self, keys: Iterable[Key]) -> Iterator[Key]:
        """Put rows that failed before behind the others, and leave out those whose time has not come.

        Args:
            keys: The rows to request.

        Yields:
            Those to request in this run.
        """
        return self._failed.in_turn(keys, self.run.clock.now())

    def forget_failures_except(self, keys: Container[str]) -> None:
        """Forget rows that failed and are not in the list any more; only where the list was read to its end.

        Args:
            keys: The rows of the list.
        """
        self._failed.forget_all_but(keys)

    def entry_of_failed(self, key: str) -> Any:  # noqa: ANN401, ARG002 - JSON is any of six types; for subclasses
        """Return what to remember of a row that failed beside its key.

        Args:
            key: The row.

        Returns:
            Anything JSON can hold.
        """
        return None

    def _row_failed(self, key: object) -> None:
        self._failed.add(str(key), self.entry_of_failed(str(key)), self.run.clock.now())

    def _pass_over(self, key: object, failure: RequestFailed | StreamUnavailable) -> None:
        """Go on with the next row, unless nothing but failures came."""
        self._row_failed(key)
        if isinstance(failure, RequestFailed) and failure.status == HTTPStatus.NOT_FOUND:
            self._not_found += 1
            return
        self._failures.append(failure)
        if len(self._failures) >= _MOST_WITHOUT_AN_ANSWER and not self._was_answered:
            self._fail_if_rows_failed()

    def _fail_if_rows_failed(self) -> None:
        """Report what failed; where every row was answered with 403, the stream may not be read.

        Raises:
            StreamUnavailable: In that case.
            RequestFailed: If rows failed.
        """
        if not self._failures:
            return
        self.page_written()
        first, *others = self._failures
        if not self._was_answered and all(isinstance(each, StreamUnavailable) for each in self._failures):
            raise first
        raise RequestFailed(f"{first}{f'; {len(others)} more failed' if others else ''}") from first

    @override
    def page_written(self) -> None:
        self._remember_failed()
        super().page_written()

    def _remember_failed(self) -> None:
        if self._failed.rows or _FAILED in self.stream_state:
            self.remember(_FAILED, self._failed.as_state())
