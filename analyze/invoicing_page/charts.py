"""The charts, as Vega-Lite by Altair. The page gives each its rows, with texts as the reader's locale writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Mapping

    Chart = alt.TopLevelMixin

ROWS = "rows"
"""The name of the data that the page sets."""
_AMOUNTS = alt.Axis(title=None, formatType="compactAmount", tickCount=5, domain=False, ticks=False)
_MONTHS = alt.Axis(title=None, labelAngle=0, labelOverlap=True, labelSeparation=8, ticks=False, grid=False)
_NAMES = alt.Axis(title=None, ticks=False, domain=False, grid=False, labelLimit=140)
_IN_ORDER = None
"""As the rows come."""


def charts() -> dict[str, dict[str, Any]]:
    """Return the specification of each chart, by its name."""
    return {name: _specification(chart) for name, chart in _CHARTS.items()}


def _specification(chart: Chart) -> dict[str, Any]:
    specification: dict[str, Any] = chart.to_dict()
    # Both name an address, which the page has no use for; the configuration is that of the reader's colours.
    specification.pop("$schema", None)
    specification.pop("config", None)
    return specification


def _tooltip(name: str, group: str, text: str) -> list[alt.Tooltip]:
    """Return what is shown of a bar: the fields `name`, `group` and `text` of its row, with these titles."""
    titles = {"name": name, "group": group, "text": text}
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]


def _by_month(amount: str) -> Chart:
    """Return a bar for each month, stacked by group. Colours are a field: they go with a group, not with its place."""
    chart: Chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=260)
        .mark_bar()
        .encode(
            x=alt.X("name:O", sort=_IN_ORDER, axis=_MONTHS, scale=alt.Scale(paddingInner=0.25)),
            y=alt.Y("amount:Q", axis=_AMOUNTS),
            color=alt.Color("color:N", scale=_IN_ORDER),
            order=alt.Order("place:Q"),
            tooltip=_tooltip("Month", amount, "Amount"),
        )
    )
    return chart


def _ageing() -> Chart:
    """Return a bar for each bucket."""
    chart: Chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=200)
        .mark_bar()
        .encode(
            y=alt.Y("name:O", sort=_IN_ORDER, axis=_NAMES, scale=alt.Scale(paddingInner=0.35)),
            x=alt.X("amount:Q", axis=_AMOUNTS),
            color=alt.Color("color:N", scale=_IN_ORDER),
            tooltip=_tooltip("Due", "Invoices", "Open"),
        )
    )
    return chart


def _vat() -> Chart:
    """Return two bars for each month: VAT on sales and on purchases."""
    chart: Chart = (
        alt.Chart(alt.NamedData(ROWS), width="container", height=240)
        .mark_bar()
        .encode(
            x=alt.X("name:O", sort=_IN_ORDER, axis=_MONTHS, scale=alt.Scale(paddingInner=0.3)),
            xOffset=alt.XOffset("group:N", sort=_IN_ORDER),
            y=alt.Y("amount:Q", axis=_AMOUNTS),
            color=alt.Color("color:N", scale=_IN_ORDER),
            tooltip=_tooltip("Month", "Kind", "VAT"),
        )
    )
    return chart


def _budgets() -> Chart:
    """Return for each budget how far it is invoiced and worked, as a share of it; the height is that of one."""
    share = alt.Axis(title=None, format="%", tickCount=5, domain=False, ticks=False)
    base = alt.Chart(alt.NamedData(ROWS), width="container", height=34).encode(
        y=alt.Y("name:O", sort=_IN_ORDER, axis=_NAMES, scale=alt.Scale(paddingInner=0.3)),
        x=alt.X("share:Q", axis=share),
        tooltip=_tooltip("Budget", "Kind", "Amount"),
    )
    return alt.layer(
        base.transform_filter("datum.kind == 'invoiced'")
        .mark_bar(height=16)
        .encode(color=alt.Color("color:N", scale=None)),
        base.transform_filter("datum.kind == 'worked'")
        .mark_tick(thickness=3, size=22)
        .encode(color=alt.Color("color:N", scale=None)),
        alt.Chart(alt.NamedData(ROWS)).mark_rule(strokeDash=[4, 3], aria=False).encode(x=alt.datum(1)),
    )


_CHARTS: Mapping[str, Chart] = {
    "turnover": _by_month("System"),
    "ageing": _ageing(),
    "vat": _vat(),
    "budgets": _budgets(),
    "payments": _by_month("Paid"),
}
