"""`nbgrader release_assignment`: the course's `release/` folder and due date, to the service."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc
from nbgrader.utils import ignore_patterns

from autograder.exchange.base import ServiceExchange
from autograder.exchange.folders import read_folder

__all__ = ["ReleaseAssignment"]


class ReleaseAssignment(ServiceExchange, abc.ExchangeReleaseAssignment):
    def init_src(self) -> None:
        self.source = self._step(self.coursedir.release_directory)
        if not self.source.is_dir():
            made = self._step(self.coursedir.source_directory).is_dir()
            hint = "run `nbgrader generate_assignment` first" if made else "is it spelled right?"
            self.fail(f"Assignment not found at: {self.source}: {hint}")

    def copy_files(self) -> None:
        ignore = ignore_patterns(exclude=self.coursedir.ignore, include=self.coursedir.include, log=self.log)
        files = read_folder(self.source, ignore, lambda path, why: self.fail(f"{path!r}: {why}"))
        due = self._due()
        with self.saying(f"{self.assignment} was not released"):
            self.client.send_listed(
                self.course, files, "courses", self.course, "assignments", self.assignment, "release",
                method="PUT", due=due.isoformat() if due else None, force=self.force,
            )  # fmt: skip
        said = f", due {due:%Y-%m-%d %H:%M} UTC" if due else ""
        self.log.info("Released as: %s %s%s", self.course, self.assignment, said)

    def _step(self, directory: str) -> Path:
        return Path(self.coursedir.format_path(directory, ".", self.assignment))

    def _due(self) -> datetime | None:
        """The gradebook's due date, which Formgrader and `nbgrader db` set."""
        path = self.coursedir.db_url.removeprefix("sqlite:///")
        if path != self.coursedir.db_url and not Path(path).is_file():
            return None  # nbgrader would make an empty one
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                due: datetime | None = gradebook.find_assignment(self.assignment).duedate  # pyright: ignore
            except MissingEntry:
                return None
        return due.replace(tzinfo=UTC) if due else None
