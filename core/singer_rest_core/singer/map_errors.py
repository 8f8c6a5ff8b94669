"""Errors in the setting `stream_maps`, each in one line that names the map."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalSyncError
from singer_sdk.mapper import CustomStreamMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from simpleeval import EvalWithCompoundTypes  # type: ignore[import-untyped]
    from singer_sdk.mapper import PluginMapper

_LONGEST_IN_MESSAGE = 120


class StreamMapFailed(FatalSyncError):
    """An expression of `stream_maps` fails for a record, which ends its stream."""


def explain(stream_maps: object, error: Exception) -> str:
    """Return what is wrong with `stream_maps`, where the SDK refuses it.

    Args:
        stream_maps: The setting.
        error: What the SDK raised; most of its messages name no stream.

    Returns:
        One line.
    """
    for place, expression in _expressions(stream_maps):
        try:
            ast.parse(expression.strip(), mode="eval")
        except (SyntaxError, ValueError) as fault:
            reason = fault.msg if isinstance(fault, SyntaxError) else str(fault)
            return f"Setting stream_maps: {place}: {_shortened(expression)} is not an expression: {reason}"
    return f"Setting stream_maps: {_one_line(error)}"


def name_failing_maps(mapper: PluginMapper) -> None:
    """Have errors that expressions cause for a record name the map and the stream.

    Args:
        mapper: The maps of all streams.
    """
    for stream, maps in mapper.stream_maps.items():
        for stream_map in maps:
            if isinstance(stream_map, CustomStreamMap) and not isinstance(stream_map.expr_evaluator, _NamedEvaluator):
                name = stream if stream_map.stream_alias == stream else f"{stream} as {stream_map.stream_alias}"
                evaluator: Any = _NamedEvaluator(stream_map.expr_evaluator, name)
                stream_map.expr_evaluator = evaluator


class _NamedEvaluator:
    """Evaluates expressions as another evaluator does; its errors name the map."""

    def __init__(self, evaluator: EvalWithCompoundTypes, name: str) -> None:
        self._evaluator = evaluator
        self._name = name
        self.names: Mapping[str, Any] = {}

    def eval(self, expression: str, previously_parsed: ast.AST | None = None) -> Any:  # noqa: ANN401 - of a record
        self._evaluator.names = self.names
        try:
            return self._evaluator.eval(expression, previously_parsed=previously_parsed)
        except Exception as fault:
            reason = _one_line(fault)
            line = f"stream_maps: {self._name}: {_shortened(expression)} fails for a record: {reason}"
            raise StreamMapFailed(line) from fault


def _expressions(stream_maps: object) -> Iterator[tuple[str, str]]:
    """Yield where each expression stands, and the expression."""
    for stream, definition in stream_maps.items() if isinstance(stream_maps, dict) else ():
        for name, expression in definition.items() if isinstance(definition, dict) else ():
            is_option = name.startswith("__") and name != "__filter__"
            if isinstance(expression, str) and not is_option and expression != "__NULL__":
                yield f"{stream}.{name}", expression


def _shortened(expression: str) -> str:
    text = " ".join(expression.split())
    return repr(text if len(text) <= _LONGEST_IN_MESSAGE else f"{text[: _LONGEST_IN_MESSAGE - 1]}…")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, KeyError):
        text = f"there is no {text}"
    return text.rstrip(".") or type(error).__name__
