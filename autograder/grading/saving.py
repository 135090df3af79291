"""nbgrader's SaveAutoGrades, which also hears when a mark needs a person's eye."""

from __future__ import annotations

from nbformat import NotebookNode
from nbgrader.preprocessors import SaveAutoGrades as NbgraderSaveAutoGrades

from autograder.grading.marking import is_undecided

__all__ = ["SaveAutoGrades"]


class SaveAutoGrades(NbgraderSaveAutoGrades):
    """Marks and comments as nbgrader saves them.

    A question that the grader could not decide (a check that could not be run, a test cell that ended with
    no mark) has the points that are certain, and is listed in Formgrader as one that needs a person.
    """

    def _add_score(self, cell: NotebookNode, resources: object) -> None:
        super()._add_score(cell, resources)  # pyright: ignore[reportArgumentType]
        if is_undecided(cell):
            grade = self.gradebook.find_grade(
                cell.metadata.nbgrader.grade_id, self.notebook_id, self.assignment_id, self.student_id
            )
            grade.needs_manual_grade = True  # pyright: ignore[reportAttributeAccessIssue]
            self.gradebook.db.commit()
