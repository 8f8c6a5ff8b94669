"""Admin routes for Invobi: rows, and which of their fields are omitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from sandbox.admin import endpoint, table_routes
from sandbox.invobi.api import OMITTED_FIELDS

if TYPE_CHECKING:
    from starlette.requests import Request

    from sandbox.admin import Payload
    from sandbox.invobi.api import InvobiApi
    from sandbox.json_types import Json


def invobi_admin_routes(api: InvobiApi) -> list[Route]:
    """Return the routes below `/admin/invobi`."""

    def set_omitted_fields(_request: Request, payload: Payload) -> Json:
        """Omit fields from the list (`invoices`) and from `invoice_details`; by default as documented."""
        if not payload.keys() <= OMITTED_FIELDS.keys():
            raise KeyError(f"fields can be omitted from {' or '.join(OMITTED_FIELDS)}")
        api.omitted_fields = {**OMITTED_FIELDS, **payload}
        return payload

    return [*table_routes(api.tables), Route("/left_out", endpoint(set_omitted_fields), methods=["PUT"])]
