"""Error answers: problem details in both documented formats, in three languages."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, TypeAlias

from sandbox.gateway import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.json_types import JsonObject

Language: TypeAlias = Literal["it", "en", "de"]
Shape: TypeAlias = Literal["problem", "wrapped"]
"""RFC 7807, as documented today, or the wrapper documented until SDK 1.5."""

PROBLEM = "application/problem+json"
LANGUAGES: tuple[Language, ...] = ("it", "en", "de")

TYPES = {
    400: "https://tools.ietf.org/html/rfc9110#section-15.5.1",
    401: "https://tools.ietf.org/html/rfc9110#section-15.5.2",
    403: "https://tools.ietf.org/html/rfc9110#section-15.5.4",
    404: "https://tools.ietf.org/html/rfc9110#section-15.5.5",
    405: "https://tools.ietf.org/html/rfc9110#section-15.5.6",
    429: "https://tools.ietf.org/html/rfc6585#section-4",
}

TEXTS: dict[str, dict[Language, str]] = {
    "unauthorized": {
        "it": "Chiave API mancante o non valida",
        "en": "Missing or invalid API key",
        "de": "API-Schlüssel fehlt oder ist ungültig",
    },
    "not_permitted": {
        "it": "La chiave non ha accesso a {0}",
        "en": "The key has no access to {0}",
        "de": "Der Schlüssel hat keinen Zugriff auf {0}",
    },
    "operations": {
        "it": "Operazioni esaurite",
        "en": "No operations left",
        "de": "Keine Vorgänge mehr übrig",
    },
    "not_found": {"it": "Non trovato", "en": "Not found", "de": "Nicht gefunden"},
    "read_only": {
        "it": "La sandbox risponde solo a GET",
        "en": "The sandbox answers GET only",
        "de": "Die Sandbox antwortet nur auf GET",
    },
    "too_many": {"it": "Troppe richieste", "en": "Too many requests", "de": "Zu viele Anfragen"},
    "exporting": {
        "it": "Un'esportazione è già in corso",
        "en": "An export is already being processed",
        "de": "Ein Export läuft bereits",
    },
    "value": {
        "it": "{0}: valore non valido",
        "en": "{0}: invalid value",
        "de": "{0}: ungültiger Wert",
    },
    "page_size": {
        "it": "page_size non può superare {0}",
        "en": "page_size cannot be greater than {0}",
        "de": "page_size darf nicht größer als {0} sein",
    },
    "sort": {
        "it": "Ordinamento per {0} non possibile",
        "en": "Cannot sort by {0}",
        "de": "Sortieren nach {0} nicht möglich",
    },
    "period": {
        "it": "Indicare year e month, year e quarter, oppure document_date_from e document_date_to",
        "en": "Give year and month, year and quarter, or document_date_from and document_date_to",
        "de": "year und month, year und quarter oder document_date_from und document_date_to angeben",
    },
}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *names: object,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Create an error answer.

        Args:
            status: The HTTP status.
            message: A key of `TEXTS`.
            names: Values for the placeholders of the text.
            code: The machine-readable extension field, where one is documented.
            headers: Headers of this answer.
        """
        super().__init__(f"{status} {message}")
        self.status = status
        self.code = code
        self._message = message
        self._names = names
        self._headers = headers or {}

    def detail(self, language: Language) -> str:
        """Return the reason as text."""
        return TEXTS[self._message][language].format(*self._names)

    def reply(self, language: Language, shape: Shape) -> Reply:
        """Return the answer."""
        problem: JsonObject = {
            "type": TYPES[self.status],
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail(language),
        }
        if self.code is not None:
            problem["code"] = self.code
        body: JsonObject = problem
        if shape == "wrapped":
            body = {"problem_details": problem, "content_type": PROBLEM, "status_code": self.status}
        return Reply(body, self.status, self._headers, PROBLEM)


class NotFoundError(Exception):
    """The row does not exist: 404 without a body, as none is documented."""


def parse_language(accept_language: str) -> Language:
    """Return the first supported language in Accept-Language; the default is Italian."""
    for part in accept_language.split(","):
        requested = part.split(";")[0].strip().lower().partition("-")[0]
        for language in LANGUAGES:
            if requested == language:
                return language
    return "it"


def invalid(name: str) -> Refused:
    """Return the error for a parameter value that cannot be parsed."""
    return Refused(400, "value", name)


def not_permitted(resource: str) -> Refused:
    """Return the error for a restricted key without permission. The code is documented for /subkey alone."""
    return Refused(403, "not_permitted", resource, code="subkey_not_allowed")


def no_operations_left() -> Refused:
    """Return the error for a balance that does not cover the request."""
    return Refused(403, "operations", code="usage_limit_exceeded")
