"""The values of a look at a remote image: what the URL holds, and what tells whether it changed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells whether a remote image changed."""

    etag: str = ""
    last_modified: str = ""
    size_bytes: int | None = None
    head_sha256: str = ""
    """Of the first 64 kB."""

    def same_image(self, later: Validators) -> bool:
        """Whether *later* speaks of the same bytes: by size and the first 64 kB where both are known, else by ETag.

        An ETag decides last, because servers renew it for the same bytes: nginx makes it of time and size, the edges
        of a network each make their own, and every renewal would be paid for.  A photo that differs only behind its
        first 64 kB has, being compressed, another size all but always; one that has not is made anew by a rejection,
        or under another address.
        """
        if self.head_sha256 and later.head_sha256 and None not in (self.size_bytes, later.size_bytes):
            return (self.size_bytes, self.head_sha256) == (later.size_bytes, later.head_sha256)
        if self.etag and later.etag:
            return self.etag == later.etag
        return bool(self.head_sha256) and (self.last_modified, self.size_bytes, self.head_sha256) == (
            later.last_modified,
            later.size_bytes,
            later.head_sha256,
        )


@dataclass(frozen=True, slots=True)
class RemoteFacts:
    """What a URL holds."""

    url: str
    problem: str = ""
    """Why it cannot be used, as a clause; empty when it can."""
    passing: bool = False
    """The problem may pass by itself (no answer, 5xx, 429): the image was not seen, good or bad."""
    unchanged: bool = False
    """It is what it was when the given validators were taken."""
    kind: str = ""
    """PNG, JPEG, WEBP ... by content."""
    width: int | None = None
    height: int | None = None
    """In pixels; None when the first 64 kB do not say."""
    final_url: str = ""
    """Behind all redirects."""
    validators: Validators = field(default_factory=Validators)
