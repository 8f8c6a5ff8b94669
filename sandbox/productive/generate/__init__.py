"""A world of rows for one organization, the same for the same seed and scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.productive.generate.account import make_account
from sandbox.productive.generate.billing import make_billing
from sandbox.productive.generate.collaboration import make_collaboration
from sandbox.productive.generate.custom_fields import make_booking_fields, make_custom_fields
from sandbox.productive.generate.deals import make_deals
from sandbox.productive.generate.expenses import make_expenses
from sandbox.productive.generate.history import make_history
from sandbox.productive.generate.maker import Maker
from sandbox.productive.generate.parties import make_parties
from sandbox.productive.generate.planning import make_planning
from sandbox.productive.generate.projects import make_projects
from sandbox.productive.generate.selling import make_selling
from sandbox.productive.generate.settings import make_settings
from sandbox.productive.generate.structure import make_structure
from sandbox.productive.generate.tasks import make_tasks
from sandbox.productive.totals import total_everything

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.productive.catalogue import Catalogue
    from sandbox.productive.records import Dataset


def generated_world(catalogue: Catalogue, clock: Clock, seed: int, scale: float) -> Dataset:
    """The rows of organization 1: consistent among themselves, `scale` times as many as a small agency has."""
    maker = Maker(catalogue, clock, seed, scale)
    make_settings(maker)
    make_custom_fields(maker)
    make_parties(maker)
    make_projects(maker)
    make_deals(maker)
    make_tasks(maker)
    make_expenses(maker)
    make_billing(maker)
    total_everything(maker.dataset)
    make_structure(maker)
    make_selling(maker)
    make_collaboration(maker)
    make_booking_fields(maker)
    make_planning(maker)
    make_account(maker)
    make_history(maker)
    maker.dataset.changed()
    return maker.dataset
