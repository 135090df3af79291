"""`nbgrader release_feedback`: the course's `feedback/` pages, each to the student of the submission."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import abc

from autograder.exchange.base import ServiceExchange, timestamp
from autograder.exchange.manifest import file_at

__all__ = ["ReleaseFeedback"]


class ReleaseFeedback(ServiceExchange, abc.ExchangeReleaseFeedback):
    def copy_files(self) -> None:
        query = {"student": self.student} if self.student else {}
        where = ("courses", self.course, "assignments", self.assignment, "submissions")
        excluded = set(self.coursedir.student_id_exclude.split(","))
        by_time = {
            (each["student"], timestamp(each["time"])): each for each in self.client.get(*where, **query)
        }
        for student in sorted({student for student, _ in by_time} - excluded):
            self._release(student, by_time)

    def _release(self, student: str, by_time: dict[tuple[str, str], dict[str, Any]]) -> None:
        folder = Path(self.coursedir.format_path(self.coursedir.feedback_directory, student, self.assignment))
        pages = sorted(folder.glob("*.html"))
        if not pages:
            self.log.warning("No feedback for %s: run `nbgrader generate_feedback` first", student)
            return
        time = self.coursedir.get_existing_timestamp(str(folder))
        submission = by_time.get((student, _said(time))) if time else None
        if submission is None:
            self.log.error(
                "Feedback of %s belongs to no submission (it was made of one of %s): collect and grade again",
                student, time or "no known time",
            )  # fmt: skip
            return
        score, max_score = self._score(student)
        with self.saying(f"feedback of {student} was not released"):
            self.client.send_listed(
                self.course, [(file_at(page, page.name), page) for page in pages],
                "courses", self.course, "submissions", str(submission["id"]), "feedback",
                method="PUT", score=score, max_score=max_score,
            )  # fmt: skip
        self.log.info(
            "Released feedback for student '%s' on assignment '%s/%s'", student, self.course, self.assignment
        )

    def _score(self, student: str) -> tuple[float | None, float | None]:
        """The gradebook's mark, after a person's points and penalties."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                found = gradebook.find_submission(self.assignment, student)
                penalties = sum(each.late_submission_penalty or 0.0 for each in found.notebooks)
                return max(0.0, (found.score or 0.0) - penalties), found.max_score
            except MissingEntry:
                return None, None


def _said(time: datetime) -> str:
    return timestamp(time.isoformat() + "+00:00")
