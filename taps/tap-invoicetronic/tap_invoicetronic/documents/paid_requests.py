"""Requests that may cost money: sent once, completed even if the run is ended, and accounted for if they fail."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from singer_rest_core import OutcomeUnknown, RequestFailed
from singer_rest_core.errors import RunInterrupted
from tap_invoicetronic.documents.failures import MAX_PAID
from tap_invoicetronic.refusals import BalanceExhausted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.balance import OperationsBudget
    from tap_invoicetronic.documents.failures import Failures

Answer = TypeVar("Answer")
Result = TypeVar("Result")

_LAST_CHANCE = 20.0
"""Seconds that an answer may still take after a signal: a container is killed 30 s after it."""


@dataclass(frozen=True)
class PaidRequest(Generic[Answer, Result]):
    """A request that may cost money.

    Args:
        key: What identifies what is requested, in `Failures`.
        what: A document or an archive, for messages.
        path: The name under which it is stored, for messages.
        is_costly: Whether it costs operations.
        cost: The operations it should cost, or the documents that count towards the limit.
        is_cost_exact: Whether it cannot cost more.
        send: Sends the request; raises `OutcomeUnknown` where no usable response arrives.
        store: Stores the response.
    """

    key: str
    what: str
    path: str
    is_costly: bool
    cost: int
    is_cost_exact: bool
    send: Callable[[], Answer]
    store: Callable[[Answer], Result]


class PaidRequests:
    """Runs requests that may cost money in a thread of their own, which a signal does not interrupt.

    Args:
        api: Sends the requests.
        budget: What the run may spend.
        failures: Where requests that fail are counted.
    """

    def __init__(self, api: InvoicetronicApi, *, budget: OperationsBudget, failures: Failures) -> None:
        """Keep the parts."""
        self._api = api
        self._budget = budget
        self._failures = failures
        self._is_interrupted = False

    def complete(self, request: PaidRequest[Answer, Result]) -> Result:
        """Send a request and store its response; if a signal comes meanwhile, finish them first (20 s at most).

        Args:
            request: The request.

        Returns:
            What its `store` returns.

        Raises:
            StreamUnavailable: If the key has no permission for it.
            BalanceExhausted: If the account has no operations left.
            RequestFailed: If it failed otherwise. That is counted; the message says what it cost and what follows.
            DocumentsUnusable: If the response cannot be stored. Nothing that costs may be requested after that.
            RunInterrupted: If a signal ended the run; the response is stored by then, or counted as lost.
        """
        task: Future[Result] = Future()
        # A daemon: it must not keep the process alive where no answer comes.
        thread = threading.Thread(target=self._settle, args=(task, request), name="documents", daemon=True)
        try:
            thread.start()
            return task.result()
        except RunInterrupted:
            if task.cancel():  # the signal came before the thread did anything
                raise
            self._is_interrupted = True
            self._api.stop()  # a request that is still waiting to be sent is not sent
            wait([task], timeout=_LAST_CHANCE)
            if not task.done():
                self._failures.add_request(request.key, is_paid=request.is_costly)
            raise

    def _settle(self, task: Future[Result], request: PaidRequest[Answer, Result]) -> None:
        if not task.set_running_or_notify_cancel():
            return
        try:
            task.set_result(self._send_and_store(request))
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            task.set_exception(error)

    def _send_and_store(self, request: PaidRequest[Answer, Result]) -> Result:
        try:
            answer = request.send()
        except OutcomeUnknown as error:
            line = f"{error}: {self._account_for(request)}"
            raise RequestFailed(line, status=error.status) from error
        except BalanceExhausted:
            raise
        except RequestFailed as error:
            if self._is_interrupted:  # it was not sent
                raise
            self._failures.add_request(request.key, is_paid=False)
            line = f"{error}: the {request.what} is requested again in a later run"
            raise RequestFailed(line, status=error.status, body=error.body) from error
        try:
            result = request.store(answer)
        except Exception as error:
            # Whatever it is, the next response would be paid for and lost as well.
            line = f"{request.path} cannot be stored: {error}; {self._account_for(request)}"
            self._budget.error = RequestFailed(f"{line}. Nothing that costs is requested any more in this run")
            raise
        self._budget.spend(request.cost)
        self._failures.remove(request.key)
        return result

    def _account_for(self, request: PaidRequest[Answer, Result]) -> str:
        """Count a request whose response is lost, and return what it cost and what follows from that."""
        charged: int | None = 0
        if request.is_costly:
            charged = self._budget.settle(request.cost, is_exact=request.is_cost_exact)
        failure = self._failures.add_request(request.key, is_paid=charged != 0)
        if charged is None:
            cost = f"whether it was charged is not known, and the {request.what} did not arrive"
        elif charged:
            operations = "1 operation was" if charged == 1 else f"{charged} operations were"
            cost = f"{operations} charged, but the {request.what} did not arrive"
        else:
            cost = f"the {request.what} did not arrive, and nothing was charged"
        if failure.is_given_up:
            return (
                f"{cost}. After {MAX_PAID} such failures it is not requested again: download it from Invoicetronic and "
                f"store it as {request.path} below documents_url"
            )
        return f"{cost}: it is requested again in a later run"
