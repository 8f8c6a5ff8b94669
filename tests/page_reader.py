"""A reader of the page in a real Chromium, which tests that are marked `browser` need."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tests.generated_marts import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

    from tests.generated_marts import Marts

WIDE, PHONE = (1280, 900), (390, 844)
Cells = list[Decimal]

_TABLE = """
    caption => {
      const table = [...document.querySelectorAll("table")].find(each => each.caption?.textContent.match(caption));
      return [...table.querySelectorAll(":scope > tbody > tr:not(.behind), :scope > tfoot > tr")].map(row => [
        [...row.children].filter(cell => !cell.querySelector("data")).map(cell => cell.textContent).join(" | "),
        [...row.querySelectorAll("data")].map(each => each.value)]);
    }
"""


@dataclass
class Reader:
    """A reader with the page open.

    Args:
        page: The page in the browser.
        faults: Errors of the console, and addresses that were asked for.
    """

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def query(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the database finds."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def choose(self, **filters: str) -> None:
        """Set filters by what is written in the form."""
        for name, value in filters.items():
            if name == "party":
                self.page.fill("#party", value)
                self.page.dispatch_event("#party", "change")
            else:
                self.page.select_option(f"#{name}", label=value)

    def table(self, caption: str) -> dict[str, Cells]:
        """Return the numbers of the table with a caption (a regular expression), by the texts of its rows."""
        rows = self.page.evaluate(_TABLE, caption)
        found = {text: [Decimal(value) for value in values] for text, values in rows}
        assert len(found) == len(rows), "two rows have the same texts"
        return found

    def unfold(self) -> None:
        """Open all that is folded."""
        self.page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")

    def card(self, name: str) -> Cells:
        """Return the numbers of one of the cards at the top."""
        return [
            Decimal(each)
            for each in self.page.eval_on_selector_all(f"#card-{name} data", "all => all.map(each => each.value)")
        ]

    def bars(self, part: str) -> list[str]:
        """Return what the bars of a chart are labelled with."""
        labels: list[str] = self.page.eval_on_selector_all(
            f"#{part} .chart path[aria-label]", "all => all.map(each => each.getAttribute('aria-label'))"
        )
        return labels


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    # This module is a plugin of all tests, of which few need it.
    from scripts.chromium import chromium  # noqa: PLC0415

    with chromium() as started:
        yield started


def new_database(postgres: str, name: str, marts: Marts) -> str:
    """Make a database with marts."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = postgres.replace("/postgres?", f"/{name}?")
    marts.write(url)
    return url


@contextmanager
def opened(
    browser: Browser,
    file: Path,
    url: str = "",
    *,
    size: tuple[int, int] = WIDE,
    locale: str = "en-GB",
    **more: Any,  # noqa: ANN401
) -> Iterator[Reader]:
    """Open a page twenty minutes after it was made, and assert in the end that it was shown without a fault."""
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=locale, timezone_id="UTC", **more
    ) as context:
        page = context.new_page()
        page.clock.set_fixed_time(NOW + timedelta(minutes=20))
        reader = Reader(page, url)

        def on_message(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                reader.faults.append(message.text)

        def on_dialog(dialog: Dialog) -> None:
            reader.faults.append(dialog.message)
            dialog.dismiss()

        def on_request(request: Request) -> None:
            if request.url != file.as_uri() and not request.url.startswith("data:"):
                reader.faults.append(request.url)

        page.on("console", on_message)
        page.on("pageerror", lambda error: reader.faults.append(str(error)))
        page.on("dialog", on_dialog)
        page.on("request", on_request)
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-state]")
        yield reader
        assert page.get_attribute("html", "data-state") == "ready"
        assert reader.faults == []
