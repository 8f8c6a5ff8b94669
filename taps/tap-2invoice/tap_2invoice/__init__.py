"""Singer tap for 2invoice."""
