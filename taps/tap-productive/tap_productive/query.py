"""What is requested of a list of Productive, as a value and as query parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Self

from typing_extensions import override

from singer_rest_core import ListQuery
from singer_rest_core.records import instant, moved_back
from tap_productive.refused_features import RefusedFeatures
from tap_productive.relationships import related_type

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from singer_rest_core.paging import Window

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ProductiveQuery(ListQuery):
    """What is requested of a list of Productive; less after the API refused a part of it.

    Args:
        sort: What rows are sorted by, with `-` before it for descending order; None to leave the order to the API.
        steady_sort: What every row is sorted by: something that never changes; None if there is no such sort.
        includes: Relationships whose ids are requested.
        filters: Filters without which the list leaves rows out, by name and value.
        part: The filter for one of the changed parts of the list (see `ChangeFeed`); None to read every row.
        window: Filters for a span of `created_at`; empty to read every row.
        refused: What the API refuses to do with this list.
    """

    sort: str | None = None
    steady_sort: str | None = None
    includes: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    part: tuple[str, str] | None = None
    window: tuple[tuple[str, str], ...] = ()
    refused: RefusedFeatures = field(default_factory=RefusedFeatures)

    @property
    def is_for_every_row(self) -> bool:
        """Whether every row of the list is requested."""
        return self.since is None and self.part is None

    @override
    def for_every_row(self) -> Self:
        return replace(super().for_every_row(), sort=self.steady_sort)


def filter_params(query: ProductiveQuery) -> dict[str, str]:
    """Return the parameters that filter a list by anything but its replication key.

    Args:
        query: What is requested of the list.

    Returns:
        Parameters by name.
    """
    filters = (*query.filters, *([query.part] if query.part else []), *query.window)
    return {f"filter[{name}]": value for name, value in filters}


def replication_params(query: ProductiveQuery, *, since_filter: str | None) -> dict[str, str]:
    """Return the parameters that sort a list, and filter it by its replication key.

    Args:
        query: What is requested of the list.
        since_filter: The filter that takes the bookmark; None if it has the name of the replication key.

    Returns:
        Parameters by name.
    """
    params = {"sort": query.sort} if query.sort else {}
    if query.since is not None and not query.newest_first:
        moment = instant(query.since)
        if since_filter is None and query.refused.inclusive_filter:
            # Filters may be cut to the date: then `gt` leaves out the whole day of its bound.
            params[f"filter[{query.column}][gt]"] = filter_time(moved_back(moment, _DAY))
        elif since_filter is None:
            params[f"filter[{query.column}][gt_eq]"] = filter_time(moment)
        else:
            # Whether such a filter includes its bound is not documented.
            params[f"filter[{since_filter}]"] = filter_time(moved_back(moment, _SECOND))
    return params


def window_filters(window: Window) -> tuple[tuple[str, str], ...]:
    """Return the filters for a span of `created_at`.

    Args:
        window: The span.

    Returns:
        Names and values, as `filter_params` writes them.
    """
    ends = (("gt_eq", window.start), ("lt", window.end))
    return tuple((f"created_at][{operation}", filter_time(end)) for operation, end in ends if end is not None)


def filter_time(moment: datetime) -> str:
    """Return an instant as filters take it: they are exact to the second, and rounding down loses nothing.

    Args:
        moment: An instant.

    Returns:
        For example `2026-01-31T12:00:00Z`.
    """
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def include_params(query: ProductiveQuery, *, stream: str, reference_types: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that request ids of related records, and as little else of these records as possible.

    Included records come only with the requested attributes; `id` is not one, and unknown names are ignored. Fields of
    the stream's own type are not restricted: that would restrict its rows.

    Args:
        query: What is requested of the list.
        stream: The name of the stream, which is the type of its rows.
        reference_types: Types of relationships that mean something else in this stream than in others.

    Returns:
        Parameters by name.
    """
    if not query.includes:
        return {}
    types = {related_type(name, reference_types) for name in query.includes} - {stream}
    return {"include": ",".join(query.includes)} | {f"fields[{kind}]": "id" for kind in sorted(types)}
