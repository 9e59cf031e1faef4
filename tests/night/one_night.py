"""A night in a process of its own, which a test may kill: JOB.toml and the Unix time at which it begins."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

from jobs.jobfile import load
from jobs.nightly import settings_of, wanted_of
from pipeline.api import conduct
from pipeline.sandbox import SANDBOX_KEY


def main(job_file: str, evening: str) -> None:
    began = time.monotonic()

    def clock() -> float:
        return float(evening) + time.monotonic() - began

    job = load(Path(job_file), environment={})
    settings = replace(settings_of(job, clock()), prices_cache=None, rpm=0, concurrency=1, api_key=SANDBOX_KEY)
    asyncio.run(conduct(settings, job.out, wanted_of(job), command="nightly", clock=clock))


if __name__ == "__main__":
    main(*sys.argv[1:])
