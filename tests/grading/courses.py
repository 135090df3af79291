"""Courses in temporary folders, and an engine that runs notebooks without a sandbox."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.grading import marking
from autograder.grading.course import Course
from autograder.grading.submission import GradedSubmission
from autograder.report.receipt import SubmissionResult
from autograder.sandbox.limits import Limits

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
SOLUTION = "### BEGIN SOLUTION\n{}\n### END SOLUTION"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}


def code(source: str, grade_id: str | None = None, **nbgrader: object) -> NotebookNode:
    """A code cell; with a grade id one of nbgrader's, ungraded and unlocked unless told otherwise."""
    return _labeled(new_code_cell(source), grade_id, nbgrader)


def text(source: str, grade_id: str | None = None, **nbgrader: object) -> NotebookNode:
    return _labeled(new_markdown_cell(source), grade_id, nbgrader)


def answer(body: str, grade_id: str) -> NotebookNode:
    """A solution cell as an instructor writes it."""
    return code(SOLUTION.format(body), grade_id, solution=True)


def check_cell(source: str, grade_id: str, points: float = 1.0) -> NotebookNode:
    return code(source, grade_id, grade=True, locked=True, points=points)


def essay(grade_id: str, points: float, source: str = "YOUR ANSWER HERE") -> NotebookNode:
    return text(source, grade_id, grade=True, solution=True, points=points)


def task(grade_id: str, points: float) -> NotebookNode:
    return text("Add cells that plot it.", grade_id, task=True, locked=True, points=points)


def notebook(*cells: NotebookNode) -> NotebookNode:
    return new_notebook(cells=list(cells), metadata={"kernelspec": KERNELSPEC})


def squares() -> NotebookNode:
    """The source of a plain assignment: 1 + 2 points by machine, 4 + 3 by a person."""
    return notebook(
        answer("def square(x):\n    return x * x", "square"),
        check_cell("assert square(2) == 4", "square_small"),
        check_cell(
            "assert square(3) == 9\n### BEGIN HIDDEN TESTS\nassert square(-1) == 1\n### END HIDDEN TESTS",
            "square_hidden",
            points=2,
        ),
        essay("why", 4),
        task("plot", 3),
    )


def write(path: Path, nb: NotebookNode) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)
    return path


def submit(
    root: Path, student: str, nb: NotebookNode, assignment: str = "ps1", timestamp: str | None = None
) -> Path:
    """Hand a notebook in. Returns: the submission's folder."""
    folder = write(root / "submitted" / student / assignment / f"{assignment}.ipynb", nb).parent
    if timestamp is not None:
        (folder / "timestamp.txt").write_text(timestamp)
    return folder


def answered(source: NotebookNode, **answers: str) -> NotebookNode:
    """A student's copy of a source notebook: stubs, filled in where `answers` has the grade id."""
    nb = nbformat.from_dict(source)
    for cell in nb.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if cell.metadata.get("nbgrader", {}).get("solution"):
            stub = STUB if cell.cell_type == "code" else cell.source
            cell.source = answers.get(grade_id, stub)
    return nb


def grade_unprotected(
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
    """The engine's interface, running the cells in this process: for tests of what is around the engine."""
    trusted = course.trusted_cells(assignment, notebook)
    executed = nbformat.from_dict(nb)
    for name, path in course.released_files(assignment).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(path.read_bytes())
    with contextlib.chdir(folder):
        namespace: dict = {}
        for cell in executed.cells:
            if cell.cell_type == "code":
                cell.outputs = _outputs_of(cell.source, namespace)
    marks = marking.questions(executed, trusted, [])
    automatic = [mark for mark in marks if not mark.manual]
    result = SubmissionResult(
        student,
        assignment,
        "graded",
        score=sum(mark.score or 0.0 for mark in automatic),
        max_score=sum(mark.max_score for mark in automatic),
        manual_max=sum(mark.max_score for mark in marks if mark.manual),
        questions=tuple(marks),
    )
    return GradedSubmission(result, marking.mark(executed, marks), _contents(folder))


def _outputs_of(source: str, namespace: dict) -> list[NotebookNode]:
    outputs, stderr = [], io.StringIO()
    with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(source, namespace)
        except Exception as error:
            name, value = type(error).__name__, str(error)
            outputs.append(nbformat.v4.new_output("error", ename=name, evalue=value, traceback=[]))
    if stderr.getvalue():
        outputs.insert(0, nbformat.v4.new_output("stream", name="stderr", text=stderr.getvalue()))
    return outputs


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _labeled(cell: NotebookNode, grade_id: str | None, nbgrader: dict[str, object]) -> NotebookNode:
    if grade_id is not None:
        fields = {"grade": False, "solution": False, "locked": False, "task": False, **nbgrader}
        cell.metadata.nbgrader = NotebookNode(schema_version=3, grade_id=grade_id, **fields)
    return cell
