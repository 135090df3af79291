"""Who handed an assignment in: the folders below `submitted/`, whatever they are called.

Names of folders come from students (a zip of a learning platform, a collected exchange). A name that
nbgrader, a path or a page could misread is kept in sight with its problem, and goes nowhere else.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Submission", "student_id_problem", "students_in", "submission_in"]

MAX_ID_LENGTH = 128  # nbgrader's column
REPORT_FILES = ("index.html", "marks.csv", "checks.csv")  # beside the folders of students in reports/
MARK = "\x01student\x01"  # stands for the student in a path; no real one holds control characters
_JOINERS = "\u200c\u200d"  # part of names in Persian and in Indic scripts
_SHOWN = 5


@dataclass(frozen=True)
class Submission:
    """One student's folder for one assignment.

    Args:
        student: nbgrader's student id; where the name cannot be one, a printable form of it.
        folder: what was handed in; it may not exist.
        notebook: the file to grade in it.
        problem: why this cannot be graded, in words for a person; None if it can be tried.
        row: False if the gradebook cannot or should not hold it (a name that is no id, nothing there).
    """

    student: str
    assignment: str
    folder: Path
    notebook: Path
    problem: str | None = None
    row: bool = True


def student_id_problem(name: str) -> str | None:
    """Why a name cannot be a student id, None if it can."""
    if not name.strip() or name != name.strip():
        return "it is empty or begins or ends with a space"
    if name.startswith("."):
        return "it begins with a dot"
    if any(separator in name for separator in "/\\\0"):
        return "it holds a path separator"
    if name in REPORT_FILES:
        return "a file of the class report is called so"
    if len(name) > MAX_ID_LENGTH:
        return f"it is longer than {MAX_ID_LENGTH} characters"
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in _JOINERS for c in name):
        return "it holds characters that cannot be seen"
    if any(c in "*?[" for c in name):
        return "it holds a wildcard (*, ? or [), which nbgrader would expand"
    return None


def students_in(pattern: Path) -> list[str]:
    """The names that stand where `pattern` has MARK, of folders that exist, sorted.

    Hidden folders and plain files are left out, as nbgrader's globs do.
    """
    parent, part, below = _split(pattern)
    before, after = part.split(MARK)
    try:
        names = [path.name for path in parent.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(
        name[len(before) : len(name) - len(after)]
        for name in names
        if not name.startswith(".")
        and len(name) > len(before) + len(after)
        and name.startswith(before)
        and name.endswith(after)
        and _is_folder(parent.joinpath(name, *below))
    )


def submission_in(pattern: Path, name: str, assignment: str, notebook_name: str) -> Submission:
    """The submission of the student called `name`; `pattern` holds MARK in its place."""
    if why := student_id_problem(name):
        nowhere = Path(os.devnull)
        problem = f"the folder's name cannot be a student id: {why}"
        return Submission(_printable(name), assignment, nowhere, nowhere, problem, row=False)
    folder = Path(str(pattern).replace(MARK, name))
    notebook = folder / f"{notebook_name}.ipynb"
    handed_in = os.path.lexists(folder) or _is_folder(folder)
    try:
        problem = _problem(folder, notebook, pattern) if handed_in else "nothing was handed in"
    except (OSError, RuntimeError) as error:  # RuntimeError: Python 3.11's word for links in a circle
        problem = f"the submission's folder cannot be read: {getattr(error, 'strerror', None) or error}"
    return Submission(name, assignment, folder, notebook, problem, row=handed_in)


def _is_folder(path: Path) -> bool:
    """Also true for what may not be looked at: it is one student's problem, and must stay in sight."""
    try:
        return path.is_dir()
    except PermissionError:
        return True


def _problem(folder: Path, notebook: Path, pattern: Path) -> str | None:
    if not folder.resolve().is_relative_to(_split(pattern)[0].resolve()):
        return "the submission's folder is a link that leads out of the folder of submissions"
    if not folder.is_dir():
        return "where the submission's folder should be there is a file"
    try:
        kind = notebook.lstat().st_mode
    except FileNotFoundError:
        return f"{notebook.name} is missing: {_found(folder)}"
    except OSError as error:
        return f"{notebook.name} cannot be read: {error.strerror}"
    if stat.S_ISLNK(kind):
        return f"{notebook.name} is a link, not a file"
    return None if stat.S_ISREG(kind) else f"{notebook.name} is not a file"


def _printable(name: str) -> str:
    """A printable form of a name that is no id: itself no id, and different for different names."""
    shown = ascii(name)[1:-1]
    if len(shown) <= MAX_ID_LENGTH:
        return shown
    return f"{shown[:80]}...\\{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _found(folder: Path) -> str:
    """What is there instead, for the commonest accident: a notebook under another name."""
    names = sorted(path.name for path in folder.iterdir())
    notebooks = [name for name in names if name.endswith(".ipynb")]
    if not names:
        return "the folder is empty"
    shown = ", ".join(ascii(name)[:80] for name in (notebooks or names)[:_SHOWN])
    more = len(notebooks or names) - _SHOWN
    return f"the folder holds {shown}" + (f" and {more} more" if more > 0 else "")


def _split(pattern: Path) -> tuple[Path, str, tuple[str, ...]]:
    """The folder above the part that names the student, that part, and the parts below it."""
    parts = pattern.parts
    place = next(index for index, part in enumerate(parts) if MARK in part)
    return Path(*parts[:place]), parts[place], parts[place + 1 :]
