"""FatturaPA documents as rows in PostgreSQL: thousands of invoices whose lines and summaries add up to their totals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

QUARTERS = [f"{year}-Q{quarter}" for year in (2024, 2025, 2026) for quarter in (1, 2, 3, 4)][:-2]

# A document's total is the sum of its VAT summaries, discounts or surcharges on the document, and rounding.
TOTALS = """
    with summaries as (
        select direction, invoicetronic_id, body_number, sum(imponibile_importo + imposta) as amount
        from fattura_vat_summary
        group by direction, invoicetronic_id, body_number
    ), discounts as (
        select direction, invoicetronic_id, body_number,
            sum((entry ->> 'importo')::numeric * case entry ->> 'tipo' when 'MG' then 1 else -1 end) as amount
        from fattura, unnest(sconto_maggiorazione) as entry
        group by direction, invoicetronic_id, body_number
    )
    select count(*) as stated, count(*) filter (
        where importo_totale_documento
            <> summaries.amount + coalesce(discounts.amount, 0) + coalesce(arrotondamento, 0)
    ) as wrong
    from fattura
    left join summaries using (direction, invoicetronic_id, body_number)
    left join discounts using (direction, invoicetronic_id, body_number)
    where importo_totale_documento is not null
"""

# Totals are negative for credit notes (TD04, TD08), and otherwise the amounts of the document.
SIGNED = """
    with summaries as (
        select direction, invoicetronic_id, body_number, sum(imponibile_importo) as taxable, sum(imposta) as tax
        from fattura_vat_summary
        group by direction, invoicetronic_id, body_number
    )
    select count(*) filter (where tipo_documento in ('TD04', 'TD08') and importo_totale < 0) as credit_notes,
        count(*) filter (where importo_totale_calcolato) as computed,
        count(*) filter (
            where importo_totale is null
            or (tipo_documento in ('TD04', 'TD08') and importo_totale > 0)
            or abs(importo_totale) <> abs(coalesce(importo_totale_documento, importo_totale))
            or importo_totale_calcolato <> (importo_totale_documento is null)
            or abs(imponibile_totale) <> abs(taxable) or abs(imposta_totale) <> abs(tax)
        ) as wrong
    from fattura
    left join summaries using (direction, invoicetronic_id, body_number)
"""

# Each discount is of a line, and the rows of blocks add up to the arrays they are made from.
BLOCKS = """
    select
        (select count(*) from fattura_line_discount) as discounts,
        (select count(*) from fattura_line_discount
            left join fattura_line using (direction, invoicetronic_id, body_number, position)
            where fattura_line.position is null) as discounts_without_line,
        (select count(*) from fattura_reference where array_length(riferimento_numero_linea, 1) > 0) as of_lines,
        (select sum(importo_ritenuta) from fattura_withholding)
            - (select sum((entry ->> 'importo_ritenuta')::numeric) from fattura, unnest(dati_ritenuta) as entry)
            as withheld_off,
        (select sum(importo_contributo_cassa) from fattura_pension_fund)
            - (select sum((entry ->> 'importo_contributo_cassa')::numeric)
                from fattura, unnest(dati_cassa_previdenziale) as entry)
            as contributed_off
"""

# The taxable amount of a rate is the sum of its lines, pension fund contributions, expenses and rounding.
TAXED = """
    with parts as (
        select direction, invoicetronic_id, body_number, aliquota_iva, natura, prezzo_totale as amount from fattura_line
        union all
        select direction, invoicetronic_id, body_number, (entry ->> 'aliquota_iva')::numeric, entry ->> 'natura',
            (entry ->> 'importo_contributo_cassa')::numeric
        from fattura, unnest(dati_cassa_previdenziale) as entry
        union all
        select direction, invoicetronic_id, body_number, aliquota_iva, natura,
            coalesce(spese_accessorie, 0) + coalesce(arrotondamento, 0) - imponibile_importo
        from fattura_vat_summary
    )
    select direction, invoicetronic_id, body_number, aliquota_iva, natura, sum(amount) as off
    from parts
    join fattura using (direction, invoicetronic_id, body_number)
    where formato_trasmissione <> 'FSM10'
    group by direction, invoicetronic_id, body_number, aliquota_iva, natura
    having sum(amount) <> 0
"""

# A simplified invoice has no totals: VAT is inside its lines.
SIMPLIFIED = """
    with lines as (
        select direction, invoicetronic_id, body_number, sum(importo) as amount
        from fattura_line
        group by direction, invoicetronic_id, body_number
    ), summaries as (
        select direction, invoicetronic_id, body_number, sum(imponibile_importo + imposta) as amount
        from fattura_vat_summary
        group by direction, invoicetronic_id, body_number
    )
    select count(*) as simplified, count(*) filter (where lines.amount <> summaries.amount) as wrong
    from fattura
    join lines using (direction, invoicetronic_id, body_number)
    join summaries using (direction, invoicetronic_id, body_number)
    where formato_trasmissione = 'FSM10'
"""


def test_totals_add_up_in_the_warehouse_over_thousands_of_invoices(pipeline: Pipeline, tmp_path: Path) -> None:
    with running_sandbox(scale=0.02, scales={"invoicetronic": 4}) as sandbox:
        pipeline = replace(
            pipeline,
            tap="tap-invoicetronic",
            environment={
                **pipeline.environment,
                "SANDBOX_URL": sandbox.url,
                "TAP_INVOICETRONIC_PAYLOADS": "none",
                "TAP_INVOICETRONIC_PAYLOAD_LIMIT": "100000",
                "TAP_INVOICETRONIC_EXPORT_PERIODS": json.dumps(QUARTERS),
            },
        )
        code, output = pipeline.run()
        assert code == 0, output
        account = sandbox.admin.system("invoicetronic/test")
        assert account.get("reads")["exports"] == len(QUARTERS)
        received = {row["id"] for row in account.records("receive")}

    (counts,) = pipeline.rows(TOTALS)
    assert counts["stated"] > 2000
    assert counts["wrong"] == 0
    assert pipeline.rows(TAXED) == []
    (counts,) = pipeline.rows(SIMPLIFIED)
    assert counts["simplified"] > 200
    assert counts["wrong"] == 0

    (counts,) = pipeline.rows(SIGNED)
    assert counts["credit_notes"] > 50
    assert counts["computed"] > 200
    assert counts["wrong"] == 0
    (counts,) = pipeline.rows(BLOCKS)
    assert counts["discounts"] > 1000
    assert counts["of_lines"] > 100
    assert (counts["discounts_without_line"], counts["withheld_off"], counts["contributed_off"]) == (0, 0, 0)

    joined = pipeline.rows("""
        select distinct receive.id from receive
        join fattura on direction = 'receive' and invoicetronic_id = receive.id
        join fattura_line using (direction, invoicetronic_id, body_number)
    """)
    assert {row["id"] for row in joined} == received
    (kept,) = pipeline.rows("select count(*) as documents from document where direction is not null")
    files = [path for path in (tmp_path / "documents" / "invoicetronic").rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix != ".zip"]) == kept["documents"] > 2000
