"""2invoice as far as anybody outside knows it."""
