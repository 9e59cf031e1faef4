"""Object storage against a real S3 protocol over HTTP on loopback."""

from __future__ import annotations

import asyncio
import gzip
import io
import subprocess
import sys
import urllib.request
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from pipeline.errors import RecipeError
from pipeline.storage import CloudError, CloudStorage, Location, NoSuchObject, ObjectTaken, open_remote
from pipeline.storage.errors import cloud_error
from pipeline.storage.location import parse_object, parse_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = "s3://catalogue/out"
NAME = "images/mug 1/stüdio%20#1?.png"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def storage(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> CloudStorage:
    settings = {
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for path in ("moto-api/reset", "catalogue"):
        method = "POST" if "reset" in path else "PUT"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{path}", method=method)).close()
    return CloudStorage()


async def names(storage: CloudStorage, prefix: str = "s3://catalogue") -> list[str]:
    return sorted([each.url async for each in storage.list(prefix)])


async def test_what_is_put_is_confirmed_and_comes_back(storage: CloudStorage) -> None:
    stored = await storage.put(OUT, NAME, b"pixels", content_type="image/png")

    assert (stored.url, stored.size_bytes) == (f"{OUT}/{NAME}", 6)
    assert stored.etag
    assert await storage.head(stored.url) == stored
    assert await storage.get(stored.url) == b"pixels"
    assert await names(storage) == [stored.url]


async def test_putting_the_same_again_is_adopted_and_other_content_is_never_replaced(storage: CloudStorage) -> None:
    first = await storage.put(OUT, "a.png", b"pixels")

    assert await storage.put(OUT, "a.png", b"pixels") == first
    with pytest.raises(ObjectTaken, match="holds something else"):
        await storage.put(OUT, "a.png", b"others")
    assert await storage.get(first.url) == b"pixels"


async def test_of_two_writers_of_one_name_one_wins_and_the_other_is_told(storage: CloudStorage) -> None:
    puts = [storage.put(OUT, "a.png", b"%d" % number * 100) for number in range(6)]

    outcomes = await asyncio.gather(*puts, return_exceptions=True)

    assert sum(isinstance(each, ObjectTaken) for each in outcomes) == 5


async def test_a_large_output_is_put_in_one_piece(storage: CloudStorage) -> None:
    data = bytes(range(256)) * 40_000

    assert (await storage.put(OUT, "large.png", data)).size_bytes == len(data)
    assert await storage.get(f"{OUT}/large.png") == data


async def test_an_object_is_moved_without_being_lost(storage: CloudStorage) -> None:
    await storage.put(OUT, "images/a.png", b"old")

    moved = await storage.move(OUT, "images/a.png", "superseded/a.1234.png")

    assert moved is not None
    assert await names(storage) == [f"{OUT}/superseded/a.1234.png"]
    assert await storage.move(OUT, "images/a.png", "superseded/b.png") is None


async def test_a_private_image_is_read_by_anybody_with_its_signed_url(storage: CloudStorage, endpoint: str) -> None:
    stored = await storage.put(OUT, NAME, b"pixels", content_type="image/png")

    url = await storage.presign(stored.url, expires_s=600)

    with await asyncio.to_thread(urllib.request.urlopen, url) as answer:
        assert (answer.read(), answer.headers["Content-Type"]) == (b"pixels", "image/png")
    assert url.startswith(endpoint)
    assert "X-Amz-Expires=600" in url
    assert "secret-of-the-bucket" not in url


@pytest.mark.parametrize("expires_s", [0, -1, 8 * 24 * 3600])
async def test_a_signed_url_lives_a_week_at_most(storage: CloudStorage, expires_s: float) -> None:
    with pytest.raises(RecipeError, match="from 1 second to 7 days"):
        await storage.presign(f"{OUT}/a.png", expires_s=expires_s)


async def test_a_prefix_lists_its_own_objects_only(storage: CloudStorage) -> None:
    for name in ("a/1.png", "a/b/2.png", "ab/3.png"):
        await storage.put("s3://catalogue", name, b"x")

    assert await names(storage, "s3://catalogue/a") == ["s3://catalogue/a/1.png", "s3://catalogue/a/b/2.png"]
    assert len(await names(storage, "s3://catalogue/")) == 3


@pytest.mark.parametrize("url", ["s3://catalogue/nothing.png", "s3://no-such-bucket/a.png"])
async def test_what_is_not_there_is_said_by_its_url(storage: CloudStorage, url: str) -> None:
    with pytest.raises(NoSuchObject, match=url):
        await storage.get(url)
    with pytest.raises(NoSuchObject, match=url):
        await storage.head(url)
    with pytest.raises(NoSuchObject, match=url):
        open_remote(url)


async def test_an_object_over_the_limit_is_not_fetched(storage: CloudStorage) -> None:
    stored = await storage.put(OUT, "a.png", b"x" * 100)

    with pytest.raises(CloudError, match="more than the limit"):
        await storage.get(stored.url, max_bytes=99)


async def test_a_manifest_is_read_where_it_lies(storage: CloudStorage) -> None:
    frame = pd.DataFrame({"sku": ["007", "008"], "image_url": ["a.jpg", "b.jpg"]})
    parquet = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame), parquet)
    text = frame.to_csv(index=False).encode()
    for name, data in {"a.csv": text, "a.csv.gz": gzip.compress(text), "a.parquet": parquet.getvalue()}.items():
        await storage.put("s3://catalogue", name, data)

    with open_remote("s3://catalogue/a.csv") as file:
        assert [line.strip() for line in io.TextIOWrapper(file, encoding="utf-8")][1] == "007,a.jpg"
    with open_remote("s3://catalogue/a.csv.gz") as file, gzip.open(file, "rt", encoding="utf-8") as lines:
        assert pd.read_csv(lines, dtype=str).equals(frame)
    with open_remote("s3://catalogue/a.parquet") as file:
        assert pq.ParquetFile(file).read().to_pydict() == frame.to_dict("list")


async def test_a_remote_file_seeks_and_reads_across_its_buffers(storage: CloudStorage) -> None:
    data = bytes(range(256)) * 40_000
    await storage.put(OUT, "large.bin", data)

    with open_remote(f"{OUT}/large.bin") as file:
        assert file.seekable()
        assert file.read() == data
        assert file.seek(-3, io.SEEK_END) == len(data) - 3
        assert file.read(10) == data[-3:]
        assert file.seek(5_000_000) == file.tell() == 5_000_000
        assert file.read(9) == data[5_000_000:5_000_009]


async def test_a_server_that_is_gone_is_an_error_in_words(
    storage: CloudStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(CloudError, match=r"s3://catalogue/a\.png: Generic S3 error") as failure:
        await CloudStorage().get("s3://catalogue/a.png")

    assert "\n" not in str(failure.value)
    assert "secret-of-the-bucket" not in str(failure.value)
    assert repr(storage) == "<CloudStorage, 0 buckets in use>"


@pytest.mark.parametrize(
    ("url", "scheme", "variable"),
    [
        ("s3://b/a.png", "s3", "AWS_ACCESS_KEY_ID"),
        ("gs://b/a.png", "gs", "GOOGLE_APPLICATION_CREDENTIALS"),
        ("az://b/a.png", "az", "AZURE_STORAGE_ACCOUNT_KEY"),
    ],
)
def test_missing_credentials_name_the_variables_of_their_service(url: str, scheme: str, variable: str) -> None:
    error = cloud_error(
        OSError("Error performing PUT http://169.254.169.254/latest/api/token in 1s"), parse_object(url)
    )

    assert parse_object(url) == Location(scheme, "b", "a.png")
    assert "no credentials" in str(error)
    assert variable in error.hint


@pytest.mark.parametrize("url", ["", "out", "https://shop.com/a", "s3:/b/a", "s3:///a", "ftp://b/a"])
def test_what_is_no_place_in_object_storage_is_refused(url: str) -> None:
    with pytest.raises(RecipeError, match="is no place in object storage"):
        parse_prefix(url)


def test_a_bucket_is_a_prefix_and_no_object() -> None:
    assert str(parse_prefix("s3://b").child("x/y.png")) == "s3://b/x/y.png"
    assert str(parse_prefix(" s3://b/out/ ").child("y.png")) == "s3://b/out/y.png"
    with pytest.raises(RecipeError, match="no object in it"):
        parse_object("s3://b/")


@pytest.mark.parametrize("name", ["", "/a", "../a", "a/../../b"])
def test_a_name_stays_below_its_prefix(name: str) -> None:
    with pytest.raises(RecipeError, match="no relative name"):
        parse_prefix("s3://b/out").child(name)


class PlainService(BaseHTTPRequestHandler):
    """An S3-compatible service of the kind that does not know conditional writes."""

    objects: ClassVar[dict[str, bytes]] = {}

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if "If-None-Match" in self.headers:
            self._answer(501, b"<Error><Code>NotImplemented</Code></Error>")
        else:
            self.objects[self.path] = data
            self._answer(200)

    def do_GET(self) -> None:
        found = self.objects.get(self.path)
        self._answer(404 if found is None else 200, found or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            "ETag": f'"{zlib.crc32(self.objects.get(self.path, b""))}"',
            "Last-Modified": "Fri, 20 Nov 2026 08:00:00 GMT",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


async def test_a_service_without_conditional_writes_is_looked_at_first(
    storage: CloudStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), PlainService) as server:
        Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        try:
            await storage.put(OUT, "a.png", b"pixels")
            await storage.put(OUT, "a.png", b"pixels")
            with pytest.raises(ObjectTaken):
                await storage.put(OUT, "a.png", b"others")
        finally:
            server.shutdown()

    assert list(PlainService.objects.values()) == [b"pixels"]


def test_without_the_extra_the_exact_pip_line_is_said() -> None:
    script = (
        "import asyncio, sys; sys.modules['obstore'] = None\n"
        "from pipeline.errors import RecipeError\n"
        "from pipeline.storage import CloudStorage, open_remote\n"
        "calls = [lambda: open_remote('s3://b/a'), lambda: asyncio.run(CloudStorage().put('s3://b', 'a', b''))]\n"
        "for call in calls:\n"
        "    try: call()\n"
        "    except RecipeError as error: print(error.hint)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ['pip install "photobatch[cloud]"'] * 2
