"""The script that people write: `requests` in 32 threads, the same work.

As on the endpoints' pages, with a connection for every call; ``--sessions`` keeps one per thread.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from task import HEADERS, arguments, bodies, keep, report

THREADS = 32


def main() -> None:
    url, manifest, out = arguments()
    local = threading.local()
    keeps = "--sessions" in sys.argv

    def post(body: bytes) -> requests.Response:
        if not keeps:
            return requests.post(url, data=body, headers=HEADERS, timeout=60)
        if not hasattr(local, "session"):
            local.session = requests.Session()
        session: requests.Session = local.session
        return session.post(url, data=body, headers=HEADERS, timeout=60)

    def work(row: tuple[str, bytes]) -> None:
        key, body = row
        response = post(body)
        response.raise_for_status()
        notes.write(keep(out, key, response.content))

    began = time.perf_counter()
    with (out / "results.jsonl").open("w") as notes, ThreadPoolExecutor(THREADS) as pool:
        count = sum(1 for _ in pool.map(work, bodies(manifest)))
    report(time.perf_counter() - began, count)


if __name__ == "__main__":
    main()
