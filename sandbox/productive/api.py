"""Answers of the Productive API."""

from __future__ import annotations

import itertools
import pickle
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, cast

from typing_extensions import override

from sandbox.credentials import credential_of
from sandbox.gateway import Api, Reply
from sandbox.limits import RequestWindows, Window
from sandbox.productive import errors
from sandbox.productive.admin_changes import apply_change
from sandbox.productive.catalogue import load_catalogue
from sandbox.productive.changes import REQUIRED_RELATIONSHIPS
from sandbox.productive.filters import FilterRules, compile_filters
from sandbox.productive.generate import generated_world
from sandbox.productive.paging import Address, Selection, cursor_page, numbered_page
from sandbox.productive.query import parse_query
from sandbox.productive.recorded import recorded_examples
from sandbox.productive.records import Dataset
from sandbox.productive.rendering import Rendering, check_includes
from sandbox.productive.reports.definitions import load_reports
from sandbox.productive.reports.pages import report_page
from sandbox.productive.server_time import ServerTime
from sandbox.productive.settings import Settings
from sandbox.productive.sorting import SortOrder
from sandbox.productive.timestamps import local_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import Json, JsonObject
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.paging import Page
    from sandbox.productive.query import Query
    from sandbox.productive.records import Record
    from sandbox.productive.reports.definitions import Report
    from sandbox.schedule import Change

CONTENT_TYPE = "application/vnd.api+json"
TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's only token opens nothing else
WORLD = "1"
RECORDED = "recorded"
FULL_DATETIMES = "filteringSkipDatetimeCastToDate"

WINDOWS = (Window("token", 100, 10), Window("organization", 4000, 30 * 60), Window("report", 10, 30))
"""Reports count in the other windows, too (not documented)."""

REPORTS = "reports"

GLOBAL_LISTS = frozenset({"organization_memberships", "organizations", "users"})
"""Lists of the token's owner: they are answered whatever the organization in the header (seen live; of `users` and
`organizations` only that they are not the organization's)."""

# The resources that need a paid feature. Documented for tax rates alone.
FEATURES = {"financials": ("tax_rates",)}


class ProductiveApi(Api):
    """Productive, as documented."""

    media_type = f"{CONTENT_TYPE}; charset=utf-8"
    server_error: JsonObject = {"errors": [{"status": "500", "title": "Server Error"}]}  # noqa: RUF012 - never modified

    def __init__(self, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Generate the world of `seed` and `scale`, for the token of `account`."""
        self._account = account
        self._token = credential_of(TOKEN, account)
        self.clock = clock
        self.catalogue = load_catalogue()
        self.windows = RequestWindows(clock, WINDOWS)
        self.server_time = ServerTime(clock)
        # The initial rows: unpickling them is several times faster than generating them again.
        self._start = pickle.dumps(generated_world(self.catalogue, clock, seed, scale).tables)
        self._organizations: dict[str, Dataset] = {}
        self._is_changed = True
        self._bin: dict[str, list[Record]] = {}
        self.settings = Settings()
        self._request_numbers = itertools.count(1)
        self.reset()

    def reset(self) -> None:
        """Restore the initial state."""
        if self._is_changed:
            world = Dataset(self.catalogue, self.clock)
            world.tables = pickle.loads(self._start)  # noqa: S301 - pickled by this object
            self._organizations = {WORLD: world, RECORDED: recorded_examples(self.catalogue, self.clock)}
            self._is_changed = False
        self.settings = Settings()
        self._bin = {}
        self.windows.reset()
        self.server_time.reset()

    @property
    def world(self) -> Dataset:
        """The generated organization. Only `change` may change its rows."""
        return self._organizations[WORLD]

    def change(self, change: JsonObject) -> Json:
        """Apply an admin change to the generated organization.

        Args:
            change: The change, as for `apply_change`.

        Returns:
            The row as stored or, of a deleted row, its row in the recycle bin.
        """
        self._is_changed = True
        return apply_change(self.world, change)

    def change_at(self, change: Change) -> str | None:
        """Carry out a change by place; a new row has the relationships of the one at that place."""
        resource, action = change["resource"], change["action"]
        rows = self._bin.setdefault(resource, []) if action == "restore" else list(self.world.rows(resource))
        if not rows:
            return None
        record = rows[int(change["place"]) % len(rows)]
        self._is_changed = True
        if action == "restore":
            return self._restore(record)
        relationships: JsonObject = {}
        if action == "create" and resource in REQUIRED_RELATIONSHIPS:
            owner = record.one(REQUIRED_RELATIONSHIPS[resource])
            if self.world.get(owner) is None:
                return None
            relationships = {REQUIRED_RELATIONSHIPS[resource]: owner.id if owner else None}
        if action == "delete":
            self._bin.setdefault(resource, []).append(record)
        if action == "archive" and "archived_at" not in record.attributes:
            action = "update"
        attributes = change.get("attributes", {})
        stored = self.change(
            {
                "action": action,
                "resource": resource,
                "id": record.id,
                "attributes": attributes,
                "relationships": relationships,
            }
        )
        return str(cast("JsonObject", stored)["id"]) if action == "create" else record.id

    def _restore(self, record: Record) -> str | None:
        """Take a row back out of the bin. That this counts as a change of it is inferred."""
        self._bin[record.type].remove(record)
        if record.id in self.world.tables[record.type]:
            return None
        self.world.add(record)
        self.change({"action": "update", "resource": record.type, "id": record.id})
        return record.id

    @override
    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-auth-token") == self._token

    @override
    def credential(self, request: ApiRequest) -> str:
        return request.headers.get("x-auth-token", "")

    @override
    def organization(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("x-organization-id")

    @override
    def answer(self, request: ApiRequest) -> Reply:
        """Return a 200, whose `x-runtime` counts as server time.

        Raises:
            ApiError: The answer is an error.
        """
        started = time.perf_counter()
        organization = self._authorize(request)
        body = self._body(request, organization)
        paths = (seconds for glob, seconds in self.settings.runtimes.items() if fnmatchcase(request.route, glob))
        seconds = next(paths, time.perf_counter() - started)
        self.server_time.spend(organization, seconds)
        return Reply(body, headers=_runtime(seconds))

    def _body(self, request: ApiRequest, organization: str) -> JsonObject:
        if request.method != "GET":
            raise errors.method_not_allowed()
        name, _, rest = request.route.strip("/").partition("/")
        query = parse_query(request.query)
        dataset = self._organizations[organization]
        rendering = Rendering(
            dataset,
            query.fields,
            self.settings.extra_attributes if organization == WORLD else {},
            stubs=organization == WORLD,
        )
        if name == REPORTS:
            report = load_reports().get(rest)
            if report is None or rest in self.settings.refusals.routes:
                raise errors.route_not_found()
            return _list_body(self._report_page(dataset, report, query, request), query, rendering)
        resource = self.catalogue.get(name)
        if resource is None or name in self.settings.refusals.routes or "/" in rest:
            raise errors.route_not_found()
        for feature, resources in FEATURES.items():
            if name in resources and not self.settings.features.get(feature, True):
                raise errors.feature_unavailable(feature)
        check_includes(self.catalogue, resource, query.includes, self.settings.refusals.includes.get(name, ()))
        if rest:
            return self._single(dataset, resource, rest, query, rendering)
        return _list_body(self._page(dataset, resource, query, request), query, rendering)

    @override
    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
        return {**_runtime(seconds), "x-request-id": f"sandbox-{next(self._request_numbers)}"}

    @override
    def after_request(self, path: str) -> None:
        for scripted in list(self.settings.scripted):
            if path.endswith(scripted.path):
                scripted.after_request -= 1
                if scripted.after_request <= 0:
                    self.settings.scripted.remove(scripted)
                    for change in scripted.changes:
                        self.change(change)

    def _authorize(self, request: ApiRequest) -> str:
        """Return the organization that the request may read.

        The content type is checked first (measured), but a GET needs none (seen live). A wrong and a missing
        organization have the same error (seen live). The order of the other checks is not documented.
        """
        content_type = request.headers.get("content-type", "" if request.method != "GET" else CONTENT_TYPE)
        if content_type.split(";")[0].strip() != CONTENT_TYPE:
            raise errors.unsupported_content_type()
        if not self.is_authenticated(request.headers):
            raise errors.unauthenticated()
        organization = self.organization(request.headers) or ""
        if request.route.strip("/") in GLOBAL_LISTS:
            organization = organization if organization in self._organizations else WORLD
        elif organization not in self._organizations or self.settings.refusals.organization:
            raise errors.organization_refused(self.settings.refusals.organization or "no_organization_id")
        keys = {"token": TOKEN, "organization": f"{self._account}{organization}"}
        if request.route.startswith(f"/{REPORTS}/"):
            keys["report"] = TOKEN
        exceeded = self.windows.take(keys)
        if exceeded:
            raise errors.too_many_requests(exceeded)
        spent = self.server_time.exceeded(organization)
        if spent:
            raise errors.server_time_exceeded(spent)
        return organization

    def _single(
        self, dataset: Dataset, resource: Resource, record_id: str, query: Query, rendering: Rendering
    ) -> JsonObject:
        if not resource.show:
            raise errors.route_not_found()
        record = dataset.tables[resource.name].get(record_id)
        if record is None:
            raise errors.record_not_found()
        data, included = rendering.document([record], query.includes)
        answer: JsonObject = {"data": data[0]}
        if query.includes:
            answer["included"] = included
        return {**answer, "links": {}, "meta": {}}

    def _rules(self, resource: Resource, name: str, request: ApiRequest) -> FilterRules:
        """Return how the filters of a list or a report are read."""
        refusals = self.settings.refusals
        to_the_second = FULL_DATETIMES in request.headers.get("x-feature-flags", "")
        ignored = refusals.ignored_filters.get(name, ())
        operations = refusals.operations.get(name, ())
        return FilterRules(resource, refusals.filters.get(name, ()), to_the_second, ignored, operations)

    def _report_page(self, dataset: Dataset, report: Report, query: Query, request: ApiRequest) -> Page:
        rules = self._rules(report.page, report.name, request)
        return report_page(dataset, report, query, rules, Address(request.url, request.query))

    def _page(self, dataset: Dataset, resource: Resource, query: Query, request: ApiRequest) -> Page:
        refusals = self.settings.refusals
        order = SortOrder(resource, query.sorts, refusals.sorts.get(resource.name, ()))
        ignored = refusals.ignored_sorts.get(resource.name, ())
        if any(sort.name in ignored for sort in query.sorts):
            order = SortOrder(resource, [sort for sort in query.sorts if sort.name not in ignored])
        rules = self._rules(resource, resource.name, request)
        keep = compile_filters(query.filters, rules)

        def select() -> Selection:
            keyed = sorted(
                (order.key(order.values(dataset, row)), row)
                for row in dataset.rows(resource.name)
                if keep(dataset, row)
            )
            return Selection([row for _, row in keyed], [key for key, _ in keyed])

        filters = tuple((key, value) for key, value in request.query if key.startswith("filter["))
        today = local_date(self.clock.now)
        modifiers = (rules.to_the_second, *rules.ignored)
        selection = dataset.cached((resource.name, filters, order.text, modifiers, today), select)
        address = Address(request.url, request.query)
        if query.after is None:
            return numbered_page(selection, query, address)
        refused = refusals.keyset_sorts.get(resource.name, ())
        if not order.by_own_attributes or "*" in refused or {sort.name for sort in order.sorts} & set(refused):
            # Which sorts support cursors is not documented: here, all on the rows' own attributes.
            raise errors.keyset_unsupported_sort(order.text)
        return cursor_page(dataset, selection, order, query, address)


def _list_body(page: Page, query: Query, rendering: Rendering) -> JsonObject:
    data, included = rendering.document(page.rows, query.includes)
    answer: JsonObject = {"data": data}
    if query.includes:
        answer["included"] = included
    return {**answer, "links": page.links, "meta": page.meta}


def _runtime(seconds: float) -> dict[str, str]:
    """Return the header of every answer: how long the server worked, in seconds (README 3)."""
    return {"x-runtime": f"{seconds:.6f}"}
