"""Server time: how long an organization has kept the servers busy, and its budgets (README 3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.clock import Clock


@dataclass(frozen=True)
class Budget:
    """A budget of server time in each period.

    Attributes:
        limit: Seconds of processing.
        period: Seconds of a period.
    """

    limit: float
    period: int


@dataclass(frozen=True)
class SpentBudget:
    """A spent budget, and the whole seconds until its period ends."""

    budget: Budget
    reset_after: int


DOCUMENTED = (Budget(30 * 60, 60 * 60), Budget(6 * 60 * 60, 24 * 60 * 60))
"""Per organization, 30 minutes an hour and 6 hours a day."""


class ServerTime:
    """The server time that each organization has spent.

    Periods begin when the sandbox starts or is reset, as if that were midnight, so that tests always find the same time
    left.
    """

    def __init__(self, clock: Clock) -> None:
        """Count by the seconds of `clock`, which the admin can advance."""
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Restore the documented budgets, unspent."""
        self._began = self._clock.monotonic()
        self.replace(DOCUMENTED)

    def replace(self, budgets: Sequence[Budget]) -> None:
        """Replace the budgets, unspent."""
        self._budgets = tuple(budgets)
        self._spent: dict[tuple[Budget, str, int], float] = {}

    def spend(self, organization: str, seconds: float) -> None:
        """Charge the duration of an answer."""
        for budget in self._budgets:
            place = (budget, organization, self._period(budget))
            self._spent[place] = self._spent.get(place, 0.0) + seconds

    def exceeded(self, organization: str) -> SpentBudget | None:
        """Return the budget that an organization has spent, if any."""
        for budget in self._budgets:
            if self._spent.get((budget, organization, self._period(budget)), 0.0) >= budget.limit:
                into = (self._clock.monotonic() - self._began) % budget.period
                return SpentBudget(budget, max(1, math.ceil(budget.period - into)))
        return None

    def _period(self, budget: Budget) -> int:
        return int((self._clock.monotonic() - self._began) // budget.period)
