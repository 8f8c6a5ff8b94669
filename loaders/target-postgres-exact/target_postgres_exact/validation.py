"""Validates records against their schema, where `validate_records` asks for it, and says in one line what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import InvalidJSONSchema
from singer_sdk.sinks.core import JSONSchemaValidator
from typing_extensions import override

from target_postgres_exact.errors import StreamFailed, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class RecordValidator(JSONSchemaValidator):
    """Validates the records of one stream, but not the formats of texts, as singer-sdk does not for target-postgres.

    Args:
        stream: The stream.
        schema: Its schema.
        key: The names of the key's columns.

    Raises:
        StreamFailed: If the schema is no JSON schema.
    """

    def __init__(self, stream: str, schema: dict[str, Any], key: Sequence[str]) -> None:
        """Check the schema."""
        self._stream = stream
        self._key = key
        try:
            super().__init__(schema)
        except InvalidJSONSchema as error:
            cause: Any = error.__cause__
            place = ".".join(map(str, cause.absolute_path)) or "its top"
            raise StreamFailed(
                stream, f"its SCHEMA message holds no JSON schema, at {place}: {cause.message}; correct the tap."
            ) from None

    @override
    def validate(self, record: dict[str, Any]) -> None:
        """Look at one record.

        Args:
            record: The record.

        Raises:
            StreamFailed: If it is not as the schema says.
        """
        error = next(self.validator.iter_errors(record), None)
        if error is not None:
            raise StreamFailed(
                self._stream, _reason(error), column=_column(error), key=self._key_text(record)
            ) from None

    def _key_text(self, record: Mapping[str, Any]) -> str | None:
        return ", ".join(one_line(str(record.get(name))) for name in self._key) if self._key else None


def _column(error: Any) -> str | None:  # noqa: ANN401 - jsonschema's, which comes with singer-sdk
    return str(error.absolute_path[0]) if error.absolute_path else None


def _reason(error: Any) -> str:  # noqa: ANN401 - jsonschema's, which comes with singer-sdk
    """Return what was expected, and what came instead."""
    if not error.absolute_path:
        return f"the record is not as its schema says: {error.message}"
    inner = ".".join(map(str, list(error.absolute_path)[1:]))
    value = f"{_shown(error.instance)}{f' at {inner}' if inner else ''}"
    if error.validator == "type":
        types = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
        return f"{value} is not of the type in its schema, {' or '.join(types)}"
    return f"{value} does not fit its schema, {error.validator}: {_shown(error.validator_value)}"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | list | dict) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"  # noqa: PLR2004 - as of dates that are none
