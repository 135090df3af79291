"""`nbgrader collect`: submissions, as the service kept them, into the course's `submitted/`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.exchange import abc

from autograder.exchange.base import ServiceExchange, timestamp
from autograder.exchange.client import files_of
from autograder.exchange.folders import write_folder

__all__ = ["Collect"]

NOTHING_NEWER = "No newer submission to collect"
EXISTS = "Submission already exists, use --update to update"


class Collect(ServiceExchange, abc.ExchangeCollect):
    """`check_owner` has nothing to check: who submitted is what the hub said, and not in a name."""

    def copy_files(self) -> None:
        query = {"student": self.student} if self.student else {}
        where = ("courses", self.course, "assignments", self.assignment, "submissions")
        by_student: dict[str, list[dict[str, Any]]] = {}
        for submission in self.client.get(*where, **query):
            by_student.setdefault(submission["student"], []).append(submission)
        if not by_student:
            self.log.warning(
                "No submissions of '%s' for course '%s' to collect", self.assignment, self.course
            )
        excluded = set(self.coursedir.student_id_exclude.split(","))
        for student, submissions in sorted(by_student.items()):
            if student not in excluded:
                self._collect(student, self._chosen(submissions))

    def _chosen(self, submissions: list[dict[str, Any]]) -> dict[str, Any]:
        """The newest; with `before_duedate` the newest of those in time, if any is."""
        in_time = [each for each in submissions if not each["late"]]
        return (in_time if self.before_duedate and in_time else submissions)[-1]

    def _collect(self, student: str, submission: dict[str, Any]) -> None:
        what = f"{student} {self.assignment}"
        if "/" in student or student.startswith("."):
            self.fail(f"{student!r} cannot be the name of a folder")
        path = self.coursedir.format_path(self.coursedir.submitted_directory, student, self.assignment)
        target = Path(path)
        if target.is_dir():
            existing = self.coursedir.get_existing_timestamp(str(target))
            # nbgrader's parse_utc has no zone
            time = datetime.fromisoformat(submission["time"]).replace(tzinfo=None)
            newer = existing is None or time > existing
            if not (self.update and newer) and not (self.before_duedate and existing != time):
                self.log.info("%s: %s", NOTHING_NEWER if self.update else EXISTS, what)
                return
            self.log.info("Updating submission: %s", what)
        else:
            self.log.info("Collecting submission: %s", what)
        where = ("courses", self.course, "submissions", str(submission["id"]), "files")
        contents = {file.path: self.client.content(file, *where) for file in files_of(submission)}
        contents["timestamp.txt"] = timestamp(submission["time"]).encode()
        write_folder(target, contents, mode=0o2770 if self.coursedir.groupshared else 0o700)
