"""The program `tap-productive`; also `python -m tap_productive`."""

from __future__ import annotations

from singer_rest_core.program import run_tap

TAP = "tap_productive.tap:TapProductive"
"""Where the tap's class is."""


def main() -> None:
    """Run the tap with the arguments of the command line."""
    run_tap("tap-productive", TAP)


if __name__ == "__main__":
    main()
