"""The SDK's own tests of taps, for every stream, against the sandbox; and what they cannot see."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.server import running_sandbox
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.testing.runners import TapTestRunner

# The SDK makes the tests when this module is imported: the sandbox has to be running by then.
_running = ExitStack()
_sandbox = _running.enter_context(running_sandbox(scale=0.3))
_sandbox.admin.set_limits([])


@pytest.fixture(scope="module", autouse=True)
def _sandbox_ends() -> Iterator[None]:
    yield
    _running.close()


BuiltIn = get_tap_test_class(
    TapProductive,
    config={
        "auth_token": "sandbox-token",
        "organization_id": "1",
        "api_url": f"{_sandbox.url}/productive/api/v2",
    },
    suite_config=SuiteConfig(max_records_limit=100_000),
    include_stream_attribute_tests=False,  # test_conform shows more than they do
    parse_env_config=False,
)


class TestTapProductive(BuiltIn):  # type: ignore[misc,valid-type] # made at run time
    """The SDK's tests."""

    def test_primary_keys_are_unique(self, runner: TapTestRunner) -> None:
        """The SDK's own test of this cannot fail: it compares a count with itself."""
        streams = runner.new_tap().streams
        assert runner.records.keys() == streams.keys()
        for stream, records in runner.records.items():
            key = streams[stream].primary_keys
            ids: list[tuple[Any, ...]] = [tuple(record[name] for name in key) for record in records]
            assert len(set(ids)) == len(ids), stream
            assert all(None not in each for each in ids), stream
