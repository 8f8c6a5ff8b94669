"""What is requested of a list of Productive, as a value and as query parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from singer_rest_core import ListQuery
from singer_rest_core.records import instant
from tap_productive.relationships import related_type

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class ProductiveQuery(ListQuery):
    """What is requested of a list of Productive; less after the API refused a part of it.

    Args:
        is_sorted: Whether rows are requested in the order of the replication key, where the list has such a sort.
        by_number: Whether the list is read by page number though a cursor would be used.
        includes: Relationships whose ids are requested.
        filters: Filters without which the list leaves rows out, by name and value.
        part: The filter for one of the changed parts of the list (see `ChangeFeed`); None to read every row.
    """

    is_sorted: bool = True
    by_number: bool = False
    includes: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    part: tuple[str, str] | None = None


def filter_params(query: ProductiveQuery) -> dict[str, str]:
    """Return the parameters that filter a list by anything but its replication key.

    Args:
        query: What is requested of the list.

    Returns:
        Parameters by name.
    """
    filters = (*query.filters, *([query.part] if query.part else []))
    return {f"filter[{name}]": value for name, value in filters}


def replication_params(query: ProductiveQuery, *, is_sortable: bool, since_filter: str | None) -> dict[str, str]:
    """Return the parameters that sort and filter a list by its replication key.

    Args:
        query: What is requested of the list.
        is_sortable: Whether the API can sort the list by the replication key.
        since_filter: The filter that takes the bookmark; None if it has the name of the replication key.

    Returns:
        Parameters by name.
    """
    key = query.column
    if not key:
        return {}
    if query.newest_first:
        return {"sort": f"-{key}"}
    params = {"sort": key} if query.is_sorted and is_sortable else {}
    if query.since is not None:
        # Filters are exact to the second; rounding down loses nothing.
        moment = instant(query.since).astimezone(UTC).replace(microsecond=0, tzinfo=None)
        if since_filter is None:
            params[f"filter[{key}][gt_eq]"] = f"{moment.isoformat()}Z"
        else:
            # Whether such a filter includes its bound is not documented.
            params[f"filter[{since_filter}]"] = f"{(moment - _SECOND).isoformat()}Z"
    return params


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
