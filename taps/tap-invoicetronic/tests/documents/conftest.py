"""The live account of the sandbox, whose documents the tap reads into a folder of the test."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from conftest import read
from tap_invoicetronic.fattura import KEYS
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from conftest import Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


@dataclass(frozen=True)
class Account:
    """The live account, and runs of the tap that read its documents."""

    sandbox: RunningSandbox
    live: SystemAdmin
    folder: Path
    settings: dict[str, Any]

    INVOICES = tuple(KEYS)
    DOCUMENTS = ("document", *INVOICES)

    def read(self, *streams: str, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        """Run the tap for some streams, by default those of documents; `settings` override those of the account."""
        select = " ".join(streams or self.DOCUMENTS)
        return read(TapInvoicetronic, self.settings | settings, state=state, select=select)

    def balance(self) -> int:
        """Return how many operations are left."""
        return int(self.live.get("billing")["operation_left"])

    def oldest(self, direction: str, count: int) -> list[int]:
        """Return the ids of the oldest invoices of a list."""
        rows = sorted(self.live.records(direction), key=lambda row: (row["created"][:19], row["id"]))
        return [row["id"] for row in rows[:count]]

    def keep_oldest(self, direction: str, count: int) -> list[int]:
        """Delete all invoices of a list but the oldest ones, and return the ids of those."""
        kept = self.oldest(direction, count)
        for row in self.live.records(direction):
            if row["id"] not in kept:
                self.live.delete(direction, row["id"])
        return kept

    def paid(self) -> dict[str, int]:
        """Return how often the document of each received invoice was fetched."""
        return dict(self.live.get("reads")["payloads"]["receive"])

    def files(self) -> set[str]:
        """Return the paths of the stored documents."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def requested(self) -> list[str]:
        """Return the paths of all requests so far."""
        return [request["path"].removeprefix("/invoicetronic/v1") for request in self.sandbox.admin.requests()]


@pytest.fixture
def account(sandbox: RunningSandbox, tmp_path: Path) -> Account:
    """The live account, as at the start of the sandbox."""
    folder = tmp_path / "documents"
    settings = {
        "api_key": "ik_live_sandbox",
        "api_url": f"{sandbox.url}/invoicetronic/v1",
        "documents_url": str(folder),
    }
    return Account(sandbox, sandbox.admin.system("invoicetronic/live"), folder, settings)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings that were logged so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def announced(warnings: Callable[[], list[str]]) -> Callable[[], int]:
    """How many operations the runs so far said they would cost."""

    def count() -> int:
        return sum(int(found) for line in warnings() for found in re.findall(r"this costs (\d+) operations", line))

    return count


@pytest.fixture
def invoices_of() -> Callable[[Iterable[Mapping[str, Any]]], set[tuple[str, int]]]:
    """The invoices that rows are about, as direction and id."""
    return lambda records: {(record["direction"], record["invoicetronic_id"]) for record in records}
