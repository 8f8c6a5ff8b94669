"""Fixtures of the Invoicetronic tests: a running sandbox, a client with the live key, and the live admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.server import running_sandbox
from sandbox.tests.invoicetronic.client import LIVE, InvoicetronicClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.02, scales={"invoicetronic": 0.3}) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    running.admin.set_limits([])
    return running


@pytest.fixture
def api(sandbox: RunningSandbox) -> InvoicetronicClient:
    return InvoicetronicClient(sandbox.url, LIVE, **{"Accept-Language": "en"})


@pytest.fixture
def admin(sandbox: RunningSandbox) -> SystemAdmin:
    return sandbox.admin.system("invoicetronic/live")
