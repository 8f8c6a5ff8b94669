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
        is_billed: Whether reads are charged. In the test environment they are documented as free.
        operation_left: Remaining operations, as in /status.
        signature_left: Remaining signatures, as in /status.
        repeated_reads: Whether reading the payload of a read invoice is charged again. The documentation says that a
            payload read is "counted as an operation", without exception; a third party reports that only the first one
            is. An export is charged for unread invoices alone, as documented.
        refused_at_zero: What is refused at a balance of zero: payloads, or any read of /receive. 403 is documented on
            both; a third party reports the second.
        paid: How often each received invoice was charged, by id.
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
            Refused: The balance is zero, and /receive is refused at zero.
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
