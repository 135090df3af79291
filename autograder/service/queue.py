"""The queue: jobs in the database, taken by workers under a lease.

A worker that dies lets its lease run out, and another takes the job: each is done at least once. Its result
is kept in the transaction that ends the job, and only while the lease is still the worker's: so once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from autograder.service.schema import Assignment, Job, Submission
from autograder.service.stores import Stores

__all__ = [
    "LeaseLost",
    "add_grading",
    "add_recording",
    "add_staff_job",
    "again",
    "extend",
    "finish",
    "positions",
    "put_back",
    "report_progress",
    "take",
]

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 3
FIRST, NORMAL, SUPERSEDED = -10, 0, 10
RESERVED = timedelta(seconds=30)
CLAIMS = "claims"


class LeaseLost(Exception):
    """The job was given to another worker meanwhile: what this one found out is thrown away."""


def add_grading(session: Session, submission: Submission, now: datetime) -> Job:
    """Queue a new submission; an older one of the same student that still waits gives way to others."""
    session.execute(
        update(Job)
        .where(
            Job.kind == "grade",
            Job.state == "queued",
            Job.assignment_id == submission.assignment_id,
            Job.student == submission.student,
        )
        .values(priority=SUPERSEDED)
    )
    job = Job(
        kind="grade",
        assignment_id=submission.assignment_id,
        submission_id=submission.id,
        student=submission.student,
        requested_by=submission.student,
        created=now,
    )
    session.add(job)
    return job


def add_recording(session: Session, submission: Submission, now: datetime, worker: str | None = None) -> None:
    """Queue the writing of a student's mark into the gradebook; `worker` may do it before others."""
    session.add(
        Job(
            kind="record",
            assignment_id=submission.assignment_id,
            submission_id=submission.id,
            student=submission.student,
            requested_by=submission.student,
            priority=FIRST,
            exclusive=_gradebook(submission.assignment),
            reserved_for=worker,
            reserved_until=now + RESERVED if worker else None,
            created=now,
        )
    )


def add_staff_job(session: Session, kind: str, assignment: Assignment, by: str, now: datetime) -> Job:
    """Queue what a person of the staff asked for; one that waits already is that one."""
    waiting = session.scalar(
        select(Job).where(
            Job.kind == kind, Job.assignment_id == assignment.id, Job.state.in_(("queued", "running"))
        )
    )
    if waiting:
        return waiting
    job = Job(
        kind=kind,
        assignment_id=assignment.id,
        requested_by=by,
        priority=FIRST,
        exclusive=_gradebook(assignment),
        created=now,
    )
    session.add(job)
    session.flush()
    return job


def take(stores: Stores, worker: str, courses: Sequence[str]) -> Job | None:
    """The next job of these courses, for this worker alone until its lease ends; None if there is none."""
    with stores.database.locked(CLAIMS) as session:
        now = stores.now()
        _give_up(session, now)
        job = session.scalar(
            select(Job)
            .join(Assignment)
            .where(Assignment.course_id.in_(courses), _open(now), _free(now, worker))
            .order_by(Job.priority, Job.id)
            .limit(1)
        )
        if job is None:
            return None
        job.state, job.worker, job.lease = "running", worker, secrets.token_hex(16)
        job.lease_until, job.started = now + LEASE, now
        job.attempts += 1
        return job


def extend(stores: Stores, job: Job) -> None:
    """Keep a job. Raises: LeaseLost."""
    with stores.database.write() as session:
        _hold(session, job, lease_until=stores.now() + LEASE)


def report_progress(stores: Stores, job: Job, done: int, total: int) -> None:
    """Tell how far a job is. Raises: LeaseLost."""
    with stores.database.write() as session:
        _hold(session, job, done=done, total=total, lease_until=stores.now() + LEASE)


def finish(
    stores: Stores,
    job: Job,
    *,
    error: str | None = None,
    result: dict[str, Any] | None = None,
    also: Callable[[Session], None] = lambda session: None,
) -> None:
    """End a job, and do what follows from it in the same transaction.

    Raises: LeaseLost; nothing has then been written.
    """
    with stores.database.write() as session:
        state = "failed" if error else "done"
        _hold(session, job, state=state, error=error, result=result, ended=stores.now(), lease=None)
        also(session)


def put_back(stores: Stores, job: Job, error: str) -> None:
    """Let a job be tried again in a while; after MAX_ATTEMPTS it waits for a person instead."""
    with stores.database.write() as session:
        now = stores.now()
        if job.attempts >= MAX_ATTEMPTS:
            values = {"state": "failed", "ended": now}
        else:
            values = {"state": "queued", "reserved_for": "nobody", "reserved_until": now + RESERVED}
        session.execute(
            update(Job)
            .where(Job.id == job.id, Job.lease == job.lease, Job.state == "running")
            .values(lease=None, error=error[:4000], **values)
        )


def again(session: Session, submission: Submission, by: str, now: datetime) -> Job:
    """Queue the grading of a submission that no worker could grade."""
    job = Job(
        kind="grade",
        assignment_id=submission.assignment_id,
        submission_id=submission.id,
        student=submission.student,
        requested_by=by,
        created=now,
    )
    session.add(job)
    return job


def positions(session: Session) -> dict[int, int]:
    """How many jobs workers would take before each one that waits, by its id."""
    waiting = select(Job.id).where(Job.state == "queued").order_by(Job.priority, Job.id)
    return {id: place for place, id in enumerate(session.scalars(waiting))}


def _give_up(session: Session, now: datetime) -> None:
    """Jobs whose workers died again and again wait for a person instead."""
    session.execute(
        update(Job)
        .where(Job.state == "running", Job.lease_until < now, Job.attempts >= MAX_ATTEMPTS)
        .values(
            state="failed",
            ended=now,
            lease=None,
            error=f"the worker ended without an answer, {MAX_ATTEMPTS} times",
        )
    )


def _open(now: datetime) -> Any:
    return or_(Job.state == "queued", and_(Job.state == "running", Job.lease_until < now))


def _free(now: datetime, worker: str) -> Any:
    other = aliased(Job)
    held = exists().where(
        other.exclusive == Job.exclusive,
        other.id != Job.id,
        other.state == "running",
        other.lease_until >= now,
    )
    reserved = and_(Job.reserved_for.is_not(None), Job.reserved_for != worker, Job.reserved_until > now)
    return and_(~held, or_(Job.reserved_for.is_(None), ~reserved))


def _hold(session: Session, job: Job, **values: Any) -> None:
    changed = session.execute(
        update(Job).where(Job.id == job.id, Job.lease == job.lease, Job.state == "running").values(**values)
    )
    if changed.rowcount != 1:  # pyright: ignore[reportAttributeAccessIssue]
        raise LeaseLost(f"job {job.id} ({job.kind}) has another worker now")


def _gradebook(assignment: Assignment) -> str:
    """Of jobs that write a course's gradebook one runs at a time."""
    return f"gradebook {assignment.course_id}"
