"""The XSDs, read without network access. Only tests need them, and lxml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from sandbox.invoicetronic.fatturapa.facts import Format

FOLDER = Path(__file__).parent.parent / "xsd"
FILES: dict[Format, str] = {
    "FPR12": "FatturaPA_v1.2.2.xsd",
    "FPA12": "FatturaPA_v1.2.2.xsd",
    "FSM10": "SVFSM10.xsd",
}
SIGNATURES = "xmldsig-core.xsd"
"""The schema of XML signatures, which the others import."""


@cache
def schema_of(invoice_format: Format) -> etree.XMLSchema:
    """Return the schema of a format; `assertValid` and `validate` take a document of lxml."""
    schema = etree.parse(str(FOLDER / FILES[invoice_format]), etree.XMLParser(no_network=True))
    for imported in schema.iter("{http://www.w3.org/2001/XMLSchema}import"):
        # One of the schemas imports it by its URL.
        imported.set("schemaLocation", SIGNATURES)
    return etree.XMLSchema(schema)
