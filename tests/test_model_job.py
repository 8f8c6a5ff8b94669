"""The job `model` through Meltano: the model, the page of it, and the tests last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from bench.raw_invoices import make_raw_invoices
from tests.page_file import PageFile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

INVOICES = 20


def test_a_row_that_breaks_a_rule_fails_the_job_but_keeps_no_page_from_being_made(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    with psycopg.connect(pipeline.database_url) as connection:
        make_raw_invoices(connection, INVOICES)
        # Its total is not what its parts add up to.
        connection.execute(
            "update tap_productive.invoices set amount_tax = amount_tax + 100, number = 'odd' where id = '7'"
        )
    page = tmp_path / "invoices.html"
    pipeline = replace(pipeline, environment={**pipeline.environment, "INVOICING_PAGE_OUTPUT": str(page)})

    child = pipeline.start("run", "model")
    output, _ = child.communicate()

    assert child.returncode == 1, output
    assert "Failure in test net_and_tax_add_up_to_gross" in output
    shown = {row["number"] for row in PageFile(page.read_text(encoding="utf-8")).rows("invoices")}
    assert len(shown) == INVOICES
    assert "odd" in shown
