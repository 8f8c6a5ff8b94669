"""The program `tap-invoicetronic`; also `python -m tap_invoicetronic`."""

from __future__ import annotations

from singer_rest_core.program import run_tap

TAP = "tap_invoicetronic.tap:TapInvoicetronic"
"""Where the tap's class is."""


def main() -> None:
    """Run the tap with the arguments of the command line."""
    run_tap("tap-invoicetronic", TAP)


if __name__ == "__main__":
    main()
