"""Whether everything that was receipted is still there and unchanged: the chain, and every file."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from autograder.errors import StoreError
from autograder.exchange.manifest import File, manifest_sha256
from autograder.service.receipts import broken_links, short
from autograder.service.schema import Assignment, Course, Submission
from autograder.service.stores import Stores

__all__ = ["Audit", "audit"]


@dataclass(frozen=True)
class Audit:
    """Receipts by course, and what is wrong; nothing, if all is well."""

    receipts: dict[str, int]
    problems: list[str]


def audit(stores: Stores) -> Audit:
    """Read every receipt and every file of every submission."""
    counts: dict[str, int] = {}
    problems: list[str] = []
    with stores.database.read() as session:
        for course in session.scalars(select(Course).order_by(Course.id)):
            chain = select(Submission).join(Assignment).where(Assignment.course_id == course.id)
            submissions = list(session.scalars(chain.order_by(Submission.id)))
            counts[course.id] = len(submissions)
            found = broken_links(stores.secret, submissions, course.head)
            problems += [f"{course.id}: {problem}" for problem in found]
            for submission in submissions:
                problems += [f"{course.id}: {problem}" for problem in _files(stores, submission)]
    return Audit(counts, problems)


def _files(stores: Stores, submission: Submission) -> list[str]:
    files = [File(file.path, file.sha256, file.size) for file in submission.files]
    found = []
    if manifest_sha256(files) != submission.manifest_sha256:
        found.append(f"{short(submission.receipt)}: its list of files is not what was handed in")
    for file in files:
        try:
            stores.blobs.read(file.sha256)
        except StoreError as error:
            found.append(f"{short(submission.receipt)}: {file.path}: {error}")
    return found
