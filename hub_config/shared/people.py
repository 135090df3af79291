"""Who is in a course, read from a TOML file such as hub_config/class.toml."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

# What `useradd` of Debian takes without --badname, and JupyterHub does not have to escape.
USER_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
# nbgrader forbids "+"; the hub's role names end at 255 characters; the rest is what a path can show plainly.
COURSE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,60}")


class ClassFileError(Exception):
    """A file of people cannot be used; the message says what to change."""


@dataclass(frozen=True)
class People:
    """Names of users; a name stands in one list only.

    Args:
        course: nbgrader's course id.
        grader: the user that owns the course; nobody logs in as it.
        assistants: mark by hand and comment. instructors: they also release, regrade and stop servers.
    """

    course: str
    grader: str
    students: tuple[str, ...]
    assistants: tuple[str, ...] = ()
    instructors: tuple[str, ...] = ()

    @property
    def staff(self) -> tuple[str, ...]:
        return (*self.assistants, *self.instructors)

    @property
    def who_log_in(self) -> tuple[str, ...]:
        return (*self.students, *self.staff)


def read_people(path: Path | str) -> People:
    """Raises: ClassFileError if the file is not there, is not TOML, or names somebody that cannot be."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ClassFileError(f"{path}: cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ClassFileError(f"{path}: is not TOML: {error}") from error
    known = {field.name for field in fields(People)}
    if strangers := sorted(set(table) - known):
        raise ClassFileError(f"{path}: unknown {', '.join(strangers)}. Expected: {', '.join(sorted(known))}.")
    if missing := sorted({"course", "grader", "students"} - set(table)):
        raise ClassFileError(f"{path}: {', '.join(missing)} missing")
    lists = {
        name: _names(path, name, table.get(name, [])) for name in ("students", "assistants", "instructors")
    }
    people = People(course=table["course"], grader=table["grader"], **lists)
    _check(path, people)
    return people


def _names(path: Path | str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ClassFileError(f"{path}: {key}: expected a list of user names. Received: {value!r}")
    return tuple(value)


def _check(path: Path | str, people: People) -> None:
    if not isinstance(people.course, str) or not COURSE_NAME.fullmatch(people.course):
        raise ClassFileError(
            f"{path}: course: expected letters, digits, '_', '-', '.'. Received: {people.course!r}"
        )
    names = (people.grader, *people.who_log_in)
    for name in names:
        if not isinstance(name, str) or not USER_NAME.fullmatch(name):
            raise ClassFileError(
                f"{path}: expected user names of small letters, digits and '-', at most 31, a letter first. "
                f"Received: {name!r}"
            )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ClassFileError(f"{path}: named more than once: {', '.join(twice)}")
