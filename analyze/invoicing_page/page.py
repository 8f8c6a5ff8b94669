"""The page: one HTML file with its style, its scripts and its data, which may load nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from invoicing_page.charts import charts
from invoicing_page.encoding import packed
from invoicing_page.javascript import for_html, vega_script
from invoicing_page.sources import MISSING_PARTS, SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = files(__package__) / "page"
_SCRIPTS = (
    "data.js",
    "numbers.js",
    "elements.js",
    "charts.js",
    "filters.js",
    "overview.js",
    "turnover.js",
    "ageing.js",
    "vat.js",
    "budgets.js",
    "payments.js",
    "rejections.js",
    "invoices.js",
    "main.js",
)


def page(content: Mapping[str, Any], title: str) -> str:
    """Return the page.

    Args:
        content: What was read from the marts.
        title: Its heading.

    Returns:
        HTML.
    """
    vega, script, style = vega_script(), _script(), _text("page.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_digest(vega)} {_digest(script)}",
            f"style-src {_digest(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    template = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return template.from_string(_text("page.html")).render(
        title=title, policy=policy, vega=vega, script=script, style=style, content=packed(content)
    )


def _script() -> str:
    """Return the scripts of the page as one, with the charts and what the page knows of systems."""
    constants = {"CHARTS": charts(), "SYSTEMS": SYSTEMS, "MISSING_PARTS": MISSING_PARTS}
    lines = [f"const {name} = {json.dumps(value, ensure_ascii=False)};" for name, value in constants.items()]
    return for_html("\n".join(['"use strict";', "(() => {", *lines, *map(_text, _SCRIPTS), "})();"]))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source expression by which a Content-Security-Policy allows an element with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
