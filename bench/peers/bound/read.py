"""The bound: fetch a page, parse it, write each row on a line; nothing is checked, renamed or flattened.

`BENCH_QUERY` holds the query as JSON, `BENCH_URL` the API, `BENCH_IN_FLIGHT` how many pages are fetched at a time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

import aiohttp
import orjson

QUERY = {**json.loads(os.environ["BENCH_QUERY"])}
URL = f"{os.environ['BENCH_URL']}/invoices"
IN_FLIGHT = int(os.environ.get("BENCH_IN_FLIGHT", "1"))


async def page(session: aiohttp.ClientSession, number: int) -> bytes:
    """Fetch one page."""
    async with session.get(URL, params={**QUERY, "page[number]": str(number)}) as response:
        response.raise_for_status()
        return await response.read()


async def main() -> None:
    """Read the list."""
    write = sys.stdout.buffer.write
    headers = json.loads(os.environ["BENCH_HEADERS"])
    async with aiohttp.ClientSession(headers=headers, read_bufsize=4 << 20) as session:
        body = orjson.loads(await page(session, 1))
        last = body["meta"]["total_pages"]
        ahead = {number: asyncio.create_task(page(session, number)) for number in range(2, min(last, IN_FLIGHT) + 1)}
        for number in range(1, last + 1):
            if number > 1:
                content = await (ahead.pop(number) if number in ahead else page(session, number))
                following = number + IN_FLIGHT - 1
                if IN_FLIGHT > 1 and following <= last and following not in ahead:
                    ahead[following] = asyncio.create_task(page(session, following))
                body = orjson.loads(content)
            for row in body["data"]:
                write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    asyncio.run(main())
