"""What is true of every request to Productive: headers, paging, includes, replication, and what an answer means.

Facts are from Productive's own guides (developer.productive.io/guides) unless a comment says otherwise.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory

from singer_rest_core import (
    NextLinkPaginator,
    NumberedPaginator,
    RequestFailed,
    RestStream,
    StreamUnavailable,
)
from singer_rest_core.bookmarks import Scope
from singer_rest_core.row_layout import ResourceRows
from singer_rest_core.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from singer_rest_core import PageParams, Record
    from singer_rest_core.look_ahead import Pending

MEDIA_TYPE = "application/vnd.api+json"
EXACT_FILTER_TIMES = "filteringSkipDatetimeCastToDate"
"""The feature flag without which filters cut timestamps to the date (guide "Filtering")."""

LARGEST_PAGE = 200

_FIRST_CURSOR = {"page[after]": ""}
_FIRST_NUMBER = {"page[number]": "1"}
_SHIFTY_KEYS = frozenset({"last_activity_at"})
"""Replication keys that do not move on every write: they need a look-back and a whole read now and then."""

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas")

_TYPES_BY_NAME = {
    **dict.fromkeys(
        (
            "approver",
            "assignee",
            "assignees",
            "contact",
            "creator",
            "custom_field_people",
            "deleter",
            "issuer",
            "last_actor",
            "manager",
            "owner",
            "person",
            "project_manager",
            "rejecter",
            "responsible",
            "updater",
        ),
        "people",
    ),
    **dict.fromkeys(("parent_company", "vendor"), "companies"),
    **dict.fromkeys(("budget", "origin_deal", "template"), "deals"),
    **dict.fromkeys(("bill_from", "bill_to"), "contact_entries"),
    **dict.fromkeys(("deal_subsidiary", "default_subsidiary", "person_subsidiary"), "subsidiaries"),
    **dict.fromkeys(("parent_task", "repeated_task"), "tasks"),
    **dict.fromkeys(("expense_approval_workflow", "time_approval_workflow"), "approval_workflows"),
    "custom_field_attachments": "attachments",
    "custom_role": "roles",
    "default_tax_rate": "tax_rates",
    "next_todo": "todos",
    "options": "custom_field_options",
    "parent_invoice": "invoices",
    "proposal_document_type": "document_types",
}
"""The type a relationship leads to, where it is not simply the plural of its name."""


class ProductiveStream(RestStream):
    """A list endpoint of Productive; its path is its name.

    A stream says which relationships it asks for (`references`) and, where the API has a filter and a sort for it,
    its replication key.
    """

    primary_keys = ("id",)
    schema = StreamSchema(_SCHEMAS)

    references: tuple[str, ...] = ()
    """Relationships whose ids are asked for with `include`; without it an answer does not hold them."""

    varying_references: frozenset[str] = frozenset()
    """Those of them that lead to records of several types: a column `<name>_type` says which."""

    reference_types: ClassVar[Mapping[str, str]] = {}
    """Types of relationships that mean something else here than in other streams."""

    documented = True
    """Whether the list is in the vendor's documentation; if not, it may be missing (404) and is then skipped."""

    secret_fields = frozenset({"email_key", "invitation_token", "scim_bearer_token"})

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name}")
        self.row_layout = ResourceRows(typed=self.varying_references)
        self._includes = list(self.references)
        self._by_number = False
        self._sorts = True

    @property
    def is_sorted(self) -> bool:
        """Whether rows are asked for in the order of the replication key."""
        return self.replication_key is not None

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_days`, where the replication key may be late."""
        return timedelta(days=self.config["lookback_days"] if self.replication_key in _SHIFTY_KEYS else 0)

    @property
    def full_refresh_interval(self) -> timedelta | None:
        """The setting `full_refresh_interval_days`, where the replication key does not move on every write."""
        if self.replication_key not in _SHIFTY_KEYS:
            return None
        return timedelta(days=self.config["full_refresh_interval_days"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers of every request, credentials apart."""
        return {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "X-Feature-Flags": EXACT_FILTER_TIMES}

    def get_new_paginator(self) -> BaseAPIPaginator[PageParams]:
        """Read a whole list by page number, side by side; what changed by cursor, as it is short and must not shift.

        Returns:
            A paginator before its first page.
        """
        if self.scope is Scope.CHANGES and not self._by_number:
            return self.get_steady_paginator()
        return NumberedPaginator("page[number]", last_page=self._last_page)

    def get_steady_paginator(self) -> NextLinkPaginator:
        """Walk by cursor, which does not shift when rows come and go.

        Returns:
            A paginator before its first page; it follows numbered pages too, where the API has no cursor for a list.
        """
        return NextLinkPaginator(_FIRST_CURSOR, next_link=self._next_link, takes=lambda name: name.startswith("page["))

    def total_of(self, answer: requests.Response) -> int | None:
        """Find how many rows a numbered list has according to a page.

        Args:
            answer: The page.

        Returns:
            `meta.total_count`, or None.
        """
        total = self._meta(answer).get("total_count")
        return total if isinstance(total, int) else None

    def _next_link(self, answer: requests.Response) -> str | None:
        """Find the link to the next page, or make it of the page count where an answer by page number has none."""
        links = self.envelope(answer).get("links")
        link = links.get("next") if isinstance(links, dict) else None
        if link:
            return str(link)
        meta = self._meta(answer)
        current, last = meta.get("current_page"), meta.get("total_pages")
        if isinstance(current, int) and isinstance(last, int) and current < last:
            return f"?page[number]={current + 1}"
        return None

    def _last_page(self, answer: requests.Response) -> int | None:
        """Find the number of the last page; where it is not told, a link to the next says that there is one more."""
        last = self._meta(answer).get("total_pages")
        if isinstance(last, int):
            return last
        query = dict(parse_qsl(urlsplit(self._next_link(answer) or "").query))
        number = query.get("page[number]", "")
        return int(number) if number.isdecimal() else None

    def _meta(self, answer: requests.Response) -> Record:
        meta = self.envelope(answer).get("meta")
        return meta if isinstance(meta, dict) else {}

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page of this list.

        Args:
            page: Its parameters.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        token = dict(page.next_page_token or _FIRST_NUMBER)
        if self._by_number and token == _FIRST_CURSOR:
            token = _FIRST_NUMBER
        request.params = {**self._replication_params(), **self._include_params(), **token}
        request.params["page[size]"] = str(self.config["page_size"])
        return request

    def _replication_params(self) -> dict[str, str]:
        if not self.replication_key:
            return {}
        params = {"sort": self.replication_key} if self._sorts else {}
        bound = self.read_from
        if bound is not None:
            # Filters are exact to the second; rounding down loses nothing.
            moment = instant(bound).astimezone(UTC).replace(microsecond=0, tzinfo=None)
            params[f"filter[{self.replication_key}][gt_eq]"] = f"{moment.isoformat()}Z"
        return params

    def _include_params(self) -> dict[str, str]:
        """Ask for relationships, and for as little as possible of the records they lead to.

        Included records come with no attributes but those asked for; `id` names none, and unknown names are ignored.
        Fields of the stream's own type are not narrowed: that would narrow its rows.
        """
        if not self._includes:
            return {}
        types = {related_type(name, self.reference_types) for name in self._includes} - {self.name}
        return {"include": ",".join(self._includes)} | {f"fields[{kind}]": "id" for kind in sorted(types)}

    def fetch(self, page: PageContext[PageParams], pending: Pending | None = None) -> requests.Response:
        """Ask for one page, and once more without what the API refuses.

        Args:
            page: Its parameters.
            pending: The request for it, if it was sent ahead.

        Returns:
            The answer.

        Raises:
            StreamUnavailable: If the account may not read this list, or it does not exist.
            RequestFailed: If the request ends this stream.
        """
        while True:
            try:
                return super().fetch(page, pending)
            except RequestFailed as refusal:
                pending = None
                if refusal.status == HTTPStatus.NOT_FOUND and not self.documented:
                    raise StreamUnavailable(f"{refusal}; this list is not in the documentation") from refusal
                if not self._adapts_to(refusal, page):
                    raise

    def _adapts_to(self, refusal: RequestFailed, page: PageContext[PageParams]) -> bool:
        """Change what is asked for so that the API may accept it.

        Returns:
            Whether there is something else to ask for.
        """
        if refusal.status != HTTPStatus.BAD_REQUEST:
            return False
        said = _refusal_words(refusal.body)
        if "keyset" in said and not self._by_number and page.next_page_token == _FIRST_CURSOR:
            self.logger.info("the API does not walk this list by cursor; it is read by page number")
            self._by_number = True
            return True
        if "include" in said and self._includes:
            self._drop_refused_includes(page)
            return True
        if "sort" in said and self._sorts and self.replication_key:
            self.logger.warning(
                "the API refuses to sort by %s: the bookmark moves only at the end", self.replication_key
            )
            self._sorts = False
            self.expect_no_order()
            return True
        return False

    def _drop_refused_includes(self, page: PageContext[PageParams]) -> None:
        asked = self._includes

        def accepted(names: Sequence[str]) -> bool:
            self._includes = list(names)
            try:
                super(ProductiveStream, self).fetch(page)
            except RequestFailed as refusal:
                if refusal.status == HTTPStatus.BAD_REQUEST and "include" in _refusal_words(refusal.body):
                    return False
                raise
            return True

        refused = refused_names(asked, accepted)
        self._includes = [name for name in asked if name not in refused]
        self.logger.warning(
            "the API refuses to include %s: the columns with their ids stay empty",
            ", ".join(sorted(refused)),
        )


def related_type(name: str, own: Mapping[str, str] | None = None) -> str:
    """Give the type of the records a relationship leads to.

    Args:
        name: The relationship.
        own: What a stream says of its own relationships.

    Returns:
        A type of the API, e.g. `people` for `creator`.
    """
    return (own or {}).get(name) or _TYPES_BY_NAME.get(name) or _plural(name)


def refused_names(names: Sequence[str], accepted: Callable[[Sequence[str]], bool]) -> set[str]:
    """Find which of several names an API refuses, by halves.

    Args:
        names: Names that are refused together.
        accepted: Tries some of them.

    Returns:
        Those that are refused by themselves.
    """
    if len(names) == 1:
        return set(names)
    middle = len(names) // 2
    return {
        name
        for half in (names[:middle], names[middle:])
        if not accepted(half)
        for name in refused_names(half, accepted)
    }


def _plural(name: str) -> str:
    if name.endswith("y"):
        return f"{name[:-1]}ies"
    if name.endswith("status"):
        return f"{name}es"
    return name if name.endswith("s") else f"{name}s"


def _refusal_words(body: object) -> str:
    errors: Iterable[Any] = body.get("errors", []) if isinstance(body, dict) else []
    return " ".join(f"{error.get('code', '')} {error.get('title', '')}".lower() for error in errors)
