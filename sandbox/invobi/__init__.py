"""Invobi, as documented."""
