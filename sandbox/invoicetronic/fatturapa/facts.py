"""The facts an invoice is generated from, to compare with what was parsed from its XML.

Amounts are decimals with as many places as in the XML; a fact that is None is absent from the XML. Docstrings give the
names of the elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from sandbox.invoicetronic.fatturapa.parties import Party

Format: TypeAlias = Literal["FPR12", "FPA12", "FSM10"]
"""To private parties, to public administration, simplified."""


@dataclass(frozen=True)
class Discount:
    """ScontoMaggiorazione.

    Attributes:
        kind: `Tipo`: SC is a discount, MG a surcharge.
        percentage: `Percentuale`, of the price.
        amount: `Importo`, of one unit, or of the whole document if it belongs to that.
    """

    kind: Literal["SC", "MG"]
    percentage: Decimal | None
    amount: Decimal | None


@dataclass(frozen=True)
class Line:
    """DettaglioLinee; in a simplified invoice DatiBeniServizi.

    Attributes:
        number: `NumeroLinea`; in a simplified invoice, which has none, the position from 1.
        description: `Descrizione`.
        quantity: `Quantita`; one if it is not stated.
        unit: `UnitaMisura`.
        unit_price: `PrezzoUnitario`; None in a simplified invoice.
        discounts: `ScontoMaggiorazione`, applied one after the other.
        total: `PrezzoTotale`, without VAT; in a simplified invoice `Importo`, VAT included.
        rate: `AliquotaIVA`; in a simplified invoice `Aliquota`.
        nature: `Natura`: why there is no VAT.
        withheld: Whether `Ritenuta` is SI.
        tax: `Imposta`, only in a simplified invoice.
    """

    number: int
    description: str
    quantity: Decimal | None
    unit: str | None
    unit_price: Decimal | None
    discounts: tuple[Discount, ...]
    total: Decimal
    rate: Decimal | None
    nature: str | None
    withheld: bool
    tax: Decimal | None


@dataclass(frozen=True)
class Fund:
    """DatiCassaPrevidenziale: a pension fund contribution, charged to the customer and part of the taxable amount.

    Attributes:
        kind: `TipoCassa`.
        percentage: `AlCassa`.
        contribution: `ImportoContributoCassa`.
        base: `ImponibileCassa`.
        rate: `AliquotaIVA`.
        nature: `Natura`.
        withheld: Whether `Ritenuta` is SI.
    """

    kind: str
    percentage: Decimal
    contribution: Decimal
    base: Decimal
    rate: Decimal
    nature: str | None
    withheld: bool


@dataclass(frozen=True)
class Withholding:
    """DatiRitenuta: what the customer withholds for the tax office.

    Attributes:
        kind: `TipoRitenuta`.
        amount: `ImportoRitenuta`.
        percentage: `AliquotaRitenuta`.
        reason: `CausalePagamento`.
    """

    kind: str
    amount: Decimal
    percentage: Decimal
    reason: str


@dataclass(frozen=True)
class VatSummary:
    """DatiRiepilogo: `taxable` is the sum of the lines and funds of this rate and nature, `expenses` and `rounding`.

    Attributes:
        rate: `AliquotaIVA`.
        nature: `Natura`.
        expenses: `SpeseAccessorie`.
        rounding: `Arrotondamento`: what rounds the sum to cents.
        taxable: `ImponibileImporto`.
        tax: `Imposta`: `rate` percent of `taxable`, rounded half up.
        due: `EsigibilitaIVA`: I immediately, D later, S paid to the tax office by the customer.
        law: `RiferimentoNormativo`.
    """

    rate: Decimal
    nature: str | None
    expenses: Decimal | None
    rounding: Decimal | None
    taxable: Decimal
    tax: Decimal
    due: Literal["I", "D", "S"] | None
    law: str | None


@dataclass(frozen=True)
class Payment:
    """DettaglioPagamento.

    Attributes:
        terms: `CondizioniPagamento` of its DatiPagamento.
        method: `ModalitaPagamento`.
        due_date: `DataScadenzaPagamento`.
        amount: `ImportoPagamento`.
        iban: `IBAN`.
    """

    terms: Literal["TP01", "TP02", "TP03"]
    method: str
    due_date: date | None
    amount: Decimal
    iban: str | None


@dataclass(frozen=True)
class Body:
    """FatturaElettronicaBody: one document.

    Attributes:
        kind: `TipoDocumento`.
        currency: `Divisa`.
        date: `Data`.
        number: `Numero`.
        lines: Its lines.
        funds: Its contributions to pension funds.
        summaries: Its VAT summaries; none in a simplified invoice.
        discounts: `ScontoMaggiorazione` on the whole document, each with an amount.
        withholdings: Its withholdings.
        stamp: Whether `DatiBollo` is present. A stamp that the customer pays is a line of nature N1.
        stamp_amount: `ImportoBollo`.
        rounding: `Arrotondamento` of the whole document.
        total: The sum of taxable amounts, VAT, discounts and rounding; for a simplified invoice, of the lines.
        stated_total: `ImportoTotaleDocumento`: the total, or None if it is not stated.
        payments: Its payments, which add up to the total minus withholdings and minus VAT of due S.
    """

    kind: str
    currency: str
    date: date
    number: str
    lines: tuple[Line, ...]
    funds: tuple[Fund, ...]
    summaries: tuple[VatSummary, ...]
    discounts: tuple[Discount, ...]
    withholdings: tuple[Withholding, ...]
    stamp: bool
    stamp_amount: Decimal | None
    rounding: Decimal | None
    total: Decimal
    stated_total: Decimal | None
    payments: tuple[Payment, ...]


@dataclass(frozen=True)
class Facts:
    """One file.

    Attributes:
        format: `FormatoTrasmissione` and the attribute `versione`.
        system: The attribute `SistemaEmittente`.
        progressive: `ProgressivoInvio`.
        recipient_code: `CodiceDestinatario`.
        recipient_pec: `PECDestinatario`.
        seller: `CedentePrestatore`.
        buyer: `CessionarioCommittente`.
        bodies: Its documents, one or more.
    """

    format: Format
    system: str | None
    progressive: str
    recipient_code: str
    recipient_pec: str | None
    seller: Party
    buyer: Party
    bodies: tuple[Body, ...]
