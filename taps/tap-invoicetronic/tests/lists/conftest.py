"""The live account of the sandbox, whose lists the tap reads."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from conftest import read
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conftest import Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


class ReadInvoicetronic(Protocol):
    """Runs tap-invoicetronic against the sandbox."""

    def __call__(self, select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        """Read the streams named, or all; `settings` override those of the sandbox."""
        ...


@pytest.fixture
def live(sandbox: RunningSandbox) -> SystemAdmin:
    """The admin of the live environment."""
    return sandbox.admin.system("invoicetronic/live")


@pytest.fixture
def read_invoicetronic(sandbox: RunningSandbox) -> ReadInvoicetronic:
    """Runs tap-invoicetronic against the live environment."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        config = {"api_key": "ik_live_sandbox", "api_url": f"{sandbox.url}/invoicetronic/v1"} | settings
        return read(TapInvoicetronic, config, state=state, select=select)

    return run


@pytest.fixture
def queries(sandbox: RunningSandbox) -> Callable[[str], list[dict[str, str]]]:
    """The queries of all requests for a list so far."""

    def of(stream: str) -> list[dict[str, str]]:
        requests = (request for request in sandbox.admin.requests() if request["path"].endswith(f"/{stream}"))
        return [{name: value for name, value in request["query"]} for request in requests]  # noqa: C416 - pairs come as lists

    return of


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings that were logged so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
