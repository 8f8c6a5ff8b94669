"""`python -m bench.bare_client URL HEADER=VALUE…`: fetch every page without parsing it, to time the server alone."""

from __future__ import annotations

import http.client
import re
import sys
from urllib.parse import urlsplit

_TOTAL_PAGES = re.compile(rb'"total_pages":(\d+)')
_BUFFER_BYTES = 4 << 20
_TAIL_BYTES = 400
"""`meta`, with the number of pages, is within the last bytes of a response."""


def main() -> None:
    """Fetch pages 1, 2, … of the list at the URL, each with the URL's query, and print their number."""
    url, *headers = sys.argv[1:]
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    sent = dict(header.split("=", 1) for header in headers)
    buffer = bytearray(_BUFFER_BYTES)
    number = last = 1
    while number <= last:
        connection.request("GET", f"{parts.path}?{parts.query}&page%5Bnumber%5D={number}", headers=sent)
        response = connection.getresponse()
        if response.status != http.client.OK:
            sys.exit(f"page {number}: the server responded with {response.status}")
        size = 0
        while read := response.readinto(memoryview(buffer)[size:]):
            size += read
        if number == 1:
            pages = _TOTAL_PAGES.search(buffer, max(0, size - _TAIL_BYTES), size)
            last = int(pages[1]) if pages else 1
        number += 1
    print(last)


if __name__ == "__main__":
    main()
