"""What is left of the account's operations, and what a run may spend of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable, body_of
from tap_invoicetronic.client import plainly

if TYPE_CHECKING:
    from singer_rest_core import Record
    from tap_invoicetronic.tap import TapInvoicetronic


class Account:
    """The account behind the API key, as far as it is about what costs money.

    Args:
        tap: The tap.
    """

    def __init__(self, tap: TapInvoicetronic) -> None:
        """Ask for nothing yet."""
        self._tap = tap
        self.allowance: int = tap.config["payload_limit"]
        """How many documents this run may still ask for."""

    @property
    def is_billed(self) -> bool:
        """Whether operations are charged: everywhere but in the vendor's test environment."""
        return self._tap.environment != "test"

    def status(self) -> Record:
        """Ask what is left; this costs nothing.

        Returns:
            What the API answers.

        Raises:
            StreamUnavailable: If the key may not read it.
            RequestFailed: If the answer is none.
        """
        try:
            status = body_of(self._tap.client.send(self._tap.request("/status"), thorough=True))
        except StreamUnavailable as refusal:
            raise plainly(refusal) from refusal
        if not isinstance(status, dict):
            raise RequestFailed("GET /status answered no object")
        return status

    def operations_left(self) -> int:
        """Ask how many operations are left, before something that costs.

        Returns:
            A number of operations.

        Raises:
            RequestFailed: If that cannot be known; then nothing may be spent.
        """
        try:
            left = self.status().get("operation_left")
        except StreamUnavailable as refusal:
            raise RequestFailed(f"{refusal}. Nothing that costs is asked for without knowing the balance") from refusal
        if not isinstance(left, int):
            raise RequestFailed("GET /status does not tell operation_left: nothing that costs is asked for without it")
        return left
