"""From an authored text to the two built folders of its assignment."""

import shutil
import tempfile
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.build.authored import read_assignment
from autograder.build.folders import differences, files_in, replace_folder
from autograder.build.leaks import check_release
from autograder.build.notebook import source_notebook
from autograder.build.public_checks import PACKAGE, make_public_checks
from autograder.build.release import check_gradebook, generate_release
from autograder.checking.catalogue import CheckInfo, check_catalogue
from autograder.errors import BuildError, BuildStale
from autograder.grading.course import Course


@dataclass(frozen=True)
class BuiltAssignment:
    """What a build made. `written` is the part of `points` that a person gives; `changed` are the files
    that it wrote or removed, relative to the course root."""

    name: str
    questions: int
    points: float
    written: float
    changed: tuple[str, ...]


def build(
    course_root: Path, names: Iterable[str] | None = None, check: bool = False
) -> list[BuiltAssignment]:
    """Build the assignments named, or all: `source/<name>.py` -> `source/<name>/` and `release/<name>/`.

    Args:
        course_root: the folder with `source/`.
        names: assignments; None or empty means every text in `source/`.
        check: write nothing, neither files nor gradebook.
    Raises: BuildError, naming the file and line; BuildStale if `check` finds a difference.
    """
    course = Course(Path(course_root).resolve())
    drafts = [_Draft(course, name) for name in _names(course, names)]
    if not check:
        for draft in drafts:
            check_gradebook(course, draft.name, draft.source.cells)
    built, stale = [], []
    for draft in drafts:
        with draft.staged() as staging:
            changed = draft.changes(staging)
            if not check:
                draft.install(staging)
        stale += [f"{path} ({how})" for path, how in changed.items()]
        built.append(draft.summary(tuple(changed)))
    if check and stale:
        raise BuildStale(stale)
    return built


def _names(course, names):
    folder = course.folder("source", "any").parent
    texts = sorted(path.stem for path in folder.glob("*.py"))
    wanted = list(dict.fromkeys(names or texts))
    if not wanted:
        raise BuildError(f"no authored text in {folder}. Is {course.root} the course's root?")
    for name in wanted:
        if name not in texts:
            raise BuildError(
                f"no authored text {folder.name}/{name}.py. There is: {', '.join(texts) or 'none'}."
            )
    return wanted


def _catalogue(path: Path | None, course_root) -> list[CheckInfo]:
    if path is None:
        return []
    try:
        return check_catalogue(path)
    except (ValueError, SyntaxError) as error:
        raise BuildError(str(error), path.relative_to(course_root)) from error


class _Draft:
    """One assignment, read and put together; nothing is written before `install`."""

    def __init__(self, course: Course, name: str):
        self.course, self.name = course, name
        self.built_source = course.folder("source", name)
        self.built_release = course.folder("release", name)
        self.checks_file = course.checks_file(name)
        self.checks = _catalogue(self.checks_file, course.root)
        file = self.built_source.with_name(f"{name}.py")
        self.assignment = read_assignment(file, self._shown(file))
        self.checks_shown = self._shown(self.checks_file) if self.checks_file else f"checks/{name}.py"
        self.source = source_notebook(self.assignment, self.checks, self.checks_shown, course.root)
        self._refuse_other_notebooks()

    @contextmanager
    def staged(self):
        """A temporary folder with `source/<name>` and `release/<name>` as they should be."""
        with tempfile.TemporaryDirectory(prefix="build-") as folder:
            staging = Path(folder).resolve()
            self._stage_source(staging / "source" / self.name)
            generate_release(self.course, staging, self.name)
            check_release(staging / "release" / self.name, self._secrets(), self._shown(self.built_release))
            yield staging

    def changes(self, staging):
        """Path relative to the course root -> how what is built differs from what is staged."""
        changed = {}
        for step, built in (("source", self.built_source), ("release", self.built_release)):
            found = differences(staging / step / self.name, built)
            changed |= {self._shown(built / path): how for path, how in found.items()}
        return changed

    def install(self, staging):
        """Gradebook first: if it refuses, the files stay as they were."""
        generate_release(self.course, staging, self.name, in_gradebook=True)
        replace_folder(staging / "source" / self.name, self.built_source)
        replace_folder(staging / "release" / self.name, self.built_release)

    def summary(self, changed):
        points = self.source.points
        written = sum(points[question] for question in self.source.written)
        return BuiltAssignment(self.name, len(points), sum(points.values()), written, changed)

    def _stage_source(self, folder):
        """The instructor's own files (data, modules), then what the build makes."""
        folder.mkdir(parents=True)
        if self.built_source.is_dir():
            for path in files_in(self.built_source):
                if path.parts[0] != PACKAGE and path.name != f"{self.name}.ipynb":
                    (folder / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(self.built_source / path, folder / path)
        nbformat.validate(self.source.notebook)
        nbformat.write(self.source.notebook, folder / f"{self.name}.ipynb")
        if self.checks_file:
            package, committed = folder / PACKAGE, self.built_source / PACKAGE
            make_public_checks(self.checks_file, self.checks_shown, self.course.root, package, committed)

    def _secrets(self):
        packages = {name.split(".")[0] for cell in self.assignment.cells for name, _ in cell.solutions}
        return sorted(packages) + [f"test_{check.id}" for check in self.checks if not check.public]

    def _refuse_other_notebooks(self):
        for path in self.built_source.glob("*.ipynb"):
            if path.name != f"{self.name}.ipynb":
                raise BuildError(
                    "nbgrader would release this notebook too, and the build does not make it. Move it away.",
                    self._shown(path),
                )

    def _shown(self, path):
        """The path as messages show it."""
        return str(path.relative_to(self.course.root) if path.is_relative_to(self.course.root) else path)
