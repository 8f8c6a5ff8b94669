"""tap-covage: its settings, its login and its streams."""

from __future__ import annotations

import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from singer_sdk import typing as th
from typing_extensions import override

from singer_rest_core import RestTap, settings_schema
from singer_rest_core.api import Login, PasswordGrant
from singer_rest_core.cli import date_errors, header_errors, url_errors
from singer_rest_core.documents import DOCUMENTS_URL, documents_url_errors
from tap_covage.invoices import InvoiceDocuments, Invoices
from tap_covage.orders import OrderDetails, OrderHistory
from tap_covage.streams import CatalogCategories, Ennis, Orders, Projects, Quotes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import requests

    from singer_rest_core.streams import BaseStream

_SECONDS_A_MINUTE = 60
_LARGEST_PAGE = 1000
"""The maximum is not documented: an API of this kind lowers a size that is too large (inferred), and pages go on."""


class TapCovage(RestTap):
    """Singer tap for the Covage client API: invoices, orders, quotes and reference data of a French fibre operator."""

    name = "tap-covage"

    refusal_hint = "The login was accepted, but not its token: check that api_url and auth_url belong together"

    config_jsonschema: ClassVar[dict[str, Any]] = settings_schema(
        th.Property(
            "username",
            th.StringType,
            required=True,
            title="Username",
            description="The service account, from Covage.",
        ),
        th.Property(
            "password",
            th.StringType,
            required=True,
            secret=True,
            title="Password",
            description="Its password. It is sent to auth_url and nowhere else.",
        ),
        th.Property(
            "auth_url",
            th.StringType,
            required=True,
            title="Auth URL",
            description=(
                "Root of Covage's Keycloak: /auth/realms/<realm>/protocol/openid-connect/token is added, "
                "unless the URL ends in /token already."
            ),
        ),
        th.Property(
            "realm",
            th.StringType,
            default="covage",
            title="Realm",
            description="The realm of Keycloak that the account is in.",
        ),
        th.Property(
            "client_id",
            th.StringType,
            default="api-client",
            title="Client ID",
            description="The client of Keycloak; a public one, without a secret.",
        ),
        th.Property(
            "lookback_days",
            th.NumberType(minimum=0, maximum=36_500),
            default=60,
            title="Lookback Days",
            description=(
                "Invoices are read from this many days before their bookmark, "
                "as one may be added later with an earlier accounting date."
            ),
        ),
        DOCUMENTS_URL,
        api_url=None,
        page_size=(100, _LARGEST_PAGE),
        start_date="Invoices with an earlier accounting date are not read, nor their PDFs. Unset means all.",
    )

    @override
    def discover_streams(self) -> Sequence[BaseStream]:
        """Return every stream."""
        invoices, orders = Invoices(self), Orders(self)
        return [
            CatalogCategories(self),
            Ennis(self),
            InvoiceDocuments(self, invoices=invoices),
            invoices,
            OrderDetails(self, orders=orders),
            OrderHistory(self, orders=orders),
            orders,
            Projects(self),
            Quotes(self),
        ]

    @cached_property
    def login(self) -> PasswordGrant:
        """The login at Keycloak, shared by all threads; nothing else holds its tokens."""
        config = self.config
        return PasswordGrant(
            Login(
                token_url=token_url(config["auth_url"], config["realm"]),
                url_setting="auth_url",
                client_id=config["client_id"],
                username=config["username"],
                password=config["password"],
                user_agent=config.get("user_agent") or f"{self.name}/{self.plugin_version}",
                request_timeout=float(config["request_timeout"]),
                max_wait=float(config["max_wait_minutes"]) * _SECONDS_A_MINUTE,
                refusal_hint="Check username, password and client_id",
                not_found_hint="Check auth_url and realm",
            ),
            self.logger,
            clock=self.clock,
        )

    @override
    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a token into a request; log in where there is none."""
        return self.login.authenticate(request)

    @override
    def renew_credentials(self, refused: requests.PreparedRequest) -> bool:
        """Get another token when the API has refused one: it may have expired early."""
        return self.login.renew(refused)

    @property
    @override
    def secrets(self) -> list[str]:
        """The password and the tokens, for keeping them out of messages."""
        return self.login.secrets

    @override
    def settings_errors(self) -> list[str]:
        """Check URLs, dates, what goes into headers, and the password."""
        config = self._config
        # The password is sent in a form and may hold any letter.
        properties = self.config_jsonschema["properties"]
        in_headers = {"properties": {name: entry for name, entry in properties.items() if name != "password"}}
        return [
            *url_errors(config, "api_url"),
            *url_errors(config, "auth_url"),
            *date_errors(config, "start_date"),
            *header_errors(in_headers, config, self.header_settings),
            *password_errors(config.get("password")),
            *documents_url_errors(config, self.name),
        ]


def token_url(auth_url: str, realm: str) -> str:
    """Return the token endpoint of a Keycloak realm.

    Args:
        auth_url: Keycloak's root, with or without its `/auth`, or the endpoint itself.
        realm: The realm.

    Returns:
        An absolute URL.
    """
    root = auth_url.rstrip("/")
    if root.endswith("/token"):
        return root
    return f"{root.removesuffix('/auth')}/auth/realms/{quote(realm, safe='')}/protocol/openid-connect/token"


def password_errors(password: object) -> list[str]:
    """Check that a password holds no line end, which a value read from a file often has.

    Args:
        password: The setting.

    Returns:
        One line, without the value; none if nothing is wrong.
    """
    if isinstance(password, str) and any(unicodedata.category(character) == "Cc" for character in password):
        return ["Setting password holds a line end or another control character: copy it again"]
    return []
