"""PDFs of the rows of a list, as files with records."""

from __future__ import annotations

from abc import ABC
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from singer_rest_core.documents import DOCUMENTS_URL, PDF, DocumentStore, media_type_of, safe_name
from singer_rest_core.streams.per_row import DetailStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from singer_rest_core.records.conform import Record

Note = TypeVar("Note")

_SETTING = DOCUMENTS_URL.name


class PdfStream(DetailStream[Note], ABC, Generic[Note]):
    """The PDF of each row of a list, kept below the setting `documents_url`; none are fetched where it is not set."""

    asks_for_documents = True

    folder: str
    """Where in `documents_url` they are kept."""

    in_new_place = False
    """Whether they shall be kept in another place than in the run before: then all are fetched again."""

    def make_records(self) -> Iterator[Record]:
        """Fetch the documents that are due.

        Yields:
            Raw records.
        """
        url = self.config.get(_SETTING)
        if url is None:
            self.logger.info("%s is not set: no documents are fetched", _SETTING)
            self.has_read_all = False
            return
        self.in_new_place = self.stream_state.get(_SETTING) != url
        if self.in_new_place:
            self.forget_all()
            self.remember(_SETTING, url)
        yield from super().make_records()

    def keep(self, key: str, answer: requests.Response) -> Record | None:
        """Keep a document.

        Args:
            key: The key of its row.
            answer: The document.

        Returns:
            What `DOCUMENT_PROPERTIES` names; None if it is no PDF, which is said.
        """
        media_type = media_type_of(answer.content, answer.headers.get("Content-Type"))
        if media_type != PDF:
            path = answer.request.path_url
            self.logger.warning("GET %s answered with %s instead of a PDF: not kept", path, media_type)
            return None
        name = safe_name(self.folder, key, suffix=".pdf")
        return {**self._store.put(name, answer.content, media_type=media_type).record()}

    @cached_property
    def _store(self) -> DocumentStore:
        return DocumentStore(self.config[_SETTING])
