"""What is wrong with the members of a message, in words: singer-sdk drops a record that is null, fails on others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST_LETTERS = 80


def message_fault(kind: str, message: Mapping[str, Any]) -> str:
    """Return why a message of a stream cannot be handled; empty if nothing is wrong with its members.

    Args:
        kind: Its type.
        message: The message.
    """
    return _FAULTS[kind](message)


def shown(text: str) -> str:
    """Return the beginning of something that was read, in quotes, as one line.

    Args:
        text: Any text.
    """
    cut = text if len(text) <= _FIRST_LETTERS else f"{text[:_FIRST_LETTERS]}…"
    return f"'{' '.join(cut.split())}'"


def in_words(value: object) -> str:
    """Return what kind of JSON a value is.

    Args:
        value: JSON as Python has it.
    """
    if value is None:
        return "null"
    kinds = ((bool, "true or false"), (str, "a text"), (list, "a list"), (dict, "an object"))
    return next((words for kind, words in kinds if isinstance(value, kind)), "a number")


def _record_fault(message: Mapping[str, Any]) -> str:
    return _not_object(message, "record", "a RECORD message")


def _schema_fault(message: Mapping[str, Any]) -> str:
    return (
        _not_object(message, "schema", "its SCHEMA message")
        or _not_object(message["schema"], "properties", "the schema of its SCHEMA message")
        or _properties_fault(message["schema"]["properties"])
        or _key_fault(message.get("key_properties"))
    )


def _properties_fault(properties: Mapping[str, Any]) -> str:
    for name, entry in properties.items():
        if not isinstance(entry, dict):
            return f"the schema of its property '{name}' has to be an object and is {in_words(entry)}; correct the tap."
    return ""


def _key_fault(key: object) -> str:
    # null, as a stream without a key may have it
    if key is None or (isinstance(key, list) and all(isinstance(name, str) for name in key)):
        return ""
    return "the key_properties of its SCHEMA message have to be a list of names; correct the tap."


def _version_fault(message: Mapping[str, Any]) -> str:
    version = message.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        return ""
    return "the version of an ACTIVATE_VERSION message has to be a whole number; correct the tap."


def _batch_fault(message: Mapping[str, Any]) -> str:
    fault = _not_object(message, "encoding", "a BATCH message")
    if fault or isinstance(message.get("manifest"), list):
        return fault
    return "the manifest of a BATCH message has to be a list of files; correct the tap."


def _not_object(message: Mapping[str, Any], member: str, where: str) -> str:
    if member not in message:
        return f"{where} has no {member}; correct the tap."
    value = message[member]
    if isinstance(value, dict):
        return ""
    return f"the {member} of {where} has to be an object and is {in_words(value)}; correct the tap."


_FAULTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "RECORD": _record_fault,
    "SCHEMA": _schema_fault,
    "ACTIVATE_VERSION": _version_fault,
    "BATCH": _batch_fault,
}
