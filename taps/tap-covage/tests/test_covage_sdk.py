"""The SDK's own tests of taps, for every stream, against the sandbox; and what they cannot see."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from sandbox.server import running_sandbox
from tap_covage.tap import TapCovage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.testing.runners import TapTestRunner

# The SDK makes the tests when this module is imported: the sandbox has to be running by then.
_running = ExitStack()
_sandbox = _running.enter_context(running_sandbox(scale=0.3))
_described = TapCovage(config={}, validate_config=False)
KEYS = {name: tuple(stream.primary_keys) for name, stream in _described.streams.items()}


@pytest.fixture(scope="module", autouse=True)
def _sandbox_ends() -> Iterator[None]:
    yield
    _running.close()


CONFIG = {
    "username": "sandbox-user",
    "password": "sandbox-password",
    "auth_url": f"{_sandbox.url}/covage",
    "api_url": f"{_sandbox.url}/covage",
    "documents_url": _running.enter_context(tempfile.TemporaryDirectory()),
}


def everything_selected() -> dict[str, Any]:
    """The catalog of a user who wants all streams, those not selected by default, too."""
    tap = TapCovage(config=CONFIG)
    for stream in tap.streams.values():
        stream.selected = True
    return tap.catalog_dict


BuiltIn = get_tap_test_class(
    TapCovage,
    config=CONFIG,
    catalog=everything_selected(),
    suite_config=SuiteConfig(max_records_limit=1000),
    include_stream_attribute_tests=False,  # test_conform shows more than they do
    parse_env_config=False,
)


class TestTapCovage(BuiltIn):  # type: ignore[misc,valid-type] # made at run time
    """The SDK's tests."""

    def test_primary_keys_are_unique(self, runner: TapTestRunner) -> None:
        """The SDK's own test of this cannot fail: it compares a count with itself."""
        assert runner.records.keys() == KEYS.keys()
        for stream, records in runner.records.items():
            ids: list[Any] = [tuple(record[key] for key in KEYS[stream]) for record in records]
            assert len(set(ids)) == len(ids), stream
            assert not any(None in each for each in ids), stream
