"""Pages for TAs and instructors: the queue, the class at a glance, and what they can set going."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from autograder.report.class_report import class_page
from autograder.report.histogram import histogram
from autograder.report.numbers import seconds
from autograder.report.summary import ClassSummary, summarize
from autograder.service import events, marks, queue
from autograder.service.access import desk_of
from autograder.service.api_staff import start_job
from autograder.service.disclosure import result_of
from autograder.service.login import Fields, FormToken, InstructorPage, Page, StaffPage
from autograder.service.marks import by_student, counted, counted_by_student, submissions_of
from autograder.service.models import AssignmentName, SubmissionId
from autograder.service.overview import Whereabouts, find_submission, jobs_of, whereabouts
from autograder.service.refusals import Invalid, NotFound
from autograder.service.releases import assignments_of, find_assignment
from autograder.service.schema import Assignment, Job, Submission
from autograder.service.templating import page

__all__ = ["assignment_for_staff", "course_for_staff", "router"]

SOON_S, LATER_S = 3, 20
SHOWN_JOBS, HARDEST = 15, 5
STALLED = timedelta(minutes=2)
STAFF_KINDS = ("regrade", "apply", "feedback", "due")
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class AssignmentRow:
    """An assignment in figures; counts are of the submissions that count."""

    assignment: Assignment
    students: int
    waiting: int
    graded: int
    failed: int
    feedback: int
    mean: float | None
    max_score: float


@dataclass(frozen=True)
class StudentRow:
    """The submission of a student that counts. `reason`: why it has no mark, where it needs a person."""

    submission: Submission
    count: int
    place: Whereabouts
    reason: str


async def course_for_staff(request: Request, visitor: Page) -> Response:
    return await run_in_threadpool(_course, request, visitor)


async def assignment_for_staff(request: Request, visitor: Page, name: str) -> Response:
    group = visitor.course.settings.students.format(course=visitor.course.id)
    members = await desk_of(request).hub.members(group)
    return await run_in_threadpool(_assignment, request, visitor, name, members)


@router.get("/courses/{course}/assignments/{assignment}/class")
def class_report(request: Request, visitor: StaffPage, assignment: AssignmentName) -> Response:
    """The class report of `autograder report`, of the marks that count."""
    base = f"{request.app.state.base}/courses/{visitor.course.id}/submissions"
    with desk_of(request).stores.database.read() as session:
        rows = _rows(session, visitor, find_assignment(session, visitor.course.id, assignment))
        summary = _summary(assignment, rows)
    ids = {row.submission.student: row.submission.id for row in rows}
    html = class_page(
        summary,
        feedback_link=lambda student: f"{base}/{ids[student]}",
        receipt_link=lambda student: f"{base}/{ids[student]}",
    )
    # It brings its own policy, which allows its one script by hash.
    return Response(html.encode("utf-8", "replace"), media_type="text/html; charset=utf-8")


@router.get("/courses/{course}/jobs/{job}")
def job_page(request: Request, visitor: StaffPage, job: SubmissionId) -> Response:
    with desk_of(request).stores.database.read() as session:
        found = session.get(Job, job)
        if found is None or found.assignment.course_id != visitor.course.id:
            raise NotFound(f"the course {visitor.course.id} has no job {job}")
        return page(
            request,
            "job.html",
            every=SOON_S if found.state in ("queued", "running") else 0,
            job=found,
            assignment=found.assignment,
            there=_assignment_url(request, visitor, found.assignment.name),
            **visitor.shown(),
        )


@router.post("/courses/{course}/assignments/{assignment}/regrade", dependencies=[FormToken])
def preview_regrade(request: Request, visitor: InstructorPage, assignment: AssignmentName) -> Response:
    return _started(request, visitor, assignment, "regrade")


@router.post("/courses/{course}/assignments/{assignment}/apply", dependencies=[FormToken])
def apply_regrade(request: Request, visitor: InstructorPage, assignment: AssignmentName) -> Response:
    return _started(request, visitor, assignment, "apply")


@router.post("/courses/{course}/assignments/{assignment}/feedback", dependencies=[FormToken])
def release_feedback(request: Request, visitor: InstructorPage, assignment: AssignmentName) -> Response:
    return _started(request, visitor, assignment, "feedback")


@router.post("/courses/{course}/assignments/{assignment}/due", dependencies=[FormToken])
def set_due(
    request: Request, visitor: InstructorPage, assignment: AssignmentName, fields: Fields
) -> Response:
    """`due` is as a browser's field has it, in its zone; `offset` the minutes from there to UTC."""
    due, offset = fields.get("due", ""), fields.get("offset", "0")
    try:
        minutes = timedelta(minutes=int(offset))
        at = datetime.fromisoformat(due).replace(tzinfo=UTC) + minutes if due else None
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{due!r} is not a date and a time") from error
    marks.move_due(desk_of(request).stores, visitor.course, assignment, visitor.person.name, at)
    return RedirectResponse(_assignment_url(request, visitor, assignment), status_code=303)


@router.post("/courses/{course}/submissions/{submission}/again", dependencies=[FormToken])
def grade_again(request: Request, visitor: StaffPage, submission: SubmissionId) -> Response:
    """Queue a submission that no grader could grade, or whose mark somebody doubts."""
    stores = desk_of(request).stores
    with stores.database.write() as session:
        found = find_submission(session, visitor.course.id, submission)
        queue.again(session, found, visitor.person.name, stores.now())
        what = f"asked to grade submission {found.number} of {found.student}, {found.assignment.name}, again"
        events.note(session, stores, visitor.course.id, visitor.person.name, what)
    url = f"{request.app.state.base}/courses/{visitor.course.id}/submissions/{submission}"
    return RedirectResponse(url, status_code=303)


def _started(request: Request, visitor: Page, assignment: str, kind: str) -> Response:
    job = start_job(request, visitor, assignment, kind)
    url = f"{request.app.state.base}/courses/{visitor.course.id}/jobs/{job.id}"
    return RedirectResponse(url, status_code=303)


def _course(request: Request, visitor: Page) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        rows = [
            _in_figures(session, visitor, assignment)
            for assignment in assignments_of(session, visitor.course.id)
        ]
        jobs = jobs_of(session, visitor.course.id, open_only=True, limit=SHOWN_JOBS)
        count = session.scalar(
            select(func.count(Job.id))
            .join(Assignment)
            .where(Assignment.course_id == visitor.course.id, Job.state.in_(("queued", "running")))
        )
        return page(
            request,
            "staff_course.html",
            every=SOON_S if jobs else LATER_S,
            rows=rows,
            jobs=jobs,
            more=(count or 0) - len(jobs),
            stalled=_stalled(session, stores.now()),
            events=events.latest(session, visitor.course.id),
            now=stores.now(),
            **visitor.shown(),
        )


def _assignment(request: Request, visitor: Page, name: str, members: list[str] | None) -> Response:
    stores = desk_of(request).stores
    with stores.database.read() as session:
        assignment = find_assignment(session, visitor.course.id, name)
        rows = _rows(session, visitor, assignment)
        summary = _summary(name, rows)
        median = summary.quantile(0.5)
        drawn = None if median is None else histogram(summary.scores, summary.max_score, median)
        handed = {row.submission.student for row in rows}
        waiting = sum(row.place.state in ("queued", "grading") for row in rows)
        recent = select(Job).where(Job.assignment_id == assignment.id, Job.kind.in_(STAFF_KINDS))
        jobs = list(session.scalars(recent.order_by(Job.id.desc()).limit(5)))
        busy = waiting or any(job.state in ("queued", "running") for job in jobs)
        return page(
            request,
            "staff_assignment.html",
            every=SOON_S if busy else LATER_S,
            assignment=assignment,
            rows=rows,
            members=members,
            absent=sorted(set(members or ()) - handed),
            waiting=waiting,
            failed=[row for row in rows if row.place.state == "failed"],
            c=summary,
            h=drawn,
            hardest=[check for check in summary.checks if check.failed + check.unsure][:HARDEST],
            jobs=jobs,
            rule=visitor.course.settings.policy_of(name).rule,
            here=_assignment_url(request, visitor, name),
            now=stores.now(),
            **visitor.shown(),
        )


def _rows(session: Session, visitor: Page, assignment: Assignment) -> list[StudentRow]:
    policy = visitor.course.settings.policy_of(assignment.name)
    found = by_student(submissions_of(session, assignment))
    standing = {student: counted(own, policy) or own[-1] for student, own in sorted(found.items())}
    places = whereabouts(session, list(standing.values()))
    return [
        StudentRow(submission, len(found[student]), places[submission.id], _reason(submission, places))
        for student, submission in standing.items()
    ]


def _reason(submission: Submission, places: dict[int, Whereabouts]) -> str:
    if submission.mark and submission.mark.status == "failed":
        return result_of(submission.mark).reason or ""
    return places[submission.id].error or ""


def _summary(assignment: str, rows: Sequence[StudentRow]) -> ClassSummary:
    return summarize(
        assignment,
        [result_of(row.submission.mark) for row in rows if row.submission.mark is not None],
    )


def _in_figures(session: Session, visitor: Page, assignment: Assignment) -> AssignmentRow:
    policy = visitor.course.settings.policy_of(assignment.name)
    standing = list(counted_by_student(session, assignment, policy).values())
    places = whereabouts(session, standing)
    states = [places[one.id].state for one in standing]
    graded = [one.mark for one in standing if one.mark and one.mark.score is not None]
    return AssignmentRow(
        assignment=assignment,
        students=len(standing),
        waiting=sum(state in ("queued", "grading") for state in states),
        graded=states.count("graded"),
        failed=states.count("failed"),
        feedback=sum(one.feedback is not None for one in standing),
        mean=sum(mark.score or 0.0 for mark in graded) / len(graded) if graded else None,
        max_score=max((mark.max_score for mark in graded), default=0.0),
    )


def _stalled(session: Session, now: datetime) -> str | None:
    """How long nobody has taken anything although something waits; None if all is well."""
    oldest = session.scalar(select(func.min(Job.created)).where(Job.state == "queued"))
    running = session.scalar(select(func.count(Job.id)).where(Job.state == "running", Job.lease_until > now))
    if oldest is None or running or now - oldest < STALLED:
        return None
    ended = session.scalar(select(func.max(Job.ended)))
    since = max(oldest, ended) if ended else oldest
    return seconds((now - since).total_seconds()) if now - since > STALLED else None


def _assignment_url(request: Request, visitor: Page, name: str) -> str:
    return f"{request.app.state.base}/courses/{visitor.course.id}/assignments/{name}"
