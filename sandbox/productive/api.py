"""The API itself: what one GET request is answered."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from sandbox.limits import RequestWindows, Window
from sandbox.productive import errors
from sandbox.productive.catalogue import load_catalogue
from sandbox.productive.filters import FilterRules, compile_filters
from sandbox.productive.generate import generated_world
from sandbox.productive.moments import day
from sandbox.productive.orders import carry_out
from sandbox.productive.paging import Address, Selection, cursor_page, numbered_page
from sandbox.productive.query import parse_query
from sandbox.productive.recorded import recorded_examples
from sandbox.productive.records import Dataset
from sandbox.productive.rendering import Rendering, check_includes
from sandbox.productive.sorting import Order
from sandbox.productive.state import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import JsonObject
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.paging import Page
    from sandbox.productive.query import Query

CONTENT_TYPE = "application/vnd.api+json"
TOKEN = "sandbox-token"  # noqa: S105 - the sandbox's only token opens nothing else
WORLD = "1"
RECORDED = "recorded"
FULL_DATETIMES = "filteringSkipDatetimeCastToDate"

WINDOWS = (Window("token", 100, 10), Window("organization", 4000, 30 * 60))

# The resources that a paid feature opens: documented for tax rates alone.
FEATURES = {"financials": ("tax_rates",)}


class ProductiveApi:
    """Productive as of its documentation."""

    media_type = f"{CONTENT_TYPE}; charset=utf-8"

    def __init__(self, clock: Clock, seed: int, scale: float) -> None:
        """Generate the world of `seed` and `scale`."""
        self.clock = clock
        self.catalogue = load_catalogue()
        self.windows = RequestWindows(clock, WINDOWS)
        # The rows as at the start: unpickling them is several times faster than making them again.
        self._start = pickle.dumps(generated_world(self.catalogue, clock, seed, scale).tables)
        self._organizations: dict[str, Dataset] = {}
        self.settings = Settings()
        self.reset()

    def reset(self) -> None:
        """Everything as at the start."""
        world = Dataset(self.catalogue, self.clock)
        world.tables = pickle.loads(self._start)  # noqa: S301 - pickled by this very object
        self._organizations = {WORLD: world, RECORDED: recorded_examples(self.catalogue, self.clock)}
        self.settings = Settings()
        self.windows.reset()

    @property
    def world(self) -> Dataset:
        """The generated organization."""
        return self._organizations[WORLD]

    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the token."""
        return headers.get("x-auth-token") == TOKEN

    def organization(self, headers: Mapping[str, str]) -> str | None:
        """The organization a request asks for."""
        return headers.get("x-organization-id")

    def answer(self, request: ApiRequest) -> JsonObject:
        """The body of a 200.

        Raises:
            ApiError: Any other answer.
        """
        organization = self._admit(request)
        if request.method != "GET":
            raise errors.method_not_allowed()
        name, _, record_id = request.route.strip("/").partition("/")
        resource = self.catalogue.get(name)
        if resource is None or name in self.settings.refusals.routes or "/" in record_id:
            raise errors.route_not_found()
        for feature, resources in FEATURES.items():
            if name in resources and not self.settings.features.get(feature, True):
                raise errors.feature_unavailable(feature)
        query = parse_query(request.query)
        check_includes(self.catalogue, resource, query.includes, self.settings.refusals.includes.get(name, ()))
        dataset = self._organizations[organization]
        rendering = Rendering(
            dataset,
            query.fields,
            self.settings.extra_attributes if organization == WORLD else {},
            stubs=organization == WORLD,
        )
        if record_id:
            return self._single(dataset, resource, record_id, query, rendering)
        page = self._page(dataset, resource, query, request)
        data, included = rendering.document(page.rows, query.includes)
        answer: JsonObject = {"data": data}
        if query.includes:
            answer["included"] = included
        return {**answer, "links": page.links, "meta": page.meta}

    def after_request(self, path: str) -> None:
        """Carry out the changes that waited for this request."""
        for scripted in list(self.settings.scripted):
            if path.endswith(scripted.path):
                scripted.after_request -= 1
                if scripted.after_request <= 0:
                    self.settings.scripted.remove(scripted)
                    for order in scripted.changes:
                        carry_out(self.world, order)

    def _admit(self, request: ApiRequest) -> str:
        """The organization that the request may read.

        The content type is measured to come first. The order of the others, and the answer to a wrong or missing
        organization, are not documented.
        """
        content_type = request.headers.get("content-type", "")
        if content_type.split(";")[0].strip() != CONTENT_TYPE:
            raise errors.unsupported_content_type()
        if not self.is_authenticated(request.headers):
            raise errors.unauthenticated()
        organization = self.organization(request.headers) or ""
        if organization not in self._organizations:
            raise errors.access_denied()
        exceeded = self.windows.take({"token": TOKEN, "organization": organization})
        if exceeded:
            raise errors.too_many_requests(exceeded)
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

    def _page(self, dataset: Dataset, resource: Resource, query: Query, request: ApiRequest) -> Page:
        refusals = self.settings.refusals
        order = Order(resource, query.sorts, refusals.sorts.get(resource.name, ()))
        to_the_second = FULL_DATETIMES in request.headers.get("x-feature-flags", "")
        rules = FilterRules(resource, refusals.filters.get(resource.name, ()), to_the_second)
        keep = compile_filters(query.filters, rules)

        def select() -> Selection:
            keyed = sorted(
                (order.key(order.values(dataset, row)), row)
                for row in dataset.rows(resource.name)
                if keep(dataset, row)
            )
            return Selection([row for _, row in keyed], [key for key, _ in keyed])

        filters = tuple((key, value) for key, value in request.query if key.startswith("filter["))
        today = day(self.clock.now)
        selection = dataset.kept((resource.name, filters, order.text, to_the_second, today), select)
        address = Address(request.url, request.query)
        if query.after is None:
            return numbered_page(selection, query, address)
        refused = refusals.keyset_sorts.get(resource.name, ())
        if not order.by_own_attributes or "*" in refused or {sort.name for sort in order.sorts} & set(refused):
            # Which sorts a cursor can walk is not documented: here, all on the rows' own attributes.
            raise errors.keyset_unsupported_sort(order.text)
        return cursor_page(dataset, selection, order, query, address)
