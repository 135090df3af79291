"""Releasing feedback: nbgrader makes the pages, and each goes to the student whose work it is about."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from autograder.errors import GradebookError
from autograder.exchange.base import TIMESTAMP_FORMAT
from autograder.exchange.manifest import File
from autograder.grading.course import Course
from autograder.service import feedback, uploads
from autograder.service.schema import Submission
from autograder.service.stores import Stores
from autograder.service.worker.gradebook import total_of

__all__ = ["generate_pages", "release_pages"]

TIMEOUT_S = 3600
MAX_PAGE = 256 << 20


def generate_pages(root: Path, assignment: str) -> None:
    """Run `nbgrader generate_feedback`. Raises: GradebookError with what it said."""
    # nbgrader starts programs beside it by their names
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_feedback", assignment, "--force"],
        cwd=root, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise GradebookError(f"nbgrader generate_feedback failed: {done.stderr.strip()[-1500:]}")


def release_pages(
    stores: Stores,
    course: Course,
    assignment: str,
    standing: dict[str, Submission],
    by: str,
    progress: Callable[[int, int], None],
) -> dict[str, list[str]]:
    """Release the pages of all submissions that count.

    Returns: the students who got feedback, and those for whom there is none of this submission.
    """
    given, without = [], []
    for done, (student, submission) in enumerate(sorted(standing.items())):
        progress(done, len(standing))
        folder = course.folder("feedback", assignment, student)
        pages = sorted(folder.glob("*.html"))
        if not pages or _time(folder) != submission.time.strftime(TIMESTAMP_FORMAT):
            without.append(student)
            continue
        files = [_keep(stores, submission, page, by) for page in pages]
        score, max_score = total_of(course, assignment, student)
        feedback.give(stores, submission, by, files, score=score, max_score=max_score)
        given.append(student)
    return {"released": given, "without": without}


def _keep(stores: Stores, submission: Submission, page: Path, by: str) -> File:
    with uploads.Incoming(MAX_PAGE) as incoming:
        incoming.write(page.read_bytes())
        sha256 = incoming.sha256
        course = submission.assignment.course_id
        uploads.keep(stores, course, by, sha256, incoming, quota_bytes=1 << 50)
        return File(page.name, sha256, incoming.size)


def _time(folder: Path) -> str | None:
    """When the work was handed in that the pages were made of."""
    try:
        return (folder / "timestamp.txt").read_text(encoding="utf-8").strip()
    except OSError:
        return None
