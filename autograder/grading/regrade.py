"""Grading a class again, and first showing what that would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograder.grading.batch import grade_batch
from autograder.grading.course import Course
from autograder.report.class_report import read_receipts
from autograder.report.moves import Moves, moves_between


def regrade(
    course: Course, assignment: str, *, apply: bool = False, students: Sequence[str] = (), **options: Any
) -> Moves:
    """Grade what has changed since its receipt: the checks, the notebook, the environment, the limits.

    Args:
        apply: write the new marks; otherwise gradebook, receipts and `autograded/` stay as they are.
        options: as for `grade_batch`.
    Raises: as `grade_batch`.
    """
    course.notebook_name(assignment)  # an unknown assignment has no receipts either: say so first
    receipts = read_receipts(course.reports_folder(assignment), assignment)
    batch = grade_batch(course, assignment, students=students, keep=apply, **options)
    moves = moves_between({receipt.student: receipt for receipt in receipts}, batch.submissions)
    return Moves(assignment, moves, len(batch.submissions), apply)
