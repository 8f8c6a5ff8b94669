"""Vega, Vega-Lite and Vega-Embed as one script, which vl-convert brings along: nothing is fetched."""

from __future__ import annotations

import re
from functools import cache

import altair as alt
import vl_convert

_SNIPPET = "window.vegaEmbed = vegaEmbed;"
_ADDRESSES = re.compile(r"https://(?:vega\.github\.io|github\.com)/[^\s\"'`]*")
"""Of the editor, the schemas and an issue: for messages and a menu that the page does not have."""


@cache
def vega_script() -> str:
    """Return the script, which sets `vegaEmbed` and nothing else; making it takes some seconds."""
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    bundle: str = vl_convert.javascript_bundle(_SNIPPET, vl_version=version)
    # A bundle is a module, whose names are its own.
    return for_html(f'(() => {{ "use strict"; {_ADDRESSES.sub("", bundle)} }})();')


def for_html(script: str) -> str:
    """Return a script that means the same and does not end the element it is in.

    Args:
        script: JavaScript in which `</script` and `<!--` are in texts alone.
    """
    return script.replace("</script", r"<\/script").replace("<!--", r"<\!--")
