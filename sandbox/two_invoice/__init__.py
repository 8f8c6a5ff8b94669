"""2invoice, as far as it is publicly known."""
