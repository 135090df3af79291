"""Contents of files, each under its sha256, on a disk or in any store that fsspec knows.

<store>/ab/abcdef…      a blob is there whole or not at all, and is never changed
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from autograder.errors import StoreError

__all__ = ["Blobs"]


class Blobs:
    """Args:
        url: of fsspec: `file:///srv/blobs`, `s3://bucket/blobs`, `memory://blobs`.

    Raises: StoreError if the store cannot be used.
    """

    def __init__(self, url: str):
        try:
            self._fs, root = url_to_fs(url)
            self._root = str(root).rstrip("/")
            self._local = isinstance(self._fs, LocalFileSystem)
            if self._local:
                Path(self._root).mkdir(mode=0o700, parents=True, exist_ok=True)
            else:
                self._fs.makedirs(self._root, exist_ok=True)
        except (OSError, ValueError, ImportError) as error:
            raise StoreError(f"the service's store {url} cannot be used: {error}") from error

    def put_file(self, source: Path, sha256: str) -> None:
        """Keep the content of `source`, whose hash the caller has made; on disk when this returns."""
        target = self._path(sha256)
        if not self._local:
            self._fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            self._fs.put_file(str(source), target)
            return
        folder = Path(target).parent
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f".{secrets.token_hex(8)}"
        try:
            with source.open("rb") as content, temporary.open("xb") as copy:
                os.fchmod(copy.fileno(), 0o600)
                shutil.copyfileobj(content, copy, 1 << 20)
                copy.flush()
                os.fsync(copy.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def has(self, sha256: str) -> bool:
        return bool(self._fs.isfile(self._path(sha256)))

    def read(self, sha256: str) -> bytes:
        """The content. Raises: StoreError if it is missing or is not what its name says."""
        try:
            content = self._fs.cat_file(self._path(sha256))
        except OSError as error:
            raise StoreError(f"blob {sha256} is missing in the store: {error}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StoreError(f"blob {sha256} is damaged: its content has another hash")
        return content

    def remove(self, sha256: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(sha256))

    def check(self) -> None:
        """Raises: StoreError if nothing can be kept here."""
        if self._local and not os.access(self._root, os.W_OK | os.X_OK):
            raise StoreError(f"the store {self._root} cannot be written")
        try:
            self._fs.exists(self._root)
        except OSError as error:
            raise StoreError(f"the store {self._root} does not answer: {error}") from error

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{sha256[:2]}/{sha256}"
