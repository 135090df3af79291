"""The courses that the service is for. One that is put into a watched folder is there without a restart."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import ConfigError
from autograder.grading.config import FILE_NAME
from autograder.grading.nbgrader_settings import read_nbgrader_settings
from autograder.service.settings import CourseSettings, read_course_settings

__all__ = ["Courses", "ServedCourse"]

FRESH_S = 2.0
NBGRADER_FILE = "nbgrader_config.py"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedCourse:
    """One course as the service knows it."""

    id: str
    root: Path
    settings: CourseSettings


class Courses:
    """Args:
        roots: folders of courses. parents: folders whose subfolders are courses.

    Raises: ConfigError if a root is no course, or two have one id.
    """

    def __init__(self, roots: Sequence[Path], parents: Sequence[Path] = ()):
        self._roots = [root.absolute() for root in roots]
        self._parents = [parent.absolute() for parent in parents]
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[float, ...], ServedCourse | ConfigError]] = {}
        self._looked = 0.0
        self._by_id: Mapping[str, ServedCourse] = {}
        self._look(first=True)
        if not self._by_id and not self._parents:
            raise ConfigError("no course was named: start with --course DIR or --courses DIR")

    def all(self) -> list[ServedCourse]:
        """By id, as the files are now."""
        with self._lock:
            if time.monotonic() - self._looked > FRESH_S:
                self._look()
            return [course for _, course in sorted(self._by_id.items())]

    def get(self, id: str) -> ServedCourse | None:
        return next((course for course in self.all() if course.id == id), None)

    @property
    def first_root(self) -> Path:
        """Where stores are that nothing else was said about."""
        return (self._roots or self._parents)[0]

    def _look(self, first: bool = False) -> None:
        found: dict[str, ServedCourse] = {}
        for root in self._folders():
            try:
                course = self._course(root)
            except ConfigError as error:
                if first and root in self._roots:
                    raise
                _log.error("not served: %s", error)
                continue
            if course.id in found:
                problem = f"{root} and {found[course.id].root} are both the course {course.id!r}"
                if first:
                    raise ConfigError(f"{problem}: set CourseDirectory.course_id in {NBGRADER_FILE}")
                _log.error("not served: %s", problem)
                continue
            found[course.id] = course
        self._by_id, self._looked = found, time.monotonic()

    def _folders(self) -> list[Path]:
        watched = (child for parent in self._parents if parent.is_dir() for child in sorted(parent.iterdir()))
        return [*self._roots, *(child for child in watched if (child / NBGRADER_FILE).is_file())]

    def _course(self, root: Path) -> ServedCourse:
        """The course, read anew when one of its two files has changed."""
        stamp = tuple(_modified(root / name) for name in (NBGRADER_FILE, FILE_NAME))
        known = self._read.get(root)
        if known is None or known[0] != stamp:
            try:
                known = (stamp, _read_course(root))
            except ConfigError as error:
                known = (stamp, error)
            self._read[root] = known
        if isinstance(known[1], ConfigError):
            raise known[1]
        return known[1]


def _read_course(root: Path) -> ServedCourse:
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder. --course names the root of an nbgrader course.")
    id = read_nbgrader_settings(root).coursedir.course_id or root.name
    if problem := _id_problem(id):
        raise ConfigError(f"{root}: the course's id {id!r} {problem}: set CourseDirectory.course_id")
    return ServedCourse(id, root, read_course_settings(root))


def _id_problem(id: str) -> str | None:
    plain = id.replace("-", "").replace("_", "").replace(".", "")
    if not (plain.isascii() and plain.isalnum()) or id.startswith(".") or len(id) > 64:
        return "is not made of up to 64 letters, digits, dots, - and _"
    return None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
