"""Marks from the store into the course: `submitted/`, `autograded/`, the gradebook, the report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from autograder.grading.course import Course
from autograder.grading.gradebook import GradebookWriter
from autograder.grading.submission import GradedSubmission
from autograder.report.receipt import write_receipt
from autograder.service.worker.engine import HandedIn

__all__ = ["record", "set_due", "total_of"]


def record(root: Path, submission: HandedIn, graded: GradedSubmission) -> None:
    """Write the mark that counts, as `autograder grade` would have. Doing it again changes nothing.

    Raises: GradebookError, ConfigError; OSError.
    """
    course = Course(root)
    submission.write(course.folder("submitted", submission.assignment, submission.student))
    with GradebookWriter(course) as writer:
        writer.write(graded.result, graded.notebook, graded.files)
    write_receipt(course.report_file(submission.assignment, submission.student), graded.result)


def total_of(course: Course, assignment: str, student: str) -> tuple[float | None, float | None]:
    """The gradebook's mark, a person's points and penalties included, and what it is out of."""
    with Gradebook(course.db_url) as gradebook:
        try:
            found = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return None, None
        penalties = sum(each.late_submission_penalty or 0.0 for each in found.notebooks)
        return max(0.0, (found.score or 0.0) - penalties), found.max_score


def set_due(root: Path, assignment: str, due: datetime | None) -> None:
    """Tell nbgrader, whose late penalties go by its own date. `due` is aware, or None."""
    course = Course(root)
    course.trusted_cells(assignment)  # puts the assignment into a gradebook that lacks it
    with Gradebook(course.db_url) as gradebook:
        changes: Any = {"duedate": due.replace(tzinfo=None) if due else None}
        gradebook.update_or_create_assignment(assignment, **changes)
