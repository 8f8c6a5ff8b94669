"""Changes that happen between any two requests to a system: the admin says after which one, and what changes."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.json_types import JsonObject

Change = dict[str, Any]
"""A change by place, as `place` counts the rows there are when it happens: `action`, `resource`, `place`, `attributes`.

So every schedule can be carried out, whatever its other parts have changed before. Actions are create, update, delete,
archive, restore (the row at that place among those deleted by schedules), and advance (the calendar, by `seconds`).
"""

ACTIONS = frozenset({"create", "update", "delete", "archive", "restore"})
ADVANCE = "advance"


class ChangedByPlace(Protocol):
    """A system whose rows a schedule can change."""

    def change_at(self, change: Change) -> str | None:
        """Carry out one change.

        Returns:
            The key of the row that was changed; None if there is no row at any place.

        Raises:
            KeyError: There is no such resource.
            ValueError: There is no such action.
        """


@dataclass
class Step:
    """Changes in one transaction.

    Attributes:
        after_request: After how many answers they happen, counted from when they were scheduled; 0 for at once.
        changes: What changes, in order.
        path: A glob over the paths whose answers count.
        answers: How many have been given.
    """

    after_request: int
    changes: Sequence[Change]
    path: str = "*"
    answers: int = 0

    def counts(self, path: str) -> bool:
        """Count an answer; return whether the changes are due now."""
        self.answers += fnmatchcase(path, self.path)
        return self.answers >= self.after_request


class Schedule:
    """The changes that are to happen in one system, and those that have happened."""

    def __init__(self, system: ChangedByPlace, clock: Clock) -> None:
        """Schedule nothing for `system`; `advance` moves `clock`."""
        self._system = system
        self._clock = clock
        self._steps: list[Step] = []
        self._answers = 0
        self.applied: list[JsonObject] = []
        """What has changed: the number of the answer before it, action, resource, and key."""

    def replace(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Forget what was scheduled and what has happened, and count answers from 0.

        Args:
            steps: Objects with `after_request`, `changes` and, unless all answers count, `path`.

        Raises:
            ValueError: A change has an unknown action.
        """
        parsed = [Step(int(step["after_request"]), step["changes"], step.get("path", "*")) for step in steps]
        unknown = {change["action"] for step in parsed for change in step.changes} - ACTIONS - {ADVANCE}
        if unknown:
            raise ValueError(f"unknown action {', '.join(sorted(unknown))}")
        self._steps = sorted(parsed, key=lambda step: step.after_request)
        self._answers = 0
        self.applied = []
        self._apply([step for step in self._steps if step.after_request <= 0])

    def answered(self, path: str) -> None:
        """Count an answer that was just made, and apply what is to happen before the next one."""
        self._answers += 1
        self._apply([step for step in self._steps if step.counts(path)])

    def _apply(self, due: Sequence[Step]) -> None:
        for step in due:
            self._steps.remove(step)
            for change in step.changes:
                if change["action"] == ADVANCE:
                    self._clock.advance(float(change["seconds"]))
                    continue
                key = self._system.change_at(change)
                if key is not None:
                    done: JsonObject = {"after_request": self._answers, "key": key}
                    self.applied.append({**done, "action": change["action"], "resource": change["resource"]})
