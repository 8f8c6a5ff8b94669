"""The Chromium of this machine, which Playwright drives: for the tests of the page, and for its pictures."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

VARIABLE = "CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW = (
    "install one (Debian and Ubuntu: apt-get install chromium; elsewhere: .venv/bin/playwright install chromium), "
    f"or name its program in the variable {VARIABLE}"
)


class NoChromium(Exception):
    """There is none here; the message says how to get one."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium without a window.

    Raises:
        NoChromium: If there is none.
    """
    program = os.environ.get(VARIABLE) or next(filter(None, map(shutil.which, _NAMES)), None)
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        try:
            # Without a program, it is the one that Playwright itself has installed.
            browser = playwright.chromium.launch(executable_path=program, args=arguments)
        except Error as error:
            raise NoChromium(
                f"There is no Chromium that starts here ({error.message.splitlines()[0]}): {HOW}"
            ) from None
        try:
            yield browser
        finally:
            browser.close()
