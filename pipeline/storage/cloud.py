"""Read, write, list and sign objects.  A write is confirmed before it returns, and never replaces other content."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipeline.errors import RecipeError
from pipeline.storage.errors import CloudError, NoSuchObject, ObjectTaken, cloud_error
from pipeline.storage.location import Location, parse_object, parse_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from obstore.store import RetryConfig

_BUFFER_BYTES = 4 * 1024 * 1024
_MAX_EXPIRES_S = 7 * 24 * 3600
"""The longest life of a signed URL that all three services grant."""
_RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=60)}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as the storage describes it."""

    url: str
    size_bytes: int
    etag: str
    """Changes with the content; empty where the service gives none."""


class CloudStorage:
    """Objects in any number of buckets; one client per bucket, made when it is first needed."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], Any] = {}
        self._unconditional: list[Any] = []
        """Clients of services that cannot be told to write only where nothing stands."""

    def __repr__(self) -> str:
        return f"<CloudStorage, {len(self._clients)} buckets in use>"

    def open(self, url: str) -> BinaryIO:
        """The object *url* as a seekable file, read in ranges of 4 MB.  Blocking."""
        location = parse_object(url)
        client = self._client(location)
        import obstore

        with _translated(location):
            reader = obstore.open_reader(client, location.path, buffer_size=_BUFFER_BYTES)
        return cast("BinaryIO", io.BufferedReader(_ObjectReader(reader, location)))

    async def get(self, url: str, *, max_bytes: int | None = None) -> bytes:
        """The bytes of the object *url*; CloudError when it has more than *max_bytes*."""
        location = parse_object(url)
        client = self._client(location)
        import obstore

        with _translated(location):
            found = await obstore.get_async(client, location.path)
            if max_bytes is not None and found.meta["size"] > max_bytes:
                raise CloudError(f"{location} has {found.meta['size']} bytes, more than the limit of {max_bytes}")
            return bytes(await found.bytes_async())

    async def head(self, url: str) -> StoredObject:
        """What the storage says of the object *url*, without fetching it.  Raises NoSuchObject."""
        return await self._head(parse_object(url))

    def stat(self, url: str) -> StoredObject:
        """Like `head`, for code without a loop.  Blocking; any thread may call it."""
        location = parse_object(url)
        client = self._client(location)
        import obstore

        with _translated(location):
            return _described(location, obstore.head(client, location.path))

    async def presign(self, url: str, *, expires_s: float) -> str:
        """An https URL by which anybody may read the object *url* for *expires_s* seconds (at most a week).

        Signing asks nobody: it does not show whether the object exists.
        """
        if not 1 <= expires_s <= _MAX_EXPIRES_S:
            raise RecipeError(f"a signed URL lives from 1 second to 7 days, not {expires_s:g} seconds")
        location = parse_object(url)
        client = self._client(location)
        import obstore

        with _translated(location):
            return await obstore.sign_async(client, "GET", location.path, timedelta(seconds=expires_s))

    async def put(self, prefix: str, name: str, data: bytes, *, content_type: str | None = None) -> StoredObject:
        """Store *data* as *name* below *prefix*; return once the storage confirms size and ETag.

        An object that stands there with the same bytes is adopted, so a put may be repeated.  Raises ObjectTaken
        when it has other bytes.
        """
        location = parse_prefix(prefix).child(name)
        client = self._client(location)
        with _translated(location):
            etag = await self._create(client, location, data, content_type)
        if etag is None and await self.get(str(location)) != data:
            raise ObjectTaken(f"{location} holds something else", hint="move it away, or choose another prefix")
        stored = await self._head(location)
        if stored.size_bytes != len(data) or (etag and stored.etag and stored.etag != etag):
            raise CloudError(f"{location} is not what was written there: {stored.size_bytes} of {len(data)} bytes")
        return stored

    async def replace(self, prefix: str, name: str, data: bytes, *, content_type: str | None = None) -> StoredObject:
        """Store *data* as *name* below *prefix* whatever stands there, confirmed: for files that are written anew."""
        location = parse_prefix(prefix).child(name)
        client = self._client(location)
        import obstore

        attributes: Any = {"Content-Type": content_type} if content_type else None
        with _translated(location):
            await obstore.put_async(client, location.path, data, attributes=attributes)
        stored = await self._head(location)
        if stored.size_bytes != len(data):
            raise CloudError(f"{location} is not what was written there: {stored.size_bytes} of {len(data)} bytes")
        return stored

    async def move(self, prefix: str, name: str, new_name: str) -> StoredObject | None:
        """Give *name* below *prefix* a new name, confirmed before the old one goes; None when it is not there."""
        location = parse_prefix(prefix).child(name)
        try:
            data = await self.get(str(location))
        except NoSuchObject:
            return None
        moved = await self.put(prefix, new_name, data)
        import obstore

        with _translated(location):
            await obstore.delete_async(self._client(location), location.path)
        return moved

    async def remove(self, prefix: str, name: str) -> None:
        """Delete *name* below *prefix*."""
        location = parse_prefix(prefix).child(name)
        import obstore

        with _translated(location):
            await obstore.delete_async(self._client(location), location.path)

    async def list(self, prefix: str) -> AsyncIterator[StoredObject]:
        """Yield the objects below *prefix*, page by page."""
        location = parse_prefix(prefix)
        client = self._client(location)
        import obstore

        with _translated(location):
            async for page in obstore.list(client, location.path or None):
                for meta in page:
                    yield _described(Location(location.scheme, location.bucket, meta["path"]), meta)

    async def _create(self, client: Any, location: Location, data: bytes, content_type: str | None) -> str | None:
        """Put *data* where nothing stands: its ETag, or None when something does."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        attributes: Any = {"Content-Type": content_type} if content_type else None
        if client not in self._unconditional:
            try:
                made = await obstore.put_async(client, location.path, data, mode="create", attributes=attributes)
                return made["e_tag"] or ""
            except AlreadyExistsError:
                return None
            except BaseError as error:
                if not _lacks_conditional_writes(error):
                    raise
                self._unconditional.append(client)
        if await self._exists(location):
            return None
        made = await obstore.put_async(client, location.path, data, attributes=attributes)
        return made["e_tag"] or ""

    async def _exists(self, location: Location) -> bool:
        try:
            await self._head(location)
        except NoSuchObject:
            return False
        return True

    async def _head(self, location: Location) -> StoredObject:
        client = self._client(location)
        import obstore

        with _translated(location):
            return _described(location, await obstore.head_async(client, location.path))

    def _client(self, location: Location) -> Any:
        place = (location.scheme, location.bucket)
        if place not in self._clients:
            self._clients[place] = _connect(location)
        return self._clients[place]


def open_remote(url: str) -> BinaryIO:
    """The object *url* as a seekable file.  Blocking."""
    return CloudStorage().open(url)


def _connect(location: Location) -> Any:
    """A client for the bucket, configured by the environment.  Raises RecipeError without the extra."""
    try:
        from obstore import store
    except ImportError as error:
        raise RecipeError(
            f"{location} needs the extra for object storage", hint='pip install "photobatch[cloud]"'
        ) from error
    with _translated(location):
        match location.scheme:
            case "s3":
                return store.S3Store(location.bucket, retry_config=_RETRIES)
            case "gs":
                return store.GCSStore(location.bucket, retry_config=_RETRIES)
            case _:
                return store.AzureStore(location.bucket, retry_config=_RETRIES)


def _lacks_conditional_writes(error: Exception) -> bool:
    """Some S3-compatible services answer NotImplemented to ``If-None-Match``: then we look first."""
    from obstore.exceptions import NotSupportedError

    return isinstance(error, NotSupportedError) or "NotImplemented" in str(error)


def _described(location: Location, meta: Any) -> StoredObject:
    return StoredObject(str(location), meta["size"], meta["e_tag"] or "")


@contextmanager
def _translated(location: Location) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        raise cloud_error(error, location) from error


class _ObjectReader(io.RawIOBase):
    """obstore's reader as the standard library's kind of raw file."""

    def __init__(self, reader: Any, location: Location) -> None:
        self._reader = reader
        self._location = location

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readinto(self, buffer: Any, /) -> int:
        with _translated(self._location):
            part = memoryview(self._reader.read(len(buffer)))
        buffer[: len(part)] = part
        return len(part)
