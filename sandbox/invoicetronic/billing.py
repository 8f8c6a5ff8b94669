"""The balance of an account, and what was charged to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sandbox.invoicetronic.problems import no_operations_left

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import JsonObject


@dataclass
class Account:
    """The operations left, and the received invoices they were spent on.

    Attributes:
        is_billed: Whether reading costs: in the live environment; in the test environment documented as free.
        operation_left: Operations, as /status shows them.
        signature_left: Signatures, as /status shows them.
        repeated_reads: Whether the payload of a read invoice costs again. Documented is that a payload read is "counted
            as an operation", without exception; a third party reports that only the first one is. An export counts
            unread invoices alone, as documented.
        refused_at_zero: What a balance of zero stops: payloads, or any read of /receive. 403 is documented on both; a
            third party reports the second.
        paid: How often each received invoice was paid for, by id.
    """

    is_billed: bool
    operation_left: int = 950
    signature_left: int = 100
    repeated_reads: Literal["paid", "free"] = "paid"
    refused_at_zero: Literal["payloads", "receive"] = "payloads"
    paid: Counter[int] = field(default_factory=Counter)

    def check_receive_allowed(self) -> None:
        """Check that the balance allows received invoices to be listed.

        Raises:
            Refused: The balance is zero, and that stops it.
        """
        if self.is_billed and self.refused_at_zero == "receive" and self.operation_left <= 0:
            raise no_operations_left()

    def charge(self, ids: Sequence[int]) -> None:
        """Charge one operation for each invoice; all or none, which is not documented.

        Raises:
            Refused: The balance does not cover them.
        """
        if not self.is_billed:
            return
        if len(ids) > self.operation_left:
            raise no_operations_left()
        self.operation_left -= len(ids)
        self.paid.update(ids)

    def as_json(self) -> JsonObject:
        """Return everything, for the admin."""
        return {
            "is_billed": self.is_billed,
            "operation_left": self.operation_left,
            "signature_left": self.signature_left,
            "repeated_reads": self.repeated_reads,
            "refused_at_zero": self.refused_at_zero,
            "paid": {str(invoice): times for invoice, times in self.paid.items()},
        }
