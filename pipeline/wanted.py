"""What is asked of a plan or a run: a manifest, a recipe, and the flags by which the manifest is read.

Owns the way from flags to an open manifest.  Knows neither the ledger nor money.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest, open_manifest
from pipeline.manifest.origin import full_name
from pipeline.paths import local_path

if TYPE_CHECKING:
    from pipeline.recipe import Recipe


@dataclass(frozen=True)
class Wanted:
    """What to do, and how to read it: the flags that `plan` and `run` share."""

    manifest: Any
    recipe: Recipe
    key: str | None = None
    limit: int | None = None
    platform: str | None = None
    images: str | Path | None = None
    encoding: str | None = None
    encoding_errors: str = "strict"
    delimiter: str | None = None
    image_base_url: str | None = None
    allow_private: bool = False
    """Whether images may be on this computer or in a private network: a rehearsal's may."""
    check_images: bool = False
    """Whether the servers are asked about remote images first; what they say then counts."""
    assumed_nano: dict[str, int] = field(default_factory=dict)

    @property
    def named_recipe(self) -> Recipe:
        """The recipe with the key template that counts."""
        return replace(self.recipe, key=self.key or self.recipe.key)

    def open(self) -> Manifest:
        """The manifest, its header read; raises ManifestError."""
        if isinstance(self.manifest, Manifest):
            return self.manifest
        return open_manifest(
            self.manifest,
            encoding=self.encoding,
            encoding_errors=self.encoding_errors,
            delimiter=self.delimiter,
            platform=self.platform,
            images=self.images,
            image_base_url=self.image_base_url,
            limit=self.limit,
            open_remote=_open_remote,
        )

    @property
    def names_key(self) -> bool:
        """Whether somebody said what names the rows."""
        return bool(self.key or self.recipe.key)

    def opened(self) -> Wanted:
        """The same with its manifest open: standard input and remote files can be fetched only once."""
        return replace(self, manifest=self.open())

    @property
    def place(self) -> str:
        """Where the manifest is, for the ledger: a full path, an address, or words.  Raises ManifestError."""
        if isinstance(self.manifest, Manifest):
            return self.manifest.name
        if not isinstance(self.manifest, str | Path):
            return str(getattr(self.manifest, "name", None) or "data frame")
        text = str(self.manifest)
        return text if text == "-" or "://" in text else full_name(local_path(text))

    @property
    def reading(self) -> dict[str, Any]:
        """The flags with which the manifest is read, where they say something; plain JSON values."""
        flags = {
            "platform": self.platform,
            "images": None if self.images is None else str(local_path(self.images).absolute()),
            "encoding": self.encoding,
            "encoding_errors": None if self.encoding_errors == "strict" else self.encoding_errors,
            "delimiter": self.delimiter,
            "image_base_url": self.image_base_url,
            "limit": self.limit,
        }
        return {name: value for name, value in flags.items() if value is not None}


def _open_remote(url: str) -> BinaryIO:
    if url.lower().startswith(("http:", "https:")):
        raise ManifestError(
            f"{url}: a manifest is not fetched from the web", hint="download it first and give the file"
        )
    from pipeline.storage import CloudError, open_remote  # the extra is needed only by who names an address

    try:
        return open_remote(url)
    except CloudError as error:
        raise ManifestError(str(error), hint=error.hint) from error
