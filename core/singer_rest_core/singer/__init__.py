"""What Singer and singer-sdk need: messages, bookmarks, deletes, and the names of the SDK that are overridden."""

from singer_rest_core.singer.bookmarks import BOOKMARK, Scope, lower_bound
from singer_rest_core.singer.deletes import DELETED_AT
from singer_rest_core.singer.result import RunResult
from singer_rest_core.singer.writer import ExactWriter
from singer_rest_core.singer.written_list import schema_fingerprint

__all__ = ["BOOKMARK", "DELETED_AT", "ExactWriter", "RunResult", "Scope", "lower_bound", "schema_fingerprint"]
