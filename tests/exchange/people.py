"""nbgrader as students and graders run it: its API with a configuration, a folder and a token each."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange import ExchangeFactory
from traitlets.config import Config

from autograder.exchange import configure


class At:
    """Somebody at their machine.

    Args:
        home: their folder; for graders the course's root.
    """

    def __init__(self, url: str, token: str, home: Path, course: str = "one"):
        self._environment = {
            "AUTOGRADER_SERVICE_URL": url,
            "JUPYTERHUB_API_TOKEN": token,
            "JUPYTER_DATA_DIR": str(home / ".jupyter-data"),
            # nbgrader starts alembic by its name:
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        self.home, self.course = home, course
        home.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def there(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update(self._environment)
        try:
            with contextlib.chdir(self.home):
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def run(self, what: str, assignment: str = "ps", student: str = "*", **options):
        """One of the exchange's classes, by the name that ExchangeFactory gives it."""
        c = Config()
        configure(c)
        c.CourseDirectory.course_id = self.course
        c.CourseDirectory.assignment_id = assignment
        c.CourseDirectory.student_id = student
        c.CourseDirectory.root = str(self.home)
        with self.there():
            coursedir = CourseDirectory(config=c)
            factory = ExchangeFactory(config=c)
            made = getattr(factory, what)(
                coursedir=coursedir, authenticator=Authenticator(config=c), config=c, **options
            )
            return made.start()

    def api(self) -> NbGraderAPI:
        """What Formgrader calls."""
        c = Config()
        configure(c)
        c.CourseDirectory.course_id = self.course
        c.CourseDirectory.root = str(self.home)
        coursedir = CourseDirectory(config=c)
        return NbGraderAPI(coursedir, Authenticator(config=c), config=c)
