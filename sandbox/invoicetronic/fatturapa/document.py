"""Builds the XML document from an invoice's facts: the given values of each block, and the root with its prefix."""

from __future__ import annotations

import base64
from itertools import groupby
from typing import TYPE_CHECKING

from sandbox.invoicetronic.fatturapa.blocks import fill_block
from sandbox.invoicetronic.fatturapa.nodes import Node
from sandbox.invoicetronic.fatturapa.ordinary import ORDINARY
from sandbox.invoicetronic.fatturapa.parties import ITALY, name_elements, tax_number
from sandbox.invoicetronic.fatturapa.simplified import SIMPLIFIED
from sandbox.invoicetronic.fatturapa.values import money

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from sandbox.invoicetronic.fatturapa.blocks import Given
    from sandbox.invoicetronic.fatturapa.draw import Draw
    from sandbox.invoicetronic.fatturapa.facts import Body, Discount, Facts, Fund, Line, Payment, VatSummary
    from sandbox.invoicetronic.fatturapa.parties import Party

SIGNATURE_NAMESPACE = "http://www.w3.org/2000/09/xmldsig#"
YES = "SI"
SIMPLIFIED_FORMAT = "FSM10"


def document(facts: Facts, draw: Draw, prefix: str) -> Node:
    """Return the root of a file.

    Args:
        facts: The facts it states.
        draw: Random choices for everything else.
        prefix: The prefix of the root, without a colon. Without a prefix, the root declares its namespace as the
            default, and its children, which have none, undo that.
    """
    if facts.format == SIMPLIFIED_FORMAT:
        schema, body_given = SIMPLIFIED, _simplified_body
        header_given = _simplified_header(facts, buyer_named=draw.maybe())
    else:
        schema, body_given = ORDINARY, _body
        header_given = _header(facts)
    unqualified = None if prefix else {"xmlns": ""}
    header = Node(
        "FatturaElettronicaHeader",
        children=fill_block(schema.header, draw, header_given),
        attributes=unqualified,
    )
    bodies = [
        Node("FatturaElettronicaBody", children=fill_block(schema.body, draw, body_given(body)), attributes=unqualified)
        for body in facts.bodies
    ]
    signature = [_signature(draw)] if draw.maybe(draw.richness / 2) else []
    return Node(
        f"{prefix}:{schema.root}" if prefix else schema.root,
        children=(header, *bodies, *signature),
        attributes=_root_attributes(facts, draw, prefix, schema.namespace),
    )


def _root_attributes(facts: Facts, draw: Draw, prefix: str, namespace: str) -> dict[str, str]:
    attributes = {"versione": facts.format, f"xmlns:{prefix}" if prefix else "xmlns": namespace}
    if facts.system is not None:
        attributes["SistemaEmittente"] = facts.system
    if draw.maybe():
        attributes["xmlns:xsi"] = "http://www.w3.org/2001/XMLSchema-instance"
        attributes["xsi:schemaLocation"] = f"{namespace} Schema_del_file_xml_FatturaPA.xsd"
    return dict(reversed(attributes.items())) if draw.maybe(0.5) else attributes


def _header(facts: Facts) -> Given:
    seller, buyer = facts.seller, facts.buyer
    return {
        "DatiTrasmissione": _transmission(facts),
        "CedentePrestatore": {
            "DatiAnagrafici": {
                "IdFiscaleIVA": tax_number(seller) or {},
                "CodiceFiscale": seller.fiscal_code,
                "Anagrafica": name_elements(seller),
            }
        },
        "CessionarioCommittente": {
            "DatiAnagrafici": {
                "IdFiscaleIVA": tax_number(buyer),
                "CodiceFiscale": buyer.fiscal_code,
                "Anagrafica": name_elements(buyer),
            },
            "Sede": _seat(buyer),
        },
    }


def _simplified_header(facts: Facts, *, buyer_named: bool) -> Given:
    seller, buyer = facts.seller, facts.buyer
    return {
        "DatiTrasmissione": _transmission(facts),
        "CedentePrestatore": {
            "IdFiscaleIVA": tax_number(seller) or {},
            "CodiceFiscale": seller.fiscal_code,
            **name_elements(seller),
        },
        "CessionarioCommittente": {
            "IdentificativiFiscali": {"IdFiscaleIVA": tax_number(buyer), "CodiceFiscale": buyer.fiscal_code},
            "AltriDatiIdentificativi": {**name_elements(buyer), "Sede": _seat(buyer)} if buyer_named else None,
        },
    }


def _transmission(facts: Facts) -> Given:
    return {
        "IdTrasmittente": tax_number(facts.seller) or {},
        "ProgressivoInvio": facts.progressive,
        "FormatoTrasmissione": facts.format,
        "CodiceDestinatario": facts.recipient_code,
        "PECDestinatario": facts.recipient_pec,
    }


def _seat(party: Party) -> Given:
    """Return the given address values. Abroad, the Italian postal code is zeros and there is no province."""
    return {} if party.country == ITALY else {"CAP": "00000", "Provincia": None, "Nazione": party.country}


def _body(body: Body) -> Given:
    return {
        "DatiGenerali": {"DatiGeneraliDocumento": _document(body)},
        "DatiBeniServizi": {
            "DettaglioLinee": [_line(line) for line in body.lines],
            "DatiRiepilogo": [_summary(summary) for summary in body.summaries],
        },
        "DatiPagamento": [
            {"CondizioniPagamento": terms, "DettaglioPagamento": [_payment(payment) for payment in payments]}
            for terms, payments in groupby(body.payments, key=lambda payment: payment.terms)
        ],
    }


def _simplified_body(body: Body) -> Given:
    return {
        "DatiGenerali": {
            "DatiGeneraliDocumento": {
                "TipoDocumento": body.kind,
                "Divisa": body.currency,
                "Data": body.date.isoformat(),
                "Numero": body.number,
            }
        },
        "DatiBeniServizi": [
            {
                "Descrizione": line.description,
                "Importo": money(line.total),
                "DatiIVA": {"Imposta": _money(line.tax), "Aliquota": _money(line.rate)},
                "Natura": line.nature,
                "RiferimentoNormativo": None if line.nature is None else f"Natura {line.nature}",
            }
            for line in body.lines
        ],
    }


def _document(body: Body) -> Given:
    stamp: Given = {"BolloVirtuale": YES, "ImportoBollo": _money(body.stamp_amount)}
    return {
        "TipoDocumento": body.kind,
        "Divisa": body.currency,
        "Data": body.date.isoformat(),
        "Numero": body.number,
        "DatiRitenuta": [
            {
                "TipoRitenuta": withholding.kind,
                "ImportoRitenuta": money(withholding.amount),
                "AliquotaRitenuta": money(withholding.percentage),
                "CausalePagamento": withholding.reason,
            }
            for withholding in body.withholdings
        ],
        "DatiBollo": stamp if body.stamp else None,
        "DatiCassaPrevidenziale": [_fund(fund) for fund in body.funds],
        "ScontoMaggiorazione": _discounts(body.discounts),
        "ImportoTotaleDocumento": _money(body.stated_total),
        "Arrotondamento": _money(body.rounding),
    }


def _fund(fund: Fund) -> Given:
    return {
        "TipoCassa": fund.kind,
        "AlCassa": money(fund.percentage),
        "ImportoContributoCassa": money(fund.contribution),
        "ImponibileCassa": money(fund.base),
        "AliquotaIVA": money(fund.rate),
        "Ritenuta": YES if fund.withheld else None,
        "Natura": fund.nature,
    }


def _line(line: Line) -> Given:
    return {
        "NumeroLinea": str(line.number),
        "Descrizione": line.description,
        "Quantita": _money(line.quantity),
        "UnitaMisura": line.unit,
        "PrezzoUnitario": _money(line.unit_price),
        "ScontoMaggiorazione": _discounts(line.discounts),
        "PrezzoTotale": money(line.total),
        "AliquotaIVA": _money(line.rate),
        "Ritenuta": YES if line.withheld else None,
        "Natura": line.nature,
    }


def _discounts(discounts: Sequence[Discount]) -> list[Given]:
    return [
        {"Tipo": discount.kind, "Percentuale": _money(discount.percentage), "Importo": _money(discount.amount)}
        for discount in discounts
    ]


def _summary(summary: VatSummary) -> Given:
    return {
        "AliquotaIVA": money(summary.rate),
        "Natura": summary.nature,
        "SpeseAccessorie": _money(summary.expenses),
        "Arrotondamento": _money(summary.rounding),
        "ImponibileImporto": money(summary.taxable),
        "Imposta": money(summary.tax),
        "EsigibilitaIVA": summary.due,
        "RiferimentoNormativo": summary.law,
    }


def _payment(payment: Payment) -> Given:
    return {
        "ModalitaPagamento": payment.method,
        "DataScadenzaPagamento": None if payment.due_date is None else payment.due_date.isoformat(),
        "ImportoPagamento": money(payment.amount),
        "IBAN": payment.iban,
    }


def _money(value: Decimal | None) -> str | None:
    return None if value is None else money(value)


def _signature(draw: Draw) -> Node:
    """Return a well-formed XML signature (XAdES) that was made without a key."""
    digest = base64.b64encode(draw.bytes(32)).decode()
    reference = Node(
        "ds:Reference",
        attributes={"URI": ""},
        children=(
            Node("ds:DigestMethod", attributes={"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}),
            Node("ds:DigestValue", digest),
        ),
    )
    method = {"Algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}
    canonical = {"Algorithm": "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}
    signed = (
        Node("ds:CanonicalizationMethod", attributes=canonical),
        Node("ds:SignatureMethod", attributes=method),
        reference,
    )
    return Node(
        "ds:Signature",
        attributes={"xmlns:ds": SIGNATURE_NAMESPACE, "Id": "firma"},
        children=(
            Node("ds:SignedInfo", children=signed),
            Node("ds:SignatureValue", base64.b64encode(draw.bytes(128)).decode()),
        ),
    )
