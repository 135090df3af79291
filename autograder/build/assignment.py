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
from autograder.build.notebook import SourceNotebook, source_notebook
from autograder.build.public_checks import PACKAGE, keep_committed_answers
from autograder.build.release import check_gradebook, generate_release
from autograder.checking.catalogue import CheckInfo, check_catalogue
from autograder.checking.freeze import write_public_package
from autograder.errors import BuildError, BuildStale


@dataclass(frozen=True)
class BuiltAssignment:
    """What a build made. `written` is the part of `points` that a person gives; `changed` are the files
    that it wrote or removed, relative to the course root."""

    name: str
    questions: int
    points: float
    written: float
    changed: tuple[str, ...]

    def __str__(self):
        files = f"{len(self.changed)} files changed" if self.changed else "up to date"
        by_hand = f", {self.written:g} of them by hand" if self.written else ""
        return f"{self.name}: {self.questions} questions, {self.points:g} points{by_hand}; {files}"


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
    course_root = Path(course_root).resolve()
    drafts = [_Draft(course_root, name) for name in _names(course_root, names)]
    built, stale = [], []
    for draft in drafts:
        with draft.staged(in_gradebook=not check) as staging:
            changed = draft.changes(staging)
            if not check:
                draft.install(staging)
        stale += [f"{path} ({how})" for path, how in changed.items()]
        built.append(draft.summary(tuple(changed)))
    if check and stale:
        raise BuildStale(stale)
    return built


def _names(course_root, names):
    texts = sorted(path.stem for path in (course_root / "source").glob("*.py"))
    wanted = list(names or texts)
    if not wanted:
        raise BuildError(f"no authored text in {course_root / 'source'}. Is this the course's root?")
    for name in wanted:
        if name not in texts:
            raise BuildError(f"no authored text source/{name}.py. There is: {', '.join(texts) or 'none'}.")
    return wanted


def check_module(course_root: Path, name: str) -> Path | None:
    """The assignment's check module: `autograder/checks/` in this project, `checks/` in any other course."""
    for folder in ("autograder/checks", "checks"):
        if (path := course_root / folder / f"{name}.py").is_file():
            return path
    return None


def _catalogue(path: Path | None, course_root) -> list[CheckInfo]:
    if path is None:
        return []
    try:
        return check_catalogue(path)
    except (ValueError, SyntaxError) as error:
        raise BuildError(str(error), path.relative_to(course_root)) from error


class _Draft:
    """One assignment, read and put together; nothing is written before `install`."""

    def __init__(self, course_root, name):
        self.root, self.name = course_root, name
        self.checks_file = check_module(course_root, name)
        self.checks = _catalogue(self.checks_file, course_root)
        self.assignment = read_assignment(course_root / "source" / f"{name}.py", f"source/{name}.py")
        shown = self.checks_file.relative_to(course_root) if self.checks_file else f"checks/{name}.py"
        self.source: SourceNotebook = source_notebook(self.assignment, self.checks, str(shown), course_root)
        self._refuse_other_notebooks()

    @property
    def built_source(self):
        return self.root / "source" / self.name

    @property
    def built_release(self):
        return self.root / "release" / self.name

    @contextmanager
    def staged(self, in_gradebook):
        """A temporary folder with `source/<name>` and `release/<name>` as they should be."""
        if in_gradebook:
            check_gradebook(self.root, self.name, self.source.cells)
        with tempfile.TemporaryDirectory(prefix="build-") as folder:
            staging = Path(folder).resolve()
            self._stage_source(staging / "source" / self.name)
            generate_release(self.root, staging, self.name, in_gradebook=in_gradebook)
            check_release(staging / "release" / self.name, self._secrets(), f"release/{self.name}")
            yield staging

    def changes(self, staging):
        """Path relative to the course root -> how what is built differs from what is staged."""
        changed = {}
        for step, built in (("source", self.built_source), ("release", self.built_release)):
            found = differences(staging / step / self.name, built)
            changed |= {f"{step}/{self.name}/{path}": how for path, how in found.items()}
        return changed

    def install(self, staging):
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
            write_public_package(self.checks_file, folder / PACKAGE)
            keep_committed_answers(folder / PACKAGE, self.built_source / PACKAGE)

    def _secrets(self):
        packages = {name.split(".")[0] for cell in self.assignment.cells for name, _ in cell.solutions}
        return sorted(packages) + [f"test_{check.id}" for check in self.checks if not check.public]

    def _refuse_other_notebooks(self):
        for path in self.built_source.glob("*.ipynb"):
            if path.name != f"{self.name}.ipynb":
                raise BuildError(
                    "nbgrader would release this notebook too, and the build does not make it. Move it away.",
                    path.relative_to(self.root),
                )
