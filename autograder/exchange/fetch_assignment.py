"""`nbgrader fetch_assignment`: the released files, into the student's folder."""

from __future__ import annotations

from nbgrader.exchange import abc

from autograder.exchange.base import ServiceExchange
from autograder.exchange.client import files_of
from autograder.exchange.folders import write_folder

__all__ = ["FetchAssignment"]


class FetchAssignment(ServiceExchange, abc.ExchangeFetchAssignment):
    def init_dest(self) -> None:
        self.target = self.local_folder(self.course, self.assignment)
        if self.target.exists() and not self.replace_missing_files:
            self.fail(f"You already have a copy of the assignment in this directory: {self.target.name}")

    def copy_files(self) -> None:
        where = ("courses", self.course, "assignments", self.assignment, "release")
        with self.saying(f"{self.assignment} cannot be fetched"):
            files = files_of(self.client.get(*where))
            if self.target.exists():
                files = [file for file in files if not (self.target / file.path).exists()]
            contents = {file.path: self.client.content(file, *where, "files") for file in files}
        if not self.target.exists():
            write_folder(self.target, contents)
        for path, content in contents.items():
            place = self.target / path
            if not place.exists():
                self.log.warning("Replacing missing file '%s'", path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        self.log.info("Fetched as: %s %s", self.course, self.assignment)
