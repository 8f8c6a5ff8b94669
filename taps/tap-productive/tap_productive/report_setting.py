"""The setting `reports`: what each entry requests, the name of its stream, and what is wrong with it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_productive.report_groups import GROUPS, PERIODS, is_date

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_LONGEST_NAME = 63
"""Bytes of a table's name in PostgreSQL: a loader fails on a longer one, and the run with it."""
_DIGEST_LENGTH = 8
_STREAM_NAME = re.compile(r"[a-z][a-z0-9_]*")
"""What every loader takes as the name of a table as it is."""


@dataclass(frozen=True)
class Report:
    """A report as the setting `reports` requests it.

    Args:
        name: Its name in the API, e.g. `time_entry_reports`.
        group: What its rows are grouped by, e.g. `person` and `date:month`.
        filter: Values of the parameters `filter[…]`, by what is in the brackets: `after`, `date][gt_eq`.
        stream: The name that the user gives its stream; None for a name made of the report and its groups.
    """

    name: str
    group: tuple[str, ...]
    filter: Mapping[str, str]
    stream: str | None = None

    @classmethod
    def from_setting(cls, setting: Mapping[str, Any]) -> Report:
        """Read one entry of the setting.

        Args:
            setting: An object of `name`, `group` (a list of names, or one text with commas), `filter` and `stream`.

        Returns:
            The report.
        """
        group = setting.get("group") or []
        names = group.split(",") if isinstance(group, str) else group
        return cls(
            name=setting["name"],
            group=tuple(name.strip() for name in names),
            filter=dict(_flat(setting.get("filter") or {})),
            stream=setting.get("stream"),
        )

    @property
    def stream_name(self) -> str:
        """The name of its stream: the user's, or for example `time_entry_reports_by_person_and_date_month`.

        A name of ours that is too long for a table ends in a digest of the whole name instead of its last groups.
        """
        if self.stream is not None:
            return self.stream
        group = "_and_".join(re.sub("[:.]", "_", name) for name in self.group)
        name = f"{self.name}_by_{group}" if group else self.name
        if len(name.encode()) <= _LONGEST_NAME:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_LENGTH]
        kept = name.encode()[: _LONGEST_NAME - _DIGEST_LENGTH - 1].decode(errors="ignore")
        return f"{kept.rstrip('_')}_{digest}"

    def errors(self, taken: Collection[str]) -> list[str]:
        """Check name, groups and stream.

        Args:
            taken: The names of the streams that are no reports.

        Returns:
            A line for each error.
        """
        return self._errors_of_report() + self._errors_of_stream(taken)

    def _errors_of_stream(self, taken: Collection[str]) -> list[str]:
        name = self.stream
        if name is None:
            return []
        if not _STREAM_NAME.fullmatch(name):
            fault = ": use small letters (a to z), digits and underscores, and begin with a letter"
        elif len(name) > _LONGEST_NAME:
            fault = f", which is {len(name)} characters long: PostgreSQL takes {_LONGEST_NAME}"
        elif name in taken:
            fault = ", which is a stream of this tap already: use another name"
        else:
            return []
        return [f"Setting reports gives {self.name} the stream {name!r}{fault}"]

    def _errors_of_report(self) -> list[str]:
        known = GROUPS.get(self.name)
        if known is None:
            return [
                f"Setting reports names {self.name!r}, which is not a report; there are: {', '.join(sorted(GROUPS))}"
            ]
        lines = []
        for name in self.group:
            base, colon, period = name.partition(":")
            if base not in known:
                lines.append(
                    f"Setting reports groups {self.name} by {base!r}; it can be grouped by: {', '.join(sorted(known))}"
                )
            elif colon and not is_date(base):
                lines.append(
                    f"Setting reports groups {self.name} by {name!r}, but {base} is not a date that can be rounded"
                )
            elif colon and period not in PERIODS:
                lines.append(
                    f"Setting reports groups {self.name} by {name!r}; a date can be rounded to: "
                    f"{', '.join(sorted(PERIODS))}"
                )
        return lines


def reports_errors(reports: Iterable[Mapping[str, Any]], taken: Collection[str]) -> list[str]:
    """Check the setting `reports`.

    Args:
        reports: Its entries, of the right form.
        taken: The names of the streams that are no reports.

    Returns:
        A line for each error.
    """
    requested = [Report.from_setting(entry) for entry in reports]
    names = [report.stream_name for report in requested]
    repeated = sorted({name for name in names if names.count(name) > 1})
    return [line for report in requested for line in report.errors(taken)] + [
        f"Setting reports requests {name} twice: a report and its groups make one stream, unless `stream` names another"
        for name in repeated
    ]


def _flat(filters: Mapping[str, Any], within: str = "") -> Iterable[tuple[str, str]]:
    """Return nested filters as the API names them: `{"date": {"gt_eq": "2026-01-01"}}` is `date][gt_eq`."""
    for name, value in filters.items():
        path = f"{within}][{name}" if within else name
        if isinstance(value, dict):
            yield from _flat(value, path)
        elif isinstance(value, list):
            yield path, ",".join(str(item) for item in value)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)
