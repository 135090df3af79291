"""nbgrader's own generate_assignment, run on a staging folder with the course's configuration.

Staging keeps the course whole: its files change only after nbgrader has accepted the assignment, and
`--check` looks at the same output without a gradebook.
"""

import io
import logging
from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select
from sqlalchemy.orm import Session
from traitlets.config import Config

from autograder.build.notebook import Cell
from autograder.errors import BuildError
from autograder.grading.course import Course
from autograder.grading.database import Database
from autograder.grading.nbgrader_models import Assignment, Notebook


def generate_release(course: Course, staging: Path, name: str, *, in_gradebook: bool = False) -> None:
    """Make `staging/release/<name>` of `staging/source/<name>`.

    Args:
        course: whose nbgrader_config.py holds and whose gradebook gets the assignment.
        in_gradebook: whether the gradebook gets the assignment; the files are the same.
    Raises: BuildError with what nbgrader said; GradebookError.
    """
    config = Config(course.nbgrader_config)
    config.SaveCells.enabled = in_gradebook
    log, said = _captured_log()
    converter = GenerateAssignment(
        coursedir=_staged_directory(course, staging, name),
        config=config,
        no_database=not in_gradebook,
        force=True,
        log=log,
    )
    if in_gradebook:
        _make_writable(course)
    try:
        converter.start()
    except NbGraderException as error:
        raise BuildError(f"nbgrader cannot make the release of {name}:\n{said.getvalue()}") from error


def _staged_directory(course, staging, name):
    """The course, its gradebook included, with source and release in the staging folder."""
    return CourseDirectory(
        config=course.nbgrader_config,
        root=str(course.root),
        db_url=course.db_url,
        directory_structure="{nbgrader_step}/{student_id}/{assignment_id}",
        source_directory=str(staging / "source"),
        release_directory=str(staging / "release"),
        assignment_id=name,
    )


def _make_writable(course):
    """Make the gradebook if there is none, and wait until no other program holds it."""
    database = Database(course.db_url)
    try:
        database.transaction(lambda session: None)
    finally:
        database.close()


def check_gradebook(course: Course, name: str, cells: tuple[Cell, ...]) -> None:
    """nbgrader neither adds nor removes cells of an assignment that has submissions: say so, and what to do.

    Raises: BuildError; GradebookError.
    """
    database = Database(course.db_url)
    try:
        if not database.exists:
            return
        submissions, known = database.transaction(lambda session: _known_cells(session, name))
    finally:
        database.close()
    wanted = {(cell.grade_id, cell.grade, cell.solution) for cell in cells if cell.grade_id}
    if submissions and known != wanted:
        added, removed = (
            ", ".join(sorted({cell[0] for cell in c})) for c in (wanted - known, known - wanted)
        )
        raise BuildError(
            f"the gradebook holds submissions of {name} ({submissions}), so its graded and locked cells "
            f"must stay. New: {added or 'none'}; gone: {removed or 'none'}. Give the cells their old ids, or "
            f"take the assignment out with `nbgrader db assignment remove {name} --force`, build, and grade "
            "again: automatic marks come back, marks and comments given by hand are lost."
        )


def _known_cells(session: Session, name: str) -> tuple[int, set[tuple[str, bool, bool]]]:
    """The number of submissions, and (id, is graded, is a solution) of each cell that the gradebook has."""
    query = select(Notebook).join(Assignment).where(Assignment.name == name, Notebook.name == name)
    notebook: Any = session.scalars(query).one_or_none()
    if notebook is None:
        return 0, set()
    graded = {cell.name for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    cells = {(cell.name, cell.name in graded, cell.name in solutions) for cell in notebook.source_cells}
    return len(notebook.submissions), cells


def _captured_log():
    said = io.StringIO()
    log = logging.Logger("nbgrader", logging.ERROR)
    log.addHandler(logging.StreamHandler(said))
    return log, said
