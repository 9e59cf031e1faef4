r"""Say what an image cell of a manifest refers to, from its text alone: nothing is opened or looked up.

A reference is a URL, a local file, an object in cloud storage, a data URI, or bad: then the reason says what it is
and what to do.  ``C:\x.jpg``, ``\\server\share\x.jpg`` and ``file:///x.jpg`` are local files.  A relative path is a
local file too; whoever knows the manifest's folder resolves it.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from pipeline.images.addresses import why_private
from pipeline.images.errors import BadInput


class Kind(StrEnum):
    """What a reference is."""

    URL = "url"
    FILE = "file"
    CLOUD = "cloud"
    DATA = "data"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reference:
    """A classified image reference."""

    kind: Kind
    value: str
    """The URL, the path as the operating system writes it, or the text as it was."""
    reason: str = ""
    """Why it is bad, and the remedy; empty otherwise."""


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # two letters at least: C: is a drive
_WIX_MEDIA = re.compile(r"(?:wix:image://v1/)?[0-9a-z]+_[0-9a-f]{20,}~mv\d", re.IGNORECASE)
_HIDDEN = re.compile(r"[\x00-\x1f\x7f]")
_SHOWN_CHARACTERS = 60


_SIGNATURE = re.compile(r"[?&](?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=", re.IGNORECASE)
_EXPIRY = re.compile(r"[?&](?:X-Amz-Expires|X-Goog-Expires|Expires|se)=", re.IGNORECASE)


def is_signed(url: str) -> bool:
    """Whether *url* carries a signature that runs out, as links into a private bucket do."""
    return "sig" in url.lower() and bool(_SIGNATURE.search(url) and _EXPIRY.search(url))


def classify(text: str, *, allow_private: bool = False) -> Reference:
    """What *text* refers to.  URLs of this computer and of private networks are bad unless *allow_private*."""
    text = text.strip()
    if problem := _never_usable(text):
        return Reference(Kind.BAD, text, problem)
    scheme = found[1].lower() if (found := _SCHEME.match(text)) else ""
    if scheme in ("http", "https"):
        return _url(text, allow_private=allow_private)
    if scheme in _OTHER_SCHEMES:
        return _OTHER_SCHEMES[scheme](text)
    if scheme and "://" in text:
        return _bad(text, f"the scheme {scheme}:// is not supported; use https://, s3://, gs://, az:// or a file path")
    return Reference(Kind.FILE, text)


def data_uri_bytes(text: str) -> bytes:
    """The bytes of the data URI *text*.  Raises BadInput."""
    head, _, body = text.strip().partition(",")
    try:
        if head.lower().endswith(";base64"):
            return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(_short(text), "its base64 text is damaged or was cut off") from error
    return unquote_to_bytes(body)


def _never_usable(text: str) -> str:
    if not text:
        return "there is no image reference"
    if _HIDDEN.search(text):
        return "it holds line breaks or control characters; give one image per cell"
    if _WIX_MEDIA.match(text):
        return "it is a Wix media id, not a URL; add --image-base-url https://static.wixstatic.com/media/"
    if text.startswith("//"):
        return f"it has no scheme; write https:{_short(text)}"
    if text.lower().startswith("www."):
        return f"it has no scheme; write https://{_short(text)}"
    return ""


def _url(text: str, *, allow_private: bool) -> Reference:
    try:
        host = urlsplit(text).hostname or ""
        urlsplit(text).port  # noqa: B018  # raises for a port that is no number
    except ValueError as error:
        return _bad(text, f"it is no valid URL ({error})")
    if not host:
        return _bad(text, "it is a URL without a host")
    if problem := _impossible(host):
        return _bad(text, problem)
    if not allow_private and (problem := _unreachable(host)):
        return _bad(text, f"{problem}, which the provider cannot reach; use a local path, or a public URL")
    return Reference(Kind.URL, text)


def _impossible(host: str) -> str:
    """Why no host can be called so; empty when one can."""
    if not host.isprintable():
        unseen = ", ".join(f"U+{ord(char):04X}" for char in host if not char.isprintable())
        return f"its host holds an invisible character ({unseen}); write the address anew"
    try:
        host.rstrip(".").encode("idna")
        if "xn--" in host:
            from yarl import URL  # who asks the host reads its name in this way

            URL.build(scheme="https", host=host).host  # noqa: B018  # raises
    except ValueError:
        return f"its host {_short(host)} is no valid name"
    return ""


def _unreachable(host: str) -> str:
    if host == "localhost" or host.endswith(".localhost"):
        return "it points to this computer (localhost)"
    try:
        return why_private(ipaddress.ip_address(host))
    except ValueError:
        is_bare = "." not in host.rstrip(".") or host.endswith((".local", ".internal", ".lan"))
        return f"it points into a private network ({host})" if is_bare else ""


def _data(text: str) -> Reference:
    media_type = text[5:].partition(",")[0].partition(";")[0].strip().lower()
    if "," not in text:
        return _bad(text, "it is a data URI without data")
    if media_type and not media_type.startswith("image/") and media_type != "application/octet-stream":
        return _bad(text, f"it is a data URI of {media_type}, not of an image")
    return Reference(Kind.DATA, text)


def _cloud(text: str) -> Reference:
    parts = urlsplit(text)
    if not parts.netloc or not parts.path.strip("/"):
        return _bad(text, f"it names no object; write {parts.scheme}://bucket/path/image.jpg")
    return Reference(Kind.CLOUD, text)


def _file_url(text: str) -> Reference:
    parts = urlsplit(text)
    path = unquote(parts.path)
    if parts.netloc and parts.netloc.lower() != "localhost":
        return Reference(Kind.FILE, "\\\\" + parts.netloc + path.replace("/", "\\"))
    if re.match(r"/[A-Za-z]:[/\\]", path):
        path = path[1:]  # file:///C:/x.jpg
    return Reference(Kind.FILE, path) if path else _bad(text, "it is a file URL without a path")


_OTHER_SCHEMES = {"data": _data, "file": _file_url, "s3": _cloud, "gs": _cloud, "az": _cloud}


def _bad(text: str, reason: str) -> Reference:
    return Reference(Kind.BAD, text, reason)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
