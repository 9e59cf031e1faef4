"""The script that people write: `requests` with a session per thread, 32 threads, the same work."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from task import HEADERS, arguments, bodies, keep, report

THREADS = 32


def main() -> None:
    url, manifest, out = arguments()
    local = threading.local()

    def work(row: tuple[str, bytes]) -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        key, body = row
        response = local.session.post(url, data=body, headers=HEADERS, timeout=60)
        response.raise_for_status()
        notes.write(keep(out, key, response.content))

    began = time.perf_counter()
    with (out / "results.jsonl").open("w") as notes, ThreadPoolExecutor(THREADS) as pool:
        count = sum(1 for _ in pool.map(work, bodies(manifest)))
    report(time.perf_counter() - began, count)


if __name__ == "__main__":
    main()
