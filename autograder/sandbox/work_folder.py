"""Copying a submission's folder into a kernel's work folder and back.

Inside, the folder belongs to untrusted code that may still run. So it is only ever touched relative to
a descriptor, one path component at a time and never through a link; only regular files are copied, and
sizes and counts are capped.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager

MAX_FILES = 2_000
MAX_DEPTH = 16
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class WorkFolder:
    """A kernel's work folder, held by descriptor. It outlives the kernel until `close`."""

    def __init__(self, descriptor: int, owner: int | None):
        self._descriptor = descriptor
        self._owner = owner

    def write(self, files: dict[str, bytes]) -> None:
        """Put `files` (relative path to content) into the folder, owned by the kernel's user."""
        for path, content in files.items():
            *folders, name = _safe_parts(path)
            with self._folder(folders, create=True) as parent:
                descriptor = os.open(name, CREATE, 0o644, dir_fd=parent)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    if self._owner is not None:
                        os.fchown(file.fileno(), self._owner, self._owner)

    def replace(self, files: dict[str, bytes]) -> None:
        """Put `files` into the folder, over those of the same names. A link is replaced, not followed."""
        for path, content in files.items():
            *folders, name = _safe_parts(path)
            with self._folder(folders, create=True) as parent:
                beside = f".{name[:100]}.{secrets.token_hex(4)}"
                descriptor = os.open(beside, CREATE, 0o644, dir_fd=parent)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                os.replace(beside, name, src_dir_fd=parent, dst_dir_fd=parent)

    def read(self, max_bytes: int) -> tuple[dict[str, bytes], list[str]]:
        """The regular files, and the paths left out (links, special files, what exceeds the caps)."""
        files: dict[str, bytes] = {}
        left_out: list[str] = []
        room = max_bytes
        for path, parent, name in self._walk(self._descriptor, "", left_out):
            if len(files) >= MAX_FILES:
                left_out.append(path)
                continue
            content = _read_regular(name, parent, room)
            if content is None:
                left_out.append(path)
            else:
                files[path] = content
                room -= len(content)
        return files, left_out

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @contextmanager
    def _folder(self, parts: list[str], *, create: bool) -> Iterator[int]:
        current = os.dup(self._descriptor)
        try:
            for part in parts:
                if create:
                    try:
                        os.mkdir(part, 0o755, dir_fd=current)
                        if self._owner is not None:
                            os.chown(part, self._owner, self._owner, dir_fd=current, follow_symlinks=False)
                    except FileExistsError:
                        pass  # an earlier file made it; opening it below fails if it is no folder
                below = os.open(part, FOLDER, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)

    def _walk(
        self, folder: int, prefix: str, left_out: list[str], depth: int = 0
    ) -> Iterator[tuple[str, int, str]]:
        for name in sorted(os.listdir(folder)):
            path = prefix + name
            try:
                mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(mode):
                yield path, folder, name
            elif depth >= MAX_DEPTH:
                left_out.append(path)
            else:
                try:
                    below = os.open(name, FOLDER, dir_fd=folder)
                except OSError:
                    left_out.append(path)
                    continue
                try:
                    yield from self._walk(below, path + "/", left_out, depth + 1)
                finally:
                    os.close(below)


def _read_regular(name: str, folder: int, room: int) -> bytes | None:
    """Content of a regular file of at most `room` bytes, else None."""
    try:
        descriptor = os.open(name, READ, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > room:
            return None
        content = file.read(room + 1)
    return content if len(content) <= room else None


def _safe_parts(path: str) -> list[str]:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise ValueError(f"not a relative path inside the folder: {path!r}")
    return parts
