"""Graded submissions without a kernel: what a notebook run would have left, and the marks for it."""

from __future__ import annotations

from collections.abc import Mapping

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.grading import marking
from autograder.grading.course import Course
from autograder.grading.notebook import restore
from autograder.report.receipt import SubmissionResult


def error(name: str = "AssertionError") -> NotebookNode:
    return nbformat.v4.new_output("error", ename=name, evalue="", traceback=[])


def graded(
    course: Course,
    student: str,
    nb: NotebookNode,
    *,
    failing: tuple[str, ...] = (),
    showing: Mapping[str, str] | None = None,
    assignment: str = "ps1",
) -> tuple[SubmissionResult, NotebookNode]:
    """The result and the marked notebook of a submission.

    Args:
        failing: grade ids of test cells that fail. showing: what others end with.
    """
    trusted = course.trusted_cells(assignment)
    executed = restore(nb, trusted).nb
    for cell in executed.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in failing:
            cell.outputs = [error()]
        elif grade_id in (showing or {}):
            data = {"text/plain": showing[grade_id]}
            cell.outputs = [nbformat.v4.new_output("execute_result", data=data)]
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
    return result, marking.mark(executed, marks)


def rows(course: Course, student: str, assignment: str = "ps1") -> dict[str, tuple]:
    """By grade id: automatic mark, a person's mark, extra credit, whether it needs a person."""
    with Gradebook(course.db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return {
            grade.name: (grade.auto_score, grade.manual_score, grade.extra_credit, grade.needs_manual_grade)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def comments(course: Course, student: str, assignment: str = "ps1") -> dict[str, str | None]:
    """By grade id: the comment that the student will see."""
    with Gradebook(course.db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return {c.name: c.comment for notebook in submission.notebooks for c in notebook.comments}


def score(course: Course, student: str, assignment: str = "ps1") -> tuple[float, float | None, bool]:
    """nbgrader's score of a submission, its late penalty, and whether it needs a person."""
    with Gradebook(course.db_url) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        return submission.score, submission.late_submission_penalty, submission.needs_manual_grade
