"""What an image cell refers to, from its text alone."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.images.addresses import why_private
from pipeline.images.errors import BadInput
from pipeline.images.references import Kind, classify, data_uri_bytes, is_signed

USABLE = [
    ("https://cdn.shop.com/a.jpg?v=1", Kind.URL, None),
    ("HTTP://shop.com/a", Kind.URL, None),
    ("https://shop.com/a%2Cb,c;d.jpg", Kind.URL, None),
    ("https://größe.de/a b.jpg", Kind.URL, None),
    ("https://xn--zcaa1b.de/a.jpg", Kind.URL, None),
    ("https://cdn_1.shop.com./a.jpg", Kind.URL, None),
    ("http://93.184.216.34/a.jpg", Kind.URL, None),
    (" https://shop.com/a.jpg ", Kind.URL, "https://shop.com/a.jpg"),
    ("photos/mug.jpg", Kind.FILE, None),
    ("/srv/photos/mug.jpg", Kind.FILE, None),
    ("/m/b/mb01.jpg", Kind.FILE, None),
    ("mug 1:2.jpg", Kind.FILE, None),
    ("C:\\photos\\mug.jpg", Kind.FILE, None),
    ("c:/photos/mug.jpg", Kind.FILE, None),
    ("\\\\server\\share\\mug.jpg", Kind.FILE, None),
    ("file:///srv/my%20mug.jpg", Kind.FILE, "/srv/my mug.jpg"),
    ("file://localhost/srv/mug.jpg", Kind.FILE, "/srv/mug.jpg"),
    ("file:///C:/photos/mug.jpg", Kind.FILE, "C:/photos/mug.jpg"),
    ("file://server/share/mug.jpg", Kind.FILE, "\\\\server\\share\\mug.jpg"),
    ("s3://bucket/a/b.jpg", Kind.CLOUD, None),
    ("gs://bucket/b.jpg", Kind.CLOUD, None),
    ("az://container/b.jpg", Kind.CLOUD, None),
    ("data:image/png;base64,iVBORw0KGgo=", Kind.DATA, None),
]
BAD = [
    ("", "no image reference"),
    ("   ", "no image reference"),
    ("a.jpg\nb.jpg", "one image per cell"),
    ("0abc12_0123456789abcdef0123456789abcdef~mv2.jpg", "--image-base-url"),
    ("wix:image://v1/0abc12_0123456789abcdef0123456789abcdef~mv2.jpg/x", "--image-base-url"),
    ("//cdn.shop.com/a.jpg", "write https://cdn.shop.com/a.jpg"),
    ("www.shop.com/a.jpg", "write https://www.shop.com/a.jpg"),
    ("http://localhost/img/1.jpg", "localhost"),
    ("http://127.0.0.1:8000/a.jpg", "this computer"),
    ("http://[::1]/a.jpg", "this computer"),
    ("http://10.0.0.7/a.jpg", "private network"),
    ("http://[::ffff:10.0.0.7]/a.jpg", "private network"),
    ("http://169.254.169.254/latest/meta-data", "metadata"),
    ("http://intranet/a.jpg", "private network"),
    ("http://nas.local/a.jpg", "private network"),
    ("https:///a.jpg", "without a host"),
    ("https://shop.com:port/a.jpg", "no valid URL"),
    ("https://[shop/a.jpg", "no valid URL"),
    ("https://cdn\u200b.shop.com/a.jpg", "invisible character (U+200B)"),
    ("https://c\u00addn.shop.com/a.jpg", "invisible character (U+00AD)"),
    ("https://xn--/a.jpg", "no valid name"),
    ("https://xn--a.com/a.jpg", "no valid name"),
    ("https://cdn..shop.com/a.jpg", "no valid name"),
    (f"https://{'x' * 64}.com/a.jpg", "no valid name"),
    ("ftp://shop.com/a.jpg", "the scheme ftp:// is not supported"),
    ("s3://bucket", "names no object"),
    ("s3:///a.jpg", "names no object"),
    ("file://", "without a path"),
    ("data:image/png;base64", "without data"),
    ("data:text/html,hello", "not of an image"),
]


@pytest.mark.parametrize(("text", "kind", "value"), USABLE)
def test_a_usable_reference_is_known_for_what_it_is(text: str, kind: Kind, value: str | None) -> None:
    found = classify(text)

    assert (found.kind, found.value, found.reason) == (kind, value or text, "")


@pytest.mark.parametrize(("text", "words"), BAD)
def test_a_bad_reference_says_why_and_what_to_do(text: str, words: str) -> None:
    found = classify(text)

    assert found.kind is Kind.BAD
    assert words in found.reason


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "intranet", "10.0.0.7"])
def test_private_urls_pass_when_they_are_allowed(host: str) -> None:
    assert classify(f"http://{host}/a.jpg", allow_private=True).kind is Kind.URL


@given(st.text())
def test_any_text_is_classified(text: str) -> None:
    found = classify(text)

    assert (found.kind is Kind.BAD) == bool(found.reason)


def test_a_data_uri_gives_its_bytes() -> None:
    assert data_uri_bytes("data:image/png;base64,aGVs\nbG8=") == b"hello"
    assert data_uri_bytes("data:image/png;base64,aGVsbG8%3D") == b"hello"
    assert data_uri_bytes("data:image/svg+xml,%3Csvg/%3E") == b"<svg/>"
    with pytest.raises(BadInput, match="cut off"):
        data_uri_bytes("data:image/png;base64,aGVsbG8")


@pytest.mark.parametrize(
    "address",
    [
        "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254",
        "168.63.129.16", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0",
        "fd00:ec2::254", "::ffff:192.168.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_of_the_public_internet_is_refused(address: str) -> None:
    assert why_private(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34"]
)
def test_a_public_address_is_not_refused(address: str) -> None:
    assert why_private(ipaddress.ip_address(address)) == ""


@pytest.mark.parametrize(
    ("query", "signed"),
    [
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=ab12", True),
        ("X-Goog-Expires=3600&X-Goog-Signature=ab12", True),
        ("AWSAccessKeyId=A&Expires=1700000000&Signature=a%2B", True),
        ("Expires=1700000000&Signature=a~&Key-Pair-Id=K", True),
        ("sv=2022-11-02&se=2026-01-01&sr=b&sp=r&sig=a%3D", True),
        ("v=1700000000", False),
        ("s=ab12", False),
        ("design=1&se=2", False),
        ("sig=ab12", False),
    ],
)
def test_a_link_that_runs_out_is_known_by_its_signature(query: str, *, signed: bool) -> None:
    assert is_signed(f"https://bucket.example.com/a.jpg?{query}") is signed
