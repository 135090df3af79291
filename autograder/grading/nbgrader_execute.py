"""Our engine inside `nbgrader autograde` and Formgrader.

In nbgrader_config.py (`Execute` is enough for the marks; `RestoreCells` keeps one damaged notebook from
ending the batch, and `saving.SaveAutoGrades` lists for a person what the grader could not decide):

    c.Autograde.sanitize_preprocessors = [
        "autograder.grading.nbgrader_execute.RestoreCells",
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.grading.nbgrader_execute.Execute",
        "nbgrader.preprocessors.IgnorePattern",
        "nbconvert.preprocessors.ClearMetadataPreprocessor",
        "nbgrader.preprocessors.LimitOutput",
        "autograder.grading.saving.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]

nbgrader calls it for each notebook between sanitizing and saving marks. `c.Execute.timeout`,
`c.Execute.kernel_name`, `c.Execute.extra_arguments` and `--no-execute` mean what they mean there.
A submission that cannot be graded fails alone, as nbgrader's own do; but an older mark of it does not stay.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute as NbgraderExecute
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets.config import Application, Config

from autograder.errors import AutograderError
from autograder.grading.autograded import is_inside, submitted_files, write_file
from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.lateness import TIMESTAMP
from autograder.grading.nbgrader_settings import NbgraderSettings, setting
from autograder.grading.notebook import restore
from autograder.grading.submission import GradedSubmission, grade_notebook
from autograder.report.receipt import SubmissionResult, write_receipt
from autograder.sandbox.limits import Limits

__all__ = ["Execute", "NotGradedError", "RestoreCells"]

HONORED = {"enabled", "timeout", "kernel_name", "extra_arguments"}
_ANY_PYTHON = ("python", "python3")


class NotGradedError(AutograderError):
    """A submission has no mark; the message is the reason. nbgrader notes it and goes on."""


class Engine(Protocol):
    """Grades one notebook; `submission.grade_notebook` does."""

    def __call__(
        self,
        nb: NotebookNode,
        folder: Path,
        assignment: str,
        student: str,
        course: Course,
        limits: Limits,
        *,
        notebook: str,
        kernel_arguments: tuple[str, ...] = (),
    ) -> GradedSubmission:
        """Args:
        nb: the notebook, with the instructor's cells.
        folder: the files that it may see; it is not changed.
        notebook: its name, which need not be the assignment's.
        """
        ...


class Execute(NbgraderExecute):
    """nbgrader's Execute, on a sandboxed kernel, with the marks of our checks."""

    engine: Engine = staticmethod(grade_notebook)

    def preprocess(
        self, nb: NotebookNode, resources: Any = None, km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Grade `nb`. Returns: the executed notebook, its test cells with their marks, and `resources`.

        Raises: NotGradedError; jupyter_client's NoSuchKernel; ConfigError; GradebookError.
        """
        if km is not None:
            raise ValueError("expected no kernel manager: a kernel started elsewhere is not in the sandbox")
        self._say_what_is_not_honored()
        self._check_kernel(nb)
        course, place = course_of(self), resources["nbgrader"]
        assignment, student, notebook = place["assignment"], place["student"], place["notebook"]
        folder = Path(resources["metadata"]["path"])
        with tempfile.TemporaryDirectory(prefix="autograder-") as clean:
            _copy_safe_files(course, assignment, student, folder, Path(clean))
            graded = self.engine(
                nb,
                Path(clean),
                assignment,
                student,
                course,
                course.limits(assignment),
                notebook=notebook,
                kernel_arguments=tuple(self.extra_arguments),
            )
        marked = graded.notebook
        if marked is None or graded.result.status == "failed":
            raise self._failure(course, graded.result)
        _put_files(course, assignment, folder, graded.files)
        if course.notebooks(assignment) == [notebook]:
            write_receipt(course.report_file(assignment, student), graded.result)
        return _with_metadata_of(nb, marked), resources

    def _check_kernel(self, nb: NotebookNode) -> None:
        """The sandbox forks kernels of this environment's Python; of another there is none.

        Raises: NoSuchKernel as nbclient does; NotGradedError.
        """
        name = self.kernel_name or nb.metadata.get("kernelspec", {}).get("name") or NATIVE_KERNEL_NAME
        if name == "python":  # old notebooks; jupyter_client reads it as this too
            name = NATIVE_KERNEL_NAME
        spec = KernelSpecManager(config=self.config).get_kernel_spec(name)
        if not _is_this_python(spec):
            raise NotGradedError(
                f"kernel {name!r} is not this environment's Python ({sys.executable}), and the sandbox has "
                "no other. Install the course's packages and the autograder in one environment."
            )

    def _failure(self, course: Course, result: SubmissionResult) -> NotGradedError:
        """Take an older mark out of force. Returns: what nbgrader is to note."""
        self.log.error("%s by %s was not graded: %s", result.assignment, result.student, result.reason)
        with GradebookWriter(course) as gradebook:
            gradebook.withdraw(result.assignment, result.student)
        return NotGradedError(result.reason or "no reason was given")

    def _say_what_is_not_honored(self) -> None:
        if unknown := sorted(set(self.config.get("Execute", {})) - HONORED):
            names = ", ".join(f"c.Execute.{name}" for name in unknown)
            self.log.warning("without effect in the sandbox, whose limits autograder.toml sets: %s", names)


class RestoreCells(NbGraderPreprocessor):
    """The instructor's cells put back before nbgrader's own sanitizers see a submission.

    They end the whole batch at `schema_version: 4`, and a submission at much less.
    """

    def preprocess(self, nb: NotebookNode, resources: Any = None) -> tuple[NotebookNode, dict[str, Any]]:
        """Raises: NotebookError; ConfigError; GradebookError."""
        if not setting(self.config, NbgraderExecute, "enabled"):
            return nb, resources  # --no-execute: the submitted outputs are what is marked
        place = resources["nbgrader"]
        trusted = course_of(self).trusted_cells(place["assignment"], place["notebook"])
        restored = restore(nb, trusted)
        for warning in restored.warnings:
            self.log.warning("%s of %s: %s", place["notebook"], place["student"], warning)
        return _with_metadata_of(nb, restored.nb), resources


def course_of(part: Any) -> Course:
    """The course that a part of nbgrader works on, with the settings that nbgrader has read."""
    parents = [part]
    while (parent := getattr(parents[-1], "parent", None)) is not None:
        parents.append(parent)
    coursedir = next(filter(None, (getattr(each, "coursedir", None) for each in parents)), None)
    coursedir = coursedir or CourseDirectory(config=part.config)
    command_line = parents[-1].cli_config if isinstance(parents[-1], Application) else Config()
    return Course(coursedir.root, nbgrader=NbgraderSettings(part.config, coursedir, command_line))


def _is_this_python(spec: KernelSpec) -> bool:
    if spec.language != "python" or not any("ipykernel" in argument for argument in spec.argv):
        return False
    program = spec.argv[0]
    return program in _ANY_PYTHON or Path(program).absolute() == Path(sys.executable).absolute()


def _copy_safe_files(course: Course, assignment: str, student: str, folder: Path, clean: Path) -> None:
    """The files that a student's code may see, of those that nbgrader has put into `folder`.

    Not the notebooks, which hold the hidden tests; not what was a link in the submission, since nbgrader
    has copied what it led to: the gradebook, the solution or another student's work.
    """
    handed_in = course.folder("submitted", assignment, student)
    max_bytes = int(course.limits(assignment).work_mb) << 20
    for name, path in submitted_files(folder, max_bytes).items():
        if not name.endswith(".ipynb") and not (handed_in / name).is_symlink():
            write_file(clean / name, path)


def _put_files(course: Course, assignment: str, folder: Path, files: Mapping[str, bytes]) -> None:
    """What the notebook wrote, into nbgrader's folder; but no notebook and not the time of submission.

    nbgrader brings only the source's files, so one that came from the release alone stays out.
    """
    release = course.folder("release", assignment)
    for name, content in files.items():
        if name == TIMESTAMP or not is_inside(name) or course.ignored(name):
            continue
        if (folder / name).exists() or not _has(release / name, content):
            write_file(folder / name, content)


def _has(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _with_metadata_of(nb: NotebookNode, changed: NotebookNode) -> NotebookNode:
    """nbgrader chose the kernel and may need the rest; our marks and nothing else are added to it."""
    changed.metadata = NotebookNode({**changed.metadata, **nb.metadata, **_own(changed)})
    return changed


def _own(nb: NotebookNode) -> dict[str, Any]:
    return {key: value for key, value in nb.metadata.items() if key == "autograder"}
