"""The site: pages that stand elsewhere in the repository, and links between them. `make lint` builds it strictly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from mkdocs.config import load_config

from scripts import site_pages
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def moved(place: str, markdown: str) -> str:
    """Return what a page of the site says."""
    page: Any = SimpleNamespace(file=SimpleNamespace(src_uri=place))
    anything: Any = None
    return site_pages.on_page_markdown(markdown, page, anything, anything)


@pytest.mark.parametrize(
    ("place", "link", "expected"),
    [
        ("index.md", "[x](../taps/tap-invobi/README.md)", "[x](taps/tap-invobi.md)"),
        ("running-it.md", "[x](every-night.md#cron)", "[x](every-night.md#cron)"),
        ("taps/tap-invobi.md", "[x](../../docs/architecture.md)", "[x](../architecture.md)"),
        ("orchestrate.md", "[x](../CHANGELOG.md)", "[x](changelog.md)"),
        ("index.md", "[x](../sandbox/README.md)", "x (`sandbox/README.md`)"),
        ("index.md", "[x](https://example.com/a.md)", "[x](https://example.com/a.md)"),
        ("index.md", "[x](#below)", "[x](#below)"),
    ],
)
def test_links_lead_to_where_pages_are_in_the_site(place: str, link: str, expected: str) -> None:
    assert moved(place, link) == expected


def test_every_page_has_a_place_also_one_that_nobody_has_given_one(tmp_path: Path) -> None:
    for path in (ROOT / "docs").glob("*.md"):
        (tmp_path / path.name).write_text("", encoding="utf-8")
    (tmp_path / "new-page.md").write_text("", encoding="utf-8")
    config = load_config(str(ROOT / "mkdocs.yml"), docs_dir=str(tmp_path))
    nav = str(site_pages.on_config(config).nav)
    assert "{'More': ['new-page.md']}" in nav
    assert all(path.name in nav for path in tmp_path.glob("*.md"))
    assert all(place in nav for place in site_pages.sources())
