"""Which submission counts, and what becomes of a mark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from autograder.report.receipt import SubmissionResult
from autograder.service import queue
from autograder.service.courses import ServedCourse
from autograder.service.events import note
from autograder.service.releases import find_assignment, set_due
from autograder.service.schema import Assignment, Job, Mark, Submission
from autograder.service.settings import Policy
from autograder.service.stores import Stores

__all__ = [
    "by_student",
    "counted",
    "counted_by_student",
    "finish_grading",
    "move_due",
    "renew",
    "submissions_of",
]


def submissions_of(session: Session, assignment: Assignment, student: str | None = None) -> list[Submission]:
    """With their marks, those of one student or of all, in the order they came."""
    found = (
        select(Submission)
        .where(Submission.assignment_id == assignment.id)
        .options(joinedload(Submission.mark), joinedload(Submission.feedback))
        .order_by(Submission.student, Submission.number)
    )
    if student is not None:
        found = found.where(Submission.student == student)
    return list(session.scalars(found))


def by_student(submissions: Iterable[Submission]) -> dict[str, list[Submission]]:
    """Each student's, in the order they came."""
    found: dict[str, list[Submission]] = {}
    for submission in submissions:
        found.setdefault(submission.student, []).append(submission)
    return found


def counted(submissions: Sequence[Submission], policy: Policy) -> Submission | None:
    """Of one student's submissions the one whose mark stands: of those in time, or if none is, of all.

    `last`: the newest, graded or not. `best`: the one with most points, the newer one of equals.
    """
    candidates = [one for one in submissions if not one.late] or list(submissions)
    if not candidates:
        return None
    if policy.final == "best" and (scored := [one for one in candidates if _score(one) is not None]):
        return max(scored, key=lambda one: (_score(one) or 0.0, one.number))
    return candidates[-1]


def counted_by_student(session: Session, assignment: Assignment, policy: Policy) -> dict[str, Submission]:
    """The submission that counts, of everyone who handed in."""
    found = by_student(submissions_of(session, assignment))
    standing = {student: counted(own, policy) for student, own in found.items()}
    return {student: submission for student, submission in standing.items() if submission}


def finish_grading(
    stores: Stores, course: ServedCourse, job: Job, result: SubmissionResult, worker: str
) -> bool:
    """Keep the one mark of a submission, end its job, and queue its way into the gradebook if it counts.

    Returns: whether it counts.
    Raises: LeaseLost, if another worker has the job now.
    """
    counts = False

    def keep(session: Session) -> None:
        nonlocal counts
        now = stores.now()
        submission = session.get_one(Submission, job.submission_id)
        _put(session, submission, result, stores)
        session.flush()
        own = submissions_of(session, submission.assignment, submission.student)
        policy = course.settings.policy_of(submission.assignment.name)
        standing = counted(own, policy)
        counts = standing is not None and standing.id == submission.id
        if counts:
            queue.add_recording(session, submission, now, worker)

    queue.finish(stores, job, also=keep)
    return counts


def renew(session: Session, stores: Stores, submission: Submission, result: SubmissionResult) -> None:
    """Put a regraded mark in the place of the one that stood."""
    _put(session, submission, result, stores)


def move_due(stores: Stores, course: ServedCourse, name: str, by: str, due: datetime | None) -> int:
    """Move a due date; the marks of those for whom another submission counts now are recorded again.

    Returns: of how many.
    """
    policy = course.settings.policy_of(name)
    with stores.database.read() as session:
        assignment = find_assignment(session, course.id, name)
        before = {student: one.id for student, one in counted_by_student(session, assignment, policy).items()}
    set_due(stores, course.id, name, by, due)
    moved = 0
    with stores.database.write() as session:
        assignment = find_assignment(session, course.id, name)
        for student, submission in counted_by_student(session, assignment, policy).items():
            if before.get(student) != submission.id and submission.mark:
                queue.add_recording(session, submission, stores.now())
                moved += 1
        if moved:
            note(session, stores, course.id, by, f"{moved} students of {name} have another mark now")
    return moved


def _put(session: Session, submission: Submission, result: SubmissionResult, stores: Stores) -> None:
    values = {
        "status": result.status,
        "score": result.score,
        "max_score": result.max_score,
        "report": result.to_json(),
        "time": stores.now(),
    }
    standing = session.get(Mark, submission.id)
    if standing is None:
        session.add(Mark(submission_id=submission.id, **values))
        return
    for name, value in values.items():
        setattr(standing, name, value)
    standing.revision += 1


def _score(submission: Submission) -> float | None:
    return submission.mark.score if submission.mark else None
