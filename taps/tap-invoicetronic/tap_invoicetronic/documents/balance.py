"""The operations that are left on the account, and how many of them a run may spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk.exceptions import FatalSyncError

from singer_rest_core import RequestFailed, StreamUnavailable

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
    status = api.get("/status")
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
        self.error: RequestFailed | None = None
        """Why nothing that costs may be requested any more in this run; None if it may."""
        self._balance: int | None = None

    def spend(self, operations: int) -> None:
        """Take from the limit.

        Args:
            operations: How many documents were fetched, or operations an export cost.
        """
        self.remaining -= operations

    def operations_left(self) -> int:
        """Return the balance of the account: as it is now, or, where nothing is charged, as it was when first asked.

        Returns:
            The number of operations.

        Raises:
            RequestFailed: If nothing may be spent in this run: the balance is not known, or see `error`.
        """
        if self.error is not None:
            raise self.error
        if self._balance is None or self.is_charged:
            try:
                self._balance = self._fetch_balance()
            except RequestFailed as error:
                self.error = error
                raise
        return self._balance

    def settle(self, cost: int, *, is_exact: bool) -> int | None:
        """Find out what a costly request was charged whose response did not arrive, and take that from the limit.

        Args:
            cost: What it should cost.
            is_exact: Whether it cannot cost more, so that the rest was spent by others.

        Returns:
            The operations that were charged; None if that is not known: then `cost` is taken from the limit.
        """
        charged: int | None = 0
        if self.is_charged:
            before, after = self._balance, self._balance_or_none()
            if before is None or after is None or after > before:
                charged = None  # a balance that rose was topped up meanwhile
            else:
                charged = min(before - after, cost) if is_exact else before - after
        self.spend(cost if charged is None else charged)
        return charged

    def _balance_or_none(self) -> int | None:
        try:
            return self.operations_left()
        except FatalSyncError:
            return None

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
