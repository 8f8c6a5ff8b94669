"""Taps into the project's loader and a real PostgreSQL, while what they are sent is hostile, or secret."""
