"""The errors of a load, each of which is one line for the user."""

from __future__ import annotations

from singer_sdk.exceptions import MissingKeyPropertiesError, RecordsWithoutSchemaException


class LoadFailed(Exception):
    """The whole run cannot go on, or has ended without all that it was sent."""


class StreamFailed(Exception):
    """One stream cannot be loaded; the others can.

    Args:
        stream: The stream.
        reason: What is wrong, and what to do; one line.
        column: The column, if it is one.
        key: The key of the row, if it is one.
    """

    def __init__(self, stream: str, reason: str, *, column: str | None = None, key: str | None = None) -> None:
        """Put the line together."""
        places = [f"Stream '{stream}'"]
        if column is not None:
            places.append(f"column '{column}'")
        if key is not None:
            places.append(f"key {key}")
        super().__init__(f"{', '.join(places)}: {one_line(reason)}")


class SchemaMissing(StreamFailed, RecordsWithoutSchemaException):
    """A message of a stream came before its SCHEMA; singer-sdk has a class for that."""


class KeyMissing(StreamFailed, MissingKeyPropertiesError):
    """A record has no value for its key; singer-sdk has a class for that."""


class LoadFailedBySchema(LoadFailed, RecordsWithoutSchemaException):
    """The run has ended without a stream whose SCHEMA was missing."""


class LoadFailedByKey(LoadFailed, MissingKeyPropertiesError):
    """The run has ended without a stream in which a key was missing."""


def summary_class(failure: Exception) -> type[LoadFailed]:
    """Return the class of the error that ends a run, so that callers of singer-sdk still see its kind.

    Args:
        failure: What its one stream failed with.
    """
    if isinstance(failure, RecordsWithoutSchemaException):
        return LoadFailedBySchema
    return LoadFailedByKey if isinstance(failure, MissingKeyPropertiesError) else LoadFailed


class Misfit(Exception):
    """A value that COPY cannot write into its column in the way that target-postgres writes it."""


_LONGEST = 600


def one_line(text: str) -> str:
    """Return a text without line breaks, and not longer than a log can bear.

    Args:
        text: Any text.
    """
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST else f"{joined[:_LONGEST]}…"
