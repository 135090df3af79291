"""nbgrader's own generate_assignment, run on a staging folder with the course's configuration.

Staging keeps the course whole: its files change only after nbgrader has accepted the assignment, and
`--check` looks at the same output without a gradebook.
"""

import io
import logging
import os
import sysconfig
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy.exc
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config.loader import Config, PyFileConfigLoader

from autograder.build.notebook import Cell
from autograder.errors import BuildError

CONFIG_FILE = "nbgrader_config.py"


def generate_release(course_root: Path, staging: Path, name: str, *, in_gradebook: bool) -> None:
    """Make `staging/release/<name>` of `staging/source/<name>`.

    Args:
        course_root: whose nbgrader_config.py holds and whose gradebook gets the assignment.
        in_gradebook: False leaves the gradebook alone.
    Raises: BuildError with what nbgrader said.
    """
    config = course_config(course_root)
    config.SaveCells.enabled = in_gradebook
    log, said = _captured_log()
    converter = GenerateAssignment(
        coursedir=course_directory(course_root, staging, name),
        config=config,
        no_database=not in_gradebook,
        log=log,
    )
    try:
        with _commands_on_path():
            converter.start()
    except NbGraderException as error:
        raise BuildError(f"nbgrader cannot make the release of {name}:\n{said.getvalue()}") from error


def course_config(course_root: Path) -> Config:
    """The course's nbgrader_config.py, empty without one. A user's own configuration does not count."""
    if not (course_root / CONFIG_FILE).is_file():
        return Config()
    return PyFileConfigLoader(CONFIG_FILE, path=str(course_root)).load_config()


def course_directory(course_root: Path, staging: Path, name: str) -> CourseDirectory:
    """The course, its gradebook included, with source and release in the staging folder."""
    return CourseDirectory(
        config=course_config(course_root),
        root=str(course_root),
        source_directory=str(staging / "source"),
        release_directory=str(staging / "release"),
        assignment_id=name,
    )


def check_gradebook(course_root: Path, name: str, cells: tuple[Cell, ...]) -> None:
    """nbgrader neither adds nor removes cells of an assignment that has submissions: say so, and what to do.

    Raises: BuildError.
    """
    coursedir = course_directory(course_root, course_root, name)
    if not _exists(coursedir.db_url):
        return
    try:
        submissions, known = _known_cells(coursedir, name)
    except sqlalchemy.exc.SQLAlchemyError as error:
        raise BuildError(f"the gradebook {coursedir.db_url} cannot be read: {error}") from error
    wanted = {(c.grade_id, c.grade, c.solution): c.grade_id for c in cells if c.grade_id}
    if submissions and known.keys() != wanted.keys():
        added = sorted(wanted[key] for key in wanted.keys() - known.keys())
        removed = sorted(known[key] for key in known.keys() - wanted.keys())
        raise BuildError(
            f"the gradebook holds {submissions} submissions of {name}, so its graded and locked cells must "
            f"stay (new: {', '.join(added) or 'none'}; gone: {', '.join(removed) or 'none'}). Give the cells "
            f"their old ids, or take the assignment out with `nbgrader db assignment remove {name} --force`, "
            "build, and grade again: automatic marks come back, marks and comments given by hand are lost."
        )


def _known_cells(coursedir, name):
    """Number of submissions; (id, is graded, is a solution) -> id, as the gradebook has them."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            notebook = gradebook.find_notebook(name, name)
        except MissingEntry:
            return 0, {}
        return len(notebook.submissions), {_kind(c.name, notebook): c.name for c in notebook.source_cells}


def _kind(name, notebook):
    graded = any(cell.name == name for cell in notebook.grade_cells)
    return name, graded, any(cell.name == name for cell in notebook.solution_cells)


@contextmanager
def _commands_on_path():
    """To create a gradebook nbgrader runs `alembic` by name, which only an activated environment finds."""
    before = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _exists(db_url):
    path = db_url.removeprefix("sqlite:///")
    return path == db_url or Path(path).is_file()


def _captured_log():
    said = io.StringIO()
    log = logging.Logger("nbgrader", logging.ERROR)
    log.addHandler(logging.StreamHandler(said))
    return log, said
