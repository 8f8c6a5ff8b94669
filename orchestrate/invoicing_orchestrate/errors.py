"""Errors with a message for the user."""


class ProjectError(Exception):
    """The project cannot be run; the message says why, and what to do."""


class Unreachable(ProjectError):
    """A database cannot be reached; the message says which and why, without its password."""


class PostFailed(Exception):
    """A message was not taken; the reason names the host, as the rest of the address may be secret."""


class Busy(Exception):
    """An account cannot be loaded now, as it is being loaded, or others of its quota group are."""
