"""Generates the rows of one organization, the same for the same seed and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.productive.generate.account import make_account
from sandbox.productive.generate.billing import make_billing
from sandbox.productive.generate.builder import WorldBuilder
from sandbox.productive.generate.collaboration import make_collaboration
from sandbox.productive.generate.contacts import make_parties
from sandbox.productive.generate.custom_fields import make_booking_fields, make_custom_fields
from sandbox.productive.generate.deals import make_deals
from sandbox.productive.generate.examples import make_rows_from_examples
from sandbox.productive.generate.expenses import make_expenses
from sandbox.productive.generate.history import make_history
from sandbox.productive.generate.planning import make_planning
from sandbox.productive.generate.projects import make_projects
from sandbox.productive.generate.sales import make_selling
from sandbox.productive.generate.settings import make_settings
from sandbox.productive.generate.structure import make_structure
from sandbox.productive.generate.tasks import make_tasks
from sandbox.productive.totals import total_all

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.productive.catalogue import Catalogue
    from sandbox.productive.records import Dataset


def generated_world(catalogue: Catalogue, clock: Clock, seed: int, scale: float) -> Dataset:
    """Return the consistent rows of organization 1, `scale` times as many as a small agency has."""
    builder = WorldBuilder(catalogue, clock, seed, scale)
    make_settings(builder)
    make_custom_fields(builder)
    make_parties(builder)
    make_projects(builder)
    make_deals(builder)
    make_tasks(builder)
    make_expenses(builder)
    make_billing(builder)
    total_all(builder.dataset)
    make_structure(builder)
    make_selling(builder)
    make_collaboration(builder)
    make_booking_fields(builder)
    make_planning(builder)
    make_account(builder)
    make_history(builder)
    make_rows_from_examples(builder)
    builder.dataset.invalidate_cache()
    return builder.dataset
