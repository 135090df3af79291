"""The folder `autograded/<student>/<assignment>/`: the marked notebook and the files beside it.

Formgrader and `nbgrader generate_feedback` read it at any time, so it is built aside and put in place in
one step, and taken back if the gradebook then refuses the marks. What a student's code wrote is copied by
content, never by link, and cannot leave the folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import nbformat.v4
from nbformat import NotebookNode
from nbgrader.converters import Autograde

from autograder.grading.course import Course
from autograder.grading.file_tree import can_be_written

__all__ = ["AutogradedFolder", "is_inside", "submitted_files", "write_file"]

LEFTOVER_AGE_S = 3600.0


class AutogradedFolder:
    """One submission's folder, built aside.

    Args:
        notebooks: by name, without the ending.
        files: by path in the folder; content, or the file to copy. Those that nbgrader ignores are left out.
    """

    def __init__(self, course: Course, assignment: str, student: str):
        self._course = course
        self._place = course.folder("autograded", assignment, student)
        self._new = self._aside("new")
        self._old = self._aside("old")
        self._in_place = False

    def build(self, notebooks: Mapping[str, NotebookNode], files: Mapping[str, bytes | Path]) -> None:
        """Write everything into the folder aside. Raises: OSError."""
        self._sweep()
        self._new.mkdir(parents=True)
        for name, content in files.items():
            if not self._course.ignored(name) and is_inside(name) and can_be_written(name):
                write_file(self._new / name, content)
        for name, notebook in notebooks.items():
            write_file(
                self._new / f"{name}.ipynb", nbformat.v4.writes(notebook).encode("utf-8", "replace") + b"\n"
            )
        self._set_permissions()

    def put_in_place(self) -> None:
        """Replace the present folder; a second call changes nothing. Raises: OSError."""
        if self._in_place:
            return
        if os.path.lexists(self._place):
            self._place.rename(self._old)
        self._new.rename(self._place)
        self._in_place = True

    def take_back(self) -> None:
        """Undo `put_in_place`, for a transaction that failed after it."""
        if self._in_place:
            self._place.rename(self._new)
            if os.path.lexists(self._old):
                self._old.rename(self._place)
            self._in_place = False

    def discard(self) -> None:
        """Remove what is left aside."""
        for folder in (self._new, self._old):
            _remove(folder)

    def _aside(self, kind: str) -> Path:
        """A hidden name: nbgrader's globs pass over it."""
        return self._place.parent / f".{self._place.name}.{kind}-{secrets.token_hex(6)}"

    def _sweep(self) -> None:
        """Remove what a program that was killed left aside."""
        for kind in ("new", "old"):
            for folder in self._place.parent.glob(f".{_escaped(self._place.name)}.{kind}-*"):
                try:
                    if time.time() - folder.lstat().st_mtime > LEFTOVER_AGE_S:
                        _remove(folder)
                except FileNotFoundError:
                    continue

    def _set_permissions(self) -> None:
        """As nbgrader leaves them: files read-only unless configured otherwise, folders to the group."""
        coursedir = self._course.coursedir
        mode = int(str(Autograde(coursedir=coursedir, config=self._course.nbgrader_config).permissions), 8)
        for parent, _, names in os.walk(self._new):
            for name in names:
                Path(parent, name).chmod(mode)
            if coursedir.groupshared:
                Path(parent).chmod(stat.S_IMODE(Path(parent).stat().st_mode) | 0o2770)


def submitted_files(folder: Path, max_bytes: int) -> dict[str, Path]:
    """A submission's regular files, by path in it; links, devices and what exceeds `max_bytes` stay out."""
    files: dict[str, Path] = {}
    for path in _regular_files(folder):
        max_bytes -= path.lstat().st_size
        if max_bytes < 0:
            break
        files[path.relative_to(folder).as_posix()] = path
    return files


def is_inside(name: str) -> bool:
    """Whether a path stays in the folder that it is relative to."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _regular_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            with contextlib.suppress(OSError):  # gone meanwhile, or a path longer than Linux takes
                if stat.S_ISREG(path.lstat().st_mode):
                    yield path


def write_file(path: Path, content: bytes | Path) -> None:
    """Write a new file in place of whatever is there; a link is replaced or refused, never followed.

    Raises: OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if isinstance(content, Path):
        source = os.open(content, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(source, "rb") as file, path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
    else:
        path.write_bytes(content)


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
