"""Documents that accompany records: the store, document names, media types and ZIP archives."""

from singer_rest_core.documents.location import DocumentsUnusable
from singer_rest_core.documents.media_types import (
    HTML,
    PDF,
    PKCS7,
    UNKNOWN,
    XML,
    ZIP,
    NotBase64,
    from_base64,
    media_type_of,
)
from singer_rest_core.documents.names import safe_name
from singer_rest_core.documents.store import (
    DOCUMENT_PROPERTIES,
    DOCUMENTS_URL,
    Document,
    DocumentStore,
    documents_url_errors,
)
from singer_rest_core.documents.zip_archives import ArchiveRefused, Member, members

__all__ = [
    "DOCUMENTS_URL",
    "DOCUMENT_PROPERTIES",
    "HTML",
    "PDF",
    "PKCS7",
    "UNKNOWN",
    "XML",
    "ZIP",
    "ArchiveRefused",
    "Document",
    "DocumentStore",
    "DocumentsUnusable",
    "Member",
    "NotBase64",
    "documents_url_errors",
    "from_base64",
    "media_type_of",
    "members",
    "safe_name",
]
