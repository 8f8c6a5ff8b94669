"""The program `tap-covage`; also `python -m tap_covage`."""

from __future__ import annotations

from singer_rest_core.program import run_tap

TAP = "tap_covage.tap:TapCovage"
"""Where the tap's class is."""


def main() -> None:
    """Run the tap with the arguments of the command line."""
    run_tap("tap-covage", TAP)


if __name__ == "__main__":
    main()
