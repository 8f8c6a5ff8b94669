"""The model night by night, over raw tables that change at random: a build of changes gives what a full build gives."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.model_world import marts, sandbox_vars
from tests.random_raw_tables import RawTables, raw_tables_of

if TYPE_CHECKING:
    from tests.loader_world import Database
    from tests.model_world import Dbt

pytestmark = pytest.mark.slow

_SEED = 17
_NIGHTS = 4
_FRESH = "fresh"
"""The schema of the full builds."""


def _differences(night: dict[str, list[dict[str, Any]]], full: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Return the first rows of each mart that only one of two builds has."""
    found = []
    for mart, rows in night.items():
        found += [f"{mart}, not in a full build: {row}" for row in rows if row not in full[mart]][:3]
        found += [f"{mart}, only in a full build: {row}" for row in full[mart] if row not in rows][:3]
    return found


def test_nights_of_any_changes_and_failures_give_what_a_full_build_gives(database: Database, dbt: Dbt) -> None:
    dbt.run(database.url, "seed")
    dbt.run(database.url, "seed", schema=_FRESH)
    kinds = raw_tables_of(dbt.target() / "manifest.json")
    assert {kind.tap for kind in kinds} == {
        "tap_productive", "tap_invoicetronic", "tap_invobi", "tap_covage", "tap_2invoice",
    }  # fmt: skip
    with psycopg.connect(database.url) as connection:
        tables = RawTables(connection, kinds, random.Random(_SEED))  # noqa: S311 - to be the same each time
        tables.begin()
        dbt.run(database.url, "run")
        for night in range(_NIGHTS):
            history = tables.pass_a_night()
            variables: dict[str, Any] = {}
            if night == 1:
                # Staging is up to date, and the marts are not, as after a build that was killed.
                dbt.run(database.url, "run", "--select", "staging")
                history += tables.pass_a_night()
            if night == 2:
                mend = tables.spoil()
                assert dbt.attempt(database.url, "run").returncode != 0
                mend()
                history += tables.pass_a_night()
                tables.load_what_is_missing()
            if night == 3:
                mapping = sandbox_vars()["two_invoice"]
                mapping["lines"].pop("tax")
                mapping["invoices"].pop("tax")
                variables["two_invoice"] = mapping

            dbt.run(database.url, "run", **variables)
            dbt.run(database.url, "run", "--full-refresh", schema=_FRESH, **variables)

            found, full = marts(database.url), marts(database.url, _FRESH)
            assert _differences(found, full) == [], history
            assert found == full
            assert all(full[mart] for mart in ("invoices", "invoice_lines", "tax_breakdown", "payments", "parties"))
