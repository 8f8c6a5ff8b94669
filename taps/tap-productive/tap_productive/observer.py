"""What a stream shows of its pages to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_productive.client import ProductiveStream


class Observer(Protocol):
    """Sees what the run reads."""

    def see(self, stream: ProductiveStream, rows: Sequence[Any]) -> None:
        """Take note of a page that is about to be written.

        Args:
            stream: Whose page; its `column` gives the values.
            rows: Its rows.
        """
