"""The one writer of marks.

    with GradebookWriter(course) as gradebook:
        gradebook.write(result, marked_notebook, files)

Rows are nbgrader's and mean what they mean there. A person's marks, extra credit and comments are never
touched. A submission is one transaction, its folder in `autograded/` included.

What could not be graded has no automatic mark (an older one is taken out of force), counts as nbgrader's
"needs manual grade", and stays gradable by hand: its notebook, or where it cannot be read an empty copy of
the assignment, lies in `autograded/` under a note that gives the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import nbformat.v4
from nbformat import NotebookNode
from sqlalchemy import false
from sqlalchemy.orm import Session

from autograder.errors import GradebookError
from autograder.grading.autograded import AutogradedFolder, submitted_files
from autograder.grading.course import Course
from autograder.grading.database import LOCK_WAIT_S, Database
from autograder.grading.file_tree import laid_over
from autograder.grading.gradebook_rows import (
    SubmissionRows,
    automatic_marks,
    save_as_nbgrader_does,
    take_out_of_force,
)
from autograder.grading.lateness import TIMESTAMP, LatePenalty, read_timestamp, seconds_late
from autograder.grading.nbgrader_models import Student
from autograder.grading.notebook import restore
from autograder.grading.roster import student_id_problem
from autograder.report.receipt import SubmissionResult

__all__ = ["GradebookWriter"]

NOTICE_ID = "autograder-notice"


class GradebookWriter:
    """Args:
        course: whose gradebook, folders and late-submission plug-in.
        lock_wait_s: how long to wait for another program that holds the database.

    Raises: GradebookError if the database cannot be opened; ConfigError for the plug-in.
    """

    def __init__(self, course: Course, *, lock_wait_s: float = LOCK_WAIT_S):
        self._course = course
        self._late = LatePenalty(course.nbgrader_config)
        self._database = Database(course.db_url, lock_wait_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def check(self) -> None:
        """Raises: GradebookError if marks could not be written now; better before a class is graded."""
        nothing = Student.__table__.update().where(false()).values(email=None)
        self._database.transaction(lambda session: session.execute(nothing))

    def write(
        self,
        result: SubmissionResult,
        notebook: NotebookNode | Mapping[str, NotebookNode] | None = None,
        files: Mapping[str, bytes | Path] | None = None,
        *,
        submitted: Path | None = None,
    ) -> None:
        """Put one submission's marks into the gradebook and its marked notebook into `autograded/`.

        Args:
            notebook: as `marking.mark` returns it; of an assignment of several notebooks all, by name.
            files: what the work folder held at the end, by path; it is laid over what was handed in.
            submitted: the folder that was handed in, where it is not the course's own.
        Raises: GradebookError, ConfigError; nothing has then changed.
        """
        if problem := student_id_problem(result.student):
            raise GradebookError(f"{result.student!r} cannot be a student of the gradebook: {problem}")
        submitted = submitted or self._course.folder("submitted", result.assignment, result.student)
        notebooks = self._notebooks(result, notebook)
        folder = AutogradedFolder(self._course, result.assignment, result.student)

        def work(session: Session) -> None:
            self._record(session, result, notebooks, submitted)
            folder.put_in_place()

        try:
            folder.build(notebooks, self._files(result.assignment, submitted, files or {}))
            self._database.transaction(work)
        except OSError as error:
            folder.take_back()
            raise GradebookError(f"{error.filename}: cannot be written: {error.strerror}") from error
        except BaseException:
            folder.take_back()
            raise
        finally:
            folder.discard()

    def withdraw(self, assignment: str, student: str) -> None:
        """Take a submission's automatic marks out of force, if it has any; nothing else changes.

        Raises: GradebookError.
        """

        def work(session: Session) -> None:
            rows = SubmissionRows.find_or_create(session, assignment, student)
            for row in rows.notebooks.values():
                row.late_submission_penalty = None
                take_out_of_force(row)

        self._database.transaction(work)

    def holds(self, result: SubmissionResult) -> bool:
        """Whether the gradebook and `autograded/` still have the marks of a receipt."""
        folder = self._course.folder("autograded", result.assignment, result.student)
        if not (folder / f"{self._course.notebook_name(result.assignment)}.ipynb").is_file():
            return False
        expected = {q.id: q.score for q in result.questions if not q.manual}
        return expected == self._database.read(
            lambda session: automatic_marks(session, result.assignment, result.student, expected)
        )

    def _record(
        self,
        session: Session,
        result: SubmissionResult,
        notebooks: Mapping[str, NotebookNode],
        submitted: Path,
    ) -> None:
        rows = SubmissionRows.find_or_create(session, result.assignment, result.student)
        if timestamp := read_timestamp(submitted):
            rows.submission.timestamp = timestamp
        late_s = seconds_late(rows.submission.timestamp, rows.duedate, rows.submission.extension)
        earned = 0.0
        for name, row in rows.notebooks.items():
            row.late_submission_penalty = None
            if result.status == "failed":
                take_out_of_force(row)
                continue
            save_as_nbgrader_does(rows, name, notebooks.get(name))
            earned += sum(grade.auto_score or 0.0 for grade in row.grades)
            row.late_submission_penalty = self._late.points(result.student, _score(row), late_s)
        if result.score is not None and abs(earned - result.score) > 1e-6:
            raise GradebookError(
                f"{result.student}: the marked notebook holds {earned} points, the result {result.score}. "
                "Has the gradebook another version of the assignment? Run `nbgrader generate_assignment`."
            )

    def _notebooks(
        self, result: SubmissionResult, given: NotebookNode | Mapping[str, NotebookNode] | None
    ) -> Mapping[str, NotebookNode]:
        name = (
            self._course.notebook_name(result.assignment)
            if not isinstance(given, dict) or "cells" in given
            else ""
        )
        if given is None:
            given = restore(nbformat.v4.new_notebook(), self._course.trusted_cells(result.assignment)).nb
        notebooks = {name: given} if isinstance(given, NotebookNode) else given
        if result.status == "failed":
            return {name: _with_notice(nb, result.reason or "") for name, nb in notebooks.items()}
        return notebooks

    def _files(
        self, assignment: str, submitted: Path, files: Mapping[str, bytes | Path]
    ) -> dict[str, bytes | Path]:
        """What was handed in, under the instructor's files, under what the notebook left; its time stays."""
        max_bytes = int(self._course.limits(assignment).work_mb) << 20
        handed_in = submitted_files(submitted, max_bytes)
        merged: dict[str, bytes | Path] = laid_over(
            laid_over(handed_in, self._course.source_files(assignment)), files
        )
        merged.pop(TIMESTAMP, None)
        if TIMESTAMP in handed_in:
            merged[TIMESTAMP] = handed_in[TIMESTAMP]
        return merged


def _score(row: Any) -> float:
    return sum(map(_grade_score, row.grades))


def _grade_score(grade: Any) -> float:
    """nbgrader's `Grade.score`: the manual mark, else the automatic one, and extra credit on top of it."""
    mark = grade.manual_score if grade.manual_score is not None else grade.auto_score
    return 0.0 if mark is None else mark + (grade.extra_credit or 0.0)


def _with_notice(nb: NotebookNode, reason: str) -> NotebookNode:
    """The notebook under a note. The reason can quote a student: in a code block it is only text."""
    quoted = "\n".join(f"    {line}" for line in reason.splitlines())
    text = (
        f"**This submission could not be graded automatically.**\n\n{quoted}\n\nA person has to look at it."
    )
    notice = NotebookNode(id=NOTICE_ID, cell_type="markdown", metadata=NotebookNode(), source=text)
    return NotebookNode({**nb, "cells": [notice, *nb.cells]})
