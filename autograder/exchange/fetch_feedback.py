"""`nbgrader fetch_feedback`: the pages that were released to whoever runs it, and nobody else's."""

from __future__ import annotations

from nbgrader.exchange import abc

from autograder.exchange.base import ServiceExchange, timestamp
from autograder.exchange.client import files_of

__all__ = ["FetchFeedback"]


class FetchFeedback(ServiceExchange, abc.ExchangeFetchFeedback):
    def copy_files(self) -> None:
        folder = self.local_folder(self.course, self.assignment) / "feedback"
        query = {"student": self.student} if self.student else {}
        where = ("courses", self.course, "assignments", self.assignment, "submissions")
        found = 0
        for submission in self.client.get(*where, **query):
            if not submission["feedback"]:
                continue
            pages = ("courses", self.course, "submissions", str(submission["id"]), "feedback")
            target = folder / timestamp(submission["time"])
            for file in files_of(submission["feedback"]):
                content = self.client.content(file, *pages)
                target.mkdir(parents=True, exist_ok=True)
                (target / file.path).write_bytes(content)
                self.log.info("Fetched feedback: %s", target / file.path)
                found += 1
        if not found:
            self.log.warning("No feedback has been released for '%s/%s' yet", self.course, self.assignment)
