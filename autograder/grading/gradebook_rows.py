"""nbgrader's rows of one submission: found or made as `nbgrader autograde` makes them, and filled in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Self

from nbformat import NotebookNode
from nbgrader.api import new_uuid
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from autograder.errors import GradebookError
from autograder.grading.nbgrader_models import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from autograder.grading.saving import SaveAutoGrades

__all__ = [
    "SubmissionRows",
    "automatic_marks",
    "marks_in_force",
    "save_as_nbgrader_does",
    "take_out_of_force",
]

_GRADED = ("GradeCell", "TaskCell")
_COMMENTED = ("SolutionCell", "TaskCell")


@dataclass(frozen=True)
class SubmissionRows:
    """One student's rows for an assignment.

    Args:
        duedate: the assignment's, in UTC without a zone.
        notebooks: by the notebook's name.
        cell_names: the grade id that belongs to a cell's database id.
    """

    submission: Any
    duedate: datetime | None
    notebooks: dict[str, Any]
    cell_names: dict[str, str]

    @classmethod
    def find_or_create(cls, session: Session, assignment: str, student: str) -> Self:
        """The rows; those that are missing are made.

        Raises: GradebookError if the gradebook does not have the assignment.
        """
        query = select(Assignment.id, Assignment.duedate).where(Assignment.name == assignment)
        found = session.execute(query).one_or_none()
        if found is None:
            raise _outdated(f"no assignment {assignment!r}")
        if session.get(Student, student) is None:
            session.add(Student(id=student))
            session.flush()
        submission = _submission(session, found.id, student)
        present = {row.notebook_id: row for row in _notebook_rows(session, submission)}
        notebooks: dict[str, Any] = {}
        cell_names: dict[str, str] = {}
        query = select(Notebook.id, Notebook.name).where(Notebook.assignment_id == found.id)
        for notebook in session.execute(query):
            row = present.get(notebook.id)
            if row is None:
                row = SubmittedNotebook(id=new_uuid(), notebook_id=notebook.id, assignment_id=submission.id)
                session.add(row)
            cell_names |= _complete(session, row)
            notebooks[notebook.name] = row
        return cls(submission, found.duedate, notebooks, cell_names)

    def grade(self, grade_id: str, notebook: str) -> Any:
        return self._find(self.notebooks[notebook].grades, grade_id)

    def comment(self, grade_id: str, notebook: str) -> Any:
        return self._find(self.notebooks[notebook].comments, grade_id)

    def _find(self, rows: Iterable[Any], grade_id: str) -> Any:
        for row in rows:
            if self.cell_names[row.cell_id] == grade_id:
                return row
        raise _outdated(f"no cell {grade_id!r}")


def save_as_nbgrader_does(rows: SubmissionRows, name: str, notebook: NotebookNode | None) -> None:
    """Fill in automatic marks and comments by the preprocessor that `nbgrader autograde` saves them with.

    Args:
        notebook: the marked one; None if it is missing from an assignment of several: nbgrader gives 0.
    """
    row = rows.notebooks[name]
    if notebook is None:
        for grade in row.grades:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        return
    for grade in row.grades:  # a task, or a cell that the notebook lacks, is a person's
        grade.auto_score, grade.needs_manual_grade = None, True
    saver: Any = SaveAutoGrades()
    saver.gradebook = _Gradebook(rows)
    saver.notebook_id, saver.assignment_id, saver.student_id = name, "", ""
    for index, cell in enumerate(notebook.cells):
        saver.preprocess_cell(cell, {}, index)


def take_out_of_force(row: Any) -> None:
    """No automatic mark holds any longer; a person has to look at every question."""
    for grade in row.grades:
        grade.auto_score, grade.needs_manual_grade = None, True
    for comment in row.comments:
        comment.auto_comment = None


def automatic_marks(
    session: Session, assignment: str, student: str, grade_ids: Collection[str]
) -> dict[str, float | None]:
    """The automatic marks that a student has for some cells of an assignment; nothing is made."""
    query = _grades_of(assignment, BaseCell.name, Grade.auto_score).where(
        SubmittedAssignment.student_id == student
    )
    return {row.name: row.auto_score for row in session.execute(query) if row.name in grade_ids}


def marks_in_force(session: Session, assignment: str) -> dict[str, dict[str, float]]:
    """Student to grade id to points, for all that have a mark: a person's or else the machine's."""
    query = _grades_of(
        assignment,
        SubmittedAssignment.student_id,
        BaseCell.name,
        func.coalesce(Grade.manual_score, Grade.auto_score).label("score"),
        func.coalesce(Grade.extra_credit, 0.0).label("extra"),
    )
    marks: dict[str, dict[str, float]] = {}
    for row in session.execute(query):
        if row.score is not None:
            marks.setdefault(row.student_id, {})[row.name] = row.score + row.extra
    return marks


def _grades_of(assignment: str, *columns: Any) -> Any:
    """A query for the grades of an assignment with their cells and submissions."""
    return (
        select(*columns)
        .select_from(Grade)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .join(BaseCell, BaseCell.id == Grade.cell_id)
        .where(Assignment.name == assignment)
    )


class _Gradebook:
    """What SaveAutoGrades needs of nbgrader's Gradebook, over rows that are loaded and one transaction."""

    def __init__(self, rows: SubmissionRows):
        self._rows = rows
        self.db = SimpleNamespace(commit=lambda: None)

    def find_grade(self, grade_id: str, notebook: str, assignment: str, student: str) -> Any:
        return self._rows.grade(grade_id, notebook)

    def find_comment(self, grade_id: str, notebook: str, assignment: str, student: str) -> Any:
        return self._rows.comment(grade_id, notebook)


def _submission(session: Session, assignment_id: str, student: str) -> Any:
    query = select(SubmittedAssignment).where(
        SubmittedAssignment.assignment_id == assignment_id,
        SubmittedAssignment.student_id == student,
    )
    submission = session.scalars(query).one_or_none()
    if submission is None:
        submission = SubmittedAssignment(id=new_uuid(), assignment_id=assignment_id, student_id=student)
        session.add(submission)
        session.flush()
    return submission


def _notebook_rows(session: Session, submission: Any) -> Iterable[Any]:
    return session.scalars(
        select(SubmittedNotebook)
        .where(SubmittedNotebook.assignment_id == submission.id)
        .options(selectinload(SubmittedNotebook.grades), selectinload(SubmittedNotebook.comments))
    )


def _complete(session: Session, row: Any) -> dict[str, str]:
    """Give a notebook the grades and comments that it lacks. Returns: grade id by cell id."""
    query = select(BaseCell.id, BaseCell.name, BaseCell.type).where(BaseCell.notebook_id == row.notebook_id)
    cells = session.execute(query).all()
    graded = {grade.cell_id for grade in row.grades}
    commented = {comment.cell_id for comment in row.comments}
    for cell_id, _, kind in cells:
        if kind in _GRADED and cell_id not in graded:
            row.grades.append(Grade(id=new_uuid(), cell_id=cell_id))
        if kind in _COMMENTED and cell_id not in commented:
            row.comments.append(Comment(id=new_uuid(), cell_id=cell_id))
    return {cell_id: name for cell_id, name, _ in cells}


def _outdated(what: str) -> GradebookError:
    return GradebookError(f"the gradebook has {what}: run `nbgrader generate_assignment` for it")
