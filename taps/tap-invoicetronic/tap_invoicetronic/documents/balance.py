"""The operations that are left on the account, and how many of them a run may spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable
from tap_invoicetronic.refusals import explain_forbidden

if TYPE_CHECKING:
    from singer_rest_core import Record
    from tap_invoicetronic.api import InvoicetronicApi


def fetch_status(api: InvoicetronicApi) -> Record:
    """Request the status of the account; this is free.

    Args:
        api: Sends the request.

    Returns:
        The answer, `operation_left` among others.

    Raises:
        StreamUnavailable: If the key may not read it.
        RequestFailed: If the answer is not an object.
    """
    try:
        status = api.get("/status")
    except StreamUnavailable as refusal:
        raise explain_forbidden(refusal) from refusal
    if not isinstance(status, dict):
        raise RequestFailed("GET /status answered with something other than an object")
    return status


class OperationsBudget:
    """What a run may spend: its limit, and the balance of the account.

    Args:
        api: Asks for the balance.
        limit: The setting `payload_limit`.
        is_charged: Whether operations are charged: everywhere but in the vendor's test environment (documented).
    """

    def __init__(self, api: InvoicetronicApi, *, limit: int, is_charged: bool) -> None:
        """Start with nothing spent."""
        self._api = api
        self.limit = limit
        self.is_charged = is_charged
        self.remaining = limit
        """How much of the limit is left."""
        self._uncharged_balance: int | None = None

    def spend(self, operations: int) -> None:
        """Take from the limit.

        Args:
            operations: How many documents are fetched, or operations an export costs.
        """
        self.remaining -= operations

    def operations_left(self) -> int:
        """Return the balance of the account: as it is now, or, where nothing is charged, as it was when first asked.

        Returns:
            The number of operations.

        Raises:
            RequestFailed: If the balance is not known; then nothing may be spent.
        """
        if self._uncharged_balance is not None:
            return self._uncharged_balance
        left = self._fetch_balance()
        if not self.is_charged:
            self._uncharged_balance = left
        return left

    def _fetch_balance(self) -> int:
        try:
            left = fetch_status(self._api).get("operation_left")
        except StreamUnavailable as refusal:
            raise RequestFailed(f"{refusal}. Nothing that costs is requested while the balance is unknown") from refusal
        if not isinstance(left, int):
            raise RequestFailed(
                "GET /status answered without operation_left. Nothing that costs is requested while the balance is "
                "unknown"
            )
        return left
