"""The same work as a Scrapy spider, 64 requests at a time, its own limits and logs switched off."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import scrapy
from scrapy.crawler import CrawlerProcess
from task import HEADERS, arguments, bodies, keep, report

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

SETTINGS = {
    "CONCURRENT_REQUESTS": 64,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 64,
    "LOG_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "COOKIES_ENABLED": False,
    "RETRY_ENABLED": False,
    "REDIRECT_ENABLED": False,
    "HTTPCOMPRESSION_ENABLED": False,
    "ROBOTSTXT_OBEY": False,
    "DOWNLOAD_DELAY": 0,
}


class Spider(scrapy.Spider):
    """Posts every row and keeps the image."""

    name = "products"

    async def start(self) -> AsyncIterator[Any]:
        """The requests, as Scrapy asks for them from 2.13 on."""
        for request in self.start_requests():
            yield request

    def start_requests(self) -> Iterator[Any]:
        """One POST per row."""
        for key, body in bodies(MANIFEST):
            yield scrapy.Request(
                URL, self.parse, "POST", body=body, headers=HEADERS, dont_filter=True, cb_kwargs={"key": key}
            )

    def parse(self, response: Any, key: str) -> None:
        """Keep the image of one row."""
        NOTES.write(keep(OUT, key, response.body))
        DONE.append(key)


URL, MANIFEST, OUT = arguments()
DONE: list[str] = []

if __name__ == "__main__":
    began = time.perf_counter()
    with (OUT / "results.jsonl").open("w") as NOTES:
        process = CrawlerProcess(SETTINGS)
        process.crawl(Spider)
        process.start()
    report(time.perf_counter() - began, len(DONE))
