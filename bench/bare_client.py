"""`python -m bench.bare_client URL`: fetch every page and look at nothing, to show how fast the server is."""

from __future__ import annotations

import http.client
import re
import sys
from urllib.parse import urlsplit

_PAGES = re.compile(rb'"total_pages":(\d+)')


def main() -> None:
    """Fetch pages 1, 2, … of the list at the URL; its query goes with every request. Prints how many there were."""
    url, *headers = sys.argv[1:]
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    sent = dict(header.split("=", 1) for header in headers)
    buffer = bytearray(4 << 20)
    number = last = 1
    while number <= last:
        connection.request("GET", f"{parts.path}?{parts.query}&page%5Bnumber%5D={number}", headers=sent)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            sys.exit(f"page {number} was answered with {answer.status}")
        size = 0
        while read := answer.readinto(memoryview(buffer)[size:]):
            size += read
        if number == 1:
            pages = _PAGES.search(buffer, max(0, size - 400), size)
            last = int(pages[1]) if pages else 1
        number += 1
    print(last)


if __name__ == "__main__":
    main()
