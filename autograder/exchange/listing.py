"""`nbgrader list`, and what the Assignment List and Formgrader show: in the form that nbgrader's own has."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from nbgrader.exchange import abc

from autograder.exchange.base import ServiceExchange, timestamp
from autograder.exchange.client import files_of

__all__ = ["ListAssignments"]

Info = dict[str, Any]


class ListAssignments(ServiceExchange, abc.ExchangeList):
    def list_files(self) -> list[Info]:
        """Released assignments, or submissions grouped by student and assignment."""
        if self.inbound or self.cached:
            found = self._submitted()
            self.log.info("Submitted assignments:")
            for info in found:
                for submission in info["submissions"]:
                    self.log.info(_said(submission))
            return found
        found = self._released()
        self.log.info("Released assignments:")
        for info in found:
            here = " (already downloaded)" if info["status"] == "fetched" else ""
            self.log.info("%s %s%s%s", info["course_id"], info["assignment_id"], _due(info["due"]), here)
        return found

    def remove_files(self) -> list[Info]:
        """Take releases back. What was handed in cannot be removed, by nobody."""
        if self.inbound or self.cached:
            self.fail("submissions are kept: they cannot be removed")
        found = self._released()
        self.log.info("Removing released assignments:")
        for info in found:
            self.client.delete("courses", info["course_id"], "assignments", info["assignment_id"], "release")
            self.log.info("%s %s", info["course_id"], info["assignment_id"])
            info["status"] = "removed"
        return found

    def copy_files(self) -> None:
        pass

    def _courses(self) -> list[str]:
        wanted = self.coursedir.course_id
        found = [course["id"] for course in self.client.get("courses")]
        return [id for id in found if not wanted or id == wanted]

    def _assignments(self) -> list[Info]:
        wanted = self.coursedir.assignment_id
        return [
            assignment
            for course in self._courses()
            for assignment in self.client.get("courses", course, "assignments")
            if wanted in ("", "*", assignment["name"])
        ]

    def _released(self) -> list[Info]:
        return [self._release(each) for each in self._assignments() if each["released"]]

    def _release(self, assignment: Info) -> Info:
        course, name = assignment["course"], assignment["name"]
        folder = self.local_folder(course, name)
        fetched = folder.is_dir()
        if fetched:
            paths = sorted(folder.glob("*.ipynb"))
        else:
            paths = [folder / path for path in assignment["notebooks"]]
        return {
            "course_id": course,
            "assignment_id": name,
            "status": "fetched" if fetched else "released",
            "path": str(folder),
            "due": assignment["due"],
            "notebooks": [{"notebook_id": path.stem, "path": str(path)} for path in paths],
        }

    def _submitted(self) -> list[Info]:
        groups: dict[tuple[str, str, str], list[Info]] = {}
        for assignment in self._assignments():
            course, name = assignment["course"], assignment["name"]
            query = {"student": self.student} if self.student and self.inbound else {}
            found = self.client.get("courses", course, "assignments", name, "submissions", **query)
            for submission in found:
                key = (course, submission["student"], name)
                groups.setdefault(key, []).append(self._submission(submission))
        return [
            {
                "course_id": course,
                "student_id": student,
                "assignment_id": name,
                "status": "submitted",
                "submissions": submissions,
            }
            for (course, student, name), submissions in sorted(groups.items())
        ]

    def _submission(self, submission: Info) -> Info:
        course, name = submission["course"], submission["assignment"]
        time = timestamp(submission["time"])
        folder = self.local_folder(course, name)
        released = {file.path: file.sha256 for file in files_of(submission["feedback"] or {"files": []})}
        notebooks = [
            _notebook(Path(file.path).stem, folder, time, released)
            for file in files_of(submission)
            if file.path.endswith(".ipynb") and "/" not in file.path
        ]
        here = bool(notebooks) and all(each["has_local_feedback"] for each in notebooks)
        return {
            "course_id": course,
            "student_id": submission["student"],
            "assignment_id": name,
            "timestamp": time,
            "status": "submitted",
            "path": str(folder),
            "receipt": submission["receipt"]["id"],
            "state": submission["state"],
            "late": submission["late"],
            "notebooks": notebooks,
            "has_local_feedback": here,
            "has_exchange_feedback": bool(notebooks) and all(n["has_exchange_feedback"] for n in notebooks),
            "feedback_updated": any(each["feedback_updated"] for each in notebooks),
            "local_feedback_path": str(folder / "feedback" / time) if here else None,
        }


def _notebook(notebook: str, folder: Path, time: str, released: dict[str, str]) -> Info:
    page = f"{notebook}.html"
    local = folder / "feedback" / time / page
    here = local.is_file()
    ready = page in released
    return {
        "notebook_id": notebook,
        "path": str(folder / f"{notebook}.ipynb"),
        "has_local_feedback": here,
        "has_exchange_feedback": ready,
        "local_feedback_path": str(local) if here else None,
        "feedback_updated": here
        and ready
        and hashlib.sha256(local.read_bytes()).hexdigest() != released[page],
    }


def _said(info: Info) -> str:
    said = "{course_id} {student_id} {assignment_id} {timestamp}".format(**info)
    if info["has_local_feedback"] and not info["feedback_updated"]:
        said += " (feedback already fetched)"
    elif info["has_exchange_feedback"]:
        said += " (feedback ready to be fetched)"
    else:
        said += " (no feedback available)"
    return said + f" [{info['state']}{', late' if info['late'] else ''}, receipt {info['receipt'][:12]}]"


def _due(due: str | None) -> str:
    return f", due {timestamp(due)[:16]} UTC" if due else ""
