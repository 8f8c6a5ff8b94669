"""Parses a list's query string (README 2 and 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sandbox.productive import errors

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PAGE_SIZE = 30
MAX_PAGE_SIZE = 200

FilterTree: TypeAlias = "dict[str, FilterTree | list[str]]"
"""`filter[a][b]=v` as nested names, with the values as leaves."""

IncludeTree: TypeAlias = "dict[str, IncludeTree]"
"""`include=a.b,c` as nested names."""

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_SEGMENT = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Sort:
    """One name in `sort`."""

    name: str
    descending: bool


@dataclass
class Query:
    """A parsed query string.

    Attributes:
        filters: The tree of `filter[…]`.
        sorts: The names of `sort`, in order.
        includes: The tree of `include`.
        fields: The names of `fields[type]`, by type.
        number: `page[number]`, if given.
        size: `page[size]`.
        after: `page[after]`, if given: the cursor, empty for the first page.
        group: `group` of a report, as given.
    """

    filters: FilterTree = field(default_factory=dict)
    sorts: tuple[Sort, ...] = ()
    includes: IncludeTree = field(default_factory=dict)
    fields: dict[str, frozenset[str]] = field(default_factory=dict)
    number: int | None = None
    size: int = DEFAULT_PAGE_SIZE
    after: str | None = None
    group: str = ""


def parse_query(pairs: Sequence[tuple[str, str]]) -> Query:
    """Parse the decoded query of a request; parameters that the API does not know are ignored.

    Raises:
        ApiError: The page is invalid.
    """
    query = Query()
    for key, value in pairs:
        match = _NAME.fullmatch(key)
        if match is None:
            continue
        segments = _SEGMENT.findall(match[2])
        if match[1] == "filter" and segments:
            _plant(query.filters, segments, value)
        elif match[1] == "fields" and len(segments) == 1:
            query.fields[segments[0]] = frozenset(value.split(","))
        elif match[1] == "page" and len(segments) == 1:
            _read_page(query, segments[0], value)
        elif key == "sort":
            query.sorts = parse_sort(value)
        elif key == "include":
            query.includes = parse_include(value)
        elif key == "group":
            query.group = value
    if query.after is not None and query.number is not None:
        raise errors.keyset_conflict()
    return query


def parse_sort(value: str) -> tuple[Sort, ...]:
    """Parse `a,-b`: by a, then by b descending."""
    return tuple(Sort(name.removeprefix("-"), name.startswith("-")) for name in value.split(",") if name)


def parse_include(value: str) -> IncludeTree:
    """Parse `a.b,c` into a tree."""
    tree: IncludeTree = {}
    for path in value.split(","):
        branch = tree
        for name in path.split("."):
            if name:
                branch = branch.setdefault(name, {})
    return tree


def _plant(tree: FilterTree, segments: list[str], value: str) -> None:
    is_list = segments[-1] == ""
    names = segments[:-1] if is_list else segments
    if not names or "" in names:
        raise errors.unsupported_filter("".join(f"[{name}]" for name in segments))
    for name in names[:-1]:
        branch = tree.get(name)
        if isinstance(branch, list):
            # `filter[a]=v` together with `filter[a][op]=w`.
            branch = {"eq": branch}
            tree[name] = branch
        elif branch is None:
            branch = {}
            tree[name] = branch
        tree = branch
    leaf = tree.get(names[-1])
    if isinstance(leaf, dict):
        leaf["eq"] = [value]
    elif is_list and leaf is not None:
        leaf.append(value)
    else:
        # The last one of a repeated parameter counts.
        tree[names[-1]] = [value]


def _read_page(query: Query, part: str, value: str) -> None:
    if part == "after":
        query.after = value
    elif part == "number":
        query.number = _positive("page[number]", value)
    elif part == "size":
        # More is cut without an error (seen live).
        query.size = min(_positive("page[size]", value), MAX_PAGE_SIZE)


def _positive(parameter: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) < 1:
        raise errors.invalid_page(parameter, f"{parameter} must be a positive integer")
    return int(value)
