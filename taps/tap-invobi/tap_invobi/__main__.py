"""The program `tap-invobi`; also `python -m tap_invobi`."""

from __future__ import annotations

from singer_rest_core.program import run_tap

TAP = "tap_invobi.tap:TapInvobi"
"""Where the tap's class is."""


def main() -> None:
    """Run the tap with the arguments of the command line."""
    run_tap("tap-invobi", TAP)


if __name__ == "__main__":
    main()
