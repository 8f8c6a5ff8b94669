"""Answers of the Invoicetronic API."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from typing_extensions import override

from sandbox.gateway import Api, Reply
from sandbox.invoicetronic import export
from sandbox.invoicetronic.environment import LIVE, Environment
from sandbox.invoicetronic.lists import SortRules, page_of
from sandbox.invoicetronic.problems import NotFoundError, Refused, invalid, parse_language
from sandbox.invoicetronic.resources import RESOURCES, boolean
from sandbox.limits import RequestWindows, Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest
    from sandbox.invoicetronic.environment import Restriction
    from sandbox.invoicetronic.resources import Row
    from sandbox.json_types import Json, JsonObject
    from sandbox.schedule import Change

ACCOUNT = "account"
HEALTH = "/health"
PAYLOAD = "payload"
TOTAL = "Invoicetronic-Total-Count"
INVOICES = ("send", "receive")

WINDOWS = (
    Window("user", 100, 1),
    Window("user", 2000, 60),
    Window("user", 100_000, 24 * 3600),
    Window("reads", 60, 60, burst=200),
    Window("health", 12, 60),
)
"""The windows of a user apply to both environments (inferred: "per user, all authenticated requests")."""


SERVER_ERROR: JsonObject = {"title": "Internal Server Error", "status": 500}


class InvoicetronicApi(Api):
    """Invoicetronic 1.17.0, as documented."""

    media_type = "application/json; charset=utf-8"
    server_error = SERVER_ERROR

    def __init__(self, clock: Clock, seed: int, scale: float, account: str = "") -> None:
        """Serve the worlds generated from `seed` and `scale`, one for each environment, to the keys of `account`."""
        self._clock = clock
        self.windows = RequestWindows(clock, WINDOWS)
        self.environments = {name: Environment(name, clock, seed, scale, account) for name in (LIVE, "test")}
        self._exporting_until = 0.0

    def reset(self) -> None:
        """Restore the initial state."""
        for environment in self.environments.values():
            environment.reset()
        self.windows.reset()
        self._exporting_until = 0.0

    @override
    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return self._environment_of(api_key(headers)) is not None

    @override
    def credential(self, request: ApiRequest) -> str:
        return api_key(request.headers)

    @override
    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
        """Return the documented rate limit headers: the windows of the user, in their order."""
        windows = [window for window in self.windows.windows if window.scope == "user"]
        if not windows:
            return {}
        return {
            "RateLimit-Limit": str(windows[0].limit),
            "RateLimit-Policy": ", ".join(f"{window.limit};w={window.period:g}" for window in windows),
        }

    @override
    def after_request(self, path: str) -> None:
        for environment in self.environments.values():
            environment.tables.after_request(path)

    def change_at(self, change: Change) -> str | None:
        """Carry out a change by place, in the environment `test` unless `environment` names another.

        To create an `update` is to hear of the sent invoice at that place, which then has a new state.
        """
        environment = self.environments[change.get("environment", "test")]
        if change["resource"] == "update" and change["action"] == "create":
            sent = environment.tables.stored_rows("send")
            chosen = sent[int(change["place"]) % len(sent)] if sent else None
            state = change["attributes"]["state"]
            return None if chosen is None else str(environment.add_update(int(str(chosen["id"])), state)["id"])
        return environment.tables.change_at(change)

    @override
    def answer(self, request: ApiRequest) -> Reply:
        """Return the answer, errors included.

        A request with a valid key adds a row to /log, unless answered with 401 or 429.
        """
        key = api_key(request.headers)
        environment = self._environment_of(key)
        error: str | None = None
        try:
            reply = self._answer(request, key, environment)
        except Refused as refused:
            shape = environment.behaviour.problem_shape if environment else "problem"
            language = parse_language(request.headers.get("accept-language", ""))
            reply, error = refused.reply(language, shape), refused.detail(language)
        except NotFoundError:
            reply, error = Reply(b"", 404), "Not Found"
        is_logged = request.route != HEALTH and reply.status not in {401, 429}
        if environment is not None and is_logged:
            environment.log(request, reply.status, error)
        return reply

    def _answer(self, request: ApiRequest, key: str, environment: Environment | None) -> Reply:
        if request.method != "GET":
            raise Refused(405, "read_only")
        if request.route == HEALTH:
            self._count_request({"health": ACCOUNT})
            # The body is not documented.
            return Reply(b"Healthy", media_type="text/plain")
        if environment is None:
            raise Refused(401, "unauthorized", headers={"WWW-Authenticate": "Basic"})
        resource, *rest = request.route.strip("/").split("/")
        in_bucket = resource in RESOURCES and RESOURCES[resource].in_bucket
        self._count_request({"user": ACCOUNT, "reads": ACCOUNT} if in_bucket else {"user": ACCOUNT})
        restriction = environment.restricted_keys.get(key)
        if restriction is not None:
            restriction.check(resource)
        query = dict(request.query)
        match (resource, rest):
            case ("status", []):
                return Reply(_status(environment, restriction))
            case ("export", []):
                return self._export(environment, restriction, query)
            case (name, []) if name in RESOURCES:
                return _list(environment, name, restriction, query)
            case (name, [row_id]) if name in RESOURCES:
                return _detail(environment, name, _row(environment, name, row_id, restriction), query)
            case (name, [row_id, last]) if name in INVOICES and last == PAYLOAD:
                return _payload(environment, name, row_id, restriction)
        raise NotFoundError

    def _environment_of(self, key: str) -> Environment | None:
        return next((environment for environment in self.environments.values() if environment.accepts_key(key)), None)

    def _count_request(self, keys: Mapping[str, str]) -> None:
        exceeded = self.windows.take(keys)
        if exceeded:
            raise Refused(429, "too_many", headers={"Retry-After": str(exceeded.reset_after)})

    def _export(self, environment: Environment, restriction: Restriction | None, query: Mapping[str, str]) -> Reply:
        if self._clock.monotonic() < self._exporting_until:
            raise Refused(429, "exporting", headers={"Retry-After": "1"})
        wanted, is_dated = export.directions(query), export.in_period(query)
        company = query.get("company_id")
        if company is not None and not company.isdecimal():
            raise invalid("company_id")
        rows = {
            direction: [
                row
                for row in environment.rows(direction, restriction)
                if is_dated(row)
                and company in {None, str(row["company_id"])}
                and (direction == "receive" or export.is_definitive(row))
            ]
            for direction in wanted
        }
        environment.exports += 1
        self._exporting_until = self._clock.monotonic() + environment.behaviour.export_seconds
        environment.mark_exported(rows.get("receive", ()))
        vats = {row["id"]: row["vat"] for row in environment.tables.stored_rows("company")}
        members = [
            (f"{vats[row['company_id']]}/{direction}/{environment.export_name(row)}", environment.file(direction, row))
            for direction, found in rows.items()
            for row in found
        ]
        members += [(name, base64.b64decode(text)) for name, text in environment.behaviour.export_members.items()]
        if not members:
            return Reply(b"", 204, seconds=environment.behaviour.export_seconds)
        # Neither header is documented: both follow the tests of the vendor's own client.
        name = f"export_{'both' if len(wanted) > 1 else wanted[0]}_{self._clock.now:%Y%m%d_%H%M%S}.zip"
        disposition = {"Content-Disposition": f"attachment; filename={name}"}
        return Reply(
            export.archive(members),
            headers=disposition,
            media_type="application/zip",
            seconds=environment.behaviour.export_seconds,
        )


def api_key(headers: Mapping[str, str]) -> str:
    """Return the key of a Basic authentication with an empty password, or an empty string if there is none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return "" if password else name


def _status(environment: Environment, restriction: Restriction | None) -> Json:
    return {
        "operation_left": environment.account.operation_left,
        "signature_left": environment.account.signature_left,
        "has_active_seat": False,
        "is_sub_key": restriction is not None,
    }


def _list(environment: Environment, resource: str, restriction: Restriction | None, query: Mapping[str, str]) -> Reply:
    if resource == "receive":
        environment.account.check_receive_allowed()
    behaviour = environment.behaviour
    rules = SortRules(behaviour.refused_sorts.get(resource, ()), behaviour.ignored_sorts.get(resource, ()))
    page = page_of(RESOURCES[resource], environment.rows(resource, restriction), query, rules)
    if resource == "update":
        environment.updates_listed(page.rows)
    rows = _with_payloads(environment, resource, page.rows, query) if resource in INVOICES else list(page.rows)
    return Reply(rows, headers={TOTAL: str(page.total)})


def _row(environment: Environment, resource: str, row_id: str, restriction: Restriction | None) -> Row:
    """Return the row with an id, or with the resource's alternative key."""
    alternative_key = RESOURCES[resource].alternative_key
    rows = environment.rows(resource, restriction)
    by_id = [row for row in rows if str(row["id"]) == row_id]
    by_other = [row for row in rows if alternative_key is not None and row[alternative_key] == row_id]
    for row in (*by_id, *by_other):
        return row
    raise NotFoundError


def _detail(environment: Environment, resource: str, row: Row, query: Mapping[str, str]) -> Reply:
    if resource not in INVOICES:
        return Reply(row)
    if resource == "receive":
        environment.account.check_receive_allowed()
    return Reply(_with_payloads(environment, resource, [row], query)[0])


def _payload(environment: Environment, resource: str, row_id: str, restriction: Restriction | None) -> Reply:
    try:
        row = _row(environment, resource, row_id, restriction)
    except NotFoundError:
        raise Refused(404, "not_found") from None
    if resource == "receive":
        environment.account.check_receive_allowed()
    environment.read_payloads(resource, [row])
    # Documented are "text/plain", "identical to the payload field", and no charset. That it is UTF-8, whatever the XML
    # declaration says, is inferred. A client that assumes ISO 8859-1 breaks accents.
    return Reply(environment.payload(resource, row).encode(), media_type=None, headers={"Content-Type": "text/plain"})


def _with_payloads(environment: Environment, resource: str, rows: Sequence[Row], query: Mapping[str, str]) -> list[Row]:
    """Return invoices, with their payloads if requested; charge for what that costs."""
    try:
        wanted = boolean(query.get("include_payload", "false"))
    except ValueError:
        raise invalid("include_payload") from None
    if not wanted:
        return [environment.without_payload(row) for row in rows]
    environment.read_payloads(resource, rows)
    read = {"is_read": True} if resource == "receive" else {}
    return [{**row, **read, "payload": environment.payload(resource, row)} for row in rows]
