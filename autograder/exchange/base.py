"""What our exchange classes share: nbgrader's settings, the client, and errors as nbgrader shows them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgrader.exchange import abc
from traitlets import Bool

from autograder.errors import ServiceError
from autograder.exchange.client import ServiceClient, client_of

__all__ = ["ServiceExchange", "timestamp"]

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S.%f UTC"  # nbgrader's, in UTC
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9 ._-]{0,99}")


class ServiceExchange(abc.Exchange):
    """The base; nbgrader calls `start()`, which calls `init_src`, `init_dest` and `copy_files`."""

    path_includes_course = Bool(
        False, help="Whether assignments are kept in ./COURSE/ASSIGNMENT rather than ./ASSIGNMENT."
    ).tag(config=True)

    if TYPE_CHECKING:
        coursedir: Any

    @cached_property
    def client(self) -> ServiceClient:
        return client_of()

    @property
    def course(self) -> str:
        if not self.coursedir.course_id:
            self.fail("No course id specified. Re-run with --course flag.")
        return self._plain(self.coursedir.course_id, "course")

    @property
    def assignment(self) -> str:
        return self._plain(self.coursedir.assignment_id, "assignment")

    @property
    def student(self) -> str | None:
        """The one that `--student` names; None for everyone."""
        return None if self.coursedir.student_id in ("", "*") else self.coursedir.student_id

    def start(self) -> Any:
        try:
            return super().start()
        except ServiceError as error:
            self.fail(str(error))
        finally:
            if client := vars(self).get("client"):
                client.close()

    def init_src(self) -> None:
        pass

    def init_dest(self) -> None:
        pass

    def local_folder(self, course: str, assignment: str) -> Path:
        """Where a student keeps an assignment."""
        root = Path(self.assignment_dir).absolute()
        return root / course / assignment if self.path_includes_course else root / assignment

    @contextlib.contextmanager
    def saying(self, what: str) -> Iterator[None]:
        """A refusal under this name of what was tried."""
        try:
            yield
        except ServiceError as error:
            self.fail(f"{what}: {error}")

    def _plain(self, name: str, kind: str) -> str:
        if not _PLAIN.fullmatch(name):
            self.fail(f"{name!r} is not the name of a {kind}: letters, digits, spaces, dots, - and _")
        return name


def timestamp(time: str) -> str:
    """A time of the service's as nbgrader writes times."""
    return datetime.fromisoformat(time).astimezone(UTC).strftime(TIMESTAMP_FORMAT)
