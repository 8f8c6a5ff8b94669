"""The SDK's own tests of taps, for every stream, against the sandbox; and what they cannot see."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.server import running_sandbox
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.testing.runners import TapTestRunner

# The SDK makes the tests when this module is imported: the sandbox has to be running by then.
_running = ExitStack()
_sandbox = _running.enter_context(running_sandbox())
_sandbox.admin.set_limits([])
_settings = {"access_token": "sandbox-token", "api_url": f"{_sandbox.url}/2invoice"}

_catalog: dict[str, Any] = Tap2Invoice(config=_settings).catalog_dict
for _entry in _catalog["streams"]:
    for _metadata in _entry["metadata"]:
        if not _metadata["breadcrumb"]:
            _metadata["metadata"]["selected"] = True


@pytest.fixture(scope="module", autouse=True)
def _sandbox_ends() -> Iterator[None]:
    yield
    _running.close()


BuiltIn = get_tap_test_class(
    Tap2Invoice,
    config=_settings,
    suite_config=SuiteConfig(max_records_limit=100_000),
    catalog=_catalog,
    include_stream_attribute_tests=False,  # test_conform shows more than they do
    parse_env_config=False,
)


class TestTap2Invoice(BuiltIn):  # type: ignore[misc,valid-type] # made at run time
    """The SDK's tests."""

    def test_primary_keys_are_unique(self, runner: TapTestRunner) -> None:
        """The SDK's own test of this cannot fail: it compares a count with itself."""
        assert runner.records.keys() == runner.new_tap().streams.keys()
        for stream, records in runner.records.items():
            ids: list[Any] = [record["id"] for record in records]
            assert len(set(ids)) == len(ids), stream
            assert None not in ids, stream
