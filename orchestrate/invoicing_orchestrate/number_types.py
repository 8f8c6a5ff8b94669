"""Numbers as options of the command, with errors in plain English."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Any

    _ParamType = click.ParamType[float]
else:
    # In older versions of click it takes no parameter.
    _ParamType = click.ParamType

_LARGEST = 1e8
"""Of what an option counts there is never more; times that are longer cannot be reckoned with."""


class Number(_ParamType):
    """A number of something.

    Args:
        what: What it is a number of, such as `hours`.
        minimum: The smallest one.
        above: Whether it must be more than that.
        whole: Whether it must be a whole number.
    """

    def __init__(self, what: str, minimum: int, *, above: bool = False, whole: bool = False) -> None:
        """Keep what is right."""
        self.minimum, self.above, self.whole = minimum, above, whole
        bound = f"more than {minimum}" if above else f"{minimum} or more"
        self.wanted = f"a {'whole ' if whole else ''}number of {what}, {bound}"
        self.name = "integer" if whole else "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - click's
        """Return the number that a text stands for.

        Args:
            value: The text, or the number itself.
            param: The option.
            ctx: The command.

        Raises:
            click.BadParameter: If it is none, or out of its range.
        """
        try:
            number = int(value) if self.whole else float(value)
        except (ValueError, OverflowError):
            number = math.nan
        is_right = number > self.minimum if self.above else number >= self.minimum
        if not is_right or number > _LARGEST:
            most = f" and {_LARGEST:,.0f} at most" if number > _LARGEST else ""
            self.fail(f"{value!r} is not {self.wanted}{most}", param, ctx)
        return number
