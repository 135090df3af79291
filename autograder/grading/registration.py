"""The instructor's cells of an assignment, as the gradebook has them.

nbgrader's `generate_assignment` puts them there, hidden tests included. Where it has not run yet its own
preprocessors are run here; what they make of the notebook is dropped, so the release is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader import utils
from nbgrader.api import Gradebook, InvalidEntry
from nbgrader.converters import GenerateAssignment
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from traitlets.config import Config

from autograder.errors import ConfigError
from autograder.grading.database import Database
from autograder.grading.nbgrader_models import Assignment, Notebook
from autograder.grading.notebook import TrustedCell, TrustedCells

if TYPE_CHECKING:
    from autograder.grading.course import Course

__all__ = ["cells_tagged", "registered_assignments", "registered_notebooks", "trusted_cells"]


def trusted_cells(course: Course, assignment: str, notebook: str) -> TrustedCells:
    """The cells of a notebook with a grade id, in the order of its source.

    Raises: ConfigError if neither the gradebook nor `source/` has the notebook; GradebookError.
    """
    database = Database(course.db_url)
    try:
        order = _source_order(course, assignment, notebook)
        read = lambda session: _read(session, assignment, notebook, order)  # noqa: E731
        with _alone(course):
            cells = None if _unfinished(course, assignment).exists() else database.read(read)
            if cells is None:
                _register(course, assignment)
                cells = database.read(read)
    finally:
        database.close()
    if cells is None:
        raise ConfigError(f"{course.folder('source', assignment)} has no notebook {notebook}.ipynb")
    return cells


def register(course: Course, assignment: str) -> None:
    """Add an assignment to the gradebook, or update it, as `nbgrader generate_assignment` does.

    Raises: ConfigError if the source is missing or nbgrader refuses it; GradebookError.
    """
    with _alone(course):
        _register(course, assignment)


@contextlib.contextmanager
def _alone(course: Course) -> Iterator[None]:
    """One grader at a time: nbgrader saves an assignment in many transactions, which must not mix.

    Raises: ConfigError.
    """
    path = course.root / ".autograder" / "registration.lock"
    try:
        path.parent.mkdir(mode=0o770 if course.coursedir.groupshared else 0o700, parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ConfigError(f"{path} cannot be opened: {error.strerror}") from error
    with os.fdopen(lock):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _register(course: Course, assignment: str) -> None:
    folder = course.folder("source", assignment)
    files = sorted(folder.glob("*.ipynb"))
    if not files:
        raise ConfigError(f"{folder}: expected a notebook, since the gradebook does not have {assignment!r}")

    def save() -> None:
        with Gradebook(course.db_url, course.coursedir.course_id) as gradebook:
            gradebook.update_or_create_assignment(assignment)
        for file in files:
            _save_cells(course, assignment, file)

    database = Database(course.db_url)
    unfinished = _unfinished(course, assignment)
    try:
        unfinished.touch()
        database.by_nbgrader(save)
        unfinished.unlink()
    except OSError as error:
        raise ConfigError(f"{unfinished} cannot be written: {error.strerror}") from error
    finally:
        database.close()


def _unfinished(course: Course, assignment: str) -> Path:
    """There while an assignment is being added; afterwards only if whoever did it was killed."""
    return course.root / ".autograder" / f"registering-{assignment}"


def registered_assignments(course: Course) -> list[str]:
    """The names that the gradebook knows; none without a gradebook."""
    return _names(course, select(Assignment.name).order_by(Assignment.name))


def registered_notebooks(course: Course, assignment: str) -> list[str]:
    query = select(Notebook.name).join(Assignment).where(Assignment.name == assignment)
    return _names(course, query.order_by(Notebook.name))


def cells_tagged(course: Course, assignment: str, notebook: str, tags: set[str]) -> frozenset[str]:
    """Grade ids of the source's cells that carry one of the tags and are not graded."""
    cells = (_source(course, assignment, notebook) or {}).get("cells", [])
    return frozenset(
        cell.metadata.nbgrader.grade_id
        for cell in cells
        if tags.intersection(cell.metadata.get("tags", ()))
        and cell.metadata.get("nbgrader", {}).get("grade_id")
        and not cell.metadata.nbgrader.get("grade")
    )


def _read(session: Session, assignment: str, notebook: str, order: dict[str, int]) -> TrustedCells | None:
    query = select(Notebook).join(Assignment).where(Assignment.name == assignment, Notebook.name == notebook)
    found = session.scalars(query).one_or_none()
    if found is None:
        return None
    graded = {cell.name: cell for cell in found.grade_cells}
    solutions = {cell.name for cell in found.solution_cells}
    tasks = {cell.name: cell for cell in found.task_cells}
    cells = sorted(found.source_cells, key=lambda cell: order.get(cell.name, len(order)))
    return TrustedCells(
        tuple(
            TrustedCell(
                grade_id=cell.name,
                cell_type=cell.cell_type,
                source=cell.source or "",
                points=_points(graded.get(cell.name) or tasks.get(cell.name)),
                grade=cell.name in graded,
                solution=cell.name in solutions,
                locked=bool(cell.locked),
                task=cell.name in tasks,
            )
            for cell in cells
        )
    )


def _points(cell: Any) -> float | None:
    return None if cell is None else float(cell.max_score)


def _save_cells(course: Course, assignment: str, file: Path) -> None:
    """Run the preprocessors of `generate_assignment` on one notebook; one of them saves its cells."""
    quiet = Config({"Exporter": {"default_preprocessors": []}})
    quiet.merge(course.nbgrader_config)
    converter = GenerateAssignment(coursedir=course.coursedir, config=course.nbgrader_config)
    exporter = NotebookExporter(config=quiet)
    for preprocessor in converter.preprocessors:
        exporter.register_preprocessor(preprocessor)
    resources = {
        "unique_key": file.stem,
        "output_files_dir": f"{file.stem}_files",
        "nbgrader": {
            "student": ".",
            "assignment": assignment,
            "notebook": file.stem,
            "db_url": course.db_url,
        },
    }
    try:
        with utils.chdir(str(course.root)):  # nbgrader's settings may name files relative to the course
            exporter.from_filename(str(file), resources=resources)
    except (DBAPIError, InvalidEntry):
        raise
    except Exception as error:  # each preprocessor has its own; all say what is wrong with the source
        raise ConfigError(f"{file}: nbgrader refuses it: {error}") from error


def _source_order(course: Course, assignment: str, notebook: str) -> dict[str, int]:
    """Place of each grade id in the source; empty without it (the database then gives its own order)."""
    cells = (_source(course, assignment, notebook) or {}).get("cells", [])
    ids = (cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells)
    return {grade_id: place for place, grade_id in enumerate(ids) if grade_id}


def _source(course: Course, assignment: str, notebook: str) -> dict[str, Any] | None:
    file = course.folder("source", assignment) / f"{notebook}.ipynb"
    try:
        return nbformat.read(file, as_version=4)
    except FileNotFoundError:
        return None
    except Exception as error:  # nbformat raises whatever its parsers do
        raise ConfigError(f"{file}: cannot be read as a notebook: {error}") from error


def _names(course: Course, query: Any) -> list[str]:
    database = Database(course.db_url)
    try:
        return database.read(lambda session: list(session.scalars(query))) if database.exists else []
    finally:
        database.close()
