"""`python -m bench.our_tap`: tap-productive as it is, but for two things that a measurement may ask for.

`BENCH_NO_QUOTA=1` takes the vendor's quota out: without, 500 pages at 100 requests per 10 s take 40 s whatever the tap
does. `BENCH_STREAMS=100` gives it so many streams: its own, then copies of them under numbered names.
"""

from __future__ import annotations

import importlib.resources
import inspect
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory

from tap_productive import client
from tap_productive.streams import STREAMS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.quota import Rule
    from tap_productive.client import ProductiveStream


def streams(count: int) -> list[type[ProductiveStream]]:
    """The streams of a tap that has so many.

    Args:
        count: How many; at most as many times the tap's own as there are numbers.

    Returns:
        Stream classes: the tap's own, then `<name>_2`, …, with the schema and the references of the first.
    """
    return [_numbered(STREAMS[place % len(STREAMS)], place // len(STREAMS) + 1) for place in range(count)]


def _numbered(stream: type[ProductiveStream], number: int) -> type[ProductiveStream]:
    if number == 1:
        return stream
    name = name_of(stream)
    schema = StreamSchema(SchemaDirectory(importlib.resources.files(client.__package__) / "schemas"), key=name)
    # The tap narrows what is included by type, never its own type, which it knows by the stream's name.
    references = tuple(each for each in stream.references if client.related_type(each, stream.reference_types) != name)
    own = {"name": f"{name}_{number}", "schema": schema, "references": references}
    return type(stream.__name__, (stream,), own)


def name_of(stream: type[ProductiveStream]) -> str:
    """Give the name that a stream class declares.

    Args:
        stream: One of the tap's.
    """
    return str(inspect.getattr_static(stream, "name"))


class MeasuredTap(TapProductive):
    """tap-productive, with as many streams as were asked for."""

    def discover_streams(self) -> Sequence[ProductiveStream]:
        """Give every stream.

        Returns:
            One instance each.
        """
        return [stream(self) for stream in streams(int(os.environ.get("BENCH_STREAMS", len(STREAMS))))]


class WithoutQuota(MeasuredTap):
    """The same for an API that has no quota; requests still pass the limiter."""

    quota_rules: ClassVar[Mapping[str, Sequence[Rule]]] = MappingProxyType({})


def main() -> None:
    """Run the tap."""
    (WithoutQuota if os.environ.get("BENCH_NO_QUOTA") == "1" else MeasuredTap).cli()


if __name__ == "__main__":
    main()
