"""Whole invoices: planned, filled, written as XML, and signed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Literal, TypeAlias

from sandbox.invoicetronic.fatturapa import parties
from sandbox.invoicetronic.fatturapa.amounts import ordinary_body, simplified_body
from sandbox.invoicetronic.fatturapa.document import SIMPLIFIED_FORMAT, document
from sandbox.invoicetronic.fatturapa.draw import Draw
from sandbox.invoicetronic.fatturapa.facts import Facts
from sandbox.invoicetronic.fatturapa.nodes import leaves, to_xml
from sandbox.invoicetronic.fatturapa.signing import envelope
from sandbox.invoicetronic.fatturapa.values import email

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.invoicetronic.fatturapa.facts import Format
    from sandbox.invoicetronic.fatturapa.nodes import Node
    from sandbox.invoicetronic.fatturapa.parties import Party
    from sandbox.invoicetronic.fatturapa.signing import Wrapping

Charset: TypeAlias = Literal["utf-8", "utf-8-sig", "windows-1252"]
"""The character encoding; `utf-8-sig` has a byte order mark."""

PUBLIC = "FPA12"
PREFIXES = ("p", "p", "ns2", "b", "")
FORMATS: tuple[Format, ...] = ("FPR12", "FPR12", "FPA12", "FSM10")
CHARSETS: tuple[Charset, ...] = ("utf-8", "utf-8", "utf-8-sig", "windows-1252")
WRAPPINGS: tuple[Wrapping, ...] = ("none", "none", "none", "der", "ber", "base64")
STYLESHEET = '<?xml-stylesheet type="text/xsl" href="fatturaordinaria_v1.2.1.xsl"?>'
COMMENT = "<!-- scritta dalla sandbox -->"

NO_RECIPIENT_CODE = "0000000"
"""The recipient code of a buyer without one; a certified address may accompany it."""

FOREIGN_RECIPIENT_CODE = "XXXXXXX"

REFERENCE_DAY = date(2026, 1, 15)


@dataclass(frozen=True)
class Plan:
    """What is decided about a file before it is generated.

    Attributes:
        format: The format.
        seller: The issuer, who has a VAT number.
        buyer: The recipient.
        documents: Number (at most 20 characters of Basic Latin) and date of each of its documents.
        progressive: Its `ProgressivoInvio`, at most 10 characters.
        charset: Its character encoding.
        wrapping: The envelope it is signed in.
        richness: The share, from 0 to 1, of optional elements that are present.
    """

    format: Format
    seller: Party
    buyer: Party
    documents: tuple[tuple[str, date], ...]
    progressive: str
    charset: Charset
    wrapping: Wrapping
    richness: float

    @property
    def file_name(self) -> str:
        """The name of the file by the rules of the SDI."""
        return f"{self.seller.vat_number}_{self.progressive}.xml{'' if self.wrapping == 'none' else '.p7m'}"


@dataclass(frozen=True)
class GeneratedInvoice:
    """A generated file and the facts in it.

    Attributes:
        plan: The plan of the file.
        facts: The facts it states.
        root: The document, as nodes.
        xml: The XML as bytes.
        content: The file: the XML, or the signed envelope around it.
    """

    plan: Plan
    facts: Facts
    root: Node
    xml: bytes
    content: bytes

    @property
    def file_name(self) -> str:
        """The name of the file."""
        return self.plan.file_name

    @cached_property
    def leaves(self) -> tuple[tuple[str, str], ...]:
        """Path and text of every leaf with text, in order, e.g. `FatturaElettronicaBody[1]/DatiGenerali[1]/…`.

        Every step is numbered, as in XPath. Those of a signature begin with `ds:Signature`.
        """
        return tuple(leaves(self.root))

    @property
    def text(self) -> str:
        """The XML as text, without a byte order mark.

        Raises:
            ValueError: The file is signed, so it is not text.
        """
        if self.content != self.xml:
            raise ValueError(f"{self.file_name} is not text: it is signed")
        return self.xml.decode(self.plan.charset)

    @property
    def base64(self) -> str:
        """The file in base64, on one line."""
        return base64.b64encode(self.content).decode()


def invoices(seed: int) -> Iterator[GeneratedInvoice]:
    """Yield invoices without end, the same ones for the same seed.

    One in five has everything that its schema allows, and one in five only what it requires.

    Args:
        seed: The seed.
    """
    for index in count():
        draw = Draw(f"{seed}:{index}:plan", 0.5)
        richness = {0: 1.0, 1: 0.0}.get(index % 5, draw.integer(1, 9) / 10)
        yield invoice(f"{seed}:{index}", random_plan(draw, richness))


def random_plan(draw: Draw, richness: float) -> Plan:
    """Return a random plan."""
    chosen = draw.one_of(FORMATS)
    day = draw.day_near(REFERENCE_DAY, 300)
    return Plan(
        format=chosen,
        seller=parties.seller(draw),
        buyer=parties.buyer(draw, public=chosen == PUBLIC),
        documents=tuple((f"{day.year}/{draw.digits(4)}-{part}", day) for part in range(draw.times(1, 3))),
        progressive=draw.digits(5),
        charset=draw.one_of(CHARSETS),
        wrapping=draw.one_of(WRAPPINGS),
        richness=richness,
    )


def invoice(seed: int | str, plan: Plan) -> GeneratedInvoice:
    """Return the file of a plan, the same one for the same seed."""
    draw = Draw(seed, plan.richness)
    recipient_code, recipient_pec = _recipient(draw, plan)
    facts = Facts(
        format=plan.format,
        system=draw.one_of(("sandbox", "Gestionale")) if plan.format != SIMPLIFIED_FORMAT and draw.maybe() else None,
        progressive=plan.progressive,
        recipient_code=recipient_code,
        recipient_pec=recipient_pec,
        seller=plan.seller,
        buyer=plan.buyer,
        bodies=tuple(
            simplified_body(draw, number, day)
            if plan.format == SIMPLIFIED_FORMAT
            else ordinary_body(draw, number, day, public=plan.format == PUBLIC)
            for number, day in plan.documents
        ),
    )
    root = document(facts, draw, draw.one_of(PREFIXES))
    xml = _file_text(root, draw, plan.charset).encode(plan.charset)
    return GeneratedInvoice(plan, facts, root, xml, envelope(xml, draw, plan.wrapping))


def _recipient(draw: Draw, plan: Plan) -> tuple[str, str | None]:
    """Return the recipient code and the certified address."""
    if plan.format == PUBLIC:
        return f"UF{draw.letters(4)}", None
    if plan.buyer.country != parties.ITALY:
        return FOREIGN_RECIPIENT_CODE, None
    if draw.maybe(0.5):
        return f"{draw.letters(3)}{draw.digits(4)}", None
    return NO_RECIPIENT_CODE, email(draw) if draw.maybe() else None


def _file_text(root: Node, draw: Draw, charset: Charset) -> str:
    """Return the XML with its prologue; a declaration may be missing if the encoding is UTF-8."""
    pretty = draw.maybe(0.7)
    name = "windows-1252" if charset == "windows-1252" else draw.one_of(("UTF-8", "utf-8"))
    prologue = [f'<?xml version="1.0" encoding="{name}"?>'] if name == "windows-1252" or draw.maybe(0.9) else []
    prologue += [STYLESHEET] * draw.maybe(0.2) + [COMMENT] * draw.maybe(0.2)
    between = "\n" if pretty else ""
    return between.join((*prologue, to_xml(root, pretty=pretty))) + between
