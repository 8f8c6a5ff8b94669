"""The tests that singer-sdk has for every loader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_target_test_class
from singer_sdk.testing.runners import TargetTestRunner

from target_postgres_exact.target import TargetPostgresExact

if TYPE_CHECKING:
    from tests.loader_world import Database

pytestmark = pytest.mark.slow

_Standard: Any = get_target_test_class(target_class=TargetPostgresExact, config={}, suite_config=SuiteConfig())


def _runner(database: Database, **more: bool) -> TargetTestRunner:
    config = {
        "sqlalchemy_url": database.sqlalchemy_url,
        "default_target_schema": "exact",
        "sanitize_null_text_characters": True,  # one of the tests has NUL in a text
        **more,
    }
    return TargetTestRunner(target_class=TargetPostgresExact, config=config, suite_config=SuiteConfig())


class TestStandard(_Standard):  # type: ignore[misc] # made by a function of singer-sdk
    """Each of them, in a database of its own, with the settings of target-postgres (records are validated)."""

    @pytest.fixture
    def runner(self, database: Database) -> TargetTestRunner:
        return _runner(database)


class TestStandardDecoded(_Standard):  # type: ignore[misc] # made by a function of singer-sdk
    """The same without validation, so that records are decoded into types."""

    @pytest.fixture
    def runner(self, database: Database) -> TargetTestRunner:
        return _runner(database, validate_records=False)
