"""A course: where its files are, how it is configured, which assignments and submissions it has.

    course = Course("~/courses/dl")
    for submission in course.submissions("p01_attention"):
        ...
Folders are nbgrader's, so both work on the same course; `.autograder/` and `reports/` are ours.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from autograder.errors import ConfigError
from autograder.grading import registration
from autograder.grading.config import FILE_NAME, AssignmentConfig, CourseConfig, merge_limits, read_config
from autograder.grading.database import Database
from autograder.grading.gradebook_rows import marks_in_force
from autograder.grading.nbgrader_settings import NbgraderSettings, read_nbgrader_settings, setting
from autograder.grading.notebook import TrustedCells
from autograder.grading.roster import MARK, Submission, students_in, submission_in
from autograder.grading.secret import read_or_create_secret
from autograder.sandbox.limits import Limits

_CLASS_REPORT = ("index.html", "marks.csv", "checks.csv")  # files beside the folders of students

__all__ = ["Course", "Submission"]


class Course:
    """Args:
        root: the folder of the course; nbgrader_config.py may name another for its files.
        nbgrader: settings that nbgrader has read already (its plug-ins); read from `root` otherwise.

    Raises: ConfigError if one of the configuration files cannot be used.
    """

    def __init__(self, root: Path | str, *, nbgrader: NbgraderSettings | None = None):
        given = Path(root).expanduser().absolute()
        if not given.is_dir():
            raise ConfigError(f"{given}: there is no such folder. Run in the course's root, or name it.")
        self._nbgrader = nbgrader or read_nbgrader_settings(given)
        self.root = Path(self._nbgrader.coursedir.root)
        self.config: CourseConfig = read_config(given / FILE_NAME)

    @property
    def coursedir(self) -> CourseDirectory:
        return self._nbgrader.coursedir

    @property
    def nbgrader_config(self) -> Config:
        return self._nbgrader.config

    @property
    def db_url(self) -> str:
        return self.coursedir.db_url

    def folder(self, step: str, assignment: str, student: str = ".") -> Path:
        """`step` is one of nbgrader's: source, release, submitted, autograded, feedback, solution."""
        directory = getattr(self.coursedir, f"{step}_directory")
        return Path(os.path.normpath(self.coursedir.format_path(directory, student, assignment)))

    def reports_folder(self, assignment: str) -> Path:
        return self.root / "reports" / assignment

    def report_file(self, assignment: str, student: str) -> Path:
        """The receipt of one submission."""
        folder = f"student {student}" if student in _CLASS_REPORT else student
        return self.reports_folder(assignment) / folder / "report.json"

    def marks_in_force(self, assignment: str) -> dict[str, dict[str, float]]:
        """Points in the gradebook, a person's before the machine's: student to grade id to points.

        Raises: GradebookError.
        """
        database = Database(self.db_url)
        try:
            if not database.exists:
                return {}
            return database.read(lambda session: marks_in_force(session, assignment))
        finally:
            database.close()

    def assignments(self) -> list[str]:
        """Those with a notebook in `source/`, or if that is not here with cells in the gradebook."""
        names = students_in(self.folder("source", MARK))
        found = [name for name in names if any(self.folder("source", name).glob("*.ipynb"))]
        return found or registration.registered_assignments(self)

    def notebooks(self, assignment: str) -> list[str]:
        """The names of an assignment's notebooks, without the ending.

        Raises: ConfigError if the course has no such assignment.
        """
        self._check_name(assignment)
        names = sorted(path.stem for path in self.folder("source", assignment).glob("*.ipynb"))
        names = names or registration.registered_notebooks(self, assignment)
        if not names:
            known = ", ".join(self.assignments()) or "none"
            raise ConfigError(f"unknown assignment {assignment!r}: {self.root} has {known}")
        return names

    def notebook_name(self, assignment: str) -> str:
        """The notebook that is graded: called like the assignment, or the only one.

        Raises: ConfigError if there are several and none is called like the assignment.
        """
        names = self.notebooks(assignment)
        if assignment in names:
            return assignment
        if len(names) == 1:
            return names[0]
        raise ConfigError(
            f"assignment {assignment!r} has the notebooks {', '.join(names)}: expected one, or one called "
            f"{assignment}.ipynb. `nbgrader autograde` grades assignments of several notebooks."
        )

    def submissions(
        self, assignment: str, students: Sequence[str] = (), submitted: Path | None = None
    ) -> list[Submission]:
        """What was handed in, by name of the student; or what `students` did, there or not.

        Args:
            submitted: another folder in place of the course's `submitted/`.
        Raises: ConfigError for an unknown assignment or a folder that cannot be read.
        """
        notebook = self.notebook_name(assignment)
        step = str(submitted.absolute()) if submitted else self.coursedir.submitted_directory
        pattern = Path(os.path.normpath(self.coursedir.format_path(step, MARK, assignment)))
        excluded = [name for name in self.coursedir.student_id_exclude.split(",") if name]
        try:
            names = list(dict.fromkeys(students)) or students_in(pattern)
            return [
                submission_in(pattern, name, assignment, notebook) for name in names if name not in excluded
            ]
        except OSError as error:
            raise ConfigError(f"{error.filename}: submissions cannot be read: {error.strerror}") from error

    def checks_file(self, assignment: str) -> Path | None:
        """The assignment's check module; None for a plain nbgrader assignment."""
        self._check_name(assignment)
        places = (self.root / "autograder" / "checks", self.root / "checks")
        files = (place / f"{assignment}.py" for place in places)
        return next((file for file in files if file.is_file()), None)

    def settings(self, assignment: str) -> AssignmentConfig:
        """autograder.toml for this assignment.

        Raises: ConfigError if the file has a table for an assignment that does not exist.
        """
        if strangers := set(self.config.assignments) - {assignment, *self._known}:
            raise ConfigError(
                f"{FILE_NAME}: unknown assignment {', '.join(sorted(strangers))}. "
                f"Known assignments: {', '.join(self._known) or 'none'}."
            )
        return self.config.of(assignment)

    def limits(self, assignment: str) -> Limits:
        """A command line's limits, else autograder.toml's, else nbgrader_config.py's, else the defaults."""
        return merge_limits(
            self._nbgrader.limits(),
            self.settings(assignment).limits,
            self._nbgrader.command_line_limits(),
        )

    def secret(self) -> bytes:
        """The 32 bytes from which seeds of hidden inputs derive, made on first use.

        Raises: ConfigError.
        """
        path = self.root / ".autograder" / "secret"
        return read_or_create_secret(path, shared_with_group=self.coursedir.groupshared)

    def trusted_cells(self, assignment: str, notebook: str | None = None) -> TrustedCells:
        """The released cells as the gradebook has them, with the hidden tests.

        An assignment that the gradebook lacks is added to it, as `nbgrader generate_assignment` would.

        Raises: ConfigError if there is no such assignment; GradebookError.
        """
        return registration.trusted_cells(self, assignment, notebook or self.notebook_name(assignment))

    def register(self, assignment: str) -> None:
        """Bring the gradebook's cells up to the source, as `nbgrader generate_assignment` does.

        Raises: ConfigError if nbgrader refuses the source; GradebookError.
        """
        registration.register(self, assignment)

    def skipped_cells(self, assignment: str, notebook: str | None = None) -> frozenset[str]:
        """Grade ids of the source's ungraded cells with a tag of `skip_cells_tagged`."""
        tags = set(self.settings(assignment).skip_cells_tagged)
        if not tags:
            return frozenset()
        return registration.cells_tagged(self, assignment, notebook or self.notebook_name(assignment), tags)

    def source_files(self, assignment: str) -> Mapping[str, Path]:
        """The instructor's files beside the notebook, by path in the submission that they replace.

        As nbgrader: all of `source/<assignment>/` but notebooks, what `CourseDirectory.ignore` names and
        what `Autograde.exclude_overwriting` leaves to the student.
        """
        return self._instructors_files("source", assignment)

    def released_files(self, assignment: str) -> Mapping[str, Path]:
        """`source_files`, and what only `release/` has: all that a notebook may find beside it."""
        return {**self._instructors_files("release", assignment), **self.source_files(assignment)}

    def ignored(self, path: str) -> bool:
        """Whether a file beside a notebook stays behind: notebooks, and what nbgrader ignores."""
        patterns = self.coursedir.ignore
        parts = Path(path).parts
        return path.endswith(".ipynb") or any(
            fnmatch.fnmatch(part, pattern) for part in parts for pattern in patterns
        )

    def _instructors_files(self, step: str, assignment: str) -> dict[str, Path]:
        folder = self.folder(step, assignment)
        excluded = setting(self.nbgrader_config, Autograde, "exclude_overwriting").get(assignment, ())
        files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return {name: path for name, path in files.items() if name not in excluded and not self.ignored(name)}

    @cached_property
    def _known(self) -> tuple[str, ...]:
        return tuple(self.assignments())

    @staticmethod
    def _check_name(assignment: str) -> None:
        if (
            not assignment
            or assignment != Path(assignment).name
            or assignment.startswith(".")
            or "\0" in assignment
        ):
            raise ConfigError(f"expected the name of an assignment. Received: {assignment!r}")
