"""Where submissions are: waiting, being graded, graded, or in need of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from autograder.service import queue
from autograder.service.refusals import NotFound
from autograder.service.schema import Assignment, Job, Submission

__all__ = ["State", "Whereabouts", "find_submission", "jobs_of", "queue_counts", "whereabouts"]

State = Literal["queued", "grading", "graded", "failed"]


@dataclass(frozen=True)
class Whereabouts:
    """Args: position: jobs that come before it; None if it does not wait. error: why no worker could."""

    state: State
    position: int | None = None
    error: str | None = None


def find_submission(session: Session, course: str, id: int) -> Submission:
    """Raises: NotFound."""
    found = session.get(Submission, id)
    if found is None or found.assignment.course_id != course:
        raise NotFound(f"the course {course} has no submission {id}")
    return found


def whereabouts(session: Session, submissions: Sequence[Submission]) -> dict[int, Whereabouts]:
    """Of each submission, by its id."""
    ids = [submission.id for submission in submissions]
    rows = session.scalars(
        select(Job).where(Job.kind == "grade", Job.submission_id.in_(ids)).order_by(Job.id)
    )
    jobs = {job.submission_id: job for job in rows}
    waits = any(job.state == "queued" for job in jobs.values())
    places = queue.positions(session) if waits else {}
    return {submission.id: _one(submission, jobs.get(submission.id), places) for submission in submissions}


def jobs_of(session: Session, course: str, *, open_only: bool = False, limit: int = 50) -> list[Job]:
    """A course's jobs, the next first among those to do, else the newest first."""
    found = select(Job).join(Assignment).where(Assignment.course_id == course)
    if open_only:
        found = found.where(Job.state.in_(("queued", "running"))).order_by(
            Job.state.desc(), Job.priority, Job.id
        )
    else:
        found = found.order_by(Job.id.desc())
    return list(session.scalars(found.limit(limit)))


def queue_counts(session: Session) -> dict[tuple[str, str], int]:
    """Of all courses, by kind and state."""
    rows = session.execute(select(Job.kind, Job.state, func.count(Job.id)).group_by(Job.kind, Job.state))
    return {(kind, state): count for kind, state, count in rows}


def _one(submission: Submission, job: Job | None, places: Mapping[int, int]) -> Whereabouts:
    if submission.mark:
        return Whereabouts("graded" if submission.mark.status == "graded" else "failed")
    if job is None or job.state in ("failed", "done"):
        return Whereabouts("failed", error=job.error if job else "it was never queued")
    if job.state == "running":
        return Whereabouts("grading")
    return Whereabouts("queued", position=places.get(job.id, 0))
