"""Objects that see the pages of streams while they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from singer_rest_core import Page
    from singer_rest_core.singer import Scope


class ObservedStream(Protocol):
    """A stream, as far as its observers have to know it."""

    name: str
    scope: Scope

    @property
    def read_from(self) -> str | None:
        """The replication value it is read from; None if every row is read."""


class PageObserver(Protocol):
    """Sees the pages that the run reads."""

    def on_page(self, stream: ObservedStream, page: Page) -> None:
        """Look at a page that is about to be written.

        Args:
            stream: Whose page it is.
            page: The page.
        """
