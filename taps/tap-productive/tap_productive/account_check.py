"""Whether the API refuses one list, or the organization that is configured: what its answers say, and what they do not.

Codes and lists are as others have seen them live (September 2026). What the guides show for a 403 has no code.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import AccessRefused, RequestFailed, StreamUnavailable, body_of
from singer_rest_core.records import ResourceRows
from tap_productive.client import LARGEST_PAGE, MEDIA_TYPE
from tap_productive.error_bodies import error_codes, error_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from singer_rest_core.api import ApiClient

_REMEDIES: Mapping[str, str] = {
    "no_organization_id": (
        "Check organization_id {organization}: no organization that the token reaches has this number"
    ),
    "no_person": ("Check organization_id {organization}: the owner of auth_token has no person in that organization"),
    "subscription_expired": (
        "Check organization_id {organization}: that organization has no current plan at Productive"
    ),
}
"""What to do about a 403 with one of these codes: it refuses the organization, whatever the list."""

_MEMBERSHIPS = "organization_memberships"
_ANY_LIST = "people"
"""A list that keeps to the organization."""


class AccountCheck:
    """Tells a refused organization from a refused list.

    Args:
        api_url: The setting.
        organization: The setting `organization_id`.
        global_lists: The lists that are answered whatever the organization.
    """

    def __init__(self, api_url: str, organization: str, global_lists: Collection[str]) -> None:
        """Request nothing yet."""
        self._api_url = api_url
        self._organization = organization
        self._global_lists = frozenset(global_lists)
        self._hint = f"Check organization_id {organization}, and that the token's person belongs to that organization"
        self._is_verified = False

    def remedy(self, body: object) -> str:
        """Return what to do about a 403 that refuses the organization.

        Args:
            body: The decoded body.

        Returns:
            A sentence without its period; empty if one list is refused.
        """
        found = sorted(error_codes(body) & _REMEDIES.keys())
        return _REMEDIES[found[0]].format(organization=self._organization) if found else ""

    def is_proof(self, request: HTTPRequest) -> bool:
        """Whether an answer shows that the token reaches the organization.

        Args:
            request: A request that was answered below 400.
        """
        return urlsplit(request.url).path.rpartition("/")[2] not in self._global_lists

    def check_organization(self, client: ApiClient) -> None:
        """Request one row of a list that keeps to the organization, where the run reads none.

        Args:
            client: The HTTP client.

        Raises:
            AccessRefused: If the organization is refused.
        """
        try:
            client.send(self._request(_ANY_LIST, {"page[size]": "1"}))
        except (StreamUnavailable, RequestFailed) as refusal:
            self.verify(client, refusal)

    def verify(self, client: ApiClient, refusal: StreamUnavailable | RequestFailed) -> None:
        """Check whether a refusal without such a code concerns one list or the organization.

        The list of the token's own memberships needs no permission, and names their organizations; that it is answered
        proves nothing. A feature that is off has an error code of its own.

        Args:
            client: The HTTP client.
            refusal: What the API said.

        Raises:
            AccessRefused: If the organization is not one of the token's person.
        """
        if self._is_verified or "_unavailable" in error_text(refusal.body, "code"):
            return
        fields = {"include": "organization", "fields[organizations]": "id", "page[size]": str(LARGEST_PAGE)}
        try:
            body = body_of(client.send(self._request(_MEMBERSHIPS, fields), thorough=True))
        except StreamUnavailable:
            raise AccessRefused(f"{refusal}. {self._hint}") from refusal
        except RequestFailed as failure:
            if failure.status == HTTPStatus.NOT_FOUND and isinstance(refusal, RequestFailed):
                raise AccessRefused(f"{refusal}. Check api_url {self._api_url}. {self._hint}") from refusal
            return  # whether the organization is wrong stays unknown
        self._is_verified = True
        rows = body.get("data") if isinstance(body, dict) else None
        organizations = {
            str(record["organization_id"])
            for record in map(ResourceRows().flat, rows if isinstance(rows, list) else [])
            if "organization_id" in record
        }
        if organizations and self._organization not in organizations:
            raise AccessRefused(f"{refusal}. {self._hint}; its organizations are: {', '.join(sorted(organizations))}")

    def _request(self, path: str, params: Mapping[str, str]) -> HTTPRequest:
        return HTTPRequest(
            url=f"{self._api_url.rstrip('/')}/{path}",
            headers={"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE},
            params=dict(params),
        )
