"""Handing in: from a list of files that were sent to a submission with a receipt, or to nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from autograder.exchange.manifest import File, manifest_problem, manifest_sha256
from autograder.grading.roster import student_id_problem
from autograder.service import queue, receipts
from autograder.service.courses import ServedCourse
from autograder.service.refusals import Conflict, Forbidden, Gone, Invalid, TooLarge, TooMany
from autograder.service.releases import find_assignment
from autograder.service.schema import Assignment, Course, Submission, SubmissionFile
from autograder.service.settings import CourseSettings, Policy
from autograder.service.stores import Stores
from autograder.service.uploads import check_sent, lock_blobs

__all__ = ["check_files", "submit"]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def submit(
    stores: Stores, course: ServedCourse, name: str, student: str, key: str, files: Sequence[File]
) -> tuple[Submission, bool]:
    """Take a submission in; it is kept, receipted and queued when this returns, or nothing has happened.

    Args:
        key: the client's own for this act; the same again gets the same receipt.
    Returns: the submission, and whether it is new.
    """
    if problem := student_id_problem(student):
        raise Forbidden(f"the hub's user name {student!r} cannot be a student of the gradebook: {problem}")
    check_files(course.settings, files)
    with lock_blobs(stores) as session:
        assignment = find_assignment(session, course.id, name)
        policy = course.settings.policy_of(name)
        if again := _with_key(session, assignment, student, key):
            if again.manifest_sha256 != manifest_sha256(files):
                raise Conflict("this key was used for other files: a new submission needs a new key")
            return again, False
        row = session.scalars(select(Course).where(Course.id == course.id).with_for_update()).one()
        last = _last(session, assignment, student)
        now = max(stores.now(), last.time + TICK) if last else stores.now()
        late = assignment.due is not None and now > assignment.due
        _check_allowed(session, course.settings, policy, assignment, student, now, late)
        check_sent(session, course.id, student, files)
        receipt = receipts.issue(
            stores.secret, course.id, name, student, last.number + 1 if last else 1, now,
            manifest_sha256(files), row.head,
        )  # fmt: skip
        submission = Submission(
            assignment_id=assignment.id,
            assignment=assignment,
            student=student,
            number=receipt.number,
            key=key,
            time=now,
            disclosed=_shown_lately(session, assignment, student, now) < policy.hidden_results_per_day,
            manifest_sha256=receipt.manifest_sha256,
            size=sum(file.size for file in files),
            receipt=receipt.id,
            previous=receipt.previous,
            signature=receipt.signature,
            files=[SubmissionFile(path=file.path, sha256=file.sha256, size=file.size) for file in files],
        )
        session.add(submission)
        row.head = receipt.id
        session.flush()
        queue.add_grading(session, submission, now)
    return submission, True


def check_files(settings: CourseSettings, files: Sequence[File]) -> None:
    """Raises: Invalid, TooLarge if these files cannot be a submission of the course."""
    if not any(file.path.endswith(".ipynb") for file in files):
        raise Invalid("there is no notebook among the files: a submission needs its .ipynb")
    if why := manifest_problem(files):
        raise Invalid(why)
    if len(files) > settings.max_files:
        raise TooLarge(f"a submission has up to {settings.max_files} files here, this one {len(files)}")
    if refused := [file.path for file in files if not settings.takes(file.path)]:
        raise Invalid(f"files of this type are not taken here: {', '.join(refused[:5])}")
    if large := [file.path for file in files if file.size > settings.max_file_mb << 20]:
        raise TooLarge(f"a file may have {settings.max_file_mb} MB here: {', '.join(large[:5])}")
    if sum(file.size for file in files) > settings.max_submission_mb << 20:
        raise TooLarge(f"a submission may have {settings.max_submission_mb} MB here")


def _check_allowed(session: Session, settings: CourseSettings, policy: Policy, assignment: Assignment,
                   student: str, now: datetime, late: bool) -> None:  # fmt: skip
    if assignment.release_id is None:
        raise Gone(f"{assignment.name} has been taken back: it cannot be handed in now")
    if late and policy.late == "refuse":
        raise Gone(
            f"{assignment.name} was due on {assignment.due:%Y-%m-%d %H:%M} UTC and takes nothing after"
        )
    lately = session.scalar(
        select(func.count(Submission.id)).where(
            Submission.assignment_id == assignment.id,
            Submission.student == student,
            Submission.time > now - DAY,
        )
    )
    if (lately or 0) >= settings.submissions_per_day:
        raise TooMany(
            f"{assignment.name} can be handed in {settings.submissions_per_day} times in 24 hours: "
            "what you handed in last is kept, and counts"
        )


def _with_key(session: Session, assignment: Assignment, student: str, key: str) -> Submission | None:
    return session.scalar(
        select(Submission).where(
            Submission.assignment_id == assignment.id, Submission.student == student, Submission.key == key
        )
    )


def _last(session: Session, assignment: Assignment, student: str) -> Submission | None:
    return session.scalar(
        select(Submission)
        .where(Submission.assignment_id == assignment.id, Submission.student == student)
        .order_by(Submission.number.desc())
        .limit(1)
    )


def _shown_lately(session: Session, assignment: Assignment, student: str, now: datetime) -> int:
    """How many submissions of the last 24 hours show their hidden results."""
    found = select(func.count(Submission.id)).where(
        Submission.assignment_id == assignment.id,
        Submission.student == student,
        Submission.time > now - DAY,
        Submission.disclosed,
    )
    return session.scalar(found) or 0
