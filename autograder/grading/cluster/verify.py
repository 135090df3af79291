"""Whether a result is an answer to what was asked.

Workers are ours and trusted to grade, but not to be in the state that we believe: one may run code of last
week in memory, mix two tasks up, or answer for a notebook that it read damaged. A mark goes into the
gradebook only if everything that can be compared with the task fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from autograder.grading.material import Material
from autograder.grading.submission import GradedSubmission, GradeTask, notebook_sha256
from autograder.report.receipt import SubmissionResult

__all__ = ["disagreement"]


def disagreement(
    task: GradeTask, graded: GradedSubmission, material: Material, environment_sha256: str
) -> str | None:
    """What in a result contradicts the task, in words; None if nothing does.

    Args:
        task: as it was before it travelled, with its trusted cells.
    """
    result = graded.result
    expected = {
        "student": task.student,
        "assignment": task.assignment,
        "environment_sha256": environment_sha256,
        "checks_sha256": material.sha256,
    }
    if result.status == "graded":
        expected |= {"seed": task.seed, "notebook_sha256": notebook_sha256(task)}
    for name, value in expected.items():
        if (received := getattr(result, name)) != value:
            return f"{name}: expected {_short(value)}, received {_short(received)}"
    return _wrong_sum(task, result) if result.status == "graded" else None


def _wrong_sum(task: GradeTask, result: SubmissionResult) -> str | None:
    """What is wrong with the questions of a graded submission and their points."""
    worth = {cell.grade_id: cell.points or 0.0 for cell in task.trusted if cell.grade or cell.task}
    received: Mapping[str, float] = {question.id: question.max_score for question in result.questions}
    if received != worth:
        return f"questions: expected {_short(worth)}, received {_short(received)}"
    automatic = [question for question in result.questions if not question.manual]
    for question in automatic:
        if question.score is None or not 0 <= question.score <= question.max_score:
            return f"question {question.id}: {question.score} of {question.max_score} points"
    earned = math.fsum(question.score or 0.0 for question in automatic)
    if result.score is None or not math.isclose(result.score, earned, abs_tol=1e-6):
        return f"score: its questions have {earned:g} points, it says {result.score}"
    return None


def _short(value: object) -> str:
    return f"{value}"[:80]
