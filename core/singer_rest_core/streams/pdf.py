"""PDFs of the rows of a list, as files with records."""

from __future__ import annotations

from abc import ABC
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from typing_extensions import override

from singer_rest_core.api import body_file, body_start
from singer_rest_core.documents import DOCUMENTS_URL, PDF, DocumentStore, media_type_of, safe_name
from singer_rest_core.streams.per_row import DetailStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from singer_rest_core.records.conform import Record

Entry = TypeVar("Entry")

_SETTING = DOCUMENTS_URL.name


class PdfStream(DetailStream[Entry], ABC, Generic[Entry]):
    """The PDF of each row of a list, kept below the setting `documents_url`; none are fetched where it is not set."""

    requests_documents = True

    folder: str
    """Where in `documents_url` they are kept."""

    has_moved = False
    """Whether `documents_url` is another one than in the run before: then all are fetched again."""

    @override
    def make_records(self) -> Iterator[Record]:
        """Fetch the documents that are due."""
        url = self.config.get(_SETTING)
        if url is None:
            self.logger.info("%s is not set: no documents are fetched", _SETTING)
            self.has_read_all = False
            return
        self.has_moved = self.stream_state.get(_SETTING) != url
        if self.has_moved:
            self.forget_all()
            self.remember(_SETTING, url)
        yield from super().make_records()

    def keep(self, key: str, answer: requests.Response) -> Record | None:
        """Keep a document.

        Args:
            key: The key of its row.
            answer: The document, in a file; it is closed.

        Returns:
            What `DOCUMENT_PROPERTIES` names; None if it is no PDF, which is logged.
        """
        with closing(answer):
            media_type = media_type_of(body_start(answer), answer.headers.get("Content-Type"))
            if media_type != PDF:
                path = answer.request.path_url
                self.logger.warning("GET %s answered with %s instead of a PDF: not kept", path, media_type)
                return None
            name = safe_name(self.folder, key, suffix=".pdf")
            return {**self._store.put(name, body_file(answer), media_type=media_type).record()}

    @cached_property
    def _store(self) -> DocumentStore:
        return DocumentStore(self.config[_SETTING])
