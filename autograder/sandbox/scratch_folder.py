"""The folder on disk of a kernel that has no root of its own (`landlock`, `none`).

Promise: it belongs to the kernel's user, nobody else may enter it, and looking at it or removing it
never follows a link out of it, even while untrusted code rearranges it. Not promised: a hard cap; the
watchdog measures.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from autograder.sandbox.limits import MB

FOLDERS = ("home", "work", "ipc", "tmp")
ROOM_MB = {"home": 256, "tmp": 512, "ipc": 1}  # and "work", whose room is a limit of the assignment's
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_ENTRIES = 32_768
MOST_NESTED = 64


def prepare(scratch: str, uid: int | None) -> None:
    """Make the folders in `scratch`, which exists and is empty, and give all to `uid`."""
    for path in (*(os.path.join(scratch, name) for name in FOLDERS), scratch):
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chmod(path, 0o700)
        if uid is not None:
            os.chown(path, uid, uid)


def is_full(scratch: str, work_mb: float) -> bool:
    """Whether one of its folders takes more room than it has, has too many files or nests too deeply."""
    for name in FOLDERS:
        used, room = 0, ROOM_MB.get(name, work_mb) * MB
        for entries, (depth, blocks) in enumerate(_walk(os.path.join(scratch, name))):
            used += blocks * 512
            if used > room or entries > MOST_ENTRIES or depth >= MOST_NESTED:
                return True
    return False


def remove(scratch: str) -> None:
    """Remove all of it. To be called when no process of the kernel is left."""
    shutil.rmtree(scratch, ignore_errors=True)
    if os.path.isdir(scratch):  # folders whose permissions the submission took away
        for folder, names, _ in os.walk(scratch):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
        shutil.rmtree(scratch, ignore_errors=True)


def _walk(path: str, parent: int | None = None, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Depth and disk blocks of each entry, by descriptors: a path could be bent while it is walked."""
    try:
        folder = os.open(path, FOLDER, dir_fd=parent)
    except OSError:
        return
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield depth, entry.stat(follow_symlinks=False).st_blocks
                if depth < MOST_NESTED and entry.is_dir(follow_symlinks=False):
                    yield from _walk(entry.name, folder, depth + 1)
    finally:
        os.close(folder)
