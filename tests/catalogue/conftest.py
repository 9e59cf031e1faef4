"""A private bucket on an S3 server on loopback."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty private bucket, reached by the variables that every S3 tool reads."""
    settings = {
        "AWS_ACCESS_KEY_ID": "who",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-bucket",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": moto,
        "AWS_ALLOW_HTTP": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for path, method in (("moto-api/reset", "POST"), ("shop", "PUT")):
        urllib.request.urlopen(urllib.request.Request(f"{moto}/{path}", method=method)).close()
    return "s3://shop"
