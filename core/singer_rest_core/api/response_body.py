"""Bodies of responses, read piece by piece: JSON into memory up to a limit, documents into a temporary file.

Sizes are counted after decompression: 400 KB of gzip can become a gigabyte.
"""

from __future__ import annotations

import tempfile
import weakref
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    ReadBody = Callable[[requests.Response], None]
    """Reads the body of a response below 400."""

MAX_JSON = 128 << 20
"""Bytes. A page is a few megabytes at most; up to `concurrency` of them are in memory at once."""
MAX_DOCUMENT = 8 << 30
"""Bytes: what the largest export archives may have."""
_MAX_ERROR = 1 << 20
"""Bytes of an error's body that are read."""
_MAX_IN_MEMORY = 1 << 20
"""Bytes of a document; a larger one goes to a temporary file."""
_START = 4096
_BLOCK = 1 << 16
"""Bytes that are decompressed at once."""


class BodyTooLarge(Exception):
    """A body is larger than is read.

    Args:
        response: The response without its body.
        limit: In bytes.
    """

    def __init__(self, response: requests.Response, limit: int) -> None:
        """Keep the response; the message names the limit."""
        super().__init__(f"more than {_size_text(limit)}")
        self.response = response


def read_json(response: requests.Response) -> None:
    """Read a body into memory, so that `content` returns it.

    Args:
        response: A response whose body was not read.

    Raises:
        BodyTooLarge: If it is larger than `MAX_JSON`.
    """
    # In large pieces; requests' own way, by 10 KiB, takes longer than the decoding.
    _keep(response, b"".join(_pieces(response, MAX_JSON)))


def read_error(response: requests.Response) -> None:
    """Read the body of an error into memory; one that is too large is dropped, as no message is that long.

    Args:
        response: A response whose body was not read.
    """
    try:
        content = b"".join(_pieces(response, _MAX_ERROR))
    except BodyTooLarge:
        response.close()
        content = b""
    _keep(response, content)


def read_document(response: requests.Response) -> None:
    """Read a body into a file, which takes the place of `raw`: large ones are on disk, and `iter_content` reads them.

    The file can be read again with `raw.seek(0)`. It is deleted with the response, or by `response.close()`.

    Args:
        response: A response whose body was not read.

    Raises:
        BodyTooLarge: If it is larger than `MAX_DOCUMENT`.
    """
    file = tempfile.SpooledTemporaryFile(_MAX_IN_MEMORY, prefix="document-")  # noqa: SIM115 - closed with the response
    try:
        for piece in _pieces(response, MAX_DOCUMENT):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    weakref.finalize(response, file.close)
    response.raw = file
    vars(response)["_content_consumed"] = False


def body_file(response: requests.Response) -> BinaryIO:
    """Return the body of a response of `ApiClient.send_for_document` as a seekable file, at its beginning.

    Args:
        response: The response.
    """
    response.raw.seek(0)
    return cast("BinaryIO", response.raw)


def body_start(response: requests.Response) -> bytes:
    """Return the first 4 KiB of such a body, enough to detect what it is.

    Args:
        response: The response.
    """
    start = body_file(response).read(_START)
    response.raw.seek(0)
    return start


def _pieces(response: requests.Response, limit: int) -> Iterator[bytes]:
    size = 0
    for piece in response.iter_content(_BLOCK):
        size += len(piece)
        if size > limit:
            response.close()
            raise BodyTooLarge(response, limit)
        yield piece


def _keep(response: requests.Response, content: bytes) -> None:
    kept = vars(response)
    kept["_content"] = content
    kept["_content_consumed"] = True


def _size_text(size: int) -> str:
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"
