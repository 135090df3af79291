"""From outcomes to marks: what each question earned, and the notebook that says so.

nbgrader reads a mark from the first result among a test cell's outputs. So each test cell of the marked
notebook begins with one, put there by the grader; what the student's kernel said stands behind it, and no
output of a kernel is left that could be read as a mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import nbformat.v4
from nbformat import NotebookNode
from nbgrader.utils import compute_checksum

from autograder.checking.result import CheckResult
from autograder.errors import ConfigError
from autograder.grading import assert_cells
from autograder.grading.notebook import TrustedCell, TrustedCells
from autograder.report.cell_feedback import FeedbackPolicy, question_outputs
from autograder.report.receipt import QuestionResult
from autograder.report.safe_notebook import safe_to_show

__all__ = ["ENGINE", "is_undecided", "mark", "mark_again", "questions", "remarked"]

ENGINE = {"engine": "autograder"}  # in the notebook's metadata under "autograder": who gave the marks

UNDECIDED = "autograder-undecided"  # in the metadata of a mark


def questions(
    nb: NotebookNode, trusted: TrustedCells, results: Iterable[CheckResult]
) -> list[QuestionResult]:
    """What each graded cell earned, in the order of the released notebook.

    Args:
        nb: the executed notebook, its test cells the instructor's.
        results: of all checks; a question without any is a plain test cell and judged by its outputs.
    Raises: ConfigError if checks belong to no test cell, or their points do not add up to its points.
    """
    by_question: dict[str, list[CheckResult]] = {}
    for result in results:
        by_question.setdefault(result.question, []).append(result)
    cells = {_grade_id(cell): cell for cell in nb.cells}
    marks = []
    for cell in trusted:
        if cell.task or (cell.grade and cell.solution):
            marks.append(QuestionResult(cell.grade_id, None, float(cell.points or 0.0), manual=True))
        elif cell.grade and cell.grade_id in by_question:
            marks.append(_checked(cell, by_question.pop(cell.grade_id)))
        elif cell.grade:
            marks.append(assert_cells.judge(cell, cells[cell.grade_id]))
    if by_question:
        raise ConfigError(
            f"checks of {', '.join(map(repr, by_question))}: no automatically graded cell has this id. "
            "Does the gradebook have this version of the assignment? Run `nbgrader generate_assignment`."
        )
    return marks


def remarked(
    trusted: TrustedCells, before: Iterable[QuestionResult], results: Iterable[CheckResult]
) -> list[QuestionResult] | None:
    """`questions` without an executed notebook: None if a test cell without checks would have to be
    judged."""
    known = {question.id: question for question in before if not question.manual and not question.trusted}
    by_question: dict[str, list[CheckResult]] = {}
    for result in results:
        by_question.setdefault(result.question, []).append(result)
    marks = []
    for cell in trusted:
        if cell.task or (cell.grade and cell.solution):
            marks.append(QuestionResult(cell.grade_id, None, float(cell.points or 0.0), manual=True))
        elif cell.grade and cell.grade_id in by_question:
            marks.append(_checked(cell, by_question.pop(cell.grade_id)))
        elif cell.grade:
            judged = known.get(cell.grade_id)
            if judged is None or judged.max_score != float(cell.points or 0.0):
                return None
            marks.append(judged)
    return None if by_question else marks


def mark_again(
    marked: NotebookNode, marks: Sequence[QuestionResult], *, feedback: FeedbackPolicy = "all"
) -> NotebookNode:
    """A marked notebook with the verdicts of its checks replaced; their cells never hold anything else."""
    by_checks = {question.id: question for question in marks if question.checks and question.trusted}
    for cell in marked.cells:
        question = by_checks.get(_grade_id(cell) or "")
        if question is not None and cell.cell_type == "code":
            cell.outputs = _verdict(question, feedback)
            nbgrader = cell.metadata.nbgrader
            nbgrader.points = question.max_score
            nbgrader.checksum = compute_checksum(cell)
    return marked


def mark(
    nb: NotebookNode, marks: Sequence[QuestionResult], *, feedback: FeedbackPolicy = "all"
) -> NotebookNode:
    """A copy of the executed notebook, safe to show, in which each automatically graded cell has its mark.

    Args:
        feedback: what of the checks the student is shown.
    """
    marked = safe_to_show(nb)
    marked.metadata.autograder = NotebookNode(ENGINE)
    earned = {question.id: question for question in marks if not question.manual}
    for cell, before in zip(marked.cells, nb.cells, strict=True):
        if _unanswered(before):
            cell.source = before.source  # the instructor's own; nbgrader knows it by its checksum
        question = earned.get(_grade_id(cell) or "")
        if question is not None and cell.cell_type == "code":
            cell.outputs = [*_verdict(question, feedback), *map(_harmless, cell.outputs)]
    return marked


def is_undecided(cell: NotebookNode) -> bool:
    """Whether the grader could not decide all of a marked cell, so that a person has to look."""
    return any(UNDECIDED in output.get("metadata", {}) for output in cell.get("outputs", [])[:1])


def _checked(cell: TrustedCell, checks: list[CheckResult]) -> QuestionResult:
    points, worth = float(cell.points or 0.0), math.fsum(check.points for check in checks)
    if not math.isclose(points, worth, abs_tol=1e-9):
        raise ConfigError(
            f"question {cell.grade_id!r}: its checks are worth {worth:g} points, its cell in the gradebook "
            f"{points:g}. Build the assignment and run `nbgrader generate_assignment`."
        )
    earned = math.fsum(check.points for check in checks if check.outcome == "passed")
    return QuestionResult(cell.grade_id, min(earned, points), points, checks=tuple(checks))


def _verdict(question: QuestionResult, feedback: FeedbackPolicy) -> list[NotebookNode]:
    outputs = question_outputs(question, feedback)
    if any(check.outcome == "error" for check in question.checks):
        outputs[0].metadata[UNDECIDED] = True
    return outputs


def _harmless(output: NotebookNode) -> NotebookNode:
    """A kernel's output, shown as before, but no result that a mark could be read from."""
    if output.output_type != "execute_result":
        return output
    return nbformat.v4.new_output("display_data", data=output.data, metadata=output.get("metadata", {}))


def _unanswered(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("checksum")) and nbgrader.checksum == compute_checksum(cell)


def _grade_id(cell: NotebookNode) -> str | None:
    return cell.metadata.get("nbgrader", {}).get("grade_id")
