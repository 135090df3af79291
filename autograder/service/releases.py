"""Released assignments: what students fetch, and until when they may hand in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from autograder.exchange.manifest import File, manifest_problem
from autograder.report.numbers import plural
from autograder.service import queue
from autograder.service.events import note
from autograder.service.refusals import Conflict, Invalid, NotFound
from autograder.service.schema import Assignment, Course, Release, ReleaseFile
from autograder.service.stores import Stores
from autograder.service.uploads import check_sent, lock_blobs

__all__ = ["assignments_of", "current_release", "find_assignment", "release", "set_due", "withdraw"]


def assignments_of(session: Session, course: str) -> list[Assignment]:
    return list(
        session.scalars(select(Assignment).where(Assignment.course_id == course).order_by(Assignment.name))
    )


def find_assignment(session: Session, course: str, name: str) -> Assignment:
    """Raises: NotFound if nothing of that name was ever released."""
    found = session.scalar(select(Assignment).where(Assignment.course_id == course, Assignment.name == name))
    if found is None:
        raise NotFound(f"the course {course} has no assignment {name!r}")
    return found


def current_release(session: Session, assignment: Assignment) -> Release:
    """Raises: NotFound if the assignment was taken back."""
    found = assignment.release_id and session.get(
        Release, assignment.release_id, options=[selectinload(Release.files)]
    )
    if not found:
        raise NotFound(f"{assignment.name!r} is not released")
    return found


def release(
    stores: Stores,
    course: str,
    name: str,
    by: str,
    files: Sequence[File],
    *,
    due: datetime | None,
    force: bool,
) -> Release:
    """Give an assignment to students; with `force` in place of the release that they have."""
    if not files:
        raise Invalid("a release needs at least one file")
    if why := manifest_problem(files):
        raise Invalid(why)
    with lock_blobs(stores) as session:
        check_sent(session, course, by, files)
        if session.get(Course, course) is None:
            session.add(Course(id=course))
            session.flush()
        assignment = session.scalar(
            select(Assignment).where(Assignment.course_id == course, Assignment.name == name)
        )
        if assignment is None:
            assignment = Assignment(course_id=course, name=name)
            session.add(assignment)
        elif assignment.release_id and not force:
            raise Conflict(f"{name!r} is released already: add --force to replace it")
        assignment.due = due
        session.flush()
        made = Release(assignment_id=assignment.id, time=stores.now(), by=by)
        made.files = [ReleaseFile(path=file.path, sha256=file.sha256, size=file.size) for file in files]
        session.add(made)
        session.flush()
        assignment.release_id = made.id
        note(session, stores, course, by, f"released {name} ({plural(len(files), 'file')})")
    return made


def set_due(stores: Stores, course: str, name: str, by: str, due: datetime | None) -> None:
    """Move the due date, here and, by a worker, in the gradebook."""
    with stores.database.write() as session:
        assignment = find_assignment(session, course, name)
        assignment.due = due
        queue.add_staff_job(session, "due", assignment, by, stores.now())
        note(session, stores, course, by, f"set the due date of {name} to {_said(due)}")


def withdraw(stores: Stores, course: str, name: str, by: str) -> None:
    """Take a release back; submissions and marks stay."""
    with stores.database.write() as session:
        assignment = find_assignment(session, course, name)
        current_release(session, assignment)
        assignment.release_id = None
        note(session, stores, course, by, f"took {name} back")


def _said(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time else "none"
