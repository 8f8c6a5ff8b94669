"""Errors with a message for the user."""


class PageError(Exception):
    """The page cannot be made; the message says why, and what to do."""
