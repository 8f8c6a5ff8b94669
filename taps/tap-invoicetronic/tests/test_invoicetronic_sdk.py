"""The SDK's own tests of taps, for every stream, against the sandbox; and one that they cannot do."""

from __future__ import annotations

import io
import tempfile
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.server import running_sandbox
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.testing.runners import TapTestRunner

# The SDK makes the tests when this module is imported: the sandbox has to be running by then.
_running = ExitStack()
_sandbox = _running.enter_context(running_sandbox(scale=0.3))
_sandbox.admin.set_limits([])
_folder = _running.enter_context(tempfile.TemporaryDirectory())


@pytest.fixture(scope="module", autouse=True)
def _sandbox_ends() -> Iterator[None]:
    yield
    _running.close()


_CONFIG = {
    "api_key": "ik_live_sandbox",
    "api_url": f"{_sandbox.url}/invoicetronic/v1",
    "documents_url": _folder,
    "export_periods": ["2025-Q4"],
    "payload_limit": 1000,
}


def _everything() -> dict[str, Any]:
    """Return a catalog with everything selected, after exporting the documents of a period, which a test only reads."""
    tap = TapInvoicetronic(config=_CONFIG)
    for stream in tap.streams.values():
        stream.selected = stream.name == "document"
    with redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        tap.sync_all()
    catalog: dict[str, Any] = TapInvoicetronic(config=_CONFIG).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    return catalog


BuiltIn = get_tap_test_class(
    TapInvoicetronic,
    config=_CONFIG,
    suite_config=SuiteConfig(max_records_limit=100_000),
    include_stream_attribute_tests=False,  # test_conform shows more than they do
    parse_env_config=False,
    catalog=_everything(),
)


class TestTapInvoicetronic(BuiltIn):  # type: ignore[misc,valid-type] # made at run time
    """The SDK's tests."""

    def test_primary_keys_are_unique(self, runner: TapTestRunner) -> None:
        """The SDK's own test of this cannot fail: it compares a count with itself."""
        keys_of = {name: stream.primary_keys for name, stream in runner.new_tap().streams.items()}
        assert runner.records.keys() == keys_of.keys()
        for name, records in runner.records.items():
            keys = [tuple(record[key] for key in keys_of[name]) for record in records]
            assert keys, name
            assert len(set(keys)) == len(keys), name
            assert not [key for key in keys if None in key], name
