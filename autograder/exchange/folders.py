"""Folders of files, read to be sent and written as they came, all at once or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from autograder.exchange.manifest import RESERVED, File, file_at, path_problem

__all__ = ["read_folder", "write_folder"]


def read_folder(
    root: Path, ignore: Callable[[str, list[str]], Iterable[str]], left_out: Callable[[str, str], None]
) -> list[tuple[File, Path]]:
    """The regular files below `root`, with where they lie.

    Args:
        ignore: as `shutil.copytree` takes it. left_out: told of each other path, and why.
    """
    found = []
    for folder, subfolders, names in os.walk(root):
        ignored = set(ignore(folder, [*subfolders, *names]))
        subfolders[:] = sorted(name for name in subfolders if name not in ignored)
        for name in sorted(set(names) - ignored):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if relative in RESERVED:
                continue
            if path.is_symlink() or not path.is_file():
                left_out(relative, "it is a link, or no file")
            elif why := path_problem(relative):
                left_out(relative, why)
            else:
                found.append((file_at(path, relative), path))
    return found


def write_folder(target: Path, files: Mapping[str, bytes], *, mode: int = 0o755) -> None:
    """Write a folder and put it in the place of the one that is there.

    Raises: ValueError for a path that could lead elsewhere; OSError. What was there is then still there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
    try:
        for name, content in files.items():
            if name not in RESERVED and (why := path_problem(name)):
                raise ValueError(f"{name!r}: {why}")
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        fresh.chmod(mode)
        if target.is_dir() and not target.is_symlink():
            old = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
            target.rename(old / "old")
            fresh.rename(target)
            shutil.rmtree(old, ignore_errors=True)
        else:
            fresh.rename(target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
