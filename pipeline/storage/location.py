"""Where an object is: ``s3://bucket/path``, ``gs://bucket/path`` or ``az://container/path``.

As on the services' own command lines the path is taken literally, ``%20``, ``?`` and ``#`` included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.errors import RecipeError

_URL = re.compile(r"(s3|gs|az)://([^/]+)(?:/(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Location:
    """An object, or a prefix of objects, in a bucket (a container on Azure)."""

    scheme: str
    bucket: str
    path: str
    """Without slashes at its ends; empty for the whole bucket."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.path}"

    def child(self, name: str) -> Location:
        """The object *name*, a relative path with forward slashes, below this prefix."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts:
            raise RecipeError(f"{name!r} is no relative name of an object")
        return Location(self.scheme, self.bucket, "/".join((*filter(None, (self.path,)), *parts)))


def parse_prefix(url: str) -> Location:
    """The location that *url* names, a whole bucket included.  Raises RecipeError."""
    found = _URL.fullmatch(url.strip())
    if found is None:
        raise RecipeError(
            f"{url!r} is no place in object storage",
            hint="write s3://bucket/path, gs://bucket/path or az://container/path",
        )
    return Location(found[1], found[2], (found[3] or "").strip("/"))


def parse_object(url: str) -> Location:
    """The object that *url* names.  Raises RecipeError."""
    location = parse_prefix(url)
    if not location.path:
        raise RecipeError(f"{url!r} names a bucket and no object in it", hint=f"write {location}image.jpg")
    return location
