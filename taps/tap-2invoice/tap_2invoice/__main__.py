"""The program `tap-2invoice`; also `python -m tap_2invoice`."""

from __future__ import annotations

from singer_rest_core.program import run_tap

TAP = "tap_2invoice.tap:Tap2Invoice"
"""Where the tap's class is."""


def main() -> None:
    """Run the tap with the arguments of the command line."""
    run_tap("tap-2invoice", TAP)


if __name__ == "__main__":
    main()
