"""The floor: an aiohttp loop of 64 coroutines that only posts and writes files."""

from __future__ import annotations

import asyncio
import time

import aiohttp
from double import fast_loop
from task import HEADERS, arguments, bodies, report

IN_FLIGHT = 64


async def main() -> None:
    url, manifest, out = arguments()
    began = time.perf_counter()
    rows = bodies(manifest)
    count = 0
    with (out / "results.jsonl").open("w") as notes:

        async def work(session: aiohttp.ClientSession) -> None:
            nonlocal count
            for key, body in rows:
                async with session.post(url, data=body, headers=HEADERS) as response:
                    data = await response.read()
                    response.raise_for_status()
                (out / f"{key}.png").write_bytes(data)
                notes.write(f'{{"key": "{key}", "bytes": {len(data)}}}\n')
                count += 1

        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(work(session))
    report(time.perf_counter() - began, count)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(main())
